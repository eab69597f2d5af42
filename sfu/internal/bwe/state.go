package bwe

import (
	"math"
	"time"
)

// Reason is why the estimate changed last.
type Reason uint8

// Reasons of changes.
const (
	ReasonStart   Reason = iota
	ReasonGrowth         // all of it was used and no queue grew
	ReasonProbe          // a probe found more
	ReasonDelay          // a queue grew
	ReasonLoss           // more was lost the more was sent, or nearly all was
	ReasonSilence        // feedback stopped
	ReasonOutage         // nothing came from the client
	ReasonCrowd          // others fill the queue
)

// String names r for people and metrics.
func (r Reason) String() string {
	return [...]string{"start", "growth", "probe", "delay", "loss", "silence", "outage", "crowd"}[r]
}

// ProbeRecord is a probe and what became of it.
type ProbeRecord struct {
	At      time.Duration // offered
	Rate    uint64        // bit/s
	Result  uint64        // bit/s, of those that passed or were limited
	Outcome Outcome
}

// Fall is a cut of the estimate, and what made it.
type Fall struct {
	At       time.Duration
	From, To uint64 // bit/s
	Reason   Reason
	Queue    time.Duration // that stood
	Loss     float64       // of the last second, 0–1
}

// State is all that can be read of an estimator. Rates are in bit/s.
type State struct {
	Target       uint64 // as Target returns it
	DelayBased   uint64 // the delay-based estimate, before the queue's draining is taken off
	LossBased    uint64 // the bound by loss, 0 = none
	Acknowledged uint64 // what got through in the last half second
	Sent         uint64 // what was sent in the last half second
	Capacity     uint64 // of the link, as the last overuses showed it; 0 = not known
	Demand       uint64
	NextStep     uint64

	RTT       time.Duration
	Queue     time.Duration // standing queue
	Trend     float64       // of the queue, ms/s
	Threshold float64       // above which the trend is overuse, ms/s
	Usage     Usage
	Draining  bool // less is sent until the queue is gone

	Loss               float64 // of the last second, 0–1
	InherentLoss       float64 // the part that doesn't depend on the rate
	ApplicationLimited bool

	Reason   Reason        // of the last change
	ReasonAt time.Duration // when that was
	Probes   []ProbeRecord // the last ones, oldest first
	Interval time.Duration // between probes
	Falls    []Fall        // the last ones, oldest first

	Reported, Missing uint64 // packets, in all
}

// State describes the estimator. It allocates.
func (e *Estimator) State() State {
	acked, _ := e.acked.rate(ackedWindow)
	sent, _ := e.sent.rate(sentWindow)
	s := State{
		Target:             uint64(min(max(e.control.target(), e.min), e.max)),
		DelayBased:         uint64(e.control.rate),
		Acknowledged:       uint64(acked),
		Sent:               uint64(sent),
		Demand:             uint64(e.demand),
		NextStep:           uint64(e.next),
		RTT:                e.rtt,
		Queue:              time.Duration(e.delays.standing * float64(time.Second)),
		Trend:              e.delays.trend * 1000 / trendGain,
		Threshold:          e.delays.threshold * 1000 / trendGain,
		Usage:              e.delays.usage,
		Draining:           e.control.draining,
		Loss:               e.losses.recent,
		InherentLoss:       e.losses.inherent,
		ApplicationLimited: e.limited,
		Reason:             e.reason,
		ReasonAt:           e.reasonAt,
		Interval:           e.prober.interval,
		Reported:           e.packets,
		Missing:            e.missing,
	}
	if !math.IsInf(e.losses.bound, 1) {
		s.LossBased = uint64(e.losses.bound)
	}
	if e.control.link.known {
		s.Capacity = uint64(e.control.link.mean)
	}
	p := &e.prober
	for i := max(0, p.logged-len(p.log)); i < p.logged; i++ {
		s.Probes = append(s.Probes, p.log[i%len(p.log)])
	}
	for i := max(0, e.fallen-len(e.falls)); i < e.fallen; i++ {
		s.Falls = append(s.Falls, e.falls[i%len(e.falls)])
	}
	return s
}
