package repair

import "time"

// How often keyframes are requested. A keyframe costs many times the bits of
// another frame, so one request must serve all who wish at about that time;
// and a request, or the keyframe itself, may be lost, so it is repeated.
const (
	minRequestInterval = 100 * time.Millisecond
	minRepeatInterval  = 200 * time.Millisecond
	// minRequested is how far apart keyframes are that viewers ask for who see the
	// layer already: each costs all of them quality.
	minRequested = time.Second
)

// Gate merges the wishes for a keyframe of one layer: there is at most one
// request in flight, sent again until a keyframe arrives. The zero value is
// ready.
//
// A keyframe fulfils the wishes made before it arrived. A wish made after that
// may come from a viewer who missed it, so it leads to a new request, but not
// sooner than max(100 ms, rtt) after the last one; Tick sends it then. Requests
// of viewers (Ask) wait until a second after the last keyframe.
type Gate struct {
	pending  bool
	inFlight bool          // a request was sent for the pending wish
	since    time.Duration // when the first pending wish was made
	next     time.Duration // when to send the request, or repeat it
	ever     bool          // lastSent is valid
	lastSent time.Duration
	asked    bool          // the pending wish is nothing but viewers' requests
	keyframe time.Duration // when the last one arrived, if hadOne
	hadOne   bool

	wishes, sent uint64
}

// Wish notes that someone needs a keyframe: a viewer who comes, a switch, or a loss that
// can't be repaired. Where send is true, the caller sends a request (PLI or FIR) at once.
func (g *Gate) Wish(now, rtt time.Duration) (send bool) {
	g.wishes++
	if !g.pending || g.asked && !g.inFlight {
		if !g.pending {
			g.since = now
		}
		g.pending, g.inFlight, g.asked = true, false, false
		g.next = g.soonest(now, rtt)
	}
	return !g.inFlight && g.Tick(now, rtt)
}

// Ask notes the request of a viewer, who may ask as often as it likes. Within a second of
// the last keyframe it waits for the rest of that second; Tick sends the request then.
func (g *Gate) Ask(now, rtt time.Duration) (send bool) {
	g.wishes++
	if !g.pending {
		g.pending, g.inFlight, g.asked, g.since = true, false, true, now
		g.next = g.soonest(now, rtt)
		if g.hadOne {
			g.next = max(g.next, g.keyframe+minRequested)
		}
	}
	return !g.inFlight && g.Tick(now, rtt)
}

// soonest is when a request may be sent for a wish made now.
func (g *Gate) soonest(now, rtt time.Duration) time.Duration {
	if !g.ever {
		return now
	}
	return max(now, g.lastSent+max(minRequestInterval, rtt))
}

// Tick reports whether a request, deferred or repeated, is to be sent now. rtt
// is the round-trip time to the publisher, 0 where unknown.
func (g *Gate) Tick(now, rtt time.Duration) (send bool) {
	if !g.pending || now < g.next {
		return false
	}
	g.inFlight, g.ever, g.lastSent = true, true, now
	g.next = now + max(minRepeatInterval, 2*rtt)
	g.sent++
	return true
}

// Arrived notes that a keyframe has begun to arrive, which fulfils all wishes
// so far. wished is false where nobody had asked; else waited is the time
// since the first of them did.
func (g *Gate) Arrived(now time.Duration) (waited time.Duration, wished bool) {
	g.keyframe, g.hadOne = now, true
	if !g.pending {
		return 0, false
	}
	g.pending, g.inFlight = false, false
	return now - g.since, true
}

// Pending reports whether a wish waits for its keyframe.
func (g *Gate) Pending() bool { return g.pending }

// Next is when Tick may send next; ok is false while nothing is wished.
func (g *Gate) Next() (at time.Duration, ok bool) { return g.next, g.pending }

// Stats are totals: wishes noted, and requests sent for them.
func (g *Gate) Stats() (wishes, sent uint64) { return g.wishes, g.sent }
