package bwe

import (
	"math"
	"testing"
	"time"
)

// TestStretch: a burst that is drawn apart to a fraction of the rate is noticed,
// pauses, batches and what the estimate explains are not.
func TestStretch(t *testing.T) {
	const estimate = 4e6
	type packet struct {
		at, queue float64 // ms
		lost      int     // before it
	}
	// every makes packets some ms apart, whose queue grows by so much a packet.
	every := func(n int, from, apart, queue, growth float64) (list []packet) {
		for i := range n {
			list = append(list, packet{from + float64(i)*apart, queue + float64(i)*growth, 0})
		}
		return list
	}
	lossy := every(12, 0, 12, 190, 0)
	for i := range lossy {
		lossy[i].lost = 4
	}
	bunches := []packet{}
	for frame := range 4 {
		bunches = append(bunches, every(6, float64(frame)*38, 0.1, float64(frame)*30, 0)...)
	}
	tests := []struct {
		name    string
		packets []packet
		want    float64 // bit/s, 0 if nothing is to be noticed
	}{
		{"a seventh of it", every(10, 0, 12, 0, 10), 800e3},
		{"too few yet", every(5, 0, 20, 0, 16), 0},
		{"three quarters of it", every(30, 0, 3.2, 0, 1), 0},
		{"slow because little is sent", every(10, 0, 12, 0, 0), 0},
		{"slow, little is sent, and jitter", every(10, 0, 12, 35, 0), 0},
		{"a full queue that loses most", lossy, 800e3},
		{"a pause, then all at once", append(every(10, 0, 12, 0, 0), every(20, 220, 0.1, 100, -2)...), 0},
		{"a pause before each", every(10, 0, 45, 0, 40), 0},
		{"frames held up, each in a bunch", bunches, 0},
		{"after a batch", append(every(10, 0, 0.1, 0, 0), every(10, 10, 12, 0, 10)...), 800e3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s stretch
			got := 0.0
			for _, p := range tt.packets {
				for range p.lost {
					s.miss()
				}
				s.add(time.Hour+time.Duration(p.at*float64(time.Millisecond)), p.queue/1000, 1200)
				if rate, ok := s.rate(estimate, 0.001); ok && got == 0 {
					got = rate
				}
			}
			if math.Abs(got-tt.want) > 0.1*tt.want {
				t.Errorf("%.0f bit/s, want %.0f", got, tt.want)
			}
		})
	}
}

// TestStep: a link that suddenly carries a fifth is noticed at once and at its rate, and
// what stands in its queue is told once; what was sent before is no reason for more
// where the cut was right.
func TestStep(t *testing.T) {
	const before, after = 2e6, 400e3
	w := newWire(Config{Start: before}, 0)
	w.e.Demand(w.now, before, 0)
	w.run(3*time.Second, before, 1200)
	if n := w.e.TakeStanding(); n != 0 {
		t.Fatalf("%d bytes stand on a link that carries all", n)
	}
	start, arrives, next := w.now, w.now+w.delay, w.now+50*ms
	var queue []Arrival // in the network
	for told := false; ; w.now += 6 * ms {
		rate := float64(before)
		if told {
			rate = after / 10 // what must be
		}
		if w.now-start > time.Second {
			break
		}
		if size := int(rate * 0.006 / 8); size > 100 {
			w.e.Sent(w.now, w.sequence, size, 0)
			arrives = max(arrives, w.now+w.delay) + time.Duration(float64(size)*8/after*float64(time.Second))
			queue = append(queue, Arrival{w.sequence, true, arrives})
			w.sequence++
		}
		if w.now < next {
			continue
		}
		next += 50 * ms
		n := 0
		for n < len(queue) && queue[n].At <= w.now {
			queue[n].At += w.clock
			n++
		}
		w.e.Feedback(w.now, queue[:n])
		queue = queue[n:]
		if !told && w.e.Target(w.now) < before/2 {
			told = true
			if took := w.now - start; took > 250*ms {
				t.Errorf("noticed after %v", took)
			}
			if got := w.e.Sustained(w.now); got < 0.8*after || got > after {
				t.Errorf("cut to %d", got)
			}
			if stands := w.e.TakeStanding(); stands < 0.2*after/8 || stands > int(mostStanding.Seconds()*after/8) {
				t.Errorf("%d bytes stand", stands)
			}
			if w.e.TakeStanding() != 0 {
				t.Error("told twice")
			}
		}
	}
	if got := w.e.Sustained(w.now); got < 0.7*after || got > 1.1*after {
		t.Errorf("%d after a second", got)
	}
	if n := w.e.State().Falls; len(n) != 1 {
		t.Errorf("cut %d times: %+v", len(n), n)
	}
}

// TestCorrection: what was sent before a cut corrects one that was too small, once.
func TestCorrection(t *testing.T) {
	const before, after, less = 2e6, 500e3, 200e3
	w := newWire(Config{Start: before}, 0)
	w.e.Demand(w.now, before, 0)
	w.run(3*time.Second, before, 1200)
	sent := w.now
	const packets = 40
	begin := w.sequence
	for range packets {
		w.e.Sent(w.now, w.sequence, 1200, 0)
		w.sequence++
		w.now += 5 * ms
	}
	w.now += 20 * ms
	first := 0.7 * float64(w.e.Sustained(w.now))
	w.e.lowered(w.now, first, backOff, ReasonDelay)
	if n := w.e.TakeStanding(); n != 0 {
		t.Errorf("%d bytes stand by a cut to more than half", n)
	}
	arrives := sent + w.delay
	rates := []uint64{}
	for i := range uint16(packets) {
		rate := after
		if i >= packets/2 {
			rate = less
		}
		arrives += time.Duration(1200 * 8 / rate * float64(time.Second))
		w.now = max(w.now, arrives)
		w.e.Feedback(w.now, []Arrival{{begin + i, true, arrives + w.clock}})
		if got := w.e.Sustained(w.now); len(rates) == 0 || rates[len(rates)-1] != got {
			rates = append(rates, got)
		}
	}
	if len(rates) != 2 || math.Abs(float64(rates[0])-backOff*first) > 1 || float64(rates[1]) < 0.8*backOff*after || float64(rates[1]) > 1.1*backOff*after {
		t.Errorf("the rate was %v", rates)
	}
	if w.e.TakeStanding() == 0 {
		t.Error("nothing stands")
	}
}
