package signaling

import (
	"time"

	"github.com/gorilla/websocket"

	"plenum/signaling/protocol"
)

// This file is how a session bears with messages that are of no use.

// A session that sent badLimit messages of no sense within badWindow is ended.
const (
	badLimit  = 10
	badWindow = time.Minute
)

// maxIgnored is how many candidates of a session may be ignored before they are a flood:
// a machine with many interfaces has some hundred, and an ICE restart has them all again.
const maxIgnored = 2000

// ignore drops a candidate beyond the rate of messages, and ends the session if there were
// too many. The engine would take few of them anyway, and a client that sends all it has
// at once is no enemy.
func (s *session) ignore() {
	s.mu.Lock()
	s.ignored++
	n := s.ignored
	s.mu.Unlock()
	if n > maxIgnored {
		s.leave(fail(protocol.RateLimited, "You send more messages than the server takes."))
		return
	}
	s.server.stats.received.inc(invalid)
	if n == 1 {
		f := fail(protocol.BadCandidate, "You send more candidates than the server looks at: the rest is ignored.")
		s.server.stats.errors.inc(string(f.code))
		s.tell(encodeFailure(f))
	}
}

// complain tells of a bad message; the tenth within a minute ends the session.
func (s *session) complain(reason error) {
	f := fail(protocol.BadMessage, "The message makes no sense: "+reason.Error()+".")
	if s.tooManyBad(time.Now()) {
		s.server.stats.received.inc(invalid)
		f.close = websocket.ClosePolicyViolation
		s.leave(f)
		return
	}
	s.refuse(f)
}

// refuse tells of a message that was ignored, which the session survives: of one that is
// too large any number of times, for a client can't know the limit before it has met it.
func (s *session) refuse(f *failure) {
	f.close = 0
	s.server.stats.received.inc(invalid)
	s.server.stats.errors.inc(string(f.code))
	s.tell(encodeFailure(f))
}

func (s *session) tooManyBad(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	recent := s.bad[:0]
	for _, t := range s.bad {
		if now.Sub(t) < badWindow {
			recent = append(recent, t)
		}
	}
	s.bad = append(recent, now)
	return len(s.bad) >= badLimit
}
