package bwe

import "time"

const (
	// restAfter is how long after the last packet that feedback covers, and the queue in
	// front of it, the measured queue is no longer believed.
	restAfter = 200 * time.Millisecond
	// restless is the most time between two probes while nothing else brings feedback,
	// or the demand is far above an estimate that no queue holds down.
	restless = 2 * time.Second
	// farBelow is the estimate by the demand below which that counts as far.
	farBelow = 0.65
	// mistrust is the most time between two after probes that were regretted, where the
	// estimate by the demand is below farthest: something is paused then.
	mistrust = 3400 * time.Millisecond
	farthest = 0.3

	// paddingShare is what those may take of the estimate.
	paddingShare = 0.06

	// outageAfter is how long nothing at all may come from the client, plus two round
	// trips, while it is sent packets that it reports within 100 ms.
	outageAfter = 600 * time.Millisecond
	outageShare = 0.5 // of the estimate, to begin with after an outage
)

// outage is a time in which nothing passed: at all (active), or to the client only
// (silence). What was lost then tells nothing about rates.
type outage struct {
	active   bool
	settling bool          // it ended, and feedback of what was sent since is still to come
	since    time.Duration // when it was noticed
	from, to time.Duration // what was sent in between is not judged
}

// settle puts the end of an outage where the first packet was sent that arrived again.
func (e *Estimator) settle(f []Arrival) {
	if !e.outage.settling {
		return
	}
	for i := range f {
		p := e.history.get(e.history.unwrap(f[i].Sequence))
		if p != nil && f[i].Received && p.at > e.outage.from {
			e.outage.to, e.outage.settling = max(e.outage.to, p.at), false
			return
		}
	}
}

// restAt is when the measurements are too old to hold anything back: what was sent has
// left the queue. Nothing is sent that could show it, where the allocation
// pauses all video because of them.
func (e *Estimator) restAt() (at time.Duration, ok bool) {
	if !e.hasHeard || !e.crowd.active && !e.control.draining && e.delays.usage == Normal && e.delays.standing <= drainDone {
		return 0, false
	}
	return e.lastSent + time.Duration(e.delays.standing*float64(time.Second)) + restAfter, true
}

// rest forgets the queue once it must be empty.
func (e *Estimator) rest(now time.Duration) {
	if at, ok := e.restAt(); ok && now >= at {
		e.delays.forget()
		e.control.emptied(now, 0)
		if e.crowd.active {
			e.endCrowd(now)
		}
	}
}

// Alive takes when anything authentic last came from the client, by whatever protocol.
func (e *Estimator) Alive(now, heard time.Duration) {
	e.alive = max(e.alive, heard)
	if e.outage.active && e.alive > e.outage.since {
		e.returned(now)
	}
}

// Outage reports that nothing comes from the client although it is sent packets. The
// caller sends no video meanwhile; the estimate stays as it is.
func (e *Estimator) Outage(now time.Duration) bool {
	e.tick(now)
	return e.outage.active
}

// Returning reports that an outage ended less than a few seconds ago.
func (e *Estimator) Returning(now time.Duration) bool {
	return e.outage.to > 0 && now-e.outage.to < startSpan
}

// outageAt is when a time without a sign of life becomes an outage.
func (e *Estimator) outageAt() (at time.Duration, ok bool) {
	if !e.hasHeard || !e.isWaiting || e.alive == 0 || e.outage.active {
		return 0, false
	}
	return max(max(e.waiting, e.alive)+outageAfter+2*e.rtt, e.grace), true
}

// miss begins an outage, where it is time for one.
func (e *Estimator) miss(now time.Duration) {
	if at, ok := e.outageAt(); ok && now >= at && e.lastSent > e.alive {
		e.outage = outage{active: true, since: now, from: e.newest + 1}
		e.because(now, ReasonOutage)
	}
}

// returned ends an outage: half of the estimate counts at once, and a probe shows
// whether the path is what it was.
func (e *Estimator) returned(now time.Duration) {
	before := e.control.rate
	e.outage.active, e.outage.settling, e.outage.to = false, true, now
	e.isWaiting = false
	e.delays.forget()
	e.control.emptied(now, 0)
	e.control.everCut, e.control.cutAt, e.control.grown = true, now, now
	e.control.rate = max(e.min, outageShare*before)
	e.beforeCut, e.corrected, e.beforeSilence = before, false, 0
	e.prober.now.active, e.prober.now.open = false, false
	e.prober.recovery, e.prober.due = before, now
	e.fell(now, before, ReasonOutage)
}

// excused reports that a packet was sent when nobody could have received it.
func (o *outage) excused(sent time.Duration) bool {
	return sent >= o.from && (o.active || o.settling || sent < o.to)
}
