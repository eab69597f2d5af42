package bwe

import (
	"math"
	"time"
)

// A link that suddenly carries a fraction of what it did shows first in how the
// packets of a single burst are drawn apart, long before enough bursts have come to
// draw a line through.
const (
	stepPoints  = 64
	stepLeast   = 6 // packets
	stepStretch = 80 * time.Millisecond
	stepMost    = 250 * time.Millisecond // longer ago, and it isn't sudden
	stepGap     = 40 * time.Millisecond  // between two arrivals; a longer one is a pause, not a rate
	stepEven    = 3                      // times its own transmission that a packet may come after the one before
	stepSlack   = 3 * time.Millisecond   // and as much more
	stepBack    = 0.015                  // s that a queue that grows may seem to shrink
	stepShare   = 0.5                    // of the estimate that it was sent at: as much arrives at most
	stepGrowth  = 0.4                    // s of queue per second at least, or
	stepLoss    = 0.4                    // so many of the packets get lost
	stepNoise   = 4                      // of the noise, which the queue must exceed
	stepCorrect = 0.75                   // of the rate after a cut: were it less by the step, the cut was too small
	stepDrained = 0.95                   // of the rate is sent until the queue is known to be gone

	// mostStanding is how long at most to wait for a queue to empty of which nothing is
	// known but that it is fed: a home router's, and a mobile network's first half.
	mostStanding = 250 * time.Millisecond
)

// arrivalPoint is one received packet.
type arrivalPoint struct {
	at    time.Duration // receiver's clock
	queue float64       // s
	bytes int32
	lost  int32 // of those sent since the one before
}

// stretch holds the last arrivals, one behind the other.
type stretch struct {
	points      [stepPoints]arrivalPoint
	first, held int
	lost        int32
}

func (s *stretch) reset() { s.first, s.held, s.lost = 0, 0, 0 }

// miss notes a packet that didn't arrive.
func (s *stretch) miss() { s.lost++ }

// add takes a packet that did, in the order of numbers.
func (s *stretch) add(at time.Duration, queue float64, bytes int) {
	if s.held > 0 {
		last := s.points[(s.first+s.held-1)%stepPoints]
		switch {
		case at < last.at:
			return // overtaken
		case at-last.at > stepGap || queue < last.queue-stepBack:
			s.first, s.held = 0, 0
		}
	}
	if s.held == stepPoints {
		s.first = (s.first + 1) % stepPoints
		s.held--
	}
	s.points[(s.first+s.held)%stepPoints] = arrivalPoint{at, queue, int32(bytes), s.lost}
	s.held++
	s.lost = 0
}

// queue is that of the newest packet, in s.
func (s *stretch) queue() float64 {
	if s.held == 0 {
		return 0
	}
	return s.points[(s.first+s.held-1)%stepPoints].queue
}

// lossy reports that packets between those of the stretch were lost.
func (s *stretch) lossy() bool {
	lost := 0
	for i := range s.held {
		lost += int(s.points[(s.first+i)%stepPoints].lost)
	}
	return lost > s.held/2
}

// rate is what the path carries, in bit/s, where it has just become a fraction of
// the estimate at which the packets were sent. noise is that of queues, in s: jitter draws packets apart as well.
func (s *stretch) rate(estimate, noise float64) (bits float64, ok bool) {
	if s.held < stepLeast {
		return 0, false
	}
	newest := s.points[(s.first+s.held-1)%stepPoints]
	if newest.queue < steepQueue+stepNoise*noise {
		return 0, false
	}
	bytes, lost, slowest := int32(0), int32(0), 0.0
	for n := 1; n < s.held; n++ {
		later := s.points[(s.first+s.held-n)%stepPoints]
		bytes += later.bytes
		lost += later.lost
		p := s.points[(s.first+s.held-1-n)%stepPoints]
		slowest = max(slowest, (later.at-p.at-stepSlack).Seconds()/float64(8*later.bytes))
		span := newest.at - p.at
		if span > stepMost {
			return 0, false
		}
		if span < stepStretch || n+1 < stepLeast {
			continue
		}
		bits = float64(bytes) * 8 / span.Seconds()
		grown := newest.queue - p.queue
		if slowest*bits > stepEven {
			continue // in bunches: they were held up, not drawn apart
		}
		if bits < stepShare*estimate &&
			(grown > stepGrowth*span.Seconds() || float64(lost) > stepLoss*float64(int(lost)+n)) {
			return min(bits, s.late()), true
		}
	}
	return 0, false
}

// late is the rate of the last half of stepStretch: a shaper's bucket lets the
// beginning pass at any rate.
func (s *stretch) late() float64 {
	newest := s.points[(s.first+s.held-1)%stepPoints]
	bytes := int32(0)
	for n := 1; n < s.held; n++ {
		bytes += s.points[(s.first+s.held-n)%stepPoints].bytes
		if span := newest.at - s.points[(s.first+s.held-1-n)%stepPoints].at; span >= stepStretch/2 && n >= stepLeast/2 {
			return float64(bytes) * 8 / span.Seconds()
		}
	}
	return math.Inf(1)
}

// step is what the path suddenly carries.
func (e *Estimator) step() (carries float64, ok bool) {
	sentAt := e.control.rate
	if e.known() {
		sentAt = e.beforeCut
	}
	return e.delays.stretch.rate(sentAt, e.delays.noise)
}

// stepped cuts the rate to what the path suddenly carries, or corrects a cut that was
// too small: then too much had come before the step.
func (e *Estimator) stepped(now time.Duration, carries float64) {
	switch {
	case !e.known():
		e.drainStep(now, carries)
	case !e.corrected && backOff*carries < stepCorrect*e.control.rate && e.control.rate > e.min:
		sentAt, recovery := e.beforeCut, e.prober.recovery
		e.drainStep(now, carries)
		e.beforeCut, e.prober.recovery, e.corrected = sentAt, recovery, true // it is the same cut
		e.stands(now, carries)
	}
	e.delays.stretch.reset()
}

func (e *Estimator) drainStep(now time.Duration, carries float64) {
	e.cutQueue = e.delays.stretch.queue()
	e.control.drain(now, e.rtt, e.cutQueue)
	e.lowered(now, carries, backOff, ReasonDelay)
}

// stands works out what stands in the network's queue after a cut to a fraction. As
// long as nothing of it was lost, it is all that wasn't reported yet.
func (e *Estimator) stands(now time.Duration, carries float64) {
	carries /= 8
	queue := e.delays.stretch.queue() * carries
	standing := queue - carries*(now-e.newest).Seconds()
	for n := e.reported + 1; n <= e.history.newest; n++ {
		if p := e.history.get(n); p != nil && p.fate == inFlight {
			standing += float64(p.size)
		}
	}
	if e.delays.stretch.lossy() {
		standing = min(standing, queue) // it is full, and holds no more
	}
	e.standing = int(min(max(0, standing), mostStanding.Seconds()*carries))
	e.control.drained = stepDrained // for the pacer waits until the queue is gone
}

// TakeStanding is how many bytes stood in the network's queue when the rate fell
// suddenly, each time once; 0 at all other times.
func (e *Estimator) TakeStanding() int {
	n := e.standing
	e.standing = 0
	return n
}
