package alloc

import (
	"math"
	"time"
)

// Defaults of Config.
const (
	DefaultHeadroom   = 1.10
	DefaultTolerance  = 1.25
	DefaultHold       = 750 * time.Millisecond
	DefaultStartHold  = 250 * time.Millisecond
	DefaultMaxBackoff = 30 * time.Second
)

// Config tunes an Allocator; zero fields take the defaults.
type Config struct {
	Headroom   float64       // the budget that a raise needs, by its cost; at least 1
	Tolerance  float64       // how much a picture may be enlarged and still cover its tile; at least 1
	Hold       time.Duration // how long the budget must allow a raise
	StartHold  time.Duration // likewise in the first seconds
	MaxBackoff time.Duration // the longest Hold after failures
}

// Layer is one way to see a track: a simulcast or SVC layer up to some temporal layer.
type Layer struct {
	Spatial, Temporal uint8
	Bitrate           uint64  // measured bit/s of everything up to and including this layer, 0 if not known
	Width, Height     uint16  // pixels, 0 if not known
	FPS               float64 // frames per second, 0 if not known
	Live              bool    // packets have arrived lately
}

// Track is one subscription of the viewer.
type Track struct {
	ID                  uint32
	Audio               bool
	Screen              bool    // a screen share: detail matters more than motion
	Speaker             bool    // of a participant who is speaking
	Priority            int     // the client's; 0 unless said, pinned is higher
	Enabled             bool    // the client wants it
	Muted               bool    // by its publisher
	MaxWidth, MaxHeight uint16  // size of the tile in device pixels, 0 for no limit
	MaxFPS              float64 // 0 for no limit
	Layers              []Layer // ascending in quality
}

// Reason is why a track isn't sent as well as its subscription wants it.
type Reason uint8

// Reasons.
const (
	ReasonNone         Reason = iota // it is
	ReasonBandwidth                  // the budget doesn't carry it
	ReasonSubscription               // the client has turned it off
	ReasonPublisher                  // the layer wanted isn't live, or none is
	ReasonMuted                      // the publisher has muted it
	NumReasons
)

// String names r as the protocol does; ReasonNone is "".
func (r Reason) String() string {
	return [...]string{"", "bandwidth", "subscription", "publisher", "muted"}[r]
}

// Choice is what to send of one track.
type Choice struct {
	ID     uint32
	Layer  int    // index in the track's Layers, -1 where it is paused
	Wanted int    // what its subscription wants, be it live or not and whatever the budget; -1 for nothing
	Reason Reason // why Layer isn't Wanted
	Cause  Cause  // why Layer changed last
}

// Allocator splits one viewer's budget. It isn't safe for concurrent use.
type Allocator struct {
	config Config
	tracks map[uint32]*track
	round  uint64 // of Allocate
	now    time.Duration
	budget uint64
	hold   hold

	plan  plan // of the last Allocate
	look  plan // of Wanted
	retry time.Duration
	again bool // retry is set: a layer comes out of its probation then

	limited         bool   // something wanted isn't sent for want of budget
	mean, peak      uint64 // bit/s, of what is sent: mean, and as raises count it
	raised, lowered uint64 // switches
}

// New returns an Allocator that knows no track.
func New(c Config) *Allocator {
	if c.Headroom < 1 || math.IsNaN(c.Headroom) {
		c.Headroom = DefaultHeadroom
	}
	if c.Tolerance < 1 || math.IsNaN(c.Tolerance) {
		c.Tolerance = DefaultTolerance
	}
	if c.Hold <= 0 {
		c.Hold = DefaultHold
	}
	if c.StartHold <= 0 {
		c.StartHold = min(DefaultStartHold, c.Hold)
	}
	if c.MaxBackoff <= 0 {
		c.MaxBackoff = DefaultMaxBackoff
	}
	return &Allocator{config: c, tracks: make(map[uint32]*track), hold: newHold(c)}
}

// Allocate decides what to send of each track within budget bit/s and appends a
// Choice for each to dst, in the order of tracks, which are all of the viewer's:
// one that is missing is forgotten. It keeps no reference to tracks. It doesn't
// allocate memory while dst has room and the tracks are known.
func (a *Allocator) Allocate(now time.Duration, budget uint64, tracks []Track, dst []Choice) []Choice {
	now = max(now, a.now)
	elapsed := now - a.now
	if a.round == 0 {
		elapsed = 0
	}
	a.now, a.budget = now, budget
	a.round++
	a.hold.push(now, float64(budget))
	a.again = false

	p := &a.plan
	p.reset(a.hold.peaks())
	known := 0
	for i := range tracks {
		t := &tracks[i]
		s := a.meet(t, now, elapsed)
		if s == nil {
			p.views = append(p.views, view{id: t.ID, cur: -1, pos: -1, ideal: -1, idle: ReasonSubscription})
			continue
		}
		known++
		p.add(t, s, &a.config, now)
	}
	if known < len(a.tracks) {
		a.sweep()
	}
	p.modest = a.hold.modest(now)
	forced, total := p.decide(float64(budget), a.hold.allowed(now), a.hold.forcedAt(now))
	a.settle(now, forced, total)
	for i := range p.views {
		dst = append(dst, a.conclude(&p.views[i], now, forced))
	}
	return dst
}

