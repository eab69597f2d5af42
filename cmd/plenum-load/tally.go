package main

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
)

// tally is what one participant has received.
type tally struct {
	window *window

	mu        sync.Mutex // a leaf: guards the fields below
	streams   map[uint32]*reception
	flows     map[uint32]*arrivals
	latency   histogram
	first     time.Duration // of the first packet; 0 before
	packets   uint64        // within the window, without duplicates
	octets    uint64        // of RTP, header and payload, of all that packets and duplicates count
	repeats   uint64        // within the window, duplicates
	malformed uint64        // no stamp, or undecryptable
	padding   uint64        // packets with nothing but padding, by which a server probes the path
	feedbacks uint64        // sent
	recorder  *twcc.Recorder

	numbering atomic.Uint32 // id of the extension with transport-wide numbers, 0 before it is known
}

// reception is one SSRC, for receiver reports (RFC 3550 appendix A).
type reception struct {
	ssrc     uint32
	flow     uint32
	started  bool
	first    int64
	highest  int64 // sequence number with its cycles
	received int64
	jitter   float64 // nanoseconds

	transit                        time.Duration
	expectedBefore, receivedBefore int64
	reportMiddle                   uint32 // of the last sender report
	reportAt                       time.Duration
}

// arrivals is one flow within the window.
type arrivals struct {
	low, high uint64 // counters of the run since the layer was switched to
	run       uint64 // packets of that run
	lost      uint64 // in runs before
	unique    uint64
	seen      [seenPackets / 64]uint64
	began     bool
}

// seenPackets is how far back duplicates are recognised.
const seenPackets = 1024

func newTally(w *window) *tally {
	return &tally{window: w, streams: make(map[uint32]*reception), flows: make(map[uint32]*arrivals)}
}

// take books one decrypted RTP packet; t.mu is held.
func (t *tally) take(b []byte, at time.Duration) {
	t.record(b, at)
	payload, ok := rtpPayload(b)
	if !ok {
		t.malformed++
		return
	}
	if len(payload) == 0 {
		t.padding++
		return
	}
	s, ok := readStamp(payload)
	if !ok {
		t.malformed++
		return
	}
	if t.first == 0 {
		t.first = at
	}
	ssrc := binary.BigEndian.Uint32(b[8:])
	r := t.streams[ssrc]
	if r == nil {
		r = &reception{ssrc: ssrc, flow: s.flow}
		t.streams[ssrc] = r
	}
	r.take(binary.BigEndian.Uint16(b[2:]), at-s.sent)

	f := t.flows[s.flow]
	if f == nil {
		f = &arrivals{}
		t.flows[s.flow] = f
	}
	if r.flow != s.flow { // another layer of the same track
		r.flow = s.flow
		f.end()
	}
	if !t.window.contains(s.sent) {
		return
	}
	t.octets += uint64(len(b))
	if !f.take(s.counter) {
		t.repeats++
		return
	}
	t.packets++
	t.latency.observe(at - s.sent)
}

