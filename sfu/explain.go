package sfu

import (
	"context"
	"errors"
	"math/bits"
	"slices"
	"strings"
	"time"

	"plenum/sfu/internal/alloc"
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
	now := p.server.now()
	e := &Explanation{
		ID: p.id, Name: p.name, Room: p.room.name, Joined: p.joined, Time: time.Now(),
		State: p.state.String(), Copies: bits.OnesCount32(p.redundancy.Load()), Receives: []Received{}, Sends: []SentTrack{},
	}
	if p.peer != nil {
		protocol, candidate := p.peer.Selected()
		e.Path = strings.TrimSpace(protocol + " " + candidate)
		p.peer.MeasureRTT() // which who publishes nothing isn't asked for otherwise
		e.RTT = milliseconds(p.peer.RoundTrip())
		e.Downlink = p.explainDownlink(now)
	}
	states := map[uint32]alloc.TrackState{}
	for _, s := range p.viewing.allocator.State().Tracks {
		states[s.ID] = s
	}
	for t, sub := range p.subs {
		e.Receives = append(e.Receives, p.received(now, t, sub, states[t.number]))
	}
	slices.SortFunc(e.Receives, func(a, b Received) int { return strings.Compare(a.Track, b.Track) })
	for _, t := range p.tracks {
		e.Sends = append(e.Sends, t.explain(p.rids(t)))
	}
	return e
}

func (p *Participant) explainDownlink(now time.Duration) *Downlink {
	s, ok := p.downlink.state()
	if !ok {
		return nil
	}
	d := &Downlink{
		Target: s.Target, DelayBased: s.DelayBased, LossBased: s.LossBased, Acknowledged: s.Acknowledged,
		Sent: s.Sent, Capacity: s.Capacity, Demand: s.Demand, NextStep: s.NextStep,
		Queue: milliseconds(s.Queue), Trend: s.Trend, Threshold: s.Threshold, Usage: s.Usage.String(),
		Loss: s.Loss, InherentLoss: s.InherentLoss, ApplicationLimited: s.ApplicationLimited,
		Reason: s.Reason.String(), ReasonAgo: milliseconds(now - s.ReasonAt),
		Paced: p.peer.Waiting(), Probes: []Probe{}, Falls: []Fall{}, History: p.viewing.minute.since(now),
	}
	for _, f := range s.Falls {
		d.Falls = append(d.Falls, Fall{
			Ago: milliseconds(now - f.At), From: f.From, To: f.To, Reason: f.Reason.String(), Queue: milliseconds(f.Queue), Loss: f.Loss,
		})
	}
	for _, r := range s.Probes {
		d.Probes = append(d.Probes, Probe{Ago: milliseconds(now - r.At), Rate: r.Rate, Result: r.Result, Outcome: r.Outcome.String()})
	}
	return d
}

func (p *Participant) received(now time.Duration, t *Track, sub *Subscription, s alloc.TrackState) Received {
	wish, v := p.wish(t), t.view.Load()
	r := Received{
		Track: t.id, Participant: t.publisher.id, Kind: t.kind, Source: t.source, Codec: t.codec.String(),
		Mid: sub.slot.Mid(), Enabled: wish.Enabled, Width: wish.Width, Height: wish.Height, FPS: wish.FPS, Priority: wish.Priority,
	}
	sub.mu.Lock()
	flowing := sub.flowing()
	r.Lost, r.RTT = int(sub.lost), milliseconds(sub.rtt)
	sub.mu.Unlock()
	r.Sent = v.index(v.find(flowing))
	if sub.chosen {
		r.Wanted, r.Allowed, r.Chosen = v.index(s.Wanted), v.index(s.Allowed), v.index(s.Sent)
		r.Bitrate, r.Reason = s.Bits, s.Reason.String()
		r.Cause, r.CauseAgo = s.Cause.String(), milliseconds(now-s.ChangedAt)
	}
	return r
}

func (t *Track) explain(rids []string) SentTrack {
	s := SentTrack{
		ID: t.id, Kind: t.kind, Source: t.source, Codec: t.codec.String(), Mid: t.mid, Muted: t.muted.Load(), Layers: []SentLayer{},
	}
	v := t.view.Load()
	if v == nil {
		return s
	}
	for i, l := range v.layers {
		at := v.targets[i].layer
		layer := SentLayer{
			LayerIndex: *v.index(i), Bitrate: l.Bitrate, Width: int(l.Width), Height: int(l.Height),
			FPS: l.FPS, Live: l.Live, Active: t.active[at],
		}
		if int(at) < len(rids) {
			layer.RID = rids[at]
		}
		s.Layers = append(s.Layers, layer)
	}
	return s
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
