package linksim

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestServed(t *testing.T) {
	l := link{Path: Path{Capacity: []Step{{0, 1e6}, {time.Second, 0}, {2 * time.Second, 2e6}}}}
	for _, tt := range []struct {
		from time.Duration
		bits float64
		want time.Duration
	}{
		{0, 1000, ms},
		{500 * ms, 1e6, 2250 * ms}, // half a second, a pause, and the rest twice as fast
		{1500 * ms, 2000, 2001 * ms},
		{3 * time.Second, 2e6, 4 * time.Second},
	} {
		if got := l.served(tt.from, tt.bits); got != tt.want {
			t.Errorf("%v bits from %v: %v, want %v", tt.bits, tt.from, got, tt.want)
		}
		if got := l.carried(tt.from, tt.want); got != tt.bits {
			t.Errorf("%v to %v: %v bits, want %v", tt.from, tt.want, got, tt.bits)
		}
	}
}

func TestQueueLimit(t *testing.T) {
	for _, p := range []Path{
		{Capacity: []Step{{0, 1e6}}, Queue: 100 * ms},
		{Capacity: []Step{{0, 1e6}}, QueueBytes: 12_500 + 1000},
	} {
		s := New(p, 1)
		passed := 0
		var last time.Duration
		for range 50 {
			if _, queued, ok := s.link.send(0, 1000); ok { // 8 ms each
				passed++
				last = queued
			}
		}
		if passed != 13 || last != 104*ms {
			t.Errorf("%+v: %d passed, the last after %v", p, passed, last)
		}
	}
}

// TestLoss compares random and burst loss with what was asked for.
func TestLoss(t *testing.T) {
	for _, tt := range []struct {
		path   Path
		want   float64
		length float64 // mean run of losses
	}{
		{Path{Loss: 0.1}, 0.1, 1.11},
		{Path{Burst: Burst{ToBad: 0.01, ToGood: 0.1, Loss: 1}}, 0.0909, 10},
	} {
		s := New(tt.path, 1)
		lost, runs, before := 0, 0, false
		const n = 200_000
		for i := range n {
			_, _, ok := s.link.send(time.Duration(i)*ms, 100)
			if !ok {
				lost++
				if !before {
					runs++
				}
			}
			before = !ok
		}
		if got := float64(lost) / n; got < 0.9*tt.want || got > 1.1*tt.want {
			t.Errorf("%+v: %.4f lost", tt.path, got)
		}
		if got := float64(lost) / float64(runs); got < 0.9*tt.length || got > 1.1*tt.length {
			t.Errorf("%+v: %.2f in a row", tt.path, got)
		}
	}
}

func TestPolicer(t *testing.T) {
	s := New(Path{Policer: Policer{Rate: 1e6, Burst: 10_000}}, 1)
	var bytes int
	for i := range 10_000 { // 8 Mbit/s for 10 s
		if _, _, ok := s.link.send(time.Duration(i)*ms, 1000); ok {
			bytes += 1000
		}
	}
	if bytes < 1_250_000 || bytes > 1_262_000 {
		t.Errorf("%d bytes in 10 s at 1 Mbit/s", bytes)
	}
}

func TestGreedyFillsTheLink(t *testing.T) {
	s := New(Path{Capacity: []Step{{0, 5e6}}, Delay: 25 * ms, Back: 25 * ms}, 1)
	g := s.Greedy(0, 30*time.Second)
	s.Run(30 * time.Second)
	if got := float64(g.Received) * 8 / 30; got < 4.5e6 || got > 5e6 {
		t.Errorf("%.0f bit/s", got)
	}
}
