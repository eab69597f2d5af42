package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/protocol"
)

// Causes of a client's end.
var (
	ErrLeft     = errors.New("left")
	ErrClosed   = errors.New("closed")
	ErrNoSignal = errors.New("no signaling connection")
	errOverflow = errors.New("events are not taken")
)

// Options say how to join. URL (or Dial) and Room are required.
type Options struct {
	URL     string // ws://host:port/ws
	Room    string
	Name    string
	Token   string
	Session string // secret of a session to resume

	// Publish is what the first offer carries. Without any, the client speaks
	// first with a recvonly audio m-line, or with a data channel if so wished.
	Publish     []Local
	DataChannel bool

	// RED says that the client knows the redundancy of RFC 2198 around Opus.
	RED bool

	// On receives every event, in order, on the client's one goroutine. It must
	// not block and must not call Close; it may call any other method. Nil
	// ignores the events.
	On func(Event)

	// API makes the peer connection. Nil is the package's own, which names the
	// layers of a simulcast track; Setting may then adapt its SettingEngine.
	API     *webrtc.API
	Setting func(*webrtc.SettingEngine)

	// Dialer opens the WebSocket; nil is gorilla's default. Dial replaces the
	// WebSocket altogether; session is empty at first and the secret to resume
	// with on Reconnect.
	Dialer *websocket.Dialer
	Dial   func(ctx context.Context, session string) (Signal, error)
}

// Local is a track to publish: Track alone, or Track and Layers as the layers
// of one simulcast track, each with its own rid, lowest first.
type Local struct {
	Track  webrtc.TrackLocal
	Source Source
	Layers []webrtc.TrackLocal
	Muted  bool
}

// Publication is a track that the client sends, or is about to.
type Publication struct {
	// Mid names the track's m-line from the start.
	Mid   string
	local Local
	muted bool // guarded by Client.mu

	transceiver *webrtc.RTPTransceiver // the loop's
	removed     bool                   // the loop's
}

// Client is one participant of one room. Its methods may be called from any
// goroutine, also from On (Close excepted), and none but Join, Reconnect and
// Close waits for anything.
type Client struct {
	options Options
	box     *mailbox
	ctx     context.Context
	end     context.CancelCauseFunc
	done    chan struct{}
	workers sync.WaitGroup // read pumps and RTCP readers

	mu           sync.Mutex // a leaf: guards the fields below, no calls
	id, session  string
	signal       Signal
	peer         *peer
	publications []*Publication
	nextMid      int
	ended        bool // no further workers

	mapping map[string]TrackInfo // by mid; the loop's
}

// Join connects and returns once the server has said "joined"; negotiation and
// media follow, as told by events.
func Join(ctx context.Context, o Options) (*Client, error) {
	c := &Client{
		options: o,
		box:     newMailbox(),
		done:    make(chan struct{}),
		session: o.Session,
		mapping: make(map[string]TrackInfo),
	}
	for _, l := range o.Publish {
		if err := l.check(); err != nil {
			return nil, err
		}
		c.addPublication(l)
	}
	signal, joined, err := c.dial(ctx, o.Session)
	if err != nil {
		return nil, err
	}
	c.id = joined.ID
	c.ctx, c.end = context.WithCancelCause(context.Background())
	c.post(func() { c.adopt(signal, joined) })
	go c.run()
	return c, nil
}

// dial opens a signaling connection and waits for "joined".
func (c *Client) dial(ctx context.Context, session string) (Signal, Message, error) {
	open := c.options.Dial
	if open == nil {
		open = func(ctx context.Context, session string) (Signal, error) {
			return dialSocket(ctx, &c.options, session)
		}
	}
	signal, err := open(ctx, session)
	if err != nil {
		return nil, Message{}, err
	}
	m, err := signal.Receive(ctx)
	switch {
	case err != nil:
		err = fmt.Errorf("join: %w", err)
	case m.Type == protocol.TypeError:
		err = Error{m.Code, m.Text, m.Fatal}
	case m.Type != protocol.TypeJoined:
		err = fmt.Errorf("join: first message is %q", m.Type)
	default:
		return signal, m, nil
	}
	_ = signal.Close()
	return nil, Message{}, err
}

func (l *Local) check() error {
	if l.Track == nil {
		return errors.New("nothing to publish")
	}
	for _, layer := range l.Layers {
		if l.Track.RID() == "" || layer.RID() == "" {
			return errors.New("a simulcast layer needs a rid")
		}
	}
	return nil
}

// addPublication chooses the mid. Mids of our own making can't collide with
// those that the server's pion counts up.
func (c *Client) addPublication(l Local) *Publication {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := &Publication{Mid: "p" + strconv.Itoa(c.nextMid), local: l, muted: l.Muted}
	c.nextMid++
	c.publications = append(c.publications, p)
	return p
}

