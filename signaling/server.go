package signaling

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"plenum/sfu"
	"plenum/signaling/charge"
	"plenum/signaling/protocol"
)

// participant is what a session needs of an *sfu.Participant. The methods may wait while
// the engine is behind with what this client wants of it, but for no other's sake longer
// than for its turn; Leave never does.
type participant interface {
	ID() string
	Offer(sdp string)
	Answer(sdp string)
	Candidate(*sfu.CandidateInit)
	Publish([]sfu.PublishedTrack)
	Mute(mid string, muted bool)
	Subscribe([]sfu.Wish)
	Message(to string, body json.RawMessage)
	Resume()
	Leave(cause error)
}

// readBuffer is how many bytes of a client's messages one read takes at most; an
// SDP takes a few.
const readBuffer = 1024

// joinFunc asks the engine for a place in a room.
type joinFunc func(sfu.JoinRequest) (participant, error)

// Server serves the WebSockets of one engine. It is an http.Handler for GET /ws;
// ServeOccupants is one for GET /rooms/{room}.
type Server struct {
	config     Config
	limits     *charge.Limits // of sessions and rooms
	join       joinFunc
	now        func() time.Time // for limits
	origins    origins
	upgrader   websocket.Upgrader
	stats      *counters
	allowances *allowances
	untold     sync.Once // of a proxy that nobody trusts

	spoken     atomic.Pointer[spoken]    // the last `message`; nil at first
	drainUntil atomic.Pointer[time.Time] // nil while not draining

	mu       sync.Mutex
	sessions map[string]*session // by secret
	rooms    map[string]*room    // those with sessions in them
	draining bool                // no new sessions
	closed   bool                // no new sockets either
	gone     chan struct{}       // closed when draining and no session is left
	sockets  sync.WaitGroup      // added to under mu and only while not closed
}

// New checks the configuration.
func New(c Config) (*Server, error) {
	if c.Engine == nil {
		return nil, errors.New("signaling: no engine")
	}
	return newServer(c, func(r sfu.JoinRequest) (participant, error) {
		p, err := c.Engine.Join(r)
		if err != nil {
			return nil, err // p is a nil of another type
		}
		return p, nil
	})
}

func newServer(c Config, join joinFunc) (*Server, error) {
	c = c.withDefaults()
	if err := c.validate(); err != nil {
		return nil, err
	}
	origins, err := newOrigins(c.AllowOrigins, c.Authenticator != nil)
	if err != nil {
		return nil, err
	}
	return &Server{
		config: c, limits: c.limits(), join: join, now: time.Now, origins: origins, stats: newCounters(), allowances: newAllowances(c.Limits),
		upgrader: websocket.Upgrader{
			HandshakeTimeout: 10 * time.Second,
			Subprotocols:     []string{protocol.Subprotocol},
			ReadBufferSize:   readBuffer, // or net/http's would be kept, and what it belongs to
			WriteBufferPool:  &sync.Pool{},
			CheckOrigin:      func(*http.Request) bool { return true }, // done by origins
		},
		sessions: map[string]*session{}, rooms: map[string]*room{}, gone: make(chan struct{}),
	}, nil
}

// ServeHTTP upgrades a request to a WebSocket, which is then served on a
// goroutine of its own until it ends: net/http's has a stack that is made for more
// and holds the request for as long.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	if !s.origins.allow(r) {
		s.refuse(w, r, http.StatusForbidden, "the origin of this page is not allowed")
		return
	}
	q, err := parseRequest(r)
	if err != nil {
		s.refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	q.client = s.client(r)
	resumes := q.session != "" && s.lookup(q.session, q.room) != nil
	wait, refused := s.allowances.socket(s.now(), q, resumes)
	if refused != nil {
		s.tooMany(w, r, refused)
		return
	}
	if pause(r.Context(), wait) != nil {
		return // the client has gone
	}
	if !s.open() {
		s.refuse(w, r, http.StatusServiceUnavailable, "the server is going away")
		return
	}
	ws, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil { // the upgrader has answered
		s.sockets.Done()
		s.config.Log.Debug("upgrade failed", "remote", r.RemoteAddr, "err", err)
		return
	}
	go func() {
		defer s.sockets.Done()
		defer func() { // net/http does that for its own goroutines
			if p := recover(); p != nil {
				s.config.Log.Error("session failed", "room", q.room, "err", newPanicError(p))
				_ = ws.Close()
			}
		}()
		s.serve(newSocket(ws, &s.config), q, began)
	}()
}

// client is the address that a request counts for.
func (s *Server) client(r *http.Request) netip.Addr {
	address := s.config.TrustedProxies.Address(r)
	if (address.IsLoopback() || address.IsPrivate()) && r.Header.Get("X-Forwarded-For") != "" && !s.config.TrustedProxies.Trusts(address) {
		s.untold.Do(func() {
			s.config.Log.Warn("a proxy is not trusted, so all of its clients count as one: see --trusted-proxy", "proxy", r.RemoteAddr)
		})
	}
	return address
}

