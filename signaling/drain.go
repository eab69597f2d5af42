package signaling

import (
	"context"
	"errors"
	"time"
)

// errDraining is what Ready says.
var errDraining = errors.New("draining")

// open counts a socket in; the caller counts it out.
func (s *Server) open() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.sockets.Add(1)
	return true
}

// add makes a session known, unless the server takes no new ones.
func (s *Server) add(session *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.sessions[session.secret] = session
	s.enterLocked(session)
	return true
}

// remove forgets a session; more than once does no harm.
func (s *Server) remove(session *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions[session.secret] != session {
		return
	}
	delete(s.sessions, session.secret)
	s.exitLocked(session)
	if s.draining && len(s.sessions) == 0 {
		close(s.gone)
	}
}

// Ready returns why the server takes no new sessions, or nil.
func (s *Server) Ready() error {
	if s.drainUntil.Load() != nil {
		return errDraining
	}
	return nil
}

// drainAfter tells how long clients have to go elsewhere.
func (s *Server) drainAfter() (after time.Duration, draining bool) {
	until := s.drainUntil.Load()
	if until == nil {
		return 0, false
	}
	return time.Until(*until), true
}

// Drain takes no new sessions from now on and asks all clients to reconnect
// within after, so that they find another server. It ends the sessions that
// remain at that time, or when ctx is done, and returns when every session and
// WebSocket is gone.
func (s *Server) Drain(ctx context.Context, after time.Duration) {
	s.stopAdding(time.Now().Add(after))
	for _, session := range s.all() {
		session.tellDrain()
	}
	late := time.NewTimer(after)
	defer late.Stop()
	select {
	case <-s.gone:
	case <-late.C:
	case <-ctx.Done():
	}
	s.Close()
}

// Close ends every session at once and returns when all WebSockets are gone.
func (s *Server) Close() {
	s.stopAdding(time.Now())
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	for _, session := range s.all() {
		session.leave(ErrDrained)
	}
	<-s.gone
	s.sockets.Wait()
}

func (s *Server) stopAdding(until time.Time) {
	s.drainUntil.Store(&until)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return
	}
	s.draining = true
	if len(s.sessions) == 0 {
		close(s.gone)
	}
}

func (s *Server) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*session, 0, len(s.sessions))
	for _, session := range s.sessions {
		all = append(all, session)
	}
	return all
}
