package alloc

import "time"

// Cause is why the layer sent of a track changed last.
type Cause uint8

// Causes.
const (
	CauseNone         Cause = iota // it hasn't
	CauseStart                     // it began, or came back from what isn't bandwidth
	CauseRoom                      // there was bandwidth for more
	CauseBudget                    // the budget fell below what was sent
	CauseDisplaced                 // others were worth more
	CauseSubscription              // the tile changed, or the client turned it off
	CausePublisher                 // a layer died or came to life
	CauseMuted                     // the publisher muted it
	NumCauses
)

// String names c for people and metrics.
func (c Cause) String() string {
	return [...]string{"none", "start", "room", "budget", "displaced", "subscription", "publisher", "muted"}[c]
}

// TrackState is what can be read of one track. Layers are indices, -1 for none.
type TrackState struct {
	ID        uint32
	Wanted    int    // by the subscription, be it live or not
	Allowed   int    // what would be sent without headroom and hold
	Sent      int    // as last chosen
	Bits      uint64 // bit/s, mean of what is sent
	Reason    Reason // why Sent isn't Wanted
	Cause     Cause  // of the last change
	ChangedAt time.Duration
}

// State is all that can be read of an Allocator. Rates are in bit/s.
type State struct {
	At       time.Duration // of the last allocation
	Budget   uint64        // as last given
	Raise    uint64        // up to what total tracks may be raised
	Total    uint64        // mean of what is sent
	Peak     uint64        // likewise as counted for raising
	Hold     time.Duration // how long the budget must allow a raise
	Quiet    bool          // a cut was so recent that nothing is raised
	Backoff  time.Duration // how long near the total that was cut, 0 if none was lately
	Failed   uint64        // that total
	Failures int           // raises that failed and aren't forgotten
	FailedAt time.Duration
	Raised   uint64 // switches upwards, with resumed tracks
	Lowered  uint64 // switches downwards, with paused tracks
	Tracks   []TrackState
}

// State describes the last allocation. It allocates.
func (a *Allocator) State() State {
	s := State{
		At: a.now, Budget: a.budget, Total: a.mean, Peak: a.peak,
		Hold: a.hold.span(a.now), Quiet: a.hold.forcedAt(a.now),
		Raised: a.raised, Lowered: a.lowered,
	}
	if a.round == 0 {
		return s
	}
	s.Raise = bits(a.hold.allowed(a.now))
	if a.hold.wary() {
		s.Backoff, s.Failed, s.Failures, s.FailedAt = a.hold.backoff, bits(a.hold.failed), a.hold.failures, a.hold.failedAt
	}
	p := &a.plan
	p.sort()
	allowed := p.possible(float64(a.budget))
	s.Tracks = make([]TrackState, 0, len(p.views))
	for i := range p.views {
		v := &p.views[i]
		t := TrackState{ID: v.id, Wanted: int(v.ideal), Allowed: p.layer(v, allowed[i]), Sent: p.layer(v, v.pos),
			Bits: bits(p.mean(v, v.pos)), Reason: v.reason(p)}
		if v.state != nil {
			t.Cause, t.ChangedAt = v.state.cause, v.state.changedAt
		}
		s.Tracks = append(s.Tracks, t)
	}
	return s
}

// possible is the position of each view if all of a budget were used at once.
func (p *plan) possible(budget float64) []int32 {
	at := make([]int32, len(p.views))
	for i := range at {
		at[i] = -1
	}
	spent := 0.0
	for i := range p.steps {
		s := &p.steps[i]
		v := &p.views[s.view]
		cost := p.mean(v, s.pos) - p.mean(v, s.pos-1)
		if s.pos != at[s.view]+1 || spent+cost > budget && !(i == 0 && s.phase() == audible) {
			continue
		}
		spent += cost
		at[s.view] = s.pos
	}
	return at
}

// why is the cause of a change to layer.
func (v *view) why(p *plan, layer int, forced bool) Cause {
	s := v.state
	if v.n == 0 {
		return [...]Cause{ReasonNone: CauseNone, ReasonBandwidth: CauseBudget, ReasonSubscription: CauseSubscription,
			ReasonPublisher: CausePublisher, ReasonMuted: CauseMuted}[v.idle]
	}
	if layer > s.sent {
		switch {
		case v.fresh:
			return CauseStart
		case int(v.ideal) > s.ideal:
			return CauseSubscription
		case p.layer(v, v.n-1) > s.top:
			return CausePublisher
		}
		return CauseRoom
	}
	switch {
	case v.pos >= v.cur && s.layers[s.sent].live:
		return CauseSubscription
	case v.pos >= v.cur:
		return CausePublisher
	case forced:
		return CauseBudget
	}
	return CauseDisplaced
}
