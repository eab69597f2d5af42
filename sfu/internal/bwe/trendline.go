package bwe

import (
	"math"
	"time"
)

// Usage is how the path is used, judged by delay alone.
type Usage uint8

// Usages, as in draft-ietf-rmcat-gcc-02 §5.4.
const (
	Normal Usage = iota
	Over         // more is sent than gets through: a queue grows or stands
	Under        // a queue is emptying
)

// String names u for people.
func (u Usage) String() string {
	switch u {
	case Over:
		return "over"
	case Under:
		return "under"
	default:
		return "normal"
	}
}

const (
	groupSpan   = 5 * time.Millisecond   // packets sent within this are one group (draft §5.1: a burst)
	trendSpan   = 500 * time.Millisecond // how much of the past the line is drawn through
	trendPoints = 64
	minPoints   = 5

	// A link that suddenly carries a fraction of what is sent shows in a shorter past
	// first: a line through all of it has a kink to account for.
	stepSpan   = 200 * time.Millisecond
	steepSlope = 0.3  // s of queue per second: less than 77 % of what is sent gets through
	steepQueue = 0.03 // s

	// The trend is compared in the unit of libwebrtc's detector: slope (ms of
	// delay per ms) × 60 samples × gain 4. Threshold and its adaptation are
	// those of draft §5.4 and libwebrtc.
	trendGain        = 240
	initialThreshold = 12.5
	minThreshold     = 6
	maxThreshold     = 600
	thresholdUp      = 0.0087 // per ms
	thresholdDown    = 0.039  // per ms
	thresholdIgnore  = 15     // a trend so far above the threshold doesn't raise it

	// A growing queue below this may be jitter; a queue that stands above
	// standingQueue is too long even if it grows no more.
	minQueue      = 0.012 // s
	standingQueue = 0.035 // s
	mostTolerance = 0.160 // s
	certainty     = 6     // standard errors of a slope that counts
	standingSpan  = 150 * time.Millisecond

	baseSpan = 8 * time.Second // the base delay is the least of the last 8–16 s
)

// point is one group of packets.
type point struct {
	at    time.Duration // receiver's clock
	queue float64       // s
}

// delays turns one-way delays into a queueing delay and its trend.
//
// Delay between unsynchronised clocks means nothing, but its difference to the
// least delay of the last seconds is the time spent in queues. From that is
// taken what our own bursts explain (packet.own), so that a keyframe does not
// look like a congested path.
type delays struct {
	// base delay: least of the current and of the previous span
	base, previous time.Duration
	baseSince      time.Duration // own clock
	started        bool
	frozen         bool // the base delay: others' queue must not become part of it

	group       point // being gathered
	groupSent   time.Duration
	gathering   bool
	points      [trendPoints]point
	first, held int

	queue     float64 // of the newest group, s
	standing  float64 // least of the last standingSpan, s
	trend     float64 // in the detector's unit
	threshold float64
	tolerance float64       // of a standing queue, s
	noise     float64       // of the points around the line, s
	certain   bool          // the trend is more than the noise can make
	steep     bool          // the queue has begun to grow fast
	adapted   time.Duration // receiver's clock, last change of threshold
	overRuns  int
	usage     Usage
	stretch   stretch
}

func (d *delays) reset() { *d = delays{threshold: initialThreshold, tolerance: standingQueue} }

// rebase takes the present queue for the path's own delay: it isn't ours, for
// it does not shrink when we send less. Who fills queues that deep would starve
// us if we gave way to each of them, so more of them is tolerated for a while.
func (d *delays) rebase(now time.Duration) {
	shift := time.Duration(d.standing * float64(time.Second))
	d.base += shift
	d.previous = d.base
	d.baseSince = now
	d.tolerance = min(2*d.tolerance, mostTolerance)
	d.forget()
}

// forget drops what was measured of the queue, for it is no longer so. The base delay stays.
func (d *delays) forget() {
	d.first, d.held, d.gathering = 0, 0, false
	d.stretch.reset()
	d.queue, d.standing, d.trend, d.overRuns, d.usage = 0, 0, 0, 0, Normal
}

