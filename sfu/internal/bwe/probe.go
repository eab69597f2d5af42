package bwe

import "time"

const (
	probeSpan      = 25 * time.Millisecond // at the probe's rate
	quietNoise     = 8 * time.Millisecond  // frames' own; more of it blurs probes
	maxProbeSpan   = 60 * time.Millisecond
	minProbeBytes  = 2000 // less measures nothing
	bucketBytes    = 6000 // less fits into the bucket of a shaper and measures that
	bucketSpan     = 50 * time.Millisecond
	mostStretch    = 2   // doublings of both, after results that were regretted
	mostResult     = 1.1 // of the probe's rate
	probeInterval  = 3 * time.Second
	maxInterval    = 6 * time.Second // after probes that found too much; more would keep a second flow from its share
	recoveryDelay  = 500 * time.Millisecond
	stepRecovery   = 1500 * time.Millisecond // after a cut to a fraction: what is left begins anew first
	recoveryShare  = 0.85                    // of the rate before the cut
	mostOfTarget   = 3.0                     // a probe's rate by the target's
	stepHeadroom   = 1.2                     // a probe's rate by the next step's
	stepTaken      = 1.12                    // the target by the step's rate where the allocation surely takes it: a little above its headroom
	leastAbove     = 200e3
	boldness       = 2.5                    // a probe's rate by the target's, after one that passed
	saturated      = 0.90                   // received/sent rate below which the link was full
	saturatedShare = 0.95                   // of what was received is used then
	minReported    = 0.6                    // of a cluster's packets must be received
	probeLoss      = 0.15                   // above the path's own, loss counts as a limit
	worthRegret    = 1.1                    // only a raise by more makes later probes wait
	startSpan      = 5 * time.Second        // in which a client is busy with other things, so that
	startRetry     = 700 * time.Millisecond // a limit that a probe finds is doubted soon
	maxUnheard     = 3                      // probes in a row that are repeated at once, for their feedback got lost
	againSoon      = 400 * time.Millisecond // after a probe that passed, where the demand is far above
	unsentRetry    = 100 * time.Millisecond // after a probe that the caller could not send
	regret         = 4 * time.Second
)

// Probe is a cluster of padding that the pacer should send now: Bytes at Rate,
// which takes Duration, in five packets or more and evenly spaced. They are
// reported to Sent with ID. Media may be sent in between.
type Probe struct {
	ID       uint8         // 1–255
	Rate     uint64        // bit/s
	Bytes    int           // on the wire
	Duration time.Duration // Bytes at Rate
}

// Outcome is what became of a probe.
type Outcome uint8

// Outcomes of probes.
const (
	Pending Outcome = iota // under way
	Passed                 // it got through at its rate
	Limited                // it got through slower: the result is what the link carries
	Lost                   // too little of it was reported as received
	Unheard                // the feedback that would have told got lost
	Unsent                 // the pacer didn't send it in time
	NumOutcomes
)

// String names o for people and metrics.
func (o Outcome) String() string {
	return [...]string{"pending", "passed", "limited", "lost", "unheard", "unsent"}[o]
}

// cluster is a probe under way.
type cluster struct {
	Probe
	offered  time.Duration
	noise    time.Duration // of arrivals, beyond quietNoise
	open     bool          // padding is still to come
	active   bool          // some of it may still be reported
	deadline time.Duration

	padding           int // bytes sent
	packets, reported int
	lost              int
	half              time.Duration // sent from then on: what a shaper's bucket no longer helps
	whole, late       train
}

// train is what was received of a cluster or of its second half, with the media
// in between.
type train struct {
	packets, bytes     int
	begin, end         time.Duration // sent
	endSize, firstSize int
	first, last        time.Duration // received
}

func (t *train) add(sent, at time.Duration, size int) {
	if t.packets == 0 || sent < t.begin {
		t.begin = sent
	}
	if t.packets == 0 || sent >= t.end {
		t.end, t.endSize = sent, size
	}
	if t.packets == 0 || at < t.first {
		t.first, t.firstSize = at, size
	}
	if t.packets == 0 || at > t.last {
		t.last = at
	}
	t.packets++
	t.bytes += size
}

// rates are how fast the train was sent and received, in bit/s; ok is false where
// it is too short to tell. stretched is how much longer than sent it was received.
func (t *train) rates() (sent, got float64, stretched time.Duration, ok bool) {
	sending, receiving := t.end-t.begin, t.last-t.first
	if t.packets < 4 || sending <= 0 {
		return 0, 0, 0, false
	}
	receiving = max(receiving, sending/2)
	sent = float64(t.bytes-t.endSize) * 8 / sending.Seconds()
	got = float64(t.bytes-t.firstSize) * 8 / receiving.Seconds()
	return sent, got, receiving - time.Duration(float64(sending)/saturated), true
}

// prober decides when and at which rate to probe, and reads the results.
type prober struct {
	now      cluster
	id       uint8
	stage    int           // of the start-up: 0 = ×3, 1 = ×6, 2 = over
	due      time.Duration // of the next probe
	began    time.Duration // the last one
	interval time.Duration
	stretch  int           // how many times probes were made longer, for their results were regretted
	unheard  int           // in a row
	unsent   int           // likewise
	recovery float64       // rate of the probe after a cut, 0 = none
	bold     bool          // the last one passed: the next may ask for much more
	raised   time.Duration // when a probe raised the estimate last
	result   float64       // to what
	hasRaise bool          // raised is a raise that was not regretted yet
	log      [8]ProbeRecord
	logged   int
}