// meet finds or makes the memory of a track and brings it up to date. It is nil
// for an id that was there before in this round.
func (a *Allocator) meet(t *Track, now, elapsed time.Duration) *track {
	s := a.tracks[t.ID]
	if s == nil {
		s = &track{id: t.ID, sent: -1, ideal: -1, top: -1, changedAt: now}
		a.tracks[t.ID] = s
	} else if s.round == a.round {
		return nil
	}
	s.round = a.round
	s.fold(t, now, elapsed)
	if at, ok := s.probation(t, now); ok && (!a.again || at < a.retry) {
		a.retry, a.again = at, true
	}
	return s
}

// sweep forgets the tracks that were not there in this round.
func (a *Allocator) sweep() {
	for id, s := range a.tracks {
		if s.round != a.round {
			delete(a.tracks, id)
		}
	}
}

// settle takes note of what a decision means for the next ones. total is what
// was sent before it.
func (a *Allocator) settle(now time.Duration, forced bool, total float64) {
	p := &a.plan
	cut, raised, moving := false, false, false
	var mean, peak float64
	a.limited = false
	for i := range p.views {
		v := &p.views[i]
		cut = cut || v.pos < v.cur
		raised = raised || v.pos > v.cur
		moving = moving || v.n > 0 && !v.audio
		a.limited = a.limited || v.pos < v.n-1
		mean += p.mean(v, v.pos)
		peak += p.up(v, v.pos)
	}
	a.mean, a.peak = bits(mean), bits(peak)
	if moving {
		a.hold.start(now)
	}
	if forced && cut {
		a.hold.cut(now, total, float64(a.budget))
	}
	if raised {
		a.hold.raised(now)
	}
}

// conclude makes the choice for a track and remembers it.
func (a *Allocator) conclude(v *view, now time.Duration, forced bool) Choice {
	c := Choice{ID: v.id, Layer: a.plan.layer(v, v.pos), Wanted: int(v.ideal), Reason: v.reason(&a.plan)}
	s := v.state
	if s == nil {
		return c
	}
	if c.Layer != s.sent {
		s.cause = v.why(&a.plan, c.Layer, forced)
		s.changedAt = now
		if c.Layer > s.sent {
			a.raised++
		} else {
			a.lowered++
		}
	}
	c.Cause = s.cause
	s.sent, s.reason, s.active = c.Layer, c.Reason, v.n > 0
	s.ideal, s.top = int(v.ideal), a.plan.layer(v, v.n-1)
	return c
}

// Wanted returns what would be sent without a limit, and what would be sent in all
// after the cheapest step upwards from the last allocation, 0 if there is none
// left; in bit/s. The step is taken when the budget has been Headroom times nextStep for
// the hold time; after failures, nextStep is higher, namely what would show that the limit
// which they met is gone. So these are what an
// estimator needs to know what to probe for.
func (a *Allocator) Wanted(tracks []Track) (total, nextStep uint64) {
	p := &a.look
	p.reset(a.hold.peaks())
	for i := range tracks {
		p.add(&tracks[i], a.tracks[tracks[i].ID], &a.config, a.now)
	}
	var best, sent float64
	first, further := math.Inf(1), math.Inf(1)
	for i := range p.views {
		v := &p.views[i]
		best += p.mean(v, v.n-1)
		sent += p.up(v, v.cur)
		switch {
		case v.cur == v.n-1:
		case v.cur < 0:
			first = min(first, p.up(v, 0))
		default:
			further = min(further, p.up(v, v.cur+1)-p.up(v, v.cur))
		}
	}
	step := first
	if math.IsInf(step, 1) { // nobody gets more while someone has nothing
		step = further
	}
	if !math.IsInf(step, 1) {
		nextStep = bits(math.Ceil(max(a.hold.need(sent+max(step, 0)), a.hold.release(sent+max(step, 0)))/a.config.Headroom)) + 1
	}
	return max(bits(best), nextStep), nextStep
}

// Next is when Allocate with the same arguments could decide otherwise, because
// time has passed.
func (a *Allocator) Next(now time.Duration) (at time.Duration, ok bool) {
	at = math.MaxInt64
	if a.again {
		at, ok = a.retry, true
	}
	if a.limited {
		at, ok = min(at, a.now+pollInterval, a.hold.next(a.now)), true
	}
	if !ok {
		return 0, false
	}
	return max(at, now), true
}

// pollInterval is how often to allocate anew while not all that is wanted is
// sent, for the means and peaks of bitrates follow what is measured slowly.
const pollInterval = time.Second

// bits converts, with bounds, for a float beyond uint64 converts to anything.
func bits(x float64) uint64 {
	if !(x > 0) {
		return 0
	}
	return uint64(min(x, 1<<62))
}
