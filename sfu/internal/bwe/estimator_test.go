package bwe

import (
	"encoding/binary"
	"math"
	"testing"
	"time"
)

const ms = time.Millisecond

// wire sends packets through an ideal path and reports them.
type wire struct {
	e        *Estimator
	now      time.Duration
	sequence uint16
	clock    time.Duration // receiver's minus own
	delay    time.Duration
	lose     func(n int) bool
	n        int
	mute     bool
}

func newWire(c Config, first uint16) *wire {
	return &wire{e: New(c), sequence: first, delay: 20 * ms, now: time.Second, clock: 90 * time.Second}
}

// run sends packets of size bytes at rate, and feedback each 100 ms; probes are
// sent too.
func (w *wire) run(length time.Duration, rate float64, size int) {
	var f []Arrival
	gap := time.Duration(float64(size*8) / rate * float64(time.Second))
	next := w.now + 100*ms
	pending := 0
	var id uint8
	for end := w.now + length; w.now < end; w.now += gap {
		probe := uint8(0)
		if p, ok := w.e.Probe(w.now); ok {
			pending, id = p.Bytes, p.ID
		}
		size := size
		if pending > 0 {
			probe = id
			size = min(size, 400)
			pending -= size
		}
		w.e.Sent(w.now, w.sequence, size, probe)
		w.n++
		lost := w.lose != nil && w.lose(w.n)
		f = append(f, Arrival{w.sequence, !lost, w.now + w.delay + w.clock})
		w.sequence++
		if w.now >= next {
			next += 100 * ms
			if !w.mute {
				w.e.RTT(w.now, 2*w.delay)
				w.e.Feedback(w.now, f)
			}
			f = f[:0]
		}
	}
}

func TestGrowsWhenAllIsUsed(t *testing.T) {
	for _, first := range []uint16{0, 65000, 32700} { // sequence numbers wrap on the way
		w := newWire(Config{Start: 1e6}, first)
		w.e.Demand(w.now, 0, 0)
		w.run(5*time.Second, 1e6, 1200)
		if got := w.e.Target(w.now); got < 1_150_000 || got > 1_600_000 {
			t.Errorf("from %d: target %d after 5 s at 1 Mbit/s", first, got)
		}
		if s := w.e.State(); s.Missing != 0 || s.Reported < 500 || s.Reason != ReasonGrowth {
			t.Errorf("from %d: %+v", first, s)
		}
	}
}

