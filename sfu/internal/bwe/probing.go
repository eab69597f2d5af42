package bwe

import (
	"math"
	"time"
)

// Probe returns a probe that should be sent now, each once.
func (e *Estimator) Probe(now time.Duration) (p Probe, ok bool) {
	e.tick(now)
	rate, at := e.wish(now)
	if rate == 0 || now < at {
		return Probe{}, false
	}
	e.prober.recovery = 0
	// A packet's own transmission is no noise.
	noise := time.Duration((e.delays.noise - segment/e.control.rate/2) * float64(time.Second))
	return e.prober.begin(now, rate, e.control.rate, max(0, noise-quietNoise), e.next > 0), true
}

// wish is the rate of the next probe, 0 for none, and when it is due.
func (e *Estimator) wish(now time.Duration) (rate float64, at time.Duration) {
	p, a := &e.prober, &e.control
	if p.now.active || e.outage.active || e.crowd.active || !e.hasSent && !e.hasDemand || a.draining || e.delays.usage == Over || e.delays.standing > drainDone {
		return 0, 0
	}
	need := e.need()
	if rate = e.start * 3 * float64(1+p.stage); p.stage < 2 && rate > 1.5*a.rate {
		if e.hasDemand {
			rate = min(rate, need)
		}
		return e.within(rate), 0
	}
	if need == 0 {
		return 0, 0
	}
	if p.recovery > 1.1*a.rate {
		after := recoveryDelay
		if a.rate < stepShare*a.cutFrom {
			after = stepRecovery
		}
		return e.within(min(need, p.recovery)), min(p.due, a.cutAt+after+e.rtt)
	}
	return e.within(need), e.soon(now)
}

// soon is when the next probe for unmet demand is due. Probes alone bring feedback where
// nothing else is sent that does; and where no queue holds down an estimate far below the
// demand, the link may have become better.
func (e *Estimator) soon(now time.Duration) time.Duration {
	due := e.prober.due
	idle := now >= e.lastSent+restAfter
	if idle {
		return min(due, e.prober.began+restless)
	}
	if e.next > 0 && e.control.rate < farthest*e.demand {
		due = min(due, e.prober.began+mistrust)
	}
	if e.next > 0 && e.control.rate < farBelow*e.demand && e.prober.truthful() {
		padding := time.Duration(float64(e.prober.now.Bytes) * 8 / (paddingShare * e.control.rate) * float64(time.Second))
		due = min(due, e.prober.began+max(restless, padding))
	}
	return due
}

// need is the rate that a probe should show to be possible, 0 where the target
// suffices.
func (e *Estimator) need() float64 {
	rate := e.control.rate
	sent, _ := e.sent.rate(sentWindow)
	switch {
	case e.next > 0 && e.prober.bold && rate < e.demand:
		return max(stepHeadroom*e.next, sent+leastAbove, min(boldness*rate, stepHeadroom*e.demand))
	case e.next > 0 && rate < stepTaken*e.next:
		return max(stepHeadroom*e.next, sent+leastAbove)
	case e.next == 0 && rate < e.demand:
		return max(min(2*rate, stepHeadroom*e.demand), rate+leastAbove)
	}
	return 0
}

// within bounds a probe's rate; one that would show nothing new is none.
func (e *Estimator) within(rate float64) float64 {
	rate = min(rate, mostOfTarget*e.control.rate, e.max)
	if rate < 1.02*e.control.rate {
		return 0
	}
	return rate
}

// finishProbe takes the result of a probe that is complete.
func (e *Estimator) finishProbe(now time.Duration) {
	p, a := &e.prober, &e.control
	before := a.rate
	if !p.complete(now) {
		return
	}
	rate := p.now.Rate
	result, outcome := p.finish(e.losses.inherent)
	if outcome == Unheard && p.unheard < maxUnheard {
		p.unheard++
		p.due = now // again
		return
	}
	p.unheard = 0
	if outcome == Unsent && p.unsent < maxUnheard {
		p.unsent++
		p.due = now + unsentRetry
		return
	}
	p.unsent = 0
	if e.Fresh() && outcome == Limited && now-e.began < startSpan {
		p.due = min(p.due, now+startRetry)
	}
	p.bold = outcome == Passed && p.now.noise == 0 // noise passes what is too much
	if p.stage < 2 {
		p.stage++
		if outcome != Passed {
			p.stage = 2
		}
	}
	if outcome != Passed && outcome != Limited || e.delays.usage == Over || a.draining {
		return
	}
	if outcome == Limited && result < 1.3*a.rate {
		// With others on the link a train of packets finds more than its
		// share; where little is to be gained, go only half-way.
		result = a.rate + (result-a.rate)/2
	}
	if result <= a.rate {
		return
	}
	if !math.IsInf(e.losses.bound, 1) {
		e.losses.bound = max(e.losses.bound, result)
	}
	a.rate = min(result, e.max)
	a.grown = now
	if a.link.known && a.rate > a.link.high() {
		a.link = capacity{}
	}
	if a.rate > worthRegret*before {
		p.raised, p.result, p.hasRaise = now, a.rate, true
	}
	e.because(now, ReasonProbe)
	if outcome == Passed && result >= 0.7*float64(rate) && result > 1.3*before {
		p.due = now // and on, until it no longer passes
	} else if outcome == Passed && e.next > 0 && a.rate < farBelow*e.demand {
		// It asked for little, and the link may have far more.
		wait := againSoon
		if p.interval > probeInterval {
			wait = restless // one misled lately
		}
		p.due = min(p.due, now+wait)
	}
}

// Next is when Target or Probe could change by time alone.
func (e *Estimator) Next(now time.Duration) (at time.Duration, ok bool) {
	at = math.MaxInt64
	if e.prober.now.active {
		at, ok = e.prober.now.deadline, true
	}
	if rate, due := e.wish(now); rate > 0 {
		at, ok = min(at, due), true
	}
	if due, resting := e.restAt(); resting {
		at, ok = min(at, due), true
	}
	if due, missing := e.outageAt(); missing {
		at, ok = min(at, due), true
	}
	if due, silent := e.silentAt(); silent {
		at, ok = min(at, due), true
	}
	if !ok {
		return 0, false
	}
	return max(at, now), true
}
