package transport

import "time"

// maxStanding is how long packets may stand in a socket's queue before media is
// dropped to empty it: more than any burst or pause of the collector takes, and a
// delay at which people still can talk.
const maxStanding = 200 * time.Millisecond

// backlog notices that a reader doesn't keep up. A queue that a burst filled is
// soon empty again, one that has not been empty for maxStanding would only grow:
// to seconds of delay for everyone, since the kernel holds megabytes. (So does
// CoDel, RFC 8289, tell a good queue from a bad one.)
type backlog struct {
	standing bool
	since    time.Duration
}

// round takes a round at now that left packets in the socket, or didn't, and
// reports whether its media is to be dropped.
func (b *backlog) round(now time.Duration, more bool) (drop bool) {
	if !more {
		b.standing = false
		return false
	}
	if !b.standing {
		b.standing, b.since = true, now
	}
	return now-b.since >= maxStanding
}
