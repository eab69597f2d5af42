package bwe

import (
	"math"
	"time"
)

const (
	observationSpan    = 250 * time.Millisecond
	observationPackets = 12
	numObservations    = 24 // 6 s: within that, rate and loss are compared
	recentObservations = 4
	minLoss            = 0.02
	heavyLoss          = 0.15 // for long, and twice what is usual: cut, unless the loss is known not to depend on the rate
	burstLoss          = 0.30 // at once, where the queue agrees
	certainLoss        = 0.60 // at once
	boundGrowth        = 0.08 // per second
	boundMargin        = 0.97 // of the limit found
	minEvidence        = 16.0 // twice the log-likelihood ratio, over the dispersion
	maxDoubt           = 4.0
)

// observation is what became of the packets sent within about observationSpan.
type observation struct {
	from          time.Duration // own clock, sent
	rate          float64       // sent, bit/s
	packets, lost float64
}

func (o observation) fraction() float64 { return o.lost / o.packets }

// losses tells loss that comes of sending too much from loss that does not.
//
// The model is that of a path with an inherent loss p and, beyond a limit B,
// the loss of all that exceeds it: π(s) = p + (1-p)·max(0, 1-B/s) at a sent rate
// s. Without a limit, loss doesn't depend on the rate and lowering the rate
// would help nobody. The limit is believed where it explains the last seconds
// significantly better than random loss alone does, and the significance is
// divided by how scattered the losses are: bursts scatter, a policer doesn't.
type losses struct {
	seen  [numObservations]observation
	held  int
	next  int
	bound float64 // bit/s; +Inf = none
	cut   time.Duration

	// the observation being gathered
	from, to             time.Duration // own clock, sent
	bytes, packets, lost float64

	inherent float64 // p of the last fit
	recent   float64 // loss of the last second
	evidence float64 // for a limit
}

func (l *losses) reset() { *l = losses{bound: math.Inf(1)} }

// add takes one reported packet; done is true where that completed an
// observation.
func (l *losses) add(sent time.Duration, size int, lost bool) (done bool) {
	if l.packets > 0 && l.packets >= observationPackets && sent-l.from >= observationSpan {
		l.close(sent)
		done = true
	}
	if l.packets == 0 || sent < l.from {
		l.from = sent
	}
	l.to = max(l.to, sent)
	l.bytes += float64(size)
	l.packets++
	if lost {
		l.lost++
	}
	return done
}

// recover takes back that a packet was lost: it came late.
func (l *losses) recover() { l.lost = max(0, l.lost-1) }

func (l *losses) close(next time.Duration) {
	span := max(next-l.from, time.Millisecond)
	if span >= 4*observationSpan { // a break: the rate means nothing, and the path may be another
		l.held = 0
	} else {
		l.seen[l.next] = observation{l.from, l.bytes * 8 / span.Seconds(), l.packets, l.lost}
		l.next = (l.next + 1) % numObservations
		l.held = min(l.held+1, numObservations)
	}
	l.bytes, l.packets, l.lost = 0, 0, 0
}

// back is the i-th last observation.
func (l *losses) back(i int) observation {
	return l.seen[(l.next-1-i+2*numObservations)%numObservations]
}

// judge is called after each observation. Where it returns true, the bound was
// lowered. acked is the rate that gets through, queue the standing queue in s; what
// was sent before since has been answered by a cut already, and shows no less than that.
func (l *losses) judge(now, since, rtt time.Duration, acked, queue float64) (lowered bool) {
	if l.held == 0 {
		return false
	}
	l.recent = l.mean(recentObservations)
	heavy := max(heavyLoss, 2*l.usual())
	last := l.back(0)
	limit := l.fit()
	if !math.IsInf(l.bound, 1) && last.fraction() < l.inherent+0.03 {
		l.bound *= math.Pow(1+boundGrowth, observationSpan.Seconds())
	}
	if now-l.cut < 2*observationSpan+rtt && l.cut > 0 {
		return false // what was sent since has not been reported yet
	}
	switch {
	case last.fraction() > certainLoss,
		last.fraction() > burstLoss && queue > minQueue,
		l.held > 1 && l.recent > heavy && last.fraction() > heavy && l.back(1).fraction() > heavy && !l.indifferent():
		limit = min(limit, acked)
	case last.fraction() < minLoss:
		return false
	}
	if last.from < since {
		limit = max(limit, acked)
	}
	if limit *= boundMargin; limit >= l.bound || math.IsInf(limit, 1) || limit <= 0 {
		return false
	}
	l.bound, l.cut = limit, now
	return true
}

