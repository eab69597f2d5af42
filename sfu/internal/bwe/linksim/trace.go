package linksim

import (
	"slices"
	"time"
)

// Bin is the resolution of a Trace.
const Bin = 100 * time.Millisecond

// Trace is what was sent to a viewer and what arrived, in bins.
type Trace struct {
	Sent     []float64       // bit/s, all
	Media    []float64       // bit/s, received, without padding
	Padding  []float64       // bit/s, sent
	Targets  []float64       // bit/s, where the run notes them
	Switches []time.Duration // steps between layers, where the run notes them
	queues   []queueSample
}

type queueSample struct{ at, queued time.Duration }

func add(bins *[]float64, now time.Duration, size int) {
	i := int(now / Bin)
	for len(*bins) <= i {
		*bins = append(*bins, 0)
	}
	(*bins)[i] += float64(size) * 8 / Bin.Seconds()
}

func (t *Trace) sent(now time.Duration, size int, padding bool) {
	add(&t.Sent, now, size)
	if padding {
		add(&t.Padding, now, size)
	}
}

func (t *Trace) received(now time.Duration, size int, padding bool) {
	if !padding {
		add(&t.Media, now, size)
	}
}

func (t *Trace) queued(now, queued time.Duration) {
	t.queues = append(t.queues, queueSample{now, queued})
}

// Mean is the mean of bins between two times.
func Mean(bins []float64, from, to time.Duration) float64 {
	a, b := int(from/Bin), int(to/Bin)
	sum := 0.0
	for i := a; i < b && i < len(bins); i++ {
		sum += bins[i]
	}
	return sum / float64(max(1, b-a))
}

// Queue is a percentile (0–1) of the time that packets sent between two times
// spent in the link's queue, transmission included.
func (t *Trace) Queue(share float64, from, to time.Duration) time.Duration {
	var all []time.Duration
	for _, s := range t.queues {
		if s.at >= from && s.at < to {
			all = append(all, s.queued)
		}
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(share*float64(len(all))))]
}

// Reaches is the time after from until bins, averaged over span, are at least
// rate; ok is false where they aren't before to.
func Reaches(bins []float64, from, to, span time.Duration, rate float64) (time.Duration, bool) {
	for at := from; at+span <= to; at += Bin {
		if Mean(bins, at, at+span) >= rate {
			return at - from, true
		}
	}
	return 0, false
}

// Falls is the time after from until bins are at most rate.
func Falls(bins []float64, from, to time.Duration, rate float64) (time.Duration, bool) {
	for at := from; at < to; at += Bin {
		if Mean(bins, at, at+Bin) <= rate {
			return at - from, true
		}
	}
	return 0, false
}
