package main

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"plenum/sfu/stat"
)

// steps feeds n equal samples and returns what the last was answered with.
func steps(p *processors, n int, s loadSample) int {
	for range n - 1 {
		p.next(s)
	}
	return p.next(s)
}

func TestProcessorsFollowTheLoad(t *testing.T) {
	quiet := loadSample{load: 0.1, batches: 10}
	p := &processors{most: 8, now: 8}
	if n := steps(p, calmSamples-1, quiet); n != 8 {
		t.Fatalf("%d processors before the calm was long enough", n)
	}
	if n := p.next(quiet); n != 1 {
		t.Fatalf("%d processors after a calm, want 1", n)
	}
	if n := steps(p, 100, loadSample{load: busy - 0.01, batches: 10}); n != 1 {
		t.Errorf("%d processors for a load that one can bear", n)
	}
	if n := p.next(loadSample{load: busy + 0.01}); n != 8 {
		t.Errorf("%d processors after a sudden load, want all", n)
	}
	steps(p, calmSamples/2, quiet)
	p.next(loadSample{load: 1.1}) // within the calm: it needs three
	if n := steps(p, calmSamples, quiet); n != 3 {
		t.Errorf("%d processors after a calm with a load of 1.1, want 3", n)
	}
}

func TestProcessorsFollowLateness(t *testing.T) {
	p := &processors{most: 3, now: 1}
	late := loadSample{load: 0.1, batches: 100, late: 20, veryLate: 11}
	for _, want := range []int{2, 3, 3} {
		if n := p.next(late); n != want {
			t.Errorf("%d processors while batches are late, want %d", n, want)
		}
	}
	if n := steps(p, 100, loadSample{load: 0.1, batches: 100, late: 6}); n != 3 {
		t.Errorf("%d processors, though fewer would be late again", n)
	}
	if n := steps(p, calmSamples, loadSample{load: 0.1, batches: 100, late: 5}); n != 1 {
		t.Errorf("%d processors once all is in time, want 1", n)
	}
}

func TestProcessorsNeverSwing(t *testing.T) {
	// Whatever the load, it must not call all in where it let them go before.
	for load := 0.0; load < 8; load += 0.01 {
		p := &processors{most: 8, now: 8}
		n := steps(p, calmSamples, loadSample{load: load})
		if after := steps(p, 10*calmSamples, loadSample{load: load}); after > n {
			t.Fatalf("load %.2f: from %d processors to %d", load, n, after)
		}
	}
}

func TestLatenessOf(t *testing.T) {
	h := stat.NewHistogram(.001, .0025, .005, .01)
	h.Observe(0.02)
	before := h.Snapshot()
	for _, v := range []float64{.0005, .0025, .003, .005, .006, 1} {
		h.Observe(v)
	}
	if s := latenessOf(h.Snapshot(), before); s != (loadSample{batches: 6, late: 4, veryLate: 2}) {
		t.Errorf("%+v", s)
	}
}

func TestFollowLoadGivesBackAll(t *testing.T) {
	most := runtime.GOMAXPROCS(0)
	if most == 1 {
		t.Skip("one processor")
	}
	ctx, cancel := context.WithCancel(context.Background())
	looked := make(chan struct{}, 1)
	h := stat.NewHistogram(.001)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		followLoad(ctx, func() stat.HistogramSnapshot {
			select {
			case looked <- struct{}{}:
			default:
			}
			return h.Snapshot()
		}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	}()
	for range 2 {
		select {
		case <-looked:
		case <-time.After(10 * time.Second):
			t.Fatal("nobody looks at the load")
		}
	}
	cancel()
	<-ended
	if n := runtime.GOMAXPROCS(0); n != most {
		t.Errorf("%d processors left of %d", n, most)
	}
}
