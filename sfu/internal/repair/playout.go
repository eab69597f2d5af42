package repair

import "time"

// How long a viewer that loses packets should hold pictures back. A repair takes until the
// loss is noticed, which is at the next packet, and a round trip.
const (
	noticeLoss  = 50 * time.Millisecond // a frame at 20/s
	askLoss     = 20 * time.Millisecond // between two looks of a browser at what is missing
	maxPlayout  = 500 * time.Millisecond
	playoutFrom = 0.02 // loss from which on pictures wait
	playoutTo   = 0.01 // and below which they don't
	// A second repeat has its time as well from HighLoss on, and from nearLoss on where
	// the round trip is no more than near: it is seldom missed, and costs little.
	HighLoss = 0.08
	nearLoss = 0.04
	near     = 100 * time.Millisecond
	// playoutHold is for how long less would have to do before there is less: to change
	// back and forth shows more than a little delay does.
	playoutHold  = 10 * time.Second
	playoutShare = 0.75 // of the delay, from which on less is a change
	lossMemory   = 0.75 // of the smoothed loss that a lower report leaves
	lossOnset    = 0.5  // and a higher one
)

// Playout decides how long a viewer's pictures wait before they are shown, so that
// repairs come in time: not at all on a path without loss. The zero value is ready.
type Playout struct {
	loss  float64 // smoothed over reports
	delay time.Duration
	since time.Duration // when less began to do, 0 while it doesn't
	lossy bool
}

// Report takes what a viewer reports once in a while: the share that was lost since, 0 to
// 1, and the round trip. It returns how long pictures should wait.
func (p *Playout) Report(now, rtt time.Duration, lost float64) time.Duration {
	memory := lossMemory
	if lost > p.loss {
		memory = lossOnset
	}
	p.loss = memory*p.loss + (1-memory)*lost
	switch {
	case p.loss >= playoutFrom:
		p.lossy = true
	case p.loss < playoutTo:
		p.lossy = false
	}
	want := time.Duration(0)
	if p.lossy {
		want = noticeLoss + askLoss + rtt
		if p.loss >= HighLoss || p.loss >= nearLoss && rtt <= near {
			want += askLoss + rtt
		}
		want = min(want, maxPlayout)
	}
	switch {
	case want > p.delay:
		p.delay, p.since = want, 0
	case want > 0 && float64(want) > playoutShare*float64(p.delay), p.delay == 0:
		p.since = 0
	case p.since == 0:
		p.since = now
	case now-p.since >= playoutHold:
		p.delay, p.since = want, 0
	}
	return p.delay
}

// Loss is the share that the viewer loses, smoothed.
func (p *Playout) Loss() float64 { return p.loss }
