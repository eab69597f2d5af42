package signaling

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"plenum/sfu"
	"plenum/signaling/charge"
	"plenum/signaling/protocol"
)

// keptShare is the part of a queue that kept messages may fill: they go to a new
// connection all at once, and there must be room for what the room has to say.
const keptShare = 4

// session is one participant's place in a room as its client sees it. It is the
// engine's sfu.Client, and outlives the sockets that come and go.
type session struct {
	server  *Server
	room    string
	name    string
	grants  sfu.Grants
	secret  string
	began   time.Time
	others  *room               // and the session itself; nil before it is in the room
	charges *charge.Participant // guarded by others

	mu          sync.Mutex
	participant participant // nil until the engine's Join has returned
	socket      *socket     // nil while detached
	epoch       int         // of the socket; makes a late timer harmless
	expiry      *time.Timer // runs while detached
	welcome     welcome
	drainTold   bool    // to this socket
	lines       int64   // m-lines of the largest description that was sent
	kept        backlog // `message`s for a client that is away
	bad         []time.Time
	ignored     int   // candidates beyond limiter
	leaving     error // why, once it is to end; no one can resume it then
	ended       bool  // the engine's last event has come
}

// welcome counts the Joined events that are still to come before the socket may
// be told anything: one for each socket that the session got since the last.
// Everything before them is in them.
type welcome struct {
	awaited int
	given   bool // the current socket has had its `joined`
}

func newSession(s *Server, room string, c *socket, began time.Time) *session {
	return &session{
		server: s, room: room, began: began, socket: c,
		secret:  rand.Text(), // 130 bits
		welcome: welcome{awaited: 1},
	}
}

// Send takes an event from the engine. It never waits.
func (s *session) Send(event sfu.Event) {
	switch e := event.(type) {
	case sfu.Joined:
		s.greet(encodeJoined(e, s.secret, s.server.config.ICEServers), e.Resumed)
	case sfu.Ended:
		s.end(e.Cause)
	case sfu.Message:
		s.tell(s.server.encodeMessage(e))
	case sfu.Offer:
		s.describe(e.SDP)
		s.tell(encodeEvent(e))
	case sfu.Answer:
		s.describe(e.SDP)
		s.tell(encodeEvent(e))
	case sfu.Problem:
		s.server.stats.errors.inc(string(e.Code))
		s.tell(encodeEvent(e))
	default:
		s.tell(encodeEvent(e))
	}
}

// describe notes of how many m-lines the session is: what the client may send, and what
// may wait for it, grows with them.
func (s *session) describe(sdp string) {
	lines := int64(strings.Count(sdp, "\nm="))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = max(s.lines, lines)
	if s.socket != nil {
		s.socket.lines.Store(s.lines)
	}
}

// greet sends `joined`, then the messages that were kept.
func (s *session) greet(joined frame, resumed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.welcome.awaited > 0 {
		s.welcome.awaited--
	}
	if s.welcome.awaited > 0 || s.socket == nil {
		return // a newer socket waits for its own
	}
	s.welcome.given = true
	s.sendLocked(joined)
	for _, f := range s.kept.take() {
		s.sendLocked(f)
	}
	s.tellDrainLocked()
	if !resumed {
		s.server.stats.signaled.Observe(time.Since(s.began).Seconds())
	}
}

// tell sends a frame to a client that is there. For one that is not, a `message`
// is kept; the rest is state, which the next `joined` carries.
func (s *session) tell(f frame) {
	if f.data == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != nil && s.welcome.given {
		s.sendLocked(f)
	} else {
		s.keepLocked(f)
	}
}

func (s *session) sendLocked(f frame) {
	switch s.socket.send(f) {
	case queued:
		s.server.stats.sent.inc(f.kind)
	case merged: // the frame whose place it takes is counted
	case dropped:
		s.server.stats.dropped.Inc()
	case closed:
		s.keepLocked(f)
	}
}

func (s *session) keepLocked(f frame) {
	if f.kind != "message" || s.ended {
		return
	}
	c := &s.server.config
	dropped := s.kept.add(f, c.MaxKeptMessages, c.MaxQueueBytes/keptShare)
	s.server.stats.dropped.Add(uint64(dropped))
}

// tellDrain says that the server goes away, once to each socket.
func (s *session) tellDrain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != nil && s.welcome.given {
		s.tellDrainLocked()
	}
}

func (s *session) tellDrainLocked() {
	if after, draining := s.server.drainAfter(); draining && !s.drainTold {
		s.drainTold = true
		s.sendLocked(encodeDrain(after))
	}
}

// start is called when the engine has taken the participant in.
func (s *session) start(p participant) {
	s.mu.Lock()
	s.participant = p
	cause := s.leaving
	s.mu.Unlock()
	if cause != nil { // it was ended meanwhile
		p.Leave(cause)
	}
}

// conforms reports whether the session is one that a token with these claims
// would get.
func (s *session) conforms(c Claims) bool {
	return c.Grants == s.grants && (c.Name == "" || c.Name == s.name)
}

