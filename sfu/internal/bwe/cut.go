package bwe

import "time"

// known reports that what arrives now was sent before the last cut.
func (e *Estimator) known() bool { return e.control.everCut && e.newest < e.control.cutAt }

// overuse cuts the rate, but not again before the effect of a cut can be seen,
// and then only if the queue has grown nevertheless.
func (e *Estimator) overuse(now time.Duration, queue float64) {
	a := &e.control
	a.grown = now
	if e.known() {
		return // what was sent before is no news
	}
	if a.draining && now > a.until {
		e.stuck(now, queue)
		return
	}
	acked := e.ackedRate()
	if acked == 0 {
		return
	}
	fresh := !a.everCut || now-a.cutAt > e.rtt+cutPause
	if fresh && (!a.draining || queue > e.cutQueue+0.010) || acked < 0.5*a.rate {
		e.cutQueue = queue
		a.drain(now, e.rtt, queue)
		e.lowered(now, acked, backOff, ReasonDelay)
		return
	}
	a.drain(now, e.rtt, queue)
}

// stuck is called where a drain took too long: either the queue isn't ours, then
// it is taken for the path's delay, or there was much of it.
func (e *Estimator) stuck(now time.Duration, queue float64) {
	a := &e.control
	if queue > 0.6*a.depth {
		e.delays.rebase(now)
		a.emptied(now, 0)
		return
	}
	a.draining = false
	a.drain(now, e.rtt, queue)
}

// lowered cuts the rate to a share of acked and plans the probe that shows
// whether that was needed.
func (e *Estimator) lowered(now time.Duration, acked, share float64, reason Reason) {
	before := e.control.rate
	e.beforeCut, e.corrected = before, false
	if sent, ok := e.sent.at(now, cutWindow); ok {
		e.crowd.cut(now, acked, sent)
	}
	e.control.cut(now, acked, share)
	if e.control.rate >= before {
		return
	}
	e.fell(now, before, reason)
	if e.control.rate < stepShare*before {
		e.stands(now, acked)
	}
	e.prober.recovery = recoveryShare * e.control.cutFrom
	if reason == ReasonLoss && e.losses.gap() && e.delays.standing < minQueue {
		return // nothing came through for a moment, whatever had been sent
	}
	if e.prober.regretted(now, acked, maxInterval) {
		e.prober.recovery = 0
	}
}

// fell notes a cut.
func (e *Estimator) fell(now time.Duration, before float64, reason Reason) {
	e.because(now, reason)
	e.falls[e.fallen%len(e.falls)] = Fall{
		At: now, From: uint64(before), To: uint64(e.control.rate), Reason: reason,
		Queue: time.Duration(e.delays.standing * float64(time.Second)), Loss: e.losses.recent,
	}
	e.fallen++
}

// because notes why the estimate changed.
func (e *Estimator) because(now time.Duration, reason Reason) {
	e.reason, e.reasonAt = reason, now
}