// ID is the participant's id in the room.
func (c *Client) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

// Session is the secret to resume the session with.
func (c *Client) Session() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// PeerConnection is the connection that carries the media, for statistics; nil
// before the first event and after Closed.
func (c *Client) PeerConnection() *webrtc.PeerConnection {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.peer == nil {
		return nil
	}
	return c.peer.pc
}

// Publications are the tracks that the client publishes, in order.
func (c *Client) Publications() []*Publication {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Publication(nil), c.publications...)
}

// Publish sends track, with layers as further simulcast layers. A failure to
// negotiate it comes as an Error event.
func (c *Client) Publish(track webrtc.TrackLocal, source Source, layers ...webrtc.TrackLocal) (*Publication, error) {
	l := Local{Track: track, Source: source, Layers: layers}
	if err := l.check(); err != nil {
		return nil, err
	}
	p := c.addPublication(l)
	if !c.post(func() { c.publish(p) }) {
		return nil, ErrClosed
	}
	return p, nil
}

// Unpublish stops sending p.
func (c *Client) Unpublish(p *Publication) {
	c.mu.Lock()
	for i, q := range c.publications {
		if q == p {
			c.publications = append(c.publications[:i:i], c.publications[i+1:]...)
			break
		}
	}
	c.mu.Unlock()
	c.post(func() { c.unpublish(p) })
}

// Mute tells the others that the track of an m-line is muted or no longer so.
// Whether packets are still sent is its source's business.
func (c *Client) Mute(mid string, muted bool) error {
	c.mu.Lock()
	for _, p := range c.publications {
		if p.Mid == mid {
			p.muted = muted
		}
	}
	c.mu.Unlock()
	return c.send(Message{Type: protocol.TypeMute, Mid: mid, Muted: &muted})
}

// Subscribe says what the client wants of remote tracks, by id.
func (c *Client) Subscribe(wishes map[string]Wish) error {
	m := Message{Type: protocol.TypeSubscribe}
	for id, w := range wishes {
		m.Tracks = append(m.Tracks, TrackInfo{ID: id, Wish: &w})
	}
	return c.send(m)
}

// SendMessage sends body, as JSON, to one participant, or to all others if to
// is empty.
func (c *Client) SendMessage(to string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.send(Message{Type: protocol.TypeMessage, To: to, Body: b})
}

// Send sends any message as it is: for tests of the server.
func (c *Client) Send(m Message) error { return c.send(m) }

// RestartICE renegotiates the path, as after a change of network.
func (c *Client) RestartICE() { c.post(c.restartICE) }

// CutSignal drops the signaling connection without a goodbye: for tests.
// SignalLost follows.
func (c *Client) CutSignal() {
	c.mu.Lock()
	signal := c.signal
	c.mu.Unlock()
	if s, ok := signal.(cutter); ok {
		_ = s.cut()
	} else if signal != nil {
		_ = signal.Close()
	}
}

// Reconnect opens a new signaling connection and resumes the session; a Joined
// event follows. If the server no longer knows the session, the client begins a
// new one with a new peer connection and publishes again by itself.
func (c *Client) Reconnect(ctx context.Context) error {
	c.mu.Lock()
	old, session := c.signal, c.session
	c.signal = nil // what the old connection still says no longer counts
	c.mu.Unlock()
	if old != nil {
		if s, ok := old.(cutter); ok {
			_ = s.cut()
		} else {
			_ = old.Close()
		}
	}
	signal, joined, err := c.dial(ctx, session)
	if err != nil {
		return err
	}
	if !c.post(func() { c.adopt(signal, joined) }) {
		_ = signal.Close()
		return ErrClosed
	}
	return nil
}

// Leave says goodbye and ends the client. It returns at once.
func (c *Client) Leave() {
	_ = c.send(Message{Type: protocol.TypeLeave})
	c.end(ErrLeft)
}

// Done is closed when the client has ended and nothing of it is left.
func (c *Client) Done() <-chan struct{} { return c.done }

// Close ends the client without a goodbye, as a closed laptop does, and waits
// until nothing of it is left. After Leave it only waits.
func (c *Client) Close() {
	c.end(ErrClosed)
	<-c.done
}

// send uses the signaling connection of the moment.
func (c *Client) send(m Message) error {
	c.mu.Lock()
	signal := c.signal
	c.mu.Unlock()
	if signal == nil {
		return ErrNoSignal
	}
	return signal.Send(m)
}

// post hands f to the loop. It reports false if the client has ended.
func (c *Client) post(f func()) bool {
	select {
	case <-c.done:
		return false
	default:
	}
	if !c.box.post(f) {
		c.end(errOverflow)
		return false
	}
	return true
}