// refuse answers a request that does not become a WebSocket.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	s.config.Log.Debug("upgrade refused", "remote", r.RemoteAddr, "reason", reason)
	http.Error(w, reason, status)
}

// serve runs one socket from `joined`, or the error in its place, to its end.
func (s *Server) serve(c *socket, q request, began time.Time) {
	log := s.config.Log.With("room", q.room)
	session, err := s.admit(c, q, began)
	if err != nil {
		log.Debug("session refused", "err", err)
		s.dismiss(c, err)
		_ = c.serve(nil, nil) // closing: nothing is received
		return
	}
	cause := c.serve(func() bool { return session.allow((*charge.Participant).Control) }, func(data []byte, err error) { session.receive(c, data, err) })
	level := slog.LevelDebug
	lost := session.detach(c, cause)
	var bug *panicError
	switch {
	case errors.As(cause, &bug):
		level = slog.LevelError
	case lost:
		level = slog.LevelInfo
	}
	log.Log(context.Background(), level, "connection ended", "participant", session.participant.ID(), "cause", cause)
}

// dismiss closes a socket for a reason, which the client is told if the
// protocol has a word for it.
func (s *Server) dismiss(c *socket, cause error) {
	told, closeCode := farewell(cause)
	var last frame
	if told != nil {
		last = encodeFailure(told)
	}
	if c.finish(last, closeCode) && told != nil {
		s.stats.errors.inc(string(told.code))
		s.stats.sent.inc("error")
	}
}

// admit finds or makes the session that a request asks for.
func (s *Server) admit(c *socket, q request, began time.Time) (*session, error) {
	claims, err := s.authorize(q)
	if q.session != "" {
		if errors.Is(err, errTokenExpired) {
			// A call outlives the token that began it: the session's secret is enough.
			if session := s.lookup(q.session, q.room); session != nil && session.conforms(claims) && session.attach(c) {
				s.stats.resumes.inc(ok)
				return session, nil
			}
		}
		if err != nil {
			s.stats.resumes.inc(refused)
			return nil, err
		}
		session, result := s.resume(c, q, claims)
		s.stats.resumes.inc(result)
		if session != nil {
			return session, nil
		}
	}
	var session *session
	if err == nil {
		session, err = s.begin(c, q, claims, began)
	}
	s.stats.joins.inc(result(err))
	return session, err
}

// resume gives a socket the session that a request asks for, nil if a new one is
// to begin, and the result to count. A session keeps its name and its grants:
// if the token now says otherwise, the session ends for the new one's sake.
func (s *Server) resume(c *socket, q request, claims Claims) (*session, string) {
	session := s.lookup(q.session, q.room)
	switch {
	case session == nil:
		return nil, unknown
	case !session.conforms(claims):
		session.leave(fail(protocol.Replaced, "The session was left for one with another name or other rights."))
		return nil, changed
	case !session.attach(c):
		return nil, unknown
	}
	return session, ok
}

// authorize checks what a request says and returns what its token does. An
// empty name leaves the choice to the client.
func (s *Server) authorize(q request) (Claims, error) {
	if !protocol.ValidRoom(q.room) {
		return Claims{}, fail(protocol.BadRoom, "A room's name is 1 to 128 letters, digits, '-', '_' and '.'.")
	}
	claims := Claims{Grants: sfu.AllGrants}
	if s.config.Authenticator != nil {
		var err error
		if claims, err = s.config.Authenticator.Authenticate(q.token, q.room, time.Now()); err != nil {
			if q.token != "" && !errors.Is(err, errTokenExpired) {
				s.allowances.guessed(s.now(), q.client)
			}
			return claims, notAdmitted{fail(protocol.Unauthorized, "You are not admitted: "+err.Error()+"."), err}
		}
	}
	if !protocol.ValidName(nameOf(q, claims)) {
		return Claims{}, fail(protocol.BadName, "A name has at most 64 characters.")
	}
	return claims, nil
}

// nameOf is what a new session's participant is called.
func nameOf(q request, claims Claims) string { return cmp.Or(claims.Name, q.name) }

// begin joins a new session.
func (s *Server) begin(c *socket, q request, claims Claims, began time.Time) (*session, error) {
	session := newSession(s, q.room, c, began)
	session.name, session.grants = nameOf(q, claims), claims.Grants
	if !s.add(session) {
		return nil, refusal(sfu.ErrClosed)
	}
	p, err := s.join(sfu.JoinRequest{Room: q.room, Name: session.name, Grants: session.grants, Client: session, Early: q.early})
	if err != nil {
		s.remove(session)
		return nil, refusal(err)
	}
	session.start(p)
	return session, nil
}

func (s *Server) lookup(secret, room string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	if session := s.sessions[secret]; session != nil && session.room == room {
		return session
	}
	return nil
}

// notAdmitted is a refusal that keeps its reason for errors.Is.
type notAdmitted struct {
	*failure
	reason error
}

func (n notAdmitted) Unwrap() []error { return []error{n.failure, n.reason} }
