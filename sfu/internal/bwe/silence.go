package bwe

import "time"

const (
	silence      = time.Second // without feedback, plus three round trips
	silenceStep  = 500 * time.Millisecond
	silenceShare = 0.7
	lateTick     = 100 * time.Millisecond // after what was due, the caller had no processor, and feedback may wait to be read
)

// tick does what time alone brings about.
func (e *Estimator) tick(now time.Duration) {
	e.excuse(now)
	e.finishProbe(now)
	e.rest(now)
	e.miss(now)
	if at, ok := e.silentAt(); ok && now >= at {
		if e.beforeSilence == 0 {
			e.beforeSilence = e.control.rate
		}
		e.silenced = now
		before := e.control.rate
		e.control.rate = max(e.min, silenceShare*before)
		e.fell(now, before, ReasonSilence)
	}
}

// excuse puts off what a time without feedback brings about where the caller itself was
// away when that was due: what came meanwhile is read first.
func (e *Estimator) excuse(now time.Duration) {
	silent, isSilent := e.silentAt()
	missing, isMissing := e.outageAt()
	if isSilent && e.ticked < silent && now > silent+lateTick || isMissing && e.ticked < missing && now > missing+lateTick {
		e.grace = now + lateTick
	}
	e.ticked = now
}

// silentAt is when the rate is cut next for lack of feedback, while packets go
// out.
func (e *Estimator) silentAt() (time.Duration, bool) {
	if e.outage.active || !e.hasHeard || !e.isWaiting || e.lastSent-e.waiting < silence/2 || e.control.rate <= e.min {
		return 0, false
	}
	at := e.waiting + silence + 3*e.rtt
	if e.beforeSilence > 0 {
		at = e.silenced + silenceStep
	}
	return max(at, e.grace), true
}

// resume is called with the first feedback after silence: a probe shows soon
// whether the path is what it was.
func (e *Estimator) resume(now time.Duration) {
	if e.beforeSilence > 0 {
		e.outage.from, e.outage.to, e.outage.settling = e.newest+1, now, true
		e.prober.recovery = recoveryShare * e.beforeSilence
		e.beforeCut, e.corrected = e.beforeSilence, false
		e.beforeSilence = 0
		e.control.everCut, e.control.cutAt = true, now
	}
}