// rtpPayload is the payload of an RTP packet without padding (RFC 3550 section 5.1).
func rtpPayload(b []byte) ([]byte, bool) {
	if len(b) < 12 {
		return nil, false
	}
	begin := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < begin+4 {
			return nil, false
		}
		begin += 4 + 4*int(binary.BigEndian.Uint16(b[begin+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		padding := int(b[end-1])
		if padding == 0 {
			return nil, false
		}
		end -= padding
	}
	if begin > end {
		return nil, false
	}
	return b[begin:end], true
}

// take books a counter; false for one that came before.
func (f *arrivals) take(counter uint64) (fresh bool) {
	bit := uint64(1) << (counter % 64)
	word := &f.seen[counter%seenPackets/64]
	switch {
	case !f.began:
		f.began = true
		f.low, f.high = counter, counter
		clear(f.seen[:])
	case counter > f.high:
		for i := max(f.high+1, counter-min(counter, seenPackets-1)); i <= counter; i++ {
			f.seen[i%seenPackets/64] &^= 1 << (i % 64)
		}
		f.high = counter
	case counter+seenPackets <= f.high || *word&bit != 0:
		return false
	}
	f.low = min(f.low, counter)
	*word |= bit
	f.run++
	f.unique++
	return true
}

// end closes a run of numbers without holes but for losses.
func (f *arrivals) end() {
	f.lost += f.holes()
	f.began, f.run = false, 0
}

func (f *arrivals) holes() uint64 {
	if !f.began {
		return 0
	}
	return f.high - f.low + 1 - f.run
}

// totals are a participant's counts of the window.
type totals struct {
	packets, octets, duplicates, lost, malformed uint64
	padding, feedbacks                           uint64
	silent                                       int // flows of which nothing came
	latency                                      histogram
}

// totals compares what came with what the flows sent that the participant should
// have got. Of a simulcast track only one layer comes at a time: there only holes
// in what came count as lost.
func (t *tally) totals(expected []*flow) *totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	sum := &totals{packets: t.packets, octets: t.octets, duplicates: t.repeats, malformed: t.malformed, padding: t.padding, feedbacks: t.feedbacks, latency: t.latency}
	for _, f := range expected {
		a := t.flows[f.id]
		switch {
		case f.simulcast && a != nil:
			sum.lost += a.lost + a.holes()
		case f.simulcast:
		case a == nil || a.unique == 0:
			sum.silent++
			sum.lost += f.sent.Load()
		default:
			sum.lost += f.sent.Load() - min(a.unique, f.sent.Load())
		}
	}
	return sum
}

// heard is how many of the flows have come so far.
func (t *tally) heard() (flows int, first time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.flows), t.first
}

// take books a packet of the SSRC.
func (r *reception) take(number uint16, transit time.Duration) {
	if !r.started {
		r.started = true
		r.first = int64(number)
		r.highest = r.first - 1
		r.transit = transit
	}
	//nolint:gosec // serial number arithmetic
	r.highest = max(r.highest, r.highest+int64(int16(number-uint16(r.highest))))
	r.received++
	r.jitter += (float64((transit - r.transit).Abs()) - r.jitter) / 16
	r.transit = transit
}

// reported books a sender report of the SSRC.
func (t *tally) reported(ssrc, middle uint32, at time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.streams[ssrc]; r != nil {
		r.reportMiddle, r.reportAt = middle, at
	}
}

// maxReports is how many reports one RTCP packet holds.
const maxReports = 31

// receiverReport makes the reports that a browser sends every second; nil if
// there is nothing to report.
func (t *tally) receiverReport(now time.Duration) []rtcp.Packet {
	t.mu.Lock()
	defer t.mu.Unlock()
	var packets []rtcp.Packet
	var last *rtcp.ReceiverReport
	for _, r := range t.streams {
		if last == nil || len(last.Reports) == maxReports {
			last = &rtcp.ReceiverReport{SSRC: 1}
			packets = append(packets, last)
		}
		last.Reports = append(last.Reports, r.report(now))
	}
	return packets
}

//nolint:gosec // the fields of RFC 3550 section 6.4.1 are cut to their widths
func (r *reception) report(now time.Duration) rtcp.ReceptionReport {
	const clockRate = 90 // per millisecond; the server needs none of it exact
	expected := r.highest - r.first + 1
	lost := expected - r.received
	report := rtcp.ReceptionReport{
		SSRC: r.ssrc, LastSequenceNumber: uint32(r.highest),
		TotalLost: uint32(min(max(lost, 0), 1<<23-1)),
		Jitter:    uint32(r.jitter * clockRate / 1e6),
	}
	interval := expected - r.expectedBefore
	if missed := interval - (r.received - r.receivedBefore); interval > 0 && missed > 0 {
		report.FractionLost = uint8(min(missed*256/interval, 255))
	}
	r.expectedBefore, r.receivedBefore = expected, r.received
	if r.reportAt != 0 {
		report.LastSenderReport = r.reportMiddle
		report.Delay = uint32((now - r.reportAt) * 65536 / time.Second)
	}
	return report
}
