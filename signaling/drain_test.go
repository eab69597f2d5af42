package signaling

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"plenum/signaling/protocol"
)

// drain starts to drain and returns how to cut that short, and its end.
func (s *site) drain(after time.Duration) (context.CancelFunc, <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	s.t.Cleanup(cancel)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.server.Drain(ctx, after)
	}()
	return cancel, done
}

func TestDrain(t *testing.T) {
	s := newSite(t, Config{})
	if err := s.server.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
	away, p, joined := s.enter("room=demo")
	s.cut(away)
	c, p2, _ := s.enter("room=demo")
	cancel, done := s.drain(time.Hour)
	if m := c.expect("drain"); m.After < 3590 || m.After > 3600 {
		t.Error(m.raw)
	}
	if s.server.Ready() == nil || !s.server.Stats().Draining {
		t.Error("ready while draining")
	}
	s.dial("room=demo").expectFatal(protocol.Draining, 1012)
	s.dial("room=demo&session=gone").expectFatal(protocol.Draining, 1012)

	back := s.resume(joined.Session) // sessions that are here may still be resumed
	if m := back.expect("joined"); !m.Resumed {
		t.Error(m.raw)
	}
	back.expect("drain")

	cancel()
	for _, client := range []*client{c, back} {
		if got := client.expectClose(); got != 1012 {
			t.Errorf("closed with %d", got)
		}
	}
	for _, p := range []*fakeParticipant{p, p2} {
		if cause := await(t, "leave", p.left); cause != ErrDrained {
			t.Errorf("cause %v", cause)
		}
	}
	await(t, "drain", done)
	w := httptest.NewRecorder()
	if s.server.ServeHTTP(w, httptest.NewRequest("GET", "/ws?room=demo", nil)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a closed server answers %d", w.Code)
	}
}

// Who leaves by itself is not waited for, nor is a deadline.
func TestDrainEndsWithTheLastSession(t *testing.T) {
	s := newSite(t, Config{})
	c, _, _ := s.enter("room=demo")
	_, done := s.drain(time.Hour)
	c.expect("drain")
	c.send(`{"type":"leave"}`)
	if got := c.expectClose(); got != 1000 {
		t.Errorf("closed with %d", got)
	}
	await(t, "drain", done)
}

func TestDrainDeadline(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	_, done := s.drain(10 * time.Millisecond)
	if got := c.expectClose(); got != 1012 {
		t.Errorf("closed with %d", got)
	}
	if cause := await(t, "leave", p.left); cause != ErrDrained {
		t.Errorf("cause %v", cause)
	}
	await(t, "drain", done)
}

func TestDrainWithoutSessions(t *testing.T) {
	s := newSite(t, Config{})
	_, done := s.drain(time.Hour)
	await(t, "drain", done)
	s.server.Close() // again does no harm
}
