package signaling

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for something that is sure to come.
const patience = 20 * time.Second

// fakeEngine takes everyone in and lets the test play the rest of the engine.
type fakeEngine struct {
	joined chan *fakeParticipant
	mu     sync.Mutex
	refuse error
	count  int
}

func (e *fakeEngine) join(r sfu.JoinRequest) (participant, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse != nil {
		return nil, e.refuse
	}
	e.count++
	p := &fakeParticipant{
		id: fmt.Sprint("p", e.count), request: r, Client: r.Client,
		commands: make(chan command, 4096), left: make(chan error, 1), resumed: make(chan struct{}, 16),
	}
	p.Send(sfu.Joined{ID: p.id, Room: r.Room})
	e.joined <- p
	return p, nil
}

// fakeParticipant records commands and sends what the test wants to the client.
type fakeParticipant struct {
	id      string
	request sfu.JoinRequest
	sfu.Client
	commands chan command
	left     chan error
	resumed  chan struct{}
	silent   bool // Resume is not answered: the test does that
	buggy    bool // a message makes it panic
	once     sync.Once
}

func (p *fakeParticipant) ID() string                           { return p.id }
func (p *fakeParticipant) Offer(sdp string)                     { p.record(offerCommand{sdp}) }
func (p *fakeParticipant) Answer(sdp string)                    { p.record(answerCommand{sdp}) }
func (p *fakeParticipant) Candidate(c *sfu.CandidateInit)       { p.record(candidateCommand{c}) }
func (p *fakeParticipant) Publish(t []sfu.PublishedTrack)       { p.record(publishCommand{t}) }
func (p *fakeParticipant) Mute(mid string, muted bool)          { p.record(muteCommand{mid, muted}) }
func (p *fakeParticipant) Subscribe(w []sfu.Wish)               { p.record(subscribeCommand{w}) }
func (p *fakeParticipant) Message(to string, b json.RawMessage) { p.record(messageCommand{to, b}) }

func (p *fakeParticipant) record(c command) {
	if p.buggy {
		panic("a bug")
	}
	select {
	case p.commands <- c:
	default:
		p.Leave(sfu.ErrTooSlow)
	}
}

func (p *fakeParticipant) Resume() {
	if !p.silent {
		p.welcomeBack()
	}
	p.resumed <- struct{}{}
}

func (p *fakeParticipant) welcomeBack(others ...sfu.ParticipantInfo) {
	p.Send(sfu.Joined{ID: p.id, Room: p.request.Room, Resumed: true, Participants: others})
}

func (p *fakeParticipant) Leave(cause error) {
	p.once.Do(func() {
		p.left <- cause
		p.Send(sfu.Ended{Cause: cause})
	})
}

// site is a Server with a fake engine behind a real HTTP server.
type site struct {
	t      *testing.T
	engine *fakeEngine
	server *Server
	url    string
	ended  chan string // causes of connections that ended, as logged
}

func newSite(t *testing.T, c Config) *site {
	t.Helper()
	s := &site{t: t, engine: &fakeEngine{joined: make(chan *fakeParticipant, 100)}, ended: make(chan string, 100)}
	c.Log = slog.New(endLog{slog.DiscardHandler, s.ended})
	server, err := newServer(c, s.engine.join)
	if err != nil {
		t.Fatal(err)
	}
	s.server = server
	h := httptest.NewServer(server)
	s.url = "ws" + strings.TrimPrefix(h.URL, "http") + "/ws"
	t.Cleanup(func() {
		server.Close()
		h.Close()
	})
	return s
}

// endLog picks the causes of ended connections out of the log.
type endLog struct {
	slog.Handler
	ended chan<- string
}

func (h endLog) Enabled(context.Context, slog.Level) bool { return true }
func (h endLog) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h endLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "connection ended" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "cause" {
				h.ended <- a.Value.String()
			}
			return true
		})
	}
	return nil
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain: %s", what)
		panic("unreachable")
	}
}

// client is one WebSocket of a test.
type client struct {
	t *testing.T
	*websocket.Conn
}

// wireMessage has all fields of all messages to clients.
type wireMessage struct {
	Type, ID, Session, Room, Event, SDP, From, Code, Message string
	Resumed, Fatal                                           bool
	ICEServers                                               []ICEServer
	Participants                                             []protocol.ParticipantState
	Participant                                              protocol.ParticipantState
	Body                                                     json.RawMessage
	After                                                    float64
	Tracks                                                   []protocol.TrackQuality // of `quality`
	Downlink                                                 uint64
	Transport                                                *protocol.Transport
	raw                                                      string
}

func (s *site) dial(query string, subprotocols ...string) *client {
	s.t.Helper()
	return s.dialWith(nil, query, subprotocols...)
}

func (s *site) dialWith(header http.Header, query string, subprotocols ...string) *client {
	s.t.Helper()
	d := websocket.Dialer{Subprotocols: subprotocols, HandshakeTimeout: patience}
	ws, _, err := d.Dial(s.url+"?"+query, header)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { ws.Close() })
	return &client{s.t, ws}
}

// enter joins a room and returns both ends of the session, with its `joined`.
func (s *site) enter(query string) (*client, *fakeParticipant, wireMessage) {
	s.t.Helper()
	c := s.dial(query)
	joined := c.expect("joined")
	return c, await(s.t, "join", s.engine.joined), joined
}

func (s *site) resume(session string) *client {
	s.t.Helper()
	return s.dial("room=demo&session=" + url.QueryEscape(session))
}

// cut breaks the connection without a closing handshake.
func (s *site) cut(c *client) {
	s.t.Helper()
	c.NetConn().Close()
	await(s.t, "the cut to be noticed", s.ended)
}

func (c *client) expect(kind string) wireMessage {
	c.t.Helper()
	m := c.receive()
	if m.Type != kind {
		c.t.Fatalf("got %s, want %s", m.raw, kind)
	}
	return m
}

func (c *client) receive() wireMessage {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	_, data, err := c.ReadMessage()
	if err != nil {
		c.t.Fatal(err)
	}
	m := wireMessage{raw: string(data)}
	if err := json.Unmarshal(data, &m); err != nil {
		c.t.Fatal(err)
	}
	return m
}

// expectClose reads on until the close frame and returns its code.
func (c *client) expectClose() int {
	c.t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	for {
		_, _, err := c.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return closed.Code
		}
		if err != nil {
			c.t.Fatalf("waiting for a close frame: %v", err)
		}
	}
}

// expectFatal reads a fatal error of that code and the close code after it.
func (c *client) expectFatal(want protocol.Code, closeCode int) {
	c.t.Helper()
	m := c.expect("error")
	if m.Code != string(want) || !m.Fatal || m.Message == "" {
		c.t.Errorf("got %s, want a fatal %s", m.raw, want)
	}
	if got := c.expectClose(); got != closeCode {
		c.t.Errorf("%s closes with %d, want %d", want, got, closeCode)
	}
}

func (c *client) send(message string) {
	c.t.Helper()
	if err := c.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		c.t.Fatal(err)
	}
}

// flood writes a message n times, and stops where the server does.
func (c *client) flood(message string, n int) {
	for range n {
		if c.WriteMessage(websocket.TextMessage, []byte(message)) != nil {
			return
		}
	}
}

// lockedBuffer is a log that a test reads when its writers may still run.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
