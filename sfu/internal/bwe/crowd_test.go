package bwe_test

import (
	"fmt"
	"testing"
	"time"

	"plenum/sfu/internal/bwe"
	"plenum/sfu/internal/bwe/linksim"
)

// TestBesideDownloads: other flows fill the queue from 10 s to 35 s. The viewer keeps a
// share, the smallest layer all the time but a moment, and has the link back afterwards.
func TestBesideDownloads(t *testing.T) {
	for _, c := range []struct {
		flows     int
		queue     time.Duration
		least     float64 // bit/s of media
		longest   time.Duration
		afterward time.Duration
	}{
		{8, 200 * ms, 480 * kbit, 3 * s, 3 * s},
		{8, 300 * ms, 380 * kbit, 3 * s, 3 * s},
		{3, 200 * ms, 500 * kbit, 6 * s, 3 * s},
		{1, 200 * ms, 500 * kbit, 3 * s, 3 * s},
	} {
		t.Run(fmt.Sprintf("%d flows, %v buffer", c.flows, c.queue), func(t *testing.T) {
			for seed := range uint64(4) {
				p := path(linksim.Step{Rate: 5 * mbit})
				p.Queue = c.queue
				sim := linksim.New(p, seed)
				for range c.flows {
					sim.Greedy(10*s, 35*s)
				}
				w := sim.Watch(linksim.Viewer{Layers: layers, Key: 4, Pace: 2.5, Demand: constant(1748 * kbit), Noise: 0.2})
				frozen, crowded := time.Duration(0), false
				w.Observe = func(now time.Duration, e *bwe.Estimator) {
					if now >= 10*s && now < 35*s && e.Target(now) < (150+48)*kbit {
						frozen += s / 30
					}
					crowded = crowded || e.State().Reason == bwe.ReasonCrowd
				}
				sim.Run(45 * s)
				up, ok := linksim.Reaches(w.Trace.Media, 35*s, 45*s, 500*ms, 1500*kbit)
				got := linksim.Mean(w.Trace.Media, 10*s, 35*s)
				t.Logf("seed %d: %.0f bit/s, frozen %v, full after %v", seed, got, frozen, up)
				if got < c.least || frozen > c.longest || !ok || up > c.afterward || !crowded {
					t.Errorf("seed %d: %.0f bit/s, frozen %v, full after %v (%v), noticed: %v", seed, got, frozen, up, ok, crowded)
				}
				if q := w.Trace.Queue(0.95, 40*s, 45*s); q > 100*ms {
					t.Errorf("seed %d: a queue of %v when the others have stopped", seed, q)
				}
			}
		})
	}
}
