package stat

import (
	"math"
	"slices"
	"sort"
	"sync/atomic"
)

// Histogram counts values by ranges with fixed upper bounds. Make one with
// NewHistogram.
type Histogram struct {
	bounds []float64
	counts []atomic.Uint64
	sum    atomic.Uint64 // the bits of a float64
}

// HistogramSnapshot is what a Histogram had counted at one moment.
type HistogramSnapshot struct {
	// Bounds are the inclusive upper bounds of the ranges, ascending.
	Bounds []float64
	// Counts has the number of values in each range, not cumulated, and
	// last, beyond len(Bounds), that of the values above all bounds.
	Counts []uint64
	// Sum is the sum of all values. It may be ahead of or behind Counts by
	// the values being observed during the snapshot.
	Sum float64
	// Count is the sum of Counts.
	Count uint64
}

// NewHistogram makes a Histogram with the given upper bounds, each inclusive,
// in any order; the range above the largest is implied.
func NewHistogram(bounds ...float64) *Histogram {
	own := slices.DeleteFunc(slices.Clone(bounds), func(b float64) bool {
		return math.IsNaN(b) || math.IsInf(b, 1)
	})
	slices.Sort(own)
	own = slices.Compact(own)
	return &Histogram{bounds: own, counts: make([]atomic.Uint64, len(own)+1)}
}

// Observe counts v. NaN, which belongs to no range and would spoil the sum, is
// ignored.
func (h *Histogram) Observe(v float64) {
	if math.IsNaN(v) {
		return
	}
	h.counts[sort.SearchFloat64s(h.bounds, v)].Add(1)
	for {
		old := h.sum.Load()
		if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

// Snapshot is what has been counted so far.
func (h *Histogram) Snapshot() HistogramSnapshot {
	s := HistogramSnapshot{
		Bounds: slices.Clone(h.bounds),
		Counts: make([]uint64, len(h.counts)),
		Sum:    math.Float64frombits(h.sum.Load()),
	}
	for i := range h.counts {
		s.Counts[i] = h.counts[i].Load()
		s.Count += s.Counts[i]
	}
	return s
}
