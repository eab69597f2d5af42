// Package linksim simulates a constrained path between a server and its
// viewers, thousands of times faster than real time: a link whose capacity
// changes, with a queue, delay, random and burst loss, viewers that are served
// through a bandwidth estimator, and other traffic. The same configuration and
// seed give the same run.
//
// It serves the tests and benchmarks of bandwidth estimation and allocation.
package linksim

import (
	"math"
	"time"
)

// Step is the capacity of a link from a time on.
type Step struct {
	At   time.Duration
	Rate uint64 // bit/s
}

// Burst is loss by the model of Gilbert and Elliott: the path is good or bad,
// and changes state with each packet by chance.
type Burst struct {
	ToBad, ToGood float64 // chance per packet
	Loss          float64 // in the bad state; the good one loses nothing
}

// Policer drops what exceeds a rate, without queueing.
type Policer struct {
	Rate  uint64 // bit/s
	Burst int    // bytes
}

// Path describes the way to the viewers and back.
type Path struct {
	Capacity   []Step        // ascending; the first counts from the start
	Queue      time.Duration // limit of the queue as delay at the present capacity; 0 = 300 ms
	QueueBytes int           // limit in bytes instead, where not 0
	Bucket     int           // bytes that pass at once after a rest: a token bucket shapes the link
	Delay      time.Duration // propagation, forward
	Back       time.Duration // propagation of feedback
	Jitter     time.Duration // forward, 0 up to this more, in order
	Reorder    bool          // or not in order
	Loss       float64       // random, after the queue, 0–1
	LossFrom   time.Duration // when it sets in
	Burst      Burst
	Policer    Policer // none where its rate is 0
	BackLoss   float64 // of feedback messages
}

// link is the forward path: one queue, first in, first out.
type link struct {
	Path
	chance *chance
	busy   time.Duration // when the last byte of the queue will have left
	usual  float64       // last capacity that wasn't 0
	bad    bool
	latest time.Duration // last arrival, for jitter keeps the order

	tokens   float64 // policer, bytes
	tokensAt time.Duration
}

// rate is the capacity at a time and until when it holds.
func (l *link) rate(now time.Duration) (bits float64, until time.Duration) {
	bits, until = float64(l.Capacity[0].Rate), math.MaxInt64
	for i, s := range l.Capacity {
		if i > 0 && now < s.At {
			return bits, s.At
		}
		bits = float64(s.Rate)
	}
	return bits, until
}

// limit is how many bits the queue holds; while the link pauses, as many as
// before.
func (l *link) limit(now time.Duration) float64 {
	if rate, _ := l.rate(now); rate > 0 {
		l.usual = rate
	}
	return l.usual * l.Queue.Seconds()
}

// carried is how many bits the link carries between two times.
func (l *link) carried(from, to time.Duration) (bits float64) {
	for from < to {
		rate, until := l.rate(from)
		end := min(until, to)
		bits += rate * (end - from).Seconds()
		from = end
	}
	return bits
}

// served is when bits are through, where their first starts at a time.
func (l *link) served(from time.Duration, bits float64) time.Duration {
	for {
		rate, until := l.rate(from)
		if rate > 0 {
			done := from + time.Duration(bits/rate*float64(time.Second))
			if done <= until {
				return done
			}
			bits -= rate * (until - from).Seconds()
		} else if until == math.MaxInt64 {
			return until
		}
		from = until
	}
}

// send puts a packet on the link: when it arrives and how long it queued, its
// own transmission included; ok is false where it is lost.
func (l *link) send(now time.Duration, size int) (arrival, queued time.Duration, ok bool) {
	if !l.police(now, size) {
		return 0, 0, false
	}
	start := max(l.rested(now), l.busy)
	backlog := l.carried(now, start)
	if l.QueueBytes > 0 {
		if backlog/8+float64(size) > float64(l.QueueBytes) {
			return 0, 0, false
		}
	} else if backlog > l.limit(now) {
		return 0, 0, false
	}
	l.busy = l.served(start, float64(size)*8)
	queued = max(0, l.busy-now)
	if l.lost(now) {
		return 0, 0, false
	}
	arrival = now + queued + l.Delay
	if l.Jitter > 0 {
		arrival += time.Duration(l.chance.float() * float64(l.Jitter))
	}
	if l.Reorder {
		return arrival, queued, true
	}
	l.latest = max(l.latest, arrival)
	return l.latest, queued, true
}

// rested is when the link could have begun with a packet that comes now: the
// tokens of a shaper's bucket are time that it did not use.
func (l *link) rested(now time.Duration) time.Duration {
	rate, _ := l.rate(now)
	if l.Bucket == 0 || rate == 0 {
		return now
	}
	return max(0, now-time.Duration(float64(l.Bucket)*8/rate*float64(time.Second)))
}

// police reports whether the policer, if any, lets a packet pass.
func (l *link) police(now time.Duration, size int) bool {
	p := l.Policer
	if p.Rate == 0 {
		return true
	}
	l.tokens = min(float64(p.Burst), l.tokens+float64(p.Rate)/8*(now-l.tokensAt).Seconds())
	l.tokensAt = now
	if l.tokens < float64(size) {
		return false
	}
	l.tokens -= float64(size)
	return true
}

// lost throws the dice.
func (l *link) lost(now time.Duration) bool {
	if b := l.Path.Burst; b.ToBad > 0 {
		change := b.ToBad
		if l.bad {
			change = b.ToGood
		}
		if l.chance.float() < change {
			l.bad = !l.bad
		}
		if l.bad && l.chance.float() < b.Loss {
			return true
		}
	}
	return l.Loss > 0 && now >= l.LossFrom && l.chance.float() < l.Loss
}

// chance is a small deterministic generator (splitmix64).
type chance struct{ state uint64 }

func (c *chance) float() float64 {
	c.state += 0x9e3779b97f4a7c15
	z := c.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}