// attach makes c the session's socket, if the session can still be resumed.
func (s *session) attach(c *socket) bool {
	s.mu.Lock()
	p := s.participant
	if s.leaving != nil || s.ended || p == nil {
		s.mu.Unlock()
		return false
	}
	old := s.socket
	s.releaseLocked()
	s.socket = c
	c.lines.Store(s.lines)
	s.welcome = welcome{awaited: s.welcome.awaited + 1}
	s.drainTold = false
	s.mu.Unlock()

	if old != nil {
		s.server.dismiss(old, fail(protocol.Replaced, "The session goes on in another connection."))
	}
	p.Resume()
	return true
}

// releaseLocked lets go of the socket and the timer, saving what a client must not miss.
func (s *session) releaseLocked() {
	s.epoch++
	if s.expiry != nil {
		s.expiry.Stop()
		s.expiry = nil
	}
	if s.socket == nil {
		return
	}
	// What was kept since the socket closed is newer than what it left over.
	later := s.kept.take()
	for _, f := range append(s.socket.unsent("message"), later...) {
		s.keepLocked(f)
	}
	s.socket = nil
}

// detach is called when c is gone. A client that closed it on purpose has left;
// any other may come back for a while: lost says that the session waits for it.
func (s *session) detach(c *socket, cause error) (lost bool) {
	if websocket.IsCloseError(cause, websocket.CloseNormalClosure, websocket.CloseGoingAway) && s.owns(c) {
		s.leave(sfu.ErrLeft)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.socket != c {
		return false
	}
	s.releaseLocked()
	if s.leaving != nil || s.ended {
		return false
	}
	epoch := s.epoch
	s.expiry = time.AfterFunc(s.server.config.ResumeTimeout, func() { s.expire(epoch) })
	return true
}

func (s *session) owns(c *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket == c
}

// detached reports whether the session waits for its client.
func (s *session) detached() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.socket == nil && !s.ended
}

func (s *session) expire(epoch int) {
	s.mu.Lock()
	if s.epoch != epoch || s.leaving != nil {
		s.mu.Unlock()
		return
	}
	s.leaving = ErrSignalingLost
	p := s.participant
	s.mu.Unlock()
	p.Leave(ErrSignalingLost)
}

// leave ends the participant; end follows from the engine. The first cause counts,
// and if it is the client's fault nothing more of it is heard.
func (s *session) leave(cause error) {
	s.mu.Lock()
	if s.leaving != nil {
		s.mu.Unlock()
		return
	}
	s.leaving = cause
	p, c := s.participant, s.socket
	s.mu.Unlock()
	var told *failure
	if errors.As(cause, &told) && c != nil {
		s.server.dismiss(c, cause)
	}
	if p != nil {
		p.Leave(cause)
	}
}

// end is what remains to do when the participant is gone.
func (s *session) end(cause error) {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return
	}
	s.ended = true
	s.kept = backlog{}
	c := s.socket
	if c == nil {
		s.releaseLocked() // stops the timer
	}
	s.mu.Unlock()
	if errors.Is(cause, sfu.ErrNoMedia) {
		s.server.stats.rejected.inc(rejectedSeats)
	}
	s.server.remove(s)
	if c != nil {
		s.server.dismiss(c, cause)
	}
}

// receive carries out one message of the client's, or answers one that came in
// no usable form.
func (s *session) receive(c *socket, data []byte, err error) {
	if !s.owns(c) {
		return
	}
	switch {
	case errors.Is(err, errHuge):
		s.leave(fail(protocol.TooLarge, "The message is larger than the server takes."))
		return
	case errors.Is(err, errFlood):
		s.leave(fail(protocol.RateLimited, "You send more messages than the server takes."))
		return
	}
	var command command
	var senseless error
	if err == nil {
		command, senseless = decode(data, s.server.config.MaxBodyBytes)
	}
	if _, is := command.(candidateCommand); is && !s.allow((*charge.Participant).Candidate) {
		s.ignore()
		return
	} else if !is && !s.allow((*charge.Participant).Message) {
		s.leave(fail(protocol.RateLimited, "You send more messages than the server takes."))
		return
	}
	switch {
	case errors.Is(err, errTooLarge):
		if s.pay(c, nil, c.limit()) {
			s.refuse(fail(protocol.TooLarge, fmt.Sprintf("The message is larger than the %d bytes that the server takes of you now; it was ignored.", c.limit())))
		}
		return
	case errors.Is(err, errBinary):
		s.complain(errors.New("the message is binary"))
		return
	case !s.pay(c, command, len(data)):
		return
	case senseless != nil:
		s.complain(senseless)
		return
	}
	s.server.stats.received.inc(command.kind())
	s.obey(command)
}

// obey is called by the reader only, which starts when the participant is set.
func (s *session) obey(command command) {
	p := s.participant
	switch c := command.(type) {
	case offerCommand:
		p.Offer(c.sdp)
	case answerCommand:
		p.Answer(c.sdp)
	case candidateCommand:
		p.Candidate(c.candidate)
	case publishCommand:
		p.Publish(c.tracks)
	case muteCommand:
		p.Mute(c.mid, c.muted)
	case subscribeCommand:
		p.Subscribe(c.wishes)
	case messageCommand:
		if s.talks(c) {
			p.Message(c.to, c.body)
		}
	case leaveCommand:
		s.leave(sfu.ErrLeft)
	}
}
