package sfutest

import (
	"context"
	"sync"

	"github.com/pion/webrtc/v4"

	"plenum/sfu"
	"plenum/signaling/client"
)

// bridge is a participant's session: what package signaling is for real ones.
// It survives its signal, as a session survives its WebSocket.
type bridge struct {
	server     *sfu.Server
	room, name string

	mu          sync.Mutex
	signal      client.Signal
	participant *sfu.Participant
	cause       error
}

// dial is client.Options.Dial: it joins, or resumes where session is known.
func (b *bridge) dial(_ context.Context, session string) (client.Signal, error) {
	near, far := client.Pipe()
	b.mu.Lock()
	b.signal = far
	participant := b.participant
	b.mu.Unlock()
	if participant != nil && session != "" {
		participant.Resume()
	} else {
		p, err := b.server.Join(sfu.JoinRequest{Room: b.room, Name: b.name, Grants: sfu.AllGrants, Client: b})
		if err != nil {
			return nil, err
		}
		b.mu.Lock()
		b.participant, participant = p, p
		b.mu.Unlock()
	}
	go b.pump(far, participant)
	return near, nil
}

// pump carries the client's messages until its signal breaks.
func (b *bridge) pump(signal client.Signal, p *sfu.Participant) {
	for {
		m, err := signal.Receive(context.Background())
		if err != nil {
			return
		}
		switch m.Type {
		case "offer":
			p.Offer(m.SDP)
		case "answer":
			p.Answer(m.SDP)
		case "candidate":
			p.Candidate(candidate(m.Candidate))
		case "publish":
			var tracks []sfu.PublishedTrack
			for _, t := range m.Tracks {
				tracks = append(tracks, sfu.PublishedTrack{Mid: t.Mid, Source: sfu.Source(t.Source), Muted: t.Muted})
			}
			p.Publish(tracks)
		case "mute":
			p.Mute(m.Mid, m.Muted != nil && *m.Muted)
		case "subscribe":
			var wishes []sfu.Wish
			for _, t := range m.Tracks {
				wishes = append(wishes, sfu.Wish{
					ID: t.ID, Enabled: t.Enabled, Width: t.Width, Height: t.Height, FPS: t.FPS, Priority: t.Priority,
				})
			}
			p.Subscribe(wishes)
		case "message":
			p.Message(m.To, m.Body)
		case "leave":
			p.Leave(sfu.ErrLeft)
		}
	}
}

func candidate(c *webrtc.ICECandidateInit) *sfu.CandidateInit {
	if c == nil {
		return nil
	}
	return &sfu.CandidateInit{
		Candidate: c.Candidate, SDPMid: c.SDPMid, SDPMLineIndex: c.SDPMLineIndex, UsernameFragment: c.UsernameFragment,
	}
}

// Send is sfu.Client: it writes the engine's event as the protocol's message.
func (b *bridge) Send(e sfu.Event) {
	ended, over := e.(sfu.Ended)
	b.mu.Lock()
	signal := b.signal
	b.cause = ended.Cause
	b.mu.Unlock()
	if over {
		_ = signal.Close()
		return
	}
	// A broken pipe is what the client wanted; it comes back or it doesn't.
	_ = signal.Send(message(e))
}

func message(e sfu.Event) client.Message {
	switch e := e.(type) {
	case sfu.Joined:
		m := client.Message{Type: "joined", ID: e.ID, Session: "session of " + e.ID, Room: e.Room, Resumed: e.Resumed}
		for _, p := range e.Participants {
			m.Participants = append(m.Participants, info(p))
		}
		return m
	case sfu.ParticipantJoined:
		return participant("joined", e.Participant)
	case sfu.ParticipantLeft:
		return participant("left", e.Participant)
	case sfu.ParticipantUpdated:
		return participant("updated", e.Participant)
	case sfu.Offer:
		return client.Message{Type: "offer", SDP: e.SDP}
	case sfu.Answer:
		return client.Message{Type: "answer", SDP: e.SDP}
	case sfu.Tracks:
		m := client.Message{Type: "tracks"}
		for _, t := range e.Tracks {
			m.Tracks = append(m.Tracks, client.TrackInfo{
				Mid: t.Mid, ID: t.ID, Participant: t.Participant, Kind: string(t.Kind),
				Source: client.Source(t.Source), Unsupported: t.Unsupported,
			})
		}
		return m
	case sfu.Speakers:
		m := client.Message{Type: "speakers"}
		for _, s := range e.Speakers {
			m.Speakers = append(m.Speakers, client.Speaker{ID: s.ID, Level: s.Level})
		}
		return m
	case sfu.Quality:
		m := client.Message{Type: "quality", Downlink: e.Downlink}
		for _, t := range e.Tracks {
			m.Tracks = append(m.Tracks, client.TrackInfo{
				ID: t.ID, Quality: &client.Quality{Layer: (*client.LayerIndex)(t.Layer), Reason: string(t.Reason)},
			})
		}
		return m
	case sfu.Layers:
		return client.Message{Type: "layers", Mid: e.Mid, Active: e.Active}
	case sfu.Unreached:
		return client.Message{Type: "unreached", Mid: e.Mid, Codec: e.Codec, Viewers: e.Viewers}
	case sfu.Message:
		return client.Message{Type: "message", From: e.From, Body: e.Body}
	case sfu.Problem:
		return client.Message{Type: "error", Code: string(e.Code), Text: e.Text}
	}
	panic("an event that the bridge doesn't know")
}

func participant(event string, p sfu.ParticipantInfo) client.Message {
	i := info(p)
	return client.Message{Type: "participant", Event: event, Participant: &i}
}

func info(p sfu.ParticipantInfo) client.ParticipantInfo {
	out := client.ParticipantInfo{ID: p.ID, Name: p.Name}
	for _, t := range p.Tracks {
		out.Tracks = append(out.Tracks, client.TrackInfo{
			ID: t.ID, Kind: string(t.Kind), Source: client.Source(t.Source), Muted: t.Muted, Codec: t.Codec,
		})
	}
	return out
}
