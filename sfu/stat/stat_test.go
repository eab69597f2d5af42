package stat

import (
	"math"
	"slices"
	"sync"
	"testing"
)

func TestCounter(t *testing.T) {
	var c Counter
	if c.Load() != 0 {
		t.Error("the zero value is not zero")
	}
	c.Inc()
	c.Add(41)
	if got := c.Load(); got != 42 {
		t.Errorf("%d, want 42", got)
	}
}

func TestGauge(t *testing.T) {
	var g Gauge
	g.Inc()
	g.Dec()
	g.Dec()
	if got := g.Load(); got != -1 {
		t.Errorf("%d, want -1", got)
	}
	g.Set(10)
	g.Add(-3)
	if got := g.Load(); got != 7 {
		t.Errorf("%d, want 7", got)
	}
}

func TestHistogram(t *testing.T) {
	tests := []struct {
		name    string
		bounds  []float64
		observe []float64
		counts  []uint64
		sum     float64
	}{
		{"nothing", []float64{1, 2}, nil, []uint64{0, 0, 0}, 0},
		{"no bounds", nil, []float64{1, -1, 5}, []uint64{3}, 5},
		{"bounds are inclusive", []float64{1, 2}, []float64{1, 1.5, 2, 2.5, 0, -7}, []uint64{3, 2, 1}, 0},
		{"bounds in any order, repeated, and the implied one", []float64{2, 1, 2, math.Inf(1), math.NaN()}, []float64{0.5, 2, 3}, []uint64{1, 1, 1}, 5.5},
		{"infinite values", []float64{1}, []float64{math.Inf(1)}, []uint64{0, 1}, math.Inf(1)},
		{"NaN is ignored", []float64{1}, []float64{math.NaN(), 4}, []uint64{0, 1}, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			given := slices.Clone(tt.bounds)
			h := NewHistogram(tt.bounds...)
			if !slices.EqualFunc(given, tt.bounds, func(a, b float64) bool { return a == b || a != a && b != b }) {
				t.Error("the caller's bounds were changed")
			}
			var count uint64
			for _, v := range tt.observe {
				h.Observe(v)
				if v == v {
					count++
				}
			}
			s := h.Snapshot()
			if !slices.Equal(s.Counts, tt.counts) || s.Sum != tt.sum || s.Count != count {
				t.Errorf("%+v", s)
			}
			if len(s.Counts) != len(s.Bounds)+1 || !slices.IsSorted(s.Bounds) {
				t.Errorf("bounds %v, counts %v", s.Bounds, s.Counts)
			}
		})
	}
}

func TestSnapshotIsACopy(t *testing.T) {
	h := NewHistogram(1, 2)
	h.Observe(1)
	s := h.Snapshot()
	s.Bounds[0], s.Counts[0] = 9, 9
	h.Observe(1)
	if again := h.Snapshot(); again.Bounds[0] != 1 || again.Counts[0] != 2 {
		t.Errorf("%+v", again)
	}
}

func TestConcurrently(t *testing.T) {
	var c Counter
	var g Gauge
	h := NewHistogram(0.5)
	var all sync.WaitGroup
	const workers, rounds = 8, 1000
	for range workers {
		all.Go(func() {
			for range rounds {
				c.Inc()
				g.Inc()
				h.Observe(1)
				g.Dec()
			}
		})
	}
	all.Wait()
	s := h.Snapshot()
	if c.Load() != workers*rounds || g.Load() != 0 || s.Counts[1] != workers*rounds || s.Sum != workers*rounds {
		t.Errorf("counter %d, gauge %d, histogram %+v", c.Load(), g.Load(), s)
	}
}

func TestAllocatesNothing(t *testing.T) {
	var c Counter
	var g Gauge
	h := NewHistogram(0.001, 0.01, 0.1, 1)
	if n := testing.AllocsPerRun(100, func() {
		c.Inc()
		g.Add(2)
		h.Observe(0.05)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	h := NewHistogram(0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
	b.ReportAllocs()
	for b.Loop() {
		h.Observe(0.003)
	}
}