func TestApplicationLimited(t *testing.T) {
	w := newWire(Config{Start: 1e6}, 0)
	w.e.Demand(w.now, 300_000, 0)
	w.run(60*time.Second, 300e3, 1200)
	if got := w.e.Target(w.now); got != 1e6 {
		t.Errorf("target %d: it may neither grow without evidence nor decay", got)
	}
	if s := w.e.State(); !s.ApplicationLimited || len(s.Probes) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestReceiverClockSet(t *testing.T) {
	for _, clock := range []time.Duration{0, -time.Hour, time.Hour, 90*time.Second - 4*time.Second} {
		w := newWire(Config{Start: 1e6}, 0)
		w.run(3*time.Second, 900e3, 1200)
		before := w.e.Target(w.now)
		w.clock = clock
		w.run(3*time.Second, 900e3, 1200)
		if after := w.e.Target(w.now); after < before {
			t.Errorf("clock %v: %d became %d", clock, before, after)
		}
	}
}

func TestSilence(t *testing.T) {
	w := newWire(Config{Start: 2e6}, 0)
	w.run(2*time.Second, 1e6, 1200)
	before := w.e.Target(w.now)
	w.mute = true
	w.run(3*time.Second, 1e6, 1200)
	s := w.e.State()
	if s.Target > before*6/10 || s.Reason != ReasonSilence {
		t.Errorf("%d, and %d after 3 s without feedback (%v)", before, s.Target, s.Reason)
	}
	w.run(60*time.Second, 1e6, 1200)
	if got := w.e.Target(w.now); got != DefaultMin {
		t.Errorf("%d after a minute", got)
	}
	w.mute = false
	w.e.Demand(w.now, 2e6, 0)
	w.run(5*time.Second, 1e6, 1200)
	if got := w.e.Target(w.now); got < 400_000 { // the wire sends its probes at 333 kbit/s
		t.Errorf("%d 5 s after feedback came back", got)
	}
}

// A sender that falls silent itself is not on a silent path.
func TestIdle(t *testing.T) {
	w := newWire(Config{Start: 2e6}, 0)
	w.run(2*time.Second, 1e6, 1200)
	w.e.Sent(w.now, w.sequence, 1200, 0)
	w.sequence++
	before := w.e.Target(w.now)
	w.now += time.Hour
	if got := w.e.Target(w.now); got != before {
		t.Errorf("%d, after an hour of rest %d", before, got)
	}
	w.delay = 120 * ms // meanwhile the path is another
	w.run(2*time.Second, 1e6, 1200)
	if got := w.e.Target(w.now); got < before {
		t.Errorf("%d, on the new path %d", before, got)
	}
}

func TestLateArrivalsAreNoLoss(t *testing.T) {
	e := New(Config{})
	for i := range uint16(100) {
		e.Sent(time.Duration(i)*ms, i, 1000, 0)
	}
	f := []Arrival{{0, true, 10 * ms}, {1, false, 0}, {2, true, 12 * ms}}
	e.Feedback(110*ms, f)
	e.Feedback(111*ms, f) // twice
	if s := e.State(); s.Missing != 1 || s.Reported != 3 {
		t.Errorf("%d of %d missing", s.Missing, s.Reported)
	}
	e.Feedback(120*ms, []Arrival{{1, true, 13 * ms}, {3, true, 14 * ms}, {500, true, 1}})
	if s := e.State(); s.Missing != 0 || s.Reported != 4 {
		t.Errorf("%d of %d missing", s.Missing, s.Reported)
	}
}

func TestStepUpIsProbed(t *testing.T) {
	w := newWire(Config{Start: 500e3}, 0)
	w.e.Demand(w.now, 1700e3, 1700e3)
	w.run(1500*ms, 400e3, 200)
	// The wire sends a probe no faster than media, so it shows 400 kbit/s.
	s := w.e.State()
	if len(s.Probes) == 0 {
		t.Fatal("no probe")
	}
	if p := s.Probes[0]; p.Rate != 1500e3 || p.Outcome != Passed || p.Result > 450e3 {
		t.Errorf("%+v", p)
	}
	if s.Target != 500e3 {
		t.Errorf("target %d: no evidence for more than 400 kbit/s", s.Target)
	}
}

func TestUnsentProbe(t *testing.T) {
	e := New(Config{})
	e.Sent(0, 0, 100, 0)
	p, ok := e.Probe(0)
	if !ok || p.Rate != 3*DefaultStart || p.ID == 0 || p.Bytes < minProbeBytes || p.Duration <= 0 {
		t.Fatalf("%+v, %v", p, ok)
	}
	if again, ok := e.Probe(0); ok {
		t.Errorf("twice: %+v", again)
	}
	at, ok := e.Next(0)
	if !ok || at <= 0 || at > 2*time.Second {
		t.Errorf("next at %v, %v", at, ok)
	}
	e.Target(at)
	if s := e.State(); len(s.Probes) != 1 || s.Probes[0].Outcome != Unsent {
		t.Errorf("%+v", s.Probes)
	}
}

func TestConfig(t *testing.T) {
	for _, tt := range []struct {
		c    Config
		want uint64
	}{
		{Config{}, DefaultStart},
		{Config{Start: 1}, DefaultMin},
		{Config{Start: 3e6, Max: 2e6}, 2e6},
		{Config{Start: 3e6, Min: 4e6, Max: 2e6}, 4e6},
	} {
		if got := New(tt.c).Target(0); got != tt.want {
			t.Errorf("%+v: %d, want %d", tt.c, got, tt.want)
		}
	}
}

func TestHistoryGrows(t *testing.T) {
	var h history
	for i := range 100_000 {
		h.put(uint16(i), packet{at: time.Duration(i) * 100 * time.Microsecond, fate: inFlight, size: uint16(i)})
	}
	if len(h.ring) != maxHistory {
		t.Errorf("%d slots at 10,000 packets a second", len(h.ring))
	}
	for back := range int64(maxHistory) {
		if p := h.get(h.newest - back); p == nil || p.size != uint16(99_999-back) {
			t.Fatalf("%d back: %+v", back, p)
		}
	}
	if h.get(h.newest-maxHistory) != nil || h.get(h.newest+1) != nil {
		t.Error("found what isn't there")
	}
	h.put(uint16((99_999+20_000)&0xffff), packet{fate: inFlight}) // a jump forgets what is between
	if h.get(h.newest-1) != nil || h.get(h.newest) == nil {
		t.Error("after a jump")
	}
}

func TestHistoryStaysSmall(t *testing.T) {
	var h history
	for i := range 100_000 {
		h.put(uint16(i), packet{at: time.Duration(i) * 20 * ms, fate: inFlight})
	}
	if len(h.ring) != minHistory {
		t.Errorf("%d slots at 50 packets a second", len(h.ring))
	}
}

func TestNoAllocations(t *testing.T) {
	w := newWire(Config{Start: 5e6}, 0)
	w.run(5*time.Second, 5e6, 1200)
	e, now, sequence := w.e, w.now, w.sequence
	f := make([]Arrival, 10)
	if n := testing.AllocsPerRun(2000, func() {
		for i := range f {
			e.Sent(now, sequence, 1200, 0)
			f[i] = Arrival{sequence, sequence%50 != 0, now + 20*ms}
			sequence++
			now += 2 * ms
		}
		e.Feedback(now, f)
		e.RTT(now, 40*ms)
		e.Demand(now, 2e6, 0)
		e.Target(now)
		e.Probe(now)
		e.Next(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// check plays a script of calls: whatever comes, nothing panics, and the target
// stays within its bounds.
func check(t *testing.T, script []byte) {
	t.Helper()
	c := Config{Start: 1e6, Min: 100e3, Max: 20e6}
	e := New(c)
	var now time.Duration
	var sequence uint16
	var probe Probe
	for len(script) >= 5 {
		op, a, b := script[0], int64(binary.BigEndian.Uint16(script[1:])), int64(binary.BigEndian.Uint16(script[3:]))
		script = script[5:]
		now += time.Duration(a%512) * time.Duration(b%2000) * time.Microsecond
		switch op % 8 {
		case 0, 1:
			for range a % 40 {
				e.Sent(now, sequence, int(b), probe.ID*(op>>4&1))
				sequence++
			}
		case 2, 3:
			f := make([]Arrival, a%50)
			for i := range f {
				f[i] = Arrival{sequence - uint16(len(f)) + uint16(i) - uint16(b%7), i%(2+int(op>>4)) != 0, now + time.Duration(b)*time.Duration(i)*time.Microsecond}
			}
			e.Feedback(now, f)
		case 4:
			e.Feedback(now, []Arrival{{uint16(a), op&16 != 0, time.Duration(a*b) << (op >> 4 * 3)}})
			sequence += uint16(b) & 0x1ff
		case 5:
			e.RTT(now, time.Duration(a*b)*time.Microsecond)
		case 6:
			e.Demand(now, uint64(a*b), uint64(b)*uint64(op))
		case 7:
			if p, ok := e.Probe(now); ok {
				if p.ID == 0 || p.ID == probe.ID || p.Bytes <= 0 || p.Rate < c.Min || p.Rate > c.Max || p.Duration <= 0 {
					t.Fatalf("%+v after %+v", p, probe)
				}
				probe = p
			}
		}
		if target := e.Target(now); target < c.Min || target > c.Max {
			t.Fatalf("target %d", target)
		}
		if at, ok := e.Next(now); ok && at < now {
			t.Fatalf("next %v before %v", at, now)
		}
		if s := e.State(); math.IsNaN(s.Trend) || math.IsNaN(s.Threshold) || s.Loss < 0 || s.Loss > 1 || s.Missing > s.Reported || s.Queue < 0 {
			t.Fatalf("%+v", s)
		}
	}
}

func FuzzEstimator(f *testing.F) {
	f.Add([]byte{0, 0, 30, 4, 0, 7, 0, 1, 0, 1, 0, 0, 39, 4, 0, 2, 0, 49, 1, 0, 6, 0, 255, 255, 255, 7, 0, 0, 0, 0})
	f.Add([]byte{0, 0, 30, 4, 0, 4, 255, 255, 255, 255, 244, 1, 2, 3, 4, 5, 255, 255, 0, 9, 66, 0, 40, 0, 3})
	f.Fuzz(check)
}

func BenchmarkSent(b *testing.B) {
	e := New(Config{})
	b.ReportAllocs()
	for i := range b.N {
		e.Sent(time.Duration(i)*ms, uint16(i), 1200, 0)
	}
}

// BenchmarkFeedback measures one message of 20 packets, with their sending.
func BenchmarkFeedback(b *testing.B) {
	e := New(Config{})
	f := make([]Arrival, 20)
	var now time.Duration
	var sequence uint16
	b.ReportAllocs()
	for range b.N {
		for i := range f {
			e.Sent(now, sequence, 1200, 0)
			f[i] = Arrival{sequence, true, now + 20*ms}
			sequence++
			now += 5 * ms
		}
		e.Feedback(now, f)
	}
}

// BenchmarkFeedbackWithLoss adds the loss model's work.
func BenchmarkFeedbackWithLoss(b *testing.B) {
	e := New(Config{})
	f := make([]Arrival, 20)
	var now time.Duration
	var sequence uint16
	for range b.N {
		for i := range f {
			e.Sent(now, sequence, 1200, 0)
			f[i] = Arrival{sequence, sequence%20 != 7, now + 20*ms}
			sequence++
			now += 5 * ms
		}
		e.Feedback(now, f)
	}
}
