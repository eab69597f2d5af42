package bwe

import (
	"math"
	"time"
)

const (
	// A queue that others fill stands although less is sent. Our own would shrink by the
	// share of the link that we no longer use.
	crowdWindow = 500 * time.Millisecond
	crowdLess   = 0.75             // of what got through at the last cut: more sent shows nothing
	crowdQueue  = 0.05             // s
	crowdDue    = 0.15             // s by which an own queue would have become shorter
	crowdShrunk = 0.25             // of that at most, where it is others'
	crowdLost   = 0.85             // received/sent rate below which the overload is our own
	crowdOwn    = 1.20             // received/sent rate above which the queue is our own
	crowdPeak   = 10 * time.Second // for so long a rate that got through is compared with

	crowdLoss  = 0.10  // is borne
	crowdLeast = 300e3 // bit/s: a small picture and sound, kept while its packets arrive
	crowdShare = 0.33  // of what got through before, likewise

	crowdQuiet  = 700 * time.Millisecond // without a queue: the others have stopped
	crowdSteady = 3 * time.Second        // a queue that doesn't vary for so long is the path's delay
	crowdVaries = 0.010                  // s
	crowdMost   = time.Minute
)

// crowd is the state beside flows that fill the queue until they lose packets, as TCP
// does. A sender that gives way to each queue would be left with nothing, so loss is the
// signal then, and the rate grows as that of one such flow.
type crowd struct {
	active    bool
	began     time.Duration
	since     time.Duration // when the newest packet that was judged was sent
	own       time.Duration // since when the signs of an own queue were seen
	suspected bool
	owned     bool
	peak      float64 // bit/s that got through before the queue
	peakAt    time.Duration
	through   float64 // bit/s at the cut that counts
	throughAt time.Duration
	due       float64 // s by which an own queue would have shrunk since it was suspected
	cutAt     time.Duration
	grown     time.Duration
	queuedAt  time.Duration // when a queue was seen last
	low, high float64       // of the standing queue since spanAt, s
	spanAt    time.Duration
}

// crowded looks for the signs of a queue that others fill, and of its end.
func (e *Estimator) crowded(now time.Duration) bool {
	c := &e.crowd
	acked, okAcked := e.acked.rate(crowdWindow)
	sent, okSent := e.sent.at(now, crowdWindow)
	if !okAcked || !okSent || sent <= 0 {
		return c.active
	}
	if c.active {
		e.leaveCrowd(now, acked/sent)
		return c.active
	}
	queue := e.delays.standing
	if queue <= drainDone && acked >= c.peak || now-c.peakAt > crowdPeak {
		c.peak, c.peakAt = acked, now
	}
	if queue < crowdQueue || sent > crowdLess*c.through || acked < crowdLost*sent || e.known() {
		c.suspected = false
		return false
	}
	if !c.suspected {
		c.suspected, c.since, c.high, c.due = true, e.newest, queue, 0
	}
	c.due += (1 - sent/c.through) * (e.newest - c.since).Seconds()
	c.since = e.newest
	if c.due < crowdDue || c.high-queue > crowdShrunk*c.due {
		return false
	}
	*c = crowd{active: true, began: now, cutAt: now, grown: now,
		queuedAt: now, low: queue, high: queue, spanAt: now, peak: c.peak, peakAt: c.peakAt}
	e.delays.frozen = true
	e.control.emptied(now, 0)
	e.control.rate = max(e.control.rate, acked, min(c.least(), e.control.cutFrom))
	e.because(now, ReasonCrowd)
	return true
}

// least is what is held while its packets arrive, in bit/s.
func (c *crowd) least() float64 { return max(crowdLeast, crowdShare*c.peak) }

// cut notes what got through when the rate was cut: the link's rate, unless no more
// had been sent.
func (c *crowd) cut(now time.Duration, acked, sent float64) {
	if acked > crowdLost*sent && acked < c.through && now-c.throughAt < crowdPeak {
		return
	}
	c.through, c.throughAt = acked, now
}

// leaveCrowd ends it where the queue is gone, our own, or part of the path.
func (e *Estimator) leaveCrowd(now time.Duration, arrives float64) {
	c, queue := &e.crowd, e.delays.standing
	if queue > drainDone {
		c.queuedAt = now
	}
	c.low, c.high = min(c.low, queue), max(c.high, queue)
	own := queue > drainDone && (arrives > crowdOwn || arrives < crowdLost)
	if !own {
		c.owned = false
	} else if !c.owned {
		c.owned, c.own = true, now
	}
	switch {
	case now-c.queuedAt >= crowdQuiet:
		e.endCrowd(now)
		e.prober.due = now
	case c.owned && now-c.own >= time.Second:
		e.endCrowd(now)
	case now-c.spanAt >= crowdSteady && c.high-c.low < crowdVaries+e.delays.noise, now-c.began >= crowdMost:
		e.endCrowd(now)
		e.delays.rebase(now)
		e.prober.due = now
	case now-c.spanAt >= crowdSteady:
		c.low, c.high, c.spanAt = queue, queue, now
	}
}

// endCrowd returns to delay as the signal. What was lost beside the others tells
// nothing of the path without them.
func (e *Estimator) endCrowd(now time.Duration) {
	e.crowd.active, e.crowd.suspected = false, false
	e.crowd.peak, e.crowd.peakAt = 0, now
	e.delays.frozen = false
	e.losses.reset()
	e.control.grown = now
}

// share moves the estimate as one flow among others. A queue that is full drops more of
// what comes in bursts than of flows that their own acknowledgements clock, so as in
// libwebrtc's loss-based control 10 % are borne.
func (e *Estimator) share(now time.Duration) {
	c, a := &e.crowd, &e.control
	e.losses.bound = math.Inf(1)
	response := max(e.latest, e.rtt)
	elapsed := min(now-c.grown, time.Second).Seconds()
	c.grown, a.grown = now, now
	lost := e.losses.recent
	if lost > crowdLoss {
		if now < c.cutAt+response+2*observationSpan || a.rate <= c.least() && lost < heavyLoss {
			return
		}
		before := a.rate
		c.cutAt = now
		least := c.least()
		if lost > heavyLoss {
			least = crowdLeast
		}
		a.rate = max(a.rate*(1-lost/2), min(a.rate, least))
		if a.rate < before {
			e.fell(now, before, ReasonLoss)
		}
		return
	}
	// At most a segment each round trip, as a flow that avoids congestion (RFC 5681 §3.1),
	// and no further than the next step.
	most := e.demand
	if e.next > 0 {
		most = min(most, stepTaken*e.next)
	}
	grown := a.rate + min(segment/(response.Seconds()*response.Seconds()), a.rate)*elapsed*(1-lost/crowdLoss)
	a.rate = max(a.rate, min(grown, most))
}
