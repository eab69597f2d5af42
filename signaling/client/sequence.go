package client

import (
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// window is how many packets behind the newest one are told apart from
// duplicates and count as repairable.
const window = 4096

// sequence follows one stream of RTP sequence numbers, unwrapped.
type sequence struct {
	started bool
	first   int64
	highest int64
	unique  uint64
	seen    [window / 64]uint64
}

type arrival uint8

const (
	arrivalNext      arrival = iota // the number after the highest
	arrivalJump                     // later: numbers in between are missing
	arrivalLate                     // fills a hole
	arrivalDuplicate                // seen before, or too old to tell
)

// add takes a number and tells where it belongs.
func (s *sequence) add(number uint16) (int64, arrival) {
	if !s.started {
		s.started = true
		s.first = int64(number) + 1<<16
		s.highest = s.first - 1
	}
	ext := s.highest + int64(int16(number-uint16(s.highest)))
	if ext > s.highest {
		kind := arrivalNext
		if ext > s.highest+1 {
			kind = arrivalJump
		}
		for i := max(s.highest+1, ext-window+1); i <= ext; i++ {
			s.seen[i%window/64] &^= 1 << (i % 64)
		}
		s.highest = ext
		s.mark(ext)
		return ext, kind
	}
	if ext <= s.highest-window || s.seen[ext%window/64]&(1<<(ext%64)) != 0 {
		return ext, arrivalDuplicate
	}
	if ext < s.first { // reordered around the very first packet
		s.first = ext
	}
	s.mark(ext)
	return ext, arrivalLate
}

func (s *sequence) mark(ext int64) {
	s.seen[ext%window/64] |= 1 << (ext % 64)
	s.unique++
}

// lost is how many numbers between the first and the highest never came.
func (s *sequence) lost() uint64 {
	if !s.started {
		return 0
	}
	return uint64(s.highest-s.first+1) - s.unique
}

// Timing of requests for lost packets: the first leaves after a moment in which
// a merely reordered packet would come, the others one measured round trip
// apart, and a packet that is as old as maxAge is given up.
const (
	askAfter    = 10 * time.Millisecond
	minAskAgain = 20 * time.Millisecond
	maxAsks     = 10
	maxAge      = time.Second
	maxMissing  = 256
)

type missingPacket struct {
	ext   int64
	since time.Duration
	last  time.Duration // when it was asked for
	next  time.Duration
	asks  int
}

// asker decides which packets to ask for again.
type asker struct {
	missing []missingPacket
	rtt     time.Duration // smoothed, from asking once to the repair
	asked   uint64
}

func newAsker() asker {
	return asker{missing: make([]missingPacket, 0, maxMissing), rtt: 100 * time.Millisecond}
}

// gap notes that the numbers from..to-1 did not come. It reports whether there
// are more than it is worth to ask for.
func (a *asker) gap(now time.Duration, from, to int64) (hopeless bool) {
	if to-from > int64(maxMissing-len(a.missing)) {
		a.missing = a.missing[:0]
		return true
	}
	for ext := from; ext < to; ext++ {
		a.missing = append(a.missing, missingPacket{ext: ext, since: now, next: now + askAfter})
	}
	return false
}

// arrived takes a late packet off the list.
func (a *asker) arrived(now time.Duration, ext int64) {
	for i := range a.missing {
		m := &a.missing[i]
		if m.ext != ext {
			continue
		}
		if m.asks == 1 {
			a.rtt += (now - m.last - a.rtt) / 8
		}
		a.missing = append(a.missing[:i], a.missing[i+1:]...)
		return
	}
}

// forget takes off the list what is no longer needed: the numbers before ext.
func (a *asker) forget(ext int64) {
	a.missing = slices.DeleteFunc(a.missing, func(m missingPacket) bool { return m.ext < ext })
}

func (a *asker) again() time.Duration { return max(minAskAgain, a.rtt+a.rtt/4) }

// due appends the numbers to ask for now, and reports whether any was given up.
func (a *asker) due(now time.Duration, dst []uint16) (ask []uint16, gaveUp bool) {
	kept := a.missing[:0]
	for _, m := range a.missing {
		if now-m.since >= maxAge || m.next <= now && m.asks >= maxAsks {
			gaveUp = true
			continue
		}
		if m.next <= now {
			m.asks++
			m.last, m.next = now, now+a.again()
			dst = append(dst, uint16(m.ext))
		}
		kept = append(kept, m)
	}
	a.missing = kept
	a.asked += uint64(len(dst))
	return dst, gaveUp
}

// Latencies is a histogram of times from sending to receiving, exact to 6 %.
type Latencies struct {
	counts [latencyBuckets]uint32
	total  uint64
}

// Sixteen buckets to each doubling of the microseconds, up to 2^32 µs.
const (
	latencyFine    = 4
	latencyBuckets = (33 - latencyFine) << latencyFine
)

func (l *Latencies) observe(d time.Duration) {
	us := uint64(max(d, 0) / time.Microsecond)
	i := us
	if shift := bits.Len64(us) - latencyFine - 1; shift > 0 {
		i = uint64(shift)<<latencyFine + us>>shift
	}
	l.counts[min(i, latencyBuckets-1)]++
	l.total++
}

// Count is how many packets were measured.
func (l *Latencies) Count() uint64 { return l.total }

// Add folds other in.
func (l *Latencies) Add(other *Latencies) {
	for i, n := range other.counts {
		l.counts[i] += n
	}
	l.total += other.total
}

// Percentile returns the time within which the share p (0 to 1) of the measured
// packets arrived; 0 if there are none.
func (l *Latencies) Percentile(p float64) time.Duration {
	if l.total == 0 {
		return 0
	}
	rank := uint64(p * float64(l.total))
	var sum uint64
	for i, n := range l.counts {
		if sum += uint64(n); sum > rank || sum == l.total {
			return latencyTop(uint64(i)) //nolint:gosec // an index
		}
	}
	return latencyTop(latencyBuckets - 1)
}

// String tells the median and the tail.
func (l *Latencies) String() string {
	return fmt.Sprintf("p50 %v, p95 %v, p99 %v", l.Percentile(0.5), l.Percentile(0.95), l.Percentile(0.99))
}

// latencyTop is the upper bound of bucket i.
func latencyTop(i uint64) time.Duration {
	if i < 2<<latencyFine {
		return time.Duration(i) * time.Microsecond //nolint:gosec // small
	}
	shift := i>>latencyFine - 1
	mantissa := i - shift<<latencyFine
	return time.Duration((mantissa+1)<<shift-1) * time.Microsecond //nolint:gosec // below 2^33
}
