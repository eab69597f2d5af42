package sfu

import (
	"context"
	"errors"
	"strings"
	"time"

	"plenum/sfu/internal/transport"
)

// ErrUnknownParticipant is returned where nobody has that id.
var ErrUnknownParticipant = errors.New("there is no participant of that id")

// ParticipantRef names a participant to operators.
type ParticipantRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Room string `json:"room"`
}

// Participants lists everyone on the server.
func (s *Server) Participants() []ParticipantRef {
	refs := []ParticipantRef{}
	for _, r := range s.allRooms() {
		for _, m := range r.members() {
			refs = append(refs, ParticipantRef{ID: m.participant.id, Name: m.participant.name, Room: r.name})
		}
	}
	return refs
}

func (s *Server) allRooms() []*Room {
	s.mu.Lock()
	defer s.mu.Unlock()
	rooms := make([]*Room, 0, len(s.rooms))
	for _, r := range s.rooms {
		rooms = append(rooms, r)
	}
	return rooms
}

// Explain tells why the participant with that id sees what it sees. It fails
// with ErrUnknownParticipant, or with ctx's error where that ends first.
func (s *Server) Explain(ctx context.Context, id string) (*Explanation, error) {
	for _, r := range s.allRooms() {
		if p := r.find(id); p != nil {
			return p.ask(ctx)
		}
	}
	return nil, ErrUnknownParticipant
}

// ask has the participant's loop explain.
func (p *Participant) ask(ctx context.Context) (*Explanation, error) {
	answer := make(chan *Explanation, 1)
	select {
	case p.mailbox <- func() { answer <- p.explain() }:
	case <-p.done:
		return nil, ErrUnknownParticipant
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case e := <-answer:
		return e, nil
	case <-p.done:
		return nil, ErrUnknownParticipant
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// explain runs on the loop.
func (p *Participant) explain() *Explanation {
	e := &Explanation{
		ID: p.id, Name: p.name, Room: p.room.name, Joined: p.joined, Time: time.Now(),
		State: p.state.String(), Receives: []Received{}, Sends: []SentTrack{},
	}
	if p.peer != nil {
		e.Path = strings.TrimSpace(strings.Join(selected(p.peer), " "))
		e.RTT = milliseconds(p.peer.RoundTrip())
	}
	for t, sub := range p.subs {
		e.Receives = append(e.Receives, p.received(t, sub))
	}
	for _, t := range p.tracks {
		e.Sends = append(e.Sends, t.explain())
	}
	return e
}

func selected(peer *transport.Peer) []string {
	protocol, candidate := peer.Selected()
	return []string{protocol, candidate}
}

func (p *Participant) received(t *Track, sub *Subscription) Received {
	wish := p.wish(t)
	return Received{
		Track: t.id, Participant: t.publisher.id, Kind: t.kind, Source: t.source, Codec: t.codec.String(),
		Mid: sub.slot.Mid(), Enabled: wish.Enabled, Width: wish.Width, Height: wish.Height, FPS: wish.FPS, Priority: wish.Priority,
	}
}

func (t *Track) explain() SentTrack {
	return SentTrack{
		ID: t.id, Kind: t.kind, Source: t.source, Codec: t.codec.String(), Mid: t.mid, Muted: t.muted, Layers: []SentLayer{},
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
