package signaling

import (
	"errors"

	"plenum/sfu/stat"
	"plenum/signaling/charge"
	"plenum/signaling/protocol"
)

// Results in Stats beside the codes of errors.
const (
	ok      = "ok"      // of joins and resumes
	unknown = "unknown" // of resumes: no such session (any more), so a new one began
	changed = "changed" // of resumes: the token gives another name or other rights, so a new one began
	refused = "refused" // of resumes: the request itself was not allowed
	invalid = "invalid" // the type of a received message that could not be read
)

// Stats is what happened since the Server was made, and the state it is in.
// The maps have every key that can occur, so that metrics start at zero.
type Stats struct {
	Received map[string]uint64 // messages by type; "invalid" for those that can't be read
	Sent     map[string]uint64 // messages by type
	Errors   map[string]uint64 // by code of the protocol's table
	Joins    map[string]uint64 // new sessions: "ok" or the error's code
	Resumes  map[string]uint64 // "ok", "unknown", "changed" or "refused"

	Lookups map[string]uint64 // of a room's occupants: "ok", "origin" or the error's code

	// Rejected is what was over a limit: "joins", "resumes", "token_joins", "guesses",
	// "lookups" or "seats".
	Rejected map[string]uint64
	// Delayed and Refused are messages that had to wait, or that were not carried out,
	// because their sender or its room causes too much, by what it is too much of.
	Delayed, Refused map[string]uint64

	// DroppedMessages are `message`s that a client which was away or slow did
	// not get.
	DroppedMessages uint64

	Sessions int // all, detached ones included
	Detached int // sessions that wait for their client to come back
	Draining bool

	// Signaled is the time from a request to its `joined` message, in seconds.
	Signaled stat.HistogramSnapshot
}

// counters are bumped from many goroutines.
type counters struct {
	received, sent, errors, joins, resumes, lookups, rejected tally
	delayed, refused                                          tally
	dropped                                                   stat.Counter
	signaled                                                  *stat.Histogram
}

func newCounters() *counters {
	failures := make([]string, 0, len(protocol.Codes()))
	for _, c := range protocol.Codes() {
		failures = append(failures, string(c))
	}
	reasons := make([]string, 0, len(charge.Reasons()))
	for _, r := range charge.Reasons() {
		reasons = append(reasons, string(r))
	}
	return &counters{
		delayed: newTally(reasons...), refused: newTally(reasons...),
		received: newTally(append(protocol.ClientTypes(), invalid)...),
		sent:     newTally(protocol.ServerTypes()...),
		errors:   newTally(failures...),
		joins: newTally(ok, string(protocol.BadRoom), string(protocol.BadName), string(protocol.Unauthorized),
			string(protocol.RoomFull), string(protocol.ServerFull), string(protocol.Draining)),
		resumes:  newTally(ok, unknown, changed, refused),
		lookups:  newTally(ok, originRefused, string(protocol.BadRoom), string(protocol.Unauthorized), string(protocol.RateLimited)),
		rejected: newTally(rejectedJoins, rejectedResumes, rejectedTokenJoins, rejectedGuesses, rejectedLookups, rejectedSeats),
		signaled: stat.NewHistogram(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
	}
}

// tally counts by a key out of a fixed set; the map is never written to again.
type tally map[string]*stat.Counter

func newTally(keys ...string) tally {
	t := make(tally, len(keys))
	for _, key := range keys {
		t[key] = new(stat.Counter)
	}
	return t
}

// inc ignores a key outside of the set: labels stay bounded.
func (t tally) inc(key string) {
	if c := t[key]; c != nil {
		c.Inc()
	}
}

func (t tally) snapshot() map[string]uint64 {
	m := make(map[string]uint64, len(t))
	for key, c := range t {
		m[key] = c.Load()
	}
	return m
}

// result is the key under which a join is counted.
func result(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return string(f.code)
	}
	return ok
}

// Stats takes a snapshot.
func (s *Server) Stats() Stats {
	all := s.all()
	detached := 0
	for _, session := range all {
		if session.detached() {
			detached++
		}
	}
	return Stats{
		Received: s.stats.received.snapshot(), Sent: s.stats.sent.snapshot(),
		Errors: s.stats.errors.snapshot(), Joins: s.stats.joins.snapshot(),
		Resumes: s.stats.resumes.snapshot(), Lookups: s.stats.lookups.snapshot(), Rejected: s.stats.rejected.snapshot(), Signaled: s.stats.signaled.Snapshot(),
		Delayed: s.stats.delayed.snapshot(), Refused: s.stats.refused.snapshot(),
		DroppedMessages: s.stats.dropped.Load(),
		Sessions:        len(all), Detached: detached, Draining: s.Ready() != nil,
	}
}
