package bwe

import (
	"math"
	"time"
)

// Defaults of Config, in bit/s.
const (
	DefaultStart = 500_000
	DefaultMin   = 50_000
	DefaultMax   = 100_000_000
)

const (
	defaultRTT  = 100 * time.Millisecond
	ackedWindow = 500 * time.Millisecond // for growth
	cutWindow   = 300 * time.Millisecond // for cuts: shorter, for the link is full then
	sentWindow  = 500 * time.Millisecond
	growBelow   = 0.6  // of the tolerated queue
	fullUse     = 0.80 // of the target sent: below, the application limits
	maxOwn      = 75 * time.Millisecond
	ownLeak     = 1.15            // of the rate: were it 1, a sender that uses all of it would owe ever more
	clockJump   = 3 * time.Second // between two packets: the receiver's clock was set
	cutPause    = 150 * time.Millisecond
)

// Config bounds the estimate, in bit/s; zero fields take the defaults.
type Config struct {
	Start, Min, Max uint64
}

// Arrival is one packet of a transport-wide feedback message.
type Arrival struct {
	Sequence uint16
	Received bool
	At       time.Duration // receiver's clock, any epoch; of those received
}

// Estimator estimates the path to one viewer. It isn't safe for concurrent use.
type Estimator struct {
	min, max float64
	start    float64

	history  history
	reported int64 // highest number that feedback covered
	sent     meter // own clock
	acked    meter // receiver's clock
	delays   delays
	losses   losses
	control  aimd
	prober   prober

	rtt              time.Duration
	hasRTT           bool
	owed             float64       // bits that our bursts have ahead of the rate
	owedAt           time.Duration // when owed was computed
	demand, next     float64
	hasDemand        bool
	limited          bool // by the application
	lastSent, heard  time.Duration
	began            time.Duration // when the first packet was sent
	hasSent          bool
	hasHeard         bool
	waiting          time.Duration // first packet sent since the last feedback
	isWaiting        bool
	silenced         time.Duration // last cut for lack of feedback
	alive            time.Duration // when anything last came from the client, 0 where nobody tells
	outage           outage
	crowd            crowd
	beforeSilence    float64
	clock            time.Duration // receiver's minus own, with the delay
	hasClock         bool
	lastAt           time.Duration // of the newest arrival, receiver's clock
	newest           time.Duration // when that was sent, own clock
	latest           time.Duration // from sending that to hearing of it
	ticked           time.Duration // when time was looked at last
	grace            time.Duration // no silence or outage begins before
	standing         int           // bytes in the network's queue, to be told
	cutQueue         float64
	beforeCut        float64 // estimate before the last cut
	corrected        bool    // the last cut was
	reason           Reason
	reasonAt         time.Duration
	falls            [8]Fall
	fallen           int
	packets, missing uint64
}

// New returns an estimator that begins at c.Start.
func New(c Config) *Estimator {
	if c.Start == 0 {
		c.Start = DefaultStart
	}
	if c.Min == 0 {
		c.Min = DefaultMin
	}
	if c.Max == 0 {
		c.Max = DefaultMax
	}
	c.Max = max(c.Max, c.Min)
	c.Start = min(max(c.Start, c.Min), c.Max)
	e := &Estimator{min: float64(c.Min), max: float64(c.Max), start: float64(c.Start), rtt: defaultRTT}
	e.control.rate = e.start
	e.delays.reset()
	e.losses.reset()
	e.prober.interval = probeInterval
	return e
}