// gap reports that nearly all of the last observation was lost.
func (l *losses) gap() bool { return l.held > 0 && l.back(0).fraction() > certainLoss }

// mean is the loss of the last n observations.
func (l *losses) mean(n int) float64 {
	var packets, lost float64
	for i := range min(n, l.held) {
		packets += l.back(i).packets
		lost += l.back(i).lost
	}
	if packets == 0 {
		return 0
	}
	return lost / packets
}

// usual is the loss before the last second, 0 where that isn't known.
func (l *losses) usual() float64 {
	if l.held < 2*recentObservations {
		return 0
	}
	var packets, lost float64
	for i := recentObservations; i < l.held; i++ {
		packets += l.back(i).packets
		lost += l.back(i).lost
	}
	return lost / packets
}

// indifferent reports that the rate has varied and the loss has not minded.
func (l *losses) indifferent() bool {
	least, most := math.Inf(1), 0.0
	for i := range l.held {
		least, most = min(least, l.back(i).rate), max(most, l.back(i).rate)
	}
	return l.held >= 6 && most > 1.25*least && l.evidence < maxDoubt
}

// fit returns the limit that explains the observations, +Inf where none does.
func (l *losses) fit() float64 {
	l.inherent = l.mean(l.held)
	l.evidence = 0
	if l.held < 4 || l.inherent < minLoss/2 {
		return math.Inf(1)
	}
	random := l.likelihood(l.inherent, math.Inf(1))
	best, limit, inherent := random, math.Inf(1), l.inherent
	for i := range l.held {
		o := l.back(i)
		candidate := o.rate * (1 - o.fraction())
		p := l.below(candidate)
		if got := l.likelihood(p, candidate); got > best {
			best, limit, inherent = got, candidate, p
		}
	}
	if math.IsInf(limit, 1) {
		return limit
	}
	l.evidence = 2 * (best - max(random, l.setIn())) / l.dispersion(inherent, limit)
	if l.evidence < minEvidence {
		return math.Inf(1)
	}
	l.inherent = inherent
	return limit
}

// below is the loss of what was sent at or below a rate.
func (l *losses) below(rate float64) float64 {
	var packets, lost float64
	for i := range l.held {
		if o := l.back(i); o.rate <= rate {
			packets += o.packets
			lost += o.lost
		}
	}
	return (lost + 0.1) / (packets + 20) // never 0: one packet lost must not rule a model out
}

// expected is π, kept away from 0 and 1.
func expected(p, limit, rate float64) float64 {
	if rate > limit {
		p += (1 - p) * (1 - limit/rate)
	}
	return min(max(p, 0.001), 0.999)
}

func (l *losses) likelihood(p, limit float64) float64 {
	var sum float64
	for i := range l.held {
		o := l.back(i)
		pi := expected(p, limit, o.rate)
		sum += o.lost*math.Log(pi) + (o.packets-o.lost)*math.Log(1-pi)
	}
	return sum
}

// setIn is the likelihood of loss that set in, or ended, at some time, whatever the
// rate was: what was sent at the highest rates may have been sent then by chance.
func (l *losses) setIn() float64 {
	best := math.Inf(-1)
	var packets, lost float64 // of those before
	for i := range l.held {
		packets += l.seen[i].packets
		lost += l.seen[i].lost
	}
	var late, lateLost float64
	for i := range l.held - 1 {
		o := l.back(i)
		late += o.packets
		lateLost += o.lost
		best = max(best, binomial(lateLost, late)+binomial(lost-lateLost, packets-late))
	}
	return best
}

// binomial is the log-likelihood of the loss that was, were it the path's.
func binomial(lost, packets float64) float64 {
	p := expected(lost/packets, math.Inf(1), 0)
	return lost*math.Log(p) + (packets-lost)*math.Log(1-p)
}

// dispersion is how much more the losses scatter than independent ones would
// (Pearson's χ² by degrees of freedom), at least 1.
func (l *losses) dispersion(p, limit float64) float64 {
	var sum float64
	for i := range l.held {
		o := l.back(i)
		pi := expected(p, limit, o.rate)
		d := o.lost - o.packets*pi
		sum += d * d / (o.packets * pi * (1 - pi))
	}
	return max(1, sum/float64(max(1, l.held-2)))
}
