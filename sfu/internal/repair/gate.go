package repair

import "time"

// How often keyframes are requested. A keyframe costs many times the bits of
// another frame, so one request must serve all who wish at about that time;
// and a request, or the keyframe itself, may be lost, so it is repeated.
const (
	minRequestInterval = 100 * time.Millisecond
	minRepeatInterval  = 200 * time.Millisecond
)

// Gate merges the wishes for a keyframe of one layer: there is at most one
// request in flight, sent again until a keyframe arrives. The zero value is
// ready.
//
// A keyframe fulfils the wishes made before it arrived. A wish made after that
// may come from a viewer who missed it, so it leads to a new request, but not
// sooner than max(100 ms, rtt) after the last one; Tick sends it then.
type Gate struct {
	pending  bool
	inFlight bool          // a request was sent for the pending wish
	since    time.Duration // when the first pending wish was made
	next     time.Duration // when to send the request, or repeat it
	ever     bool          // lastSent is valid
	lastSent time.Duration

	wishes, sent uint64
}

// Wish notes that someone needs a keyframe. Where send is true, the caller
// sends a request (PLI or FIR) at once.
func (g *Gate) Wish(now, rtt time.Duration) (send bool) {
	g.wishes++
	if !g.pending {
		g.pending, g.inFlight, g.since = true, false, now
		g.next = now
		if g.ever {
			g.next = max(now, g.lastSent+max(minRequestInterval, rtt))
		}
	}
	if g.inFlight {
		return false
	}
	return g.Tick(now, rtt)
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