// Sent notes a packet that has just been sent: its transport-wide sequence
// number, its size on the wire in bytes, and the id of the probe that it
// belongs to, 0 for media.
func (e *Estimator) Sent(now time.Duration, sequence uint16, size int, probe uint8) {
	size = min(max(size, 0), math.MaxUint16)
	rate := max(e.control.rate, e.min)
	e.owed = max(0, e.owed-ownLeak*rate*max(0, now-e.owedAt).Seconds())
	e.owedAt = now
	own := min(e.owed/rate, maxOwn.Seconds())
	e.owed += float64(size) * 8
	e.history.put(sequence, packet{
		at:      now,
		own:     uint16(own / ownUnit.Seconds()),
		size:    uint16(size),
		cluster: e.prober.sent(now, size, probe, e.rtt),
		fate:    inFlight,
	})
	e.sent.add(now, size)
	if !e.isWaiting || now-e.lastSent > silence/2 { // a rest of ours is nobody's silence
		e.isWaiting, e.waiting = true, now
	}
	if !e.hasSent {
		e.hasSent, e.began = true, now
	}
	e.lastSent = now
}

// Resent is Sent for a packet that repairs a loss.
func (e *Estimator) Resent(now time.Duration, sequence uint16, size int) {
	e.Sent(now, sequence, size, 0)
	if p := e.history.get(e.history.unwrap(sequence)); p != nil {
		p.again = true
	}
}

// RTT takes a measurement of the round-trip time.
func (e *Estimator) RTT(now, rtt time.Duration) {
	if rtt <= 0 || rtt > 10*time.Second {
		return
	}
	if !e.hasRTT {
		e.hasRTT, e.rtt = true, rtt
		return
	}
	e.rtt += (rtt - e.rtt) / 4
}

// Demand takes what the allocation would send if it could (all wanted layers),
// and what it would send in all after its next step upwards, 0 where it can take
// steps of any size or there is none left; in bit/s.
func (e *Estimator) Demand(now time.Duration, bits uint64, next uint64) {
	e.demand, e.next = float64(bits), float64(next)
	e.hasDemand = true
}

// Feedback takes one feedback message, in the order of its sequence numbers.
func (e *Estimator) Feedback(now time.Duration, f []Arrival) {
	if len(f) == 0 || !e.history.started {
		return
	}
	if e.outage.active { // whatever else comes or not
		e.returned(now)
	}
	e.resume(now)
	e.heard, e.hasHeard, e.isWaiting = now, true, false
	e.settle(f)
	e.bridge(f)
	judged := false
	for i := range f {
		judged = e.arrived(now, &f[i]) || judged
	}
	e.delays.close()
	e.update(now, judged)
}

// bridge accounts for packets whose feedback got lost: most of them arrived,
// and the acknowledged rate must not fall because we weren't told.
func (e *Estimator) bridge(f []Arrival) {
	first := e.history.unwrap(f[0].Sequence)
	if e.reported == 0 || first <= e.reported+1 || first-e.reported > maxHistory {
		return
	}
	bytes := 0
	for n := e.reported + 1; n < first; n++ {
		if p := e.history.get(n); p != nil && p.fate == inFlight {
			p.fate = unknown
			bytes += int(p.size)
		}
	}
	for i := range f {
		if f[i].Received {
			if to := f[i].At; to > e.lastAt && to-e.lastAt < clockJump {
				e.acked.spread(e.lastAt, to, bytes)
			}
			return
		}
	}
}

// arrived takes what became of one packet; judged is true where that completed
// an observation of loss.
func (e *Estimator) arrived(now time.Duration, a *Arrival) (judged bool) {
	n := e.history.unwrap(a.Sequence)
	p := e.history.get(n)
	if p == nil || p.fate == received || p.fate == missing && !a.Received {
		return false
	}
	e.reported = max(e.reported, n)
	before := p.fate
	if !a.Received && e.outage.excused(p.at) {
		p.fate = unknown
		return false
	}
	if !a.Received {
		p.fate = missing
		e.missing++
		e.packets++
		e.prober.report(p.cluster, p.at, 0, int(p.size), false)
		e.delays.stretch.miss()
		return e.losses.add(p.at, p.load(), true)
	}
	p.fate = received
	e.checkClock(p.at, a.At)
	if before != unknown {
		e.acked.add(a.At, int(p.size))
	}
	if before == missing {
		e.losses.recover()
		e.missing--
	} else {
		e.packets++
		judged = e.losses.add(p.at, p.load(), false)
		e.prober.report(p.cluster, p.at, a.At, int(p.size), true)
	}
	e.lastAt, e.newest, e.latest = a.At, p.at, now-p.at
	e.delays.add(now, p.at, a.At, float64(p.own)*ownUnit.Seconds(), int(p.size))
	if !e.hasRTT && now > p.at {
		e.rtt = min(e.rtt, now-p.at)
	}
	return judged
}

