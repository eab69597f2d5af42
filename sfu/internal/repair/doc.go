// Package repair decides what to ask a publisher to send again, and keeps
// account of what arrived.
//
// A Tracker watches the sequence numbers of one layer, including those that
// retransmissions restore, says which ones to NACK and when, and which it gave up. A Gate merges
// everyone's wishes for a keyframe of one layer into single requests and
// repeats them until a keyframe comes. A Playout decides how long a viewer with
// loss holds its pictures back, so that repairs come in time. A Watch finds in a viewer's
// feedback what it lost and can't know of, or no longer asks for. A Reception counts for
// receiver reports.
// None of them sends anything: the caller asks what is due and passes the time,
// measured since any fixed start.
//
// The package is pure: no clock, no lock, no goroutine.
package repair
