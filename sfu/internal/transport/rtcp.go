package transport

import (
	"math/bits"
	"sync"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"

	"plenum/sfu/internal/bwe"
)

// SenderReport is a publisher's clock: NTP (32.32 fixed point seconds) and RTP
// time of one instant, for its stream SSRC.
type SenderReport struct {
	SSRC uint32
	NTP  uint64
	RTP  uint32
}

// Reception is what a viewer reports on our stream SSRC.
type Reception struct {
	SSRC         uint32
	FractionLost uint8 // of 256, since the last report
	TotalLost    int32 // since the beginning; duplicates may make it negative
	// LastReport and Delay are LSR and DLSR of RFC 3550 §6.4.1, from which the
	// sender of the report LastReport computes the round-trip time.
	LastReport, Delay uint32
}

// ReceptionOut is what we report on a publisher's stream SSRC.
type ReceptionOut struct {
	SSRC         uint32
	FractionLost uint8
	TotalLost    uint32
	HighestSeq   uint32 // extended with the number of wraps
	Jitter       uint32 // RTP ticks
	LastReport   uint32
	Delay        uint32 // 1/65536 s
}

// SenderReportOut is what we tell a viewer of our stream SSRC.
type SenderReportOut struct {
	SSRC            uint32
	NTP             uint64
	RTP             uint32
	Packets, Octets uint32
	CNAME           string
}

// maxFeedbacks bounds the transport-wide feedback in one compound packet, for
// few bytes of it can tell of thousands of packets. Browsers send one.
const maxFeedbacks = 8

// receiveRTCP takes a compound packet apart. Transport-wide feedback, the most
// frequent by far, is read without pion, which would allocate for each packet
// that it tells of.
func (p *Peer) receiveRTCP(now time.Duration, b []byte, out *Batch) {
	const headerSize, feedbackType, transportCC = 4, 205, 15
	feedbacks := 0
	for len(b) >= headerSize {
		size := headerSize * (1 + int(b[2])<<8 + int(b[3]))
		if size > len(b) {
			return
		}
		if b[1] == feedbackType && b[0]&31 == transportCC {
			if feedbacks++; feedbacks <= maxFeedbacks {
				p.receiveFeedback(now, b[:size], out)
			}
		} else if !p.bears(now, costPacket+size/costBytes) {
			return
		} else if packets, err := rtcp.Unmarshal(b[:size]); err == nil {
			p.receiveReports(now, packets, out)
		}
		b = b[size:]
	}
}

// bears spends some of the patience that there is with the client's RTCP, and counts what
// there is none for.
func (p *Peer) bears(now time.Duration, units int) bool {
	if p.patience.take(now, units) {
		return true
	}
	p.engine.counters.RTCPExcess.Inc()
	return false
}

func (p *Peer) receiveFeedback(now time.Duration, b []byte, out *Batch) {
	if !p.bears(now, costPacket+costArrival*bwe.FeedbackCount(b)) {
		return
	}
	var err error
	if p.arrivals, err = bwe.ParseFeedback(b, p.arrivals[:0]); err == nil {
		p.receiver.ReceiveFeedback(now, p.arrivals, out)
	}
}

func (p *Peer) receiveReports(now time.Duration, packets []rtcp.Packet, out *Batch) {
	for _, packet := range packets {
		switch r := packet.(type) {
		case *rtcp.SenderReport:
			p.receiver.ReceiveSenderReport(now, SenderReport{SSRC: r.SSRC, NTP: r.NTPTime, RTP: r.RTPTime}, out)
			p.receiveReceptions(now, r.Reports)
		case *rtcp.ReceiverReport:
			p.receiveReceptions(now, r.Reports)
		case *rtcp.TransportLayerNack:
			p.receiveNACK(now, r, out)
		case *rtcp.PictureLossIndication:
			p.receiver.ReceiveKeyframeRequest(now, r.MediaSSRC)
		case *rtcp.FullIntraRequest:
			for _, f := range r.FIR {
				p.receiver.ReceiveKeyframeRequest(now, f.SSRC)
			}
		}
	}
}

func (p *Peer) receiveReceptions(now time.Duration, reports []rtcp.ReceptionReport) {
	if !p.bears(now, costReport*len(reports)) {
		return
	}
	for _, r := range reports {
		p.receiver.ReceiveReception(now, Reception{
			SSRC: r.SSRC, FractionLost: r.FractionLost, TotalLost: int32(r.TotalLost<<8) >> 8, //nolint:gosec // 24 bits with a sign
			LastReport: r.LastSenderReport, Delay: r.Delay,
		})
	}
}

