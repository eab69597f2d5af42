package bwe

import (
	"math"
	"time"
)

const (
	backOff        = 0.90     // of what got through, on overuse (draft §5.5 has 0.85; the drain does the rest)
	growth         = 0.08     // per second, while the link's capacity isn't known (draft §5.5)
	fastGrowth     = 0.04     // per second at most, near the capacity
	slowGrowth     = 0.01     // per second at least, near the capacity
	ackedHeadroom  = 1.5      // the estimate is at most this × what gets through, while it grows
	ackedConstant  = 10e3     // bit/s, likewise
	segment        = 1200 * 8 // bits, by which the estimate grows each response time near the capacity
	capacityMemory = 0.3      // weight of a new sample in the link's capacity

	// While a queue stands after a cut, less is sent so that it empties within
	// about a second.
	drainAbove = 0.04  // s
	drainDone  = 0.025 // s
	drainSlope = 0.5   // s of queue for which nothing at all would be sent
	drainFloor = 0.4
)

// capacity is what got through at the last overuses: the link, or our share.
type capacity struct {
	mean, deviation float64 // bit/s; deviation is relative to the mean
	known           bool
}

// sample takes the rate that got through while a queue grew.
func (c *capacity) sample(rate float64) {
	if !c.known || rate < c.low() || rate > c.high() {
		*c = capacity{mean: rate, deviation: 0.05, known: true}
		return
	}
	off := math.Abs(rate-c.mean) / c.mean
	c.mean += capacityMemory * (rate - c.mean)
	c.deviation += capacityMemory * (off - c.deviation)
	c.deviation = min(max(c.deviation, 0.02), 0.1)
}

func (c *capacity) low() float64  { return c.mean * (1 - 3*c.deviation) }
func (c *capacity) high() float64 { return c.mean * (1 + 3*c.deviation) }

// near reports that rate is about the capacity, where growth must be slow.
func (c *capacity) near(rate float64) bool { return c.known && rate > c.low() && rate < c.high() }

// aimd is the delay-based controller: additive or multiplicative increase,
// multiplicative decrease, and the draining of the queue in between.
type aimd struct {
	rate     float64 // bit/s
	link     capacity
	grown    time.Duration // when it was last raised
	cutAt    time.Duration
	cutFrom  float64 // rate before the cut
	everCut  bool
	draining bool
	drained  float64       // share of rate that is sent while draining
	until    time.Duration // by when the queue must have shrunk if it is ours
	depth    float64       // queue when the drain began, s
}

// cut lowers the rate to a share of what gets through.
func (a *aimd) cut(now time.Duration, acked float64, share float64) {
	if !a.everCut || now-a.cutAt > time.Second {
		a.cutFrom = a.rate
	}
	a.link.sample(acked)
	a.rate = min(a.rate, share*acked)
	a.everCut, a.cutAt, a.grown = true, now, now
}

// lastCut is when the rate was cut last.
func (a *aimd) lastCut() time.Duration {
	if !a.everCut {
		return math.MinInt64
	}
	return a.cutAt
}

// drain sends less than the rate until the queue is gone.
func (a *aimd) drain(now, rtt time.Duration, queue float64) {
	if !a.draining {
		a.draining, a.drained, a.depth = true, 1, queue
	}
	a.depth = max(a.depth, queue)
	a.drained = min(a.drained, max(drainFloor, 1-max(0, queue-drainAbove)/drainSlope))
	// Emptying takes depth / (1-share); before that, a round trip.
	patience := 2*a.depth/(1-a.drained*backOff) + 0.5
	a.until = now + rtt + time.Duration(min(patience, 5)*float64(time.Second))
}

// emptied ends a drain, where the queue is gone.
func (a *aimd) emptied(now time.Duration, queue float64) {
	if a.draining && queue < drainDone {
		a.draining, a.drained, a.grown = false, 1, now
	}
}

// increase raises the rate by the time since the last raise. acked bounds it:
// a rate that was never sent isn't known to get through.
func (a *aimd) increase(now, rtt time.Duration, acked, most float64) (beyond bool) {
	elapsed := min(now-a.grown, time.Second).Seconds()
	a.grown = now
	if elapsed <= 0 {
		return false
	}
	raised := a.rate * math.Pow(1+growth, elapsed)
	if a.link.near(a.rate) {
		response := (rtt + 100*time.Millisecond).Seconds()
		raised = a.rate + min(max(segment/response, slowGrowth*a.rate), fastGrowth*a.rate)*elapsed
	} else if a.link.known && a.rate > a.link.high() {
		a.link, beyond = capacity{}, true // there is more than there was
	}
	a.rate = max(a.rate, min(raised, ackedHeadroom*acked+ackedConstant, most))
	return beyond
}

// target is the rate, less while draining.
func (a *aimd) target() float64 {
	if a.draining {
		return a.rate * a.drained
	}
	return a.rate
}