// begin hands out a probe at a rate: a longer one where arrivals are noisy, or
// where the rate that is known lets a long one pass soon. Where the application
// goes in steps, so that nothing but probes tells of more, one whose result was
// regretted makes the next ones longer yet: it may have met a deep bucket.
func (p *prober) begin(now time.Duration, rate, known float64, noise time.Duration, steps bool) Probe {
	p.id++
	if p.id == 0 {
		p.id = 1
	}
	span := min(probeSpan+3*noise, maxProbeSpan)
	stretch := p.stretch
	if !steps {
		stretch = 0
	}
	bytes := max(minProbeBytes, int(rate*span.Seconds()/8), min(bucketBytes<<stretch, int(known*(bucketSpan<<stretch).Seconds()/8)))
	probe := Probe{p.id, uint64(rate), bytes, time.Duration(float64(bytes) * 8 / rate * float64(time.Second))}
	p.now = cluster{Probe: probe, offered: now, noise: noise, open: true, active: true, deadline: now + 2*probe.Duration + 500*time.Millisecond}
	p.log[p.logged%len(p.log)] = ProbeRecord{At: now, Rate: probe.Rate}
	p.logged++
	p.began = now
	// Not at the same point of each frame interval: others' frames may be there.
	p.due = now + p.interval + time.Duration(p.id)*13%33*time.Millisecond
	return probe
}

// sent notes a packet and returns the cluster that it counts for.
func (p *prober) sent(now time.Duration, size int, id uint8, rtt time.Duration) uint8 {
	c := &p.now
	if !c.active || !c.open || id != 0 && id != c.ID || id == 0 && c.packets == 0 {
		return 0
	}
	if c.packets == 0 {
		c.half = now + c.Duration/2
	}
	c.packets++
	if id == c.ID {
		c.padding += size
		if c.padding >= c.Bytes {
			c.open = false
			c.deadline = now + 2*rtt + 500*time.Millisecond
		}
	}
	return c.ID
}

// report takes what became of one of the cluster's packets.
func (p *prober) report(id uint8, sent, at time.Duration, size int, ok bool) {
	c := &p.now
	if !c.active || id != c.ID {
		return
	}
	c.reported++
	if !ok {
		c.lost++
		return
	}
	c.whole.add(sent, at, size)
	if sent >= c.half {
		c.late.add(sent, at, size)
	}
}

// complete reports whether the cluster can be judged.
func (p *prober) complete(now time.Duration) bool {
	c := &p.now
	return c.active && (!c.open && c.reported >= c.packets || now >= c.deadline)
}

// finish ends the cluster and returns its result in bit/s; inherent is the loss
// that the path has anyway.
func (p *prober) finish(inherent float64) (result float64, outcome Outcome) {
	c := &p.now
	result, outcome = c.judge(inherent)
	c.active, c.open = false, false
	if p.logged > 0 {
		record := &p.log[(p.logged-1)%len(p.log)]
		record.Result, record.Outcome = uint64(result), outcome
	}
	return result, outcome
}

// judge compares how fast the received packets were sent with how fast they
// came.
func (c *cluster) judge(inherent float64) (float64, Outcome) {
	if c.padding < c.Bytes/2 {
		return 0, Unsent
	}
	if float64(c.reported) < minReported*float64(c.packets) {
		return 0, Unheard
	}
	if float64(c.whole.packets) < minReported*float64(c.packets) {
		return 0, Lost
	}
	sent, got, stretched, ok := c.whole.rates()
	if !ok {
		return 0, Lost
	}
	whole := 1.0
	if loss := float64(c.lost) / float64(c.reported); loss < inherent+probeLoss {
		whole = 1 / (1 - loss) // lost at random: they would have come in between
	}
	full := got < saturated*sent && stretched > c.noise
	// A shaper's bucket lets the beginning of a train pass at any rate.
	if lateSent, lateGot, stretched, ok := c.late.rates(); ok && lateGot < saturated*lateSent && stretched > c.noise {
		full, got = true, min(got, lateGot)
	}
	if result := saturatedShare * got * whole; full && result < float64(c.Rate) {
		return result, Limited
	}
	// The media in between comes in bursts, which make it seem faster than the
	// padding was meant to be; that it got through shows no more than that.
	return min(sent, got, mostResult*float64(c.Rate)) * whole, Passed
}

// regretted notes a cut because no more than acked gets through: where a probe
// raised the estimate to more shortly before, the next waits longer.
func (p *prober) regretted(now time.Duration, acked float64, most time.Duration) bool {
	if p.hasRaise && now-p.raised < regret && acked < saturated*p.result {
		p.interval = min(2*p.interval, most)
		p.stretch = min(p.stretch+1, mostStretch)
		p.due = now + p.interval
		p.hasRaise = false
		return true
	}
	return false
}

// trusted lets the interval return to normal as time proves probes right.
func (p *prober) trusted(now time.Duration) {
	if p.hasRaise && now-p.raised >= regret {
		p.interval = max(probeInterval, p.interval/2)
		p.stretch = max(p.stretch-1, 0)
		p.hasRaise = false
	}
}

// truthful reports that the newest probe showed a limit, or that none was regretted lately.
func (p *prober) truthful() bool {
	return p.interval <= probeInterval || p.logged > 0 && p.log[(p.logged-1)%len(p.log)].Outcome == Limited
}