func (p *Peer) receiveNACK(now time.Duration, r *rtcp.TransportLayerNack, out *Batch) {
	count := len(r.Nacks)
	for _, pair := range r.Nacks {
		count += bits.OnesCount16(uint16(pair.LostPackets))
	}
	if !p.bears(now, costNACK*count) {
		return
	}
	sequences := make([]uint16, 0, count)
	for _, pair := range r.Nacks {
		sequences = append(sequences, pair.PacketList()...)
	}
	p.receiver.ReceiveNACK(now, r.MediaSSRC, sequences, out)
}

// rtcpWriter makes the RTCP that we send. Its methods may be called from any
// goroutine.
type rtcpWriter struct {
	peer *Peer
	ssrc uint32 // ours, as sender of feedback: never a media SSRC

	mu  sync.Mutex
	fir uint8 // sequence number of FIR commands, RFC 5104 §4.3.1.2
}

func (w *rtcpWriter) send(packets []rtcp.Packet) {
	if b, err := rtcp.Marshal(packets); err == nil {
		w.peer.writeRTCP(b)
	}
}

// SendNACK asks the publisher for packets of its stream ssrc again (RFC 4585 §6.2.1).
func (p *Peer) SendNACK(ssrc uint32, sequences []uint16) {
	p.rtcp.send([]rtcp.Packet{&rtcp.TransportLayerNack{
		SenderSSRC: p.rtcp.ssrc, MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(sequences),
	}})
}

// SendKeyframeRequest asks the publisher for a keyframe of its stream ssrc:
// by PLI (RFC 4585 §6.3.1), or FIR (RFC 5104 §4.3.1) where that is all it knows.
func (p *Peer) SendKeyframeRequest(ssrc uint32, fir bool) {
	if !fir {
		p.rtcp.send([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: p.rtcp.ssrc, MediaSSRC: ssrc}})
		return
	}
	p.rtcp.mu.Lock()
	p.rtcp.fir++
	n := p.rtcp.fir
	p.rtcp.mu.Unlock()
	p.rtcp.send([]rtcp.Packet{&rtcp.FullIntraRequest{
		SenderSSRC: p.rtcp.ssrc, MediaSSRC: ssrc, FIR: []rtcp.FIREntry{{SSRC: ssrc, SequenceNumber: n}},
	}})
}

// SendReceptions reports on the publisher's streams (RFC 3550 §6.4.2).
func (p *Peer) SendReceptions(reports []ReceptionOut) {
	for len(reports) > 0 {
		n := min(len(reports), 31)
		rr := &rtcp.ReceiverReport{SSRC: p.rtcp.ssrc}
		for _, r := range reports[:n] {
			rr.Reports = append(rr.Reports, rtcp.ReceptionReport{
				SSRC: r.SSRC, FractionLost: r.FractionLost, TotalLost: r.TotalLost,
				LastSequenceNumber: r.HighestSeq, Jitter: r.Jitter,
				LastSenderReport: r.LastReport, Delay: r.Delay,
			})
		}
		p.rtcp.send([]rtcp.Packet{rr})
		reports = reports[n:]
	}
}

// SendSenderReport tells a viewer the publisher's clock of our stream.
func (p *Peer) SendSenderReport(r SenderReportOut, out *Batch) {
	b, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{
		SSRC: r.SSRC, NTPTime: r.NTP, RTPTime: r.RTP, PacketCount: r.Packets, OctetCount: r.Octets,
	}, rtcp.NewCNAMESourceDescription(r.SSRC, r.CNAME)})
	if err == nil {
		p.queueRTCP(b, out)
	}
}

// transportCC collects arrival times for transport-wide feedback
// (draft-holmer-rmcat-transport-wide-cc-extensions-01).
type transportCC struct {
	mu       sync.Mutex
	recorder *twcc.Recorder
}

// RecordTransportCC notes the arrival of a packet with that transport-wide number.
func (p *Peer) RecordTransportCC(now time.Duration, ssrc uint32, sequence uint16) {
	p.tcc.mu.Lock()
	p.tcc.recorder.Record(ssrc, sequence, now.Microseconds())
	p.tcc.mu.Unlock()
}

// SendTransportCC sends the feedback collected since the last time.
func (p *Peer) SendTransportCC() {
	p.tcc.mu.Lock()
	packets := p.tcc.recorder.BuildFeedbackPacket()
	p.tcc.mu.Unlock()
	for _, packet := range packets {
		p.rtcp.send([]rtcp.Packet{packet})
	}
}
