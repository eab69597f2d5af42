package main

import (
	"math/bits"
	"slices"
	"time"
)

// histogram counts times from sending to receiving, exact to 3 %: thirty-two
// buckets to each doubling of the microseconds, up to 2^32 µs.
type histogram struct {
	counts [buckets]uint32
	total  uint64
	max    time.Duration
}

const (
	fine    = 5
	buckets = (33 - fine) << fine
)

func (h *histogram) observe(d time.Duration) {
	d = max(d, 0)
	us := uint64(d / time.Microsecond) //nolint:gosec // not negative
	i := us
	if shift := bits.Len64(us) - fine - 1; shift > 0 {
		i = uint64(shift)<<fine + us>>shift
	}
	h.counts[min(i, buckets-1)]++
	h.total++
	h.max = max(h.max, d)
}

func (h *histogram) add(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// percentile returns the time within which the share p (0 to 1) of the values
// lie; 0 if there are none.
func (h *histogram) percentile(p float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	rank := uint64(p * float64(h.total))
	var sum uint64
	for i, n := range h.counts {
		if sum += uint64(n); sum > rank || sum == h.total {
			return min(bucketTop(uint64(i)), h.max)
		}
	}
	return h.max
}

// bucketTop is the longest time in bucket i.
func bucketTop(i uint64) time.Duration {
	if i < 2<<fine {
		return time.Duration(i+1)*time.Microsecond - 1 //nolint:gosec // small
	}
	shift := i>>fine - 1
	mantissa := i - shift<<fine
	return time.Duration((mantissa+1)<<shift)*time.Microsecond - 1 //nolint:gosec // below 2^33
}

// percentile is the least of values that the share p (0 to 1) of them does not
// exceed (nearest rank); 0 if there are none. It sorts values.
func percentile(values []time.Duration, p float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	rank := int(p*float64(len(values)) + 0.999999)
	return values[min(max(rank, 1), len(values))-1]
}

// median is the middle of values, or the mean of the two in the middle.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	values = slices.Sorted(slices.Values(values))
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