// add takes a received packet: sent and own as in packet, at on the receiver's
// clock. Packets come in the order of their numbers.
func (d *delays) add(now, sent, at time.Duration, own float64, bytes int) {
	delay := at - sent
	if !d.started {
		d.started = true
		d.base, d.previous, d.baseSince = delay, delay, now
	}
	switch elapsed := now - d.baseSince; {
	case elapsed > 4*baseSpan: // nothing was sent meanwhile: the path may be another
		d.previous, d.base, d.baseSince = delay, delay, now
		d.tolerance = standingQueue
	case elapsed > baseSpan && !d.frozen:
		d.previous, d.base, d.baseSince = d.base, delay, now
		d.tolerance = max(d.tolerance/2, standingQueue)
	}
	d.base = min(d.base, delay)
	queue := max(0, (delay-min(d.base, d.previous)).Seconds()-own)
	d.stretch.add(at, queue, bytes)
	if d.gathering && sent-d.groupSent <= groupSpan {
		d.group.queue = min(d.group.queue, queue)
		d.group.at = min(d.group.at, at)
		return
	}
	d.close()
	d.group, d.groupSent, d.gathering = point{at, queue}, sent, true
}

// close ends the gathered group and draws the line anew.
func (d *delays) close() {
	if !d.gathering {
		return
	}
	d.gathering = false
	if d.held > 0 && d.group.at <= d.points[(d.first+d.held-1)%trendPoints].at {
		return // overtaken on the way: tells nothing about a queue
	}
	if d.held == trendPoints {
		d.drop()
	}
	d.points[(d.first+d.held)%trendPoints] = d.group
	d.held++
	for d.held > 2 && d.group.at-d.points[d.first].at > trendSpan {
		d.drop()
	}
	d.queue = d.group.queue
	d.fit()
	d.detect(d.group.at)
}

func (d *delays) drop() {
	d.first = (d.first + 1) % trendPoints
	d.held--
}

// fit draws the least-squares line through the points, and finds the standing
// queue.
func (d *delays) fit() {
	d.standing = d.queue
	for i := range d.held {
		p := d.points[(d.first+i)%trendPoints]
		if d.group.at-p.at <= standingSpan {
			d.standing = min(d.standing, p.queue)
		}
	}
	d.trend, d.steep = 0, false
	slope, scatter, certain, ok := d.line(trendSpan)
	if !ok {
		return
	}
	d.trend, d.certain = trendGain*slope, certain
	d.noise += (scatter - d.noise) / 16
	slope, _, certain, ok = d.line(stepSpan)
	d.steep = ok && certain && slope > steepSlope && d.queue > steepQueue
}

// line is the least-squares line through the points of the last span: its slope,
// the scatter around it, and whether the slope is more than that can make.
func (d *delays) line(span time.Duration) (slope, scatter float64, certain, ok bool) {
	first := 0
	for first < d.held && d.group.at-d.points[(d.first+first)%trendPoints].at > span {
		first++
	}
	n := d.held - first
	if n < minPoints {
		return 0, 0, false, false
	}
	var sumX, sumY float64
	for i := first; i < d.held; i++ {
		p := d.points[(d.first+i)%trendPoints]
		sumX += (p.at - d.group.at).Seconds()
		sumY += p.queue
	}
	meanX, meanY := sumX/float64(n), sumY/float64(n)
	var xy, xx, yy float64
	for i := first; i < d.held; i++ {
		p := d.points[(d.first+i)%trendPoints]
		x, y := (p.at-d.group.at).Seconds()-meanX, p.queue-meanY
		xy += x * y
		xx += x * x
		yy += y * y
	}
	if xx == 0 {
		return 0, 0, false, false
	}
	slope = xy / xx
	scatter = math.Sqrt(max(0, yy-slope*xy) / float64(n-2))
	return slope, scatter, math.Abs(slope) > certainty*scatter/math.Sqrt(xx), true
}

// detect compares the trend with the threshold and adapts the threshold, so
// that a jittery path needs a steeper trend (draft §5.4).
func (d *delays) detect(at time.Duration) {
	switch {
	case d.trend > d.threshold && d.queue > minQueue && (d.certain || d.steep):
		d.overRuns++
	case d.standing > d.tolerance+max(0, d.noise-quietNoise.Seconds()) && d.trend > -d.threshold:
		d.overRuns++
	default:
		d.overRuns = 0
	}
	switch {
	case d.overRuns >= 2:
		d.usage = Over
	case d.trend < -d.threshold:
		d.usage = Under
	default:
		d.usage = Normal
	}
	elapsed := min(max(at-d.adapted, 0), 100*time.Millisecond).Seconds() * 1000
	d.adapted = at
	if size := math.Abs(d.trend); size <= d.threshold+thresholdIgnore {
		k := thresholdUp
		if size < d.threshold {
			k = thresholdDown
		}
		d.threshold += min(1, k*elapsed) * (size - d.threshold)
		d.threshold = min(max(d.threshold, minThreshold), maxThreshold)
	}
}