// checkClock starts the measurements anew where the receiver's clock was set or
// has wrapped.
func (e *Estimator) checkClock(sent, at time.Duration) {
	clock := at - sent
	if e.hasClock && (clock-e.clock > clockJump || e.clock-clock > clockJump) {
		e.delays.reset()
		e.acked.reset()
		e.prober.now.active = false
	}
	e.clock, e.hasClock = clock, true
}

// update moves the estimate after feedback.
func (e *Estimator) update(now time.Duration, judged bool) {
	queue := e.delays.standing
	e.control.emptied(now, queue)
	e.finishProbe(now)
	e.prober.trusted(now)
	crowded := e.crowded(now)
	if judged {
		acked := e.ackedRate()
		if acked > 0 && e.losses.judge(now, e.control.lastCut(), e.rtt, acked, queue) && !crowded {
			e.lowered(now, e.losses.bound, 1, ReasonLoss)
		}
	}
	if acked, ok := e.acked.rate(ackedWindow); ok && e.Fresh() && e.delays.usage != Over && acked > e.control.rate {
		e.control.rate = acked // which the caller sent at its own risk, and it got through
		e.because(now, ReasonGrowth)
	}
	sent, known := e.sent.at(now, sentWindow)
	e.limited = known && sent < fullUse*e.control.rate
	step, sudden := e.step()
	switch {
	case crowded:
		e.share(now)
	case sudden:
		e.stepped(now, step)
	case e.delays.usage == Over:
		e.overuse(now, queue)
	case e.control.draining:
		e.control.grown = now
		if now > e.control.until {
			e.stuck(now, queue)
		}
	case e.delays.usage == Normal && queue < growBelow*e.delays.tolerance && !e.limited && known:
		e.grow(now)
	default:
		e.control.grown = now
	}
	e.control.rate = min(max(e.control.rate, e.min), e.max)
}

func (e *Estimator) grow(now time.Duration) {
	acked, ok := e.acked.rate(ackedWindow)
	if !ok {
		return
	}
	before := e.control.rate
	if e.control.increase(now, e.rtt, acked, e.losses.bound) {
		e.prober.due = min(e.prober.due, now)
	}
	if e.control.rate > before {
		e.because(now, ReasonGrowth)
	}
}

// ackedRate is what gets through now, 0 where that isn't known yet. It is asked
// when the link seems full, and may have been for less than a window: nothing
// comes faster than the link carries, so the most of two windows is nearest.
func (e *Estimator) ackedRate() float64 {
	short, _ := e.acked.full(cutWindow / 2)
	long, _ := e.acked.full(cutWindow)
	return max(short, long)
}

// Target is the rate that the allocation may use, in bit/s.
func (e *Estimator) Target(now time.Duration) uint64 {
	e.tick(now)
	return uint64(min(max(e.control.target(), e.min), e.max))
}

// Fresh reports that the estimate was never cut: nothing speaks against more yet.
func (e *Estimator) Fresh() bool { return e.fallen == 0 }

// Latest is how long the newest packet that was reported took to be: with the queue
// as it is now, which RTT follows slowly. 0 before the first.
func (e *Estimator) Latest() time.Duration { return e.latest }

// Congested reports whether a queue stands on the path, by the last feedback: what is
// lost then did not fit.
func (e *Estimator) Congested() bool { return e.delays.standing >= standingQueue }

// Sustained is the rate that Target returns to when the queue is empty, in bit/s:
// less than it only need be sent for about a second. Equal to Target where no queue is
// being emptied.
func (e *Estimator) Sustained(now time.Duration) uint64 {
	e.tick(now)
	return uint64(min(max(e.control.rate, e.min), e.max))
}
