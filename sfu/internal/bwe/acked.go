package bwe

import "time"

// Rates are measured in buckets of 10 ms over up to 1.27 s.
const (
	bucketWidth = 10 * time.Millisecond
	numBuckets  = 128

	pauseBuckets = 5 // empty ones; frames come more often
)

// meter measures a rate over sliding windows. Times may come slightly out of
// order; those older than the buckets are ignored.
type meter struct {
	bytes   [numBuckets]uint32
	last    int64 // number of the newest bucket
	first   int64 // number of the bucket where measuring began
	started bool
}

func (m *meter) reset() { *m = meter{} }

// add counts bytes at a time.
func (m *meter) add(at time.Duration, bytes int) {
	n := int64(at / bucketWidth)
	if !m.started {
		m.started, m.last, m.first = true, n, n
	}
	if n <= m.last-numBuckets {
		return
	}
	m.advance(n)
	m.bytes[n&(numBuckets-1)] += uint32(bytes)
}

// advance empties the buckets up to number n.
func (m *meter) advance(n int64) {
	if n-m.last >= numBuckets {
		clear(m.bytes[:])
		m.last = n
	}
	for m.last < n {
		m.last++
		m.bytes[m.last&(numBuckets-1)] = 0
	}
}

// spread counts bytes evenly between two times.
func (m *meter) spread(from, to time.Duration, bytes int) {
	steps := max(1, min(int((to-from)/bucketWidth), numBuckets))
	for i := range steps {
		m.add(from+(to-from)*time.Duration(i+1)/time.Duration(steps), bytes/steps)
	}
}

// rate is in bit/s over the window that ends with the newest bucket; ok is
// false until a whole window was measured.
func (m *meter) rate(window time.Duration) (bits float64, ok bool) {
	n := min(int64(window/bucketWidth), numBuckets-1)
	if !m.started || m.last-m.first < n {
		return 0, false
	}
	var sum uint64
	for i := m.last - n + 1; i <= m.last; i++ {
		sum += uint64(m.bytes[i&(numBuckets-1)])
	}
	return float64(sum) * 8 / (time.Duration(n) * bucketWidth).Seconds(), true
}

// full is the rate while the path carried anything: where one break in the
// window stands out (Wi-Fi pauses so, to roam or to scan), it is left out.
func (m *meter) full(window time.Duration) (bits float64, ok bool) {
	bits, ok = m.rate(window)
	n := int64(window / bucketWidth)
	if !ok {
		return 0, false
	}
	var run, longest, second int64
	for i := m.last - n + 1; i <= m.last+1; i++ {
		if i <= m.last && m.bytes[i&(numBuckets-1)] == 0 {
			run++
			continue
		}
		if run > longest {
			longest, second = run, longest
		} else {
			second = max(second, run)
		}
		run = 0
	}
	if longest >= pauseBuckets && longest > 2*second && longest < n {
		bits *= float64(n) / float64(n-longest)
	}
	return bits, true
}

// at is the rate of a window that ends at a time, for meters of the own clock.
func (m *meter) at(now, window time.Duration) (bits float64, ok bool) {
	if m.started {
		if n := int64(now / bucketWidth); n > m.last {
			m.advance(n)
		}
	}
	return m.rate(window)
}
