package sfu

import (
	"math/rand/v2"
	"sync"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/forward"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

const (
	// videoMemory and audioMemory are how many sent packets a subscription
	// remembers to answer NACKs: as many as the histories hold.
	videoMemory, audioMemory = videoHistoryLimit, audioHistoryLimit
	// maxResend bounds the answers to one NACK message.
	maxResend = 256
)

// Subscription is one participant's view of one track. The publisher's read
// goroutine pushes packets through it, the viewer's answers feedback, the
// viewer's loop starts it; its mutex is a leaf around numbers.
type Subscription struct {
	track  *Track
	viewer *Participant
	slot   *jsep.Slot
	cname  string

	// Owned by the viewer's loop until started, constant from then on.
	format   wire.Format
	nack     bool
	plain    bool // the viewer knows Opus but not the RED around it
	accepted bool
	started  bool

	mu          sync.Mutex
	stream      *forward.Stream
	rtxSequence uint16
	reported    bool          // a sender report was sent
	sentReports [4]sentReport // the last ones, to compute the round-trip time
	nextReport  int
	rtt         time.Duration
	lost        uint32
}

type sentReport struct {
	middle uint32
	at     time.Duration
}

func newSubscription(t *Track, viewer *Participant) *Subscription {
	sub := &Subscription{track: t, viewer: viewer, cname: t.stream(), rtxSequence: uint16(rand.Uint32())} //nolint:gosec // any
	memory := audioMemory
	if t.kind == Video {
		memory = videoMemory
		sub.format.RTXSSRC = newSSRC()
	}
	sub.format.SSRC = newSSRC()
	sub.stream = forward.NewStream(forward.Config{
		Codec: t.codec, ClockRate: t.codec.ClockRate(),
		// RFC 3550 §5.1: random; the half below the wrap gives SRTP's
		// rollover counter an unambiguous start.
		FirstSequence: uint16(rand.Uint32() & 0x7fff), FirstTimestamp: rand.Uint32(), //nolint:gosec // masked
		Memory: memory,
	})
	return sub
}

func newSSRC() uint32 {
	for {
		if s := rand.Uint32(); s != 0 {
			return s
		}
	}
}

// accept takes over what the viewer's answer settled.
func (s *Subscription) accept(r jsep.Result) {
	if s.started {
		return // a renegotiation that changes nothing for this m-line
	}
	s.format, s.nack, s.accepted = r.Format, r.NACK, true
	s.plain = s.track.codec == codec.RED && r.Codec == codec.Opus
}

// start lets packets flow: the answer is in and the viewer is connected.
func (s *Subscription) start(now time.Duration) {
	if s.started || !s.accepted {
		return
	}
	s.started = true
	s.viewer.media.remember(s)
	best := int8(s.track.best.Load()) //nolint:gosec // below maxLayers
	s.mu.Lock()
	s.stream.SetTarget(best)
	s.mu.Unlock()
	for i := range s.track.layers {
		if l := s.track.layers[i].Load(); l != nil {
			if r, arrived, ok := l.lastReport(); ok {
				s.senderReport(now, int8(i), r, arrived) //nolint:gosec // below maxLayers
			}
		}
	}
	s.track.subscribe(s)
	if current := int8(s.track.best.Load()); current != best { //nolint:gosec // below maxLayers
		s.target(current) // chosen while we were not in the list yet
	}
	s.track.wish(now, best)
}

func (s *Subscription) target(layer int8) {
	s.mu.Lock()
	s.stream.SetTarget(layer)
	s.mu.Unlock()
}

func (s *Subscription) restart(layer int8) {
	s.mu.Lock()
	s.stream.Restart(layer)
	s.mu.Unlock()
}

func (s *Subscription) wantsKeyframe() (int8, bool) {
	if s.track.kind != Video {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream.WantsKeyframe()
}

// push sends one packet to the viewer, or drops it; it returns the bytes sent.
// It runs on the publisher's read goroutine; buffer is that goroutine's.
func (s *Subscription) push(now time.Duration, in *forward.Input, p *wire.Packet, buffer []byte) int {
	s.mu.Lock()
	edit, verdict := s.stream.Push(now, in)
	report := verdict == forward.Forward && !s.reported
	s.mu.Unlock()
	if verdict != forward.Forward {
		s.viewer.server.counter.dropped[verdict].Inc()
		return 0
	}
	var b []byte
	if s.plain {
		b = s.appendPlain(buffer, p, &edit)
	} else {
		b = s.format.Append(buffer, p, &edit)
	}
	s.viewer.media.peer.WriteRTP(b)
	if report {
		s.viewer.media.first()
		s.report(now)
	}
	return len(b)
}

// appendPlain unwraps the primary block of a RED packet (RFC 2198).
func (s *Subscription) appendPlain(buffer []byte, p *wire.Packet, edit *wire.Edit) []byte {
	plain := *p
	plain.Payload = codec.REDPrimary(p.Payload)
	return s.format.Append(buffer, &plain, edit)
}

// resend answers a NACK. It runs on the viewer's read goroutine, to which both
// buffers belong.
func (s *Subscription) resend(now time.Duration, sequences []uint16, buffer, packet []byte) ([]byte, []byte) {
	counter := &s.viewer.server.counter
	if len(sequences) > maxResend {
		counter.nackIn[nackTooMany].Add(uint64(len(sequences) - maxResend))
		sequences = sequences[:maxResend]
	}
	kinds := s.track.publisher.media.table.Load().kinds
	for _, sequence := range sequences {
		s.mu.Lock()
		found, result := s.stream.Lookup(now, s.rtt, sequence)
		s.mu.Unlock()
		if result != forward.Hit {
			counter.nackIn[nackResult(result)].Inc()
			continue
		}
		layer := s.track.layers[found.Layer].Load()
		var held bool
		packet, held = layer.history.Get(found.Ext, packet[:0])
		var p wire.Packet
		if !held || p.Parse(packet, &kinds) != nil {
			counter.nackIn[nackGone].Inc()
			continue
		}
		counter.nackIn[nackAnswered].Inc()
		counter.repairedOut.Inc()
		buffer = s.appendRepair(buffer[:0], &p, &found.Edit)
		s.viewer.media.peer.WriteRTP(buffer)
	}
	return buffer, packet
}

// appendRepair writes a retransmission: over RTX, or where the viewer has none
// as the very bytes that were sent before (SRTP must not see one packet index
// with two contents).
func (s *Subscription) appendRepair(buffer []byte, p *wire.Packet, edit *wire.Edit) []byte {
	if s.plain {
		p.Payload = codec.REDPrimary(p.Payload)
	}
	if s.format.RTXSSRC == 0 || s.format.RTXPayloadType == 0 {
		return s.format.Append(buffer, p, edit)
	}
	s.mu.Lock()
	s.rtxSequence++
	n := s.rtxSequence
	s.mu.Unlock()
	return s.format.AppendRTX(buffer, p, edit, n)
}

// requestKeyframe passes a viewer's PLI on to the layer that it gets.
func (s *Subscription) requestKeyframe(now time.Duration) {
	s.mu.Lock()
	layer := s.stream.Target()
	s.mu.Unlock()
	s.track.wish(now, layer)
}

// senderReport takes over the publisher's clock and passes it on.
func (s *Subscription) senderReport(now time.Duration, layer int8, r transport.SenderReport, arrived time.Duration) {
	s.mu.Lock()
	s.stream.SenderReport(layer, wire.NTP(r.NTP), r.RTP, arrived)
	s.mu.Unlock()
	s.report(now)
}

// report sends the viewer a sender report on the publisher's clock, so that the
// viewer plays the publisher's streams in step.
func (s *Subscription) report(now time.Duration) {
	s.mu.Lock()
	r, ok := s.stream.Report(now)
	if ok {
		s.reported = true
		s.sentReports[s.nextReport%len(s.sentReports)] = sentReport{r.NTP.Middle(), now}
		s.nextReport++
	}
	s.mu.Unlock()
	if ok {
		s.viewer.media.peer.SendSenderReports([]transport.SenderReportOut{{
			SSRC: s.format.SSRC, NTP: uint64(r.NTP), RTP: r.RTP, Packets: r.Packets, Octets: r.Octets, CNAME: s.cname,
		}})
	}
}

// reception is the viewer's report. Our sender reports carry the publisher's
// clock, so the round-trip time comes from when each was sent (RFC 3550 §6.4.1).
func (s *Subscription) reception(now time.Duration, r transport.Reception) {
	var rtt time.Duration
	s.mu.Lock()
	for _, sent := range s.sentReports {
		if r.LastReport != 0 && sent.middle == r.LastReport {
			rtt = now - sent.at - time.Duration(r.Delay)*time.Second/65536
		}
	}
	if rtt > 0 {
		s.rtt = rtt
	}
	lost := r.TotalLost - min(s.lost, r.TotalLost)
	s.lost = max(s.lost, r.TotalLost)
	s.mu.Unlock()
	counter := &s.viewer.server.counter
	if rtt > 0 {
		counter.rtt.Observe(rtt.Seconds())
	}
	counter.lostOut[kindIndex(s.track.kind)].Add(uint64(lost))
}
