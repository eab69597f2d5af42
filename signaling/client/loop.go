package client

import (
	"context"
	"time"

	"github.com/pion/webrtc/v4"

	"plenum/signaling/protocol"
)

// run is the life of a client: everything that is posted, in order, then one
// teardown in one fixed order.
func (c *Client) run() {
	defer close(c.done)
	var items []func()
	for c.ctx.Err() == nil {
		items = c.box.take(items)
		for _, f := range items {
			if c.ctx.Err() != nil {
				break
			}
			f()
		}
		if len(items) > 0 {
			continue
		}
		select {
		case <-c.box.wake:
		case <-c.ctx.Done():
		}
	}
	c.teardown()
}

func (c *Client) teardown() {
	c.mu.Lock()
	signal, peer := c.signal, c.peer
	c.signal, c.peer, c.ended = nil, nil, true
	c.mu.Unlock()
	if signal != nil {
		_ = signal.Close()
	}
	if peer != nil {
		closePeer(peer.pc)
	}
	c.workers.Wait()
	c.emit(Closed{context.Cause(c.ctx)})
}

// closePatience is how long closing a connection may take.
const closePatience = 5 * time.Second

// closePeer closes a connection, but doesn't wait forever: pion's SRTP session
// hands a stream that it doesn't know to a goroutine that is gone by then, or
// never began, and its closing waits for that (srtp v3.1.3, SessionSRTP.decrypt).
func closePeer(pc *webrtc.PeerConnection) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = pc.GracefulClose()
	}()
	timeout := time.NewTimer(closePatience)
	defer timeout.Stop()
	select {
	case <-closed:
	case <-timeout.C:
	}
}

func (c *Client) emit(e Event) {
	if c.options.On != nil {
		c.options.On(e)
	}
}

// work runs f on a goroutine that the teardown waits for.
func (c *Client) work(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.workers.Go(f)
	}
}

// adopt makes signal the client's signaling connection.
func (c *Client) adopt(signal Signal, joined Message) {
	c.mu.Lock()
	old, first := c.signal, c.peer == nil
	c.signal, c.id, c.session = signal, joined.ID, joined.Session
	c.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
	c.work(func() { c.pump(signal) })
	c.emit(Joined{joined.ID, joined.Room, joined.Resumed, joined.Participants})
	if first || !joined.Resumed {
		c.begin(joined.ICEServers)
	} else {
		c.resume()
	}
}

// pump reads one signaling connection until it breaks.
func (c *Client) pump(signal Signal) {
	for {
		m, err := signal.Receive(c.ctx)
		if err != nil {
			c.post(func() { c.lost(signal, err) })
			return
		}
		c.post(func() { c.handle(signal, &m) })
	}
}

func (c *Client) lost(signal Signal, err error) {
	c.mu.Lock()
	current := c.signal == signal
	if current {
		c.signal = nil
	}
	c.mu.Unlock()
	_ = signal.Close()
	if current {
		c.emit(SignalLost{err})
	}
}

// handle carries out one message of the server. Unknown types are ignored, as
// the protocol wishes.
func (c *Client) handle(signal Signal, m *Message) {
	c.mu.Lock()
	current := c.signal == signal
	c.mu.Unlock()
	if !current {
		return
	}
	switch m.Type {
	case protocol.TypeOffer:
		c.offered(m.SDP)
	case protocol.TypeAnswer:
		c.answered(m.SDP)
	case protocol.TypeCandidate:
		c.candidate(m.Candidate)
	case protocol.TypeTracks:
		c.mapped(m.Tracks)
	case protocol.TypeParticipant:
		if m.Participant != nil {
			c.emit(Participant{m.Event, *m.Participant})
		}
	case protocol.TypeSpeakers:
		c.emit(Speakers{m.Speakers})
	case protocol.TypeQuality:
		c.quality(m)
	case protocol.TypeLayers:
		c.emit(Layers{m.Mid, m.Active})
	case protocol.TypeUnreached:
		c.emit(Unreached{m.Mid, m.Codec, m.Viewers})
	case protocol.TypeMessage:
		c.emit(Chat{m.From, m.Body})
	case protocol.TypeDrain:
		c.emit(Drain{time.Duration(m.After * float64(time.Second))})
	case protocol.TypeError:
		c.refused(Error{m.Code, m.Text, m.Fatal})
	}
}

func (c *Client) mapped(tracks []TrackInfo) {
	clear(c.mapping)
	for _, t := range tracks {
		if t.Mid != "" {
			c.mapping[t.Mid] = t
		}
	}
	c.emit(Tracks{tracks})
}

func (c *Client) quality(m *Message) {
	q := Qualities{Tracks: map[string]Quality{}, Downlink: m.Downlink}
	for _, t := range m.Tracks {
		if t.Quality != nil {
			q.Tracks[t.ID] = *t.Quality
		}
	}
	c.emit(q)
}

func (c *Client) refused(e Error) {
	c.emit(e)
	if e.Fatal {
		c.end(e)
		return
	}
	if e.Code == "bad-sdp" {
		c.peer.pending = nil // it won't be answered
	}
}
