package signaling

import (
	"bytes"
	"encoding/json"
	"time"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

// frame is one encoded message to a client.
type frame struct {
	kind string
	data []byte
	// state is not empty where the message tells how something is now, and names
	// that thing: an older frame of the same state that still waits is pointless,
	// see supersede.
	state string
	// quality is what a `quality` was made from: it says only what changed, so
	// that what it supersedes must be merged into it. No one writes to it.
	quality *sfu.Quality
}

// size is what a frame counts where it waits, in bytes.
func (f frame) size() int { return len(f.data) + frameOverhead }

// encode makes the frame of one message. It has no data if the message can't be
// encoded, which only the body of a `message` could cause.
func encode(kind string, message any) frame {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // bodies go out as they came in
	if e.Encode(message) != nil {
		return frame{kind: kind}
	}
	return frame{kind: kind, data: bytes.TrimSuffix(b.Bytes(), []byte("\n"))}
}

// encodeEvent makes the frame of an event that looks alike for every session;
// Joined and Ended do not and yield nothing.
func encodeEvent(event sfu.Event) frame {
	switch e := event.(type) {
	case sfu.ParticipantJoined:
		return encodeChange(protocol.EventJoined, e.Participant)
	case sfu.ParticipantLeft:
		return encodeChange(protocol.EventLeft, e.Participant)
	case sfu.ParticipantUpdated:
		return encodeChange(protocol.EventUpdated, e.Participant)
	case sfu.Offer:
		return encode(protocol.TypeOffer, protocol.Description{Type: protocol.TypeOffer, SDP: e.SDP})
	case sfu.Answer:
		return encode(protocol.TypeAnswer, protocol.Description{Type: protocol.TypeAnswer, SDP: e.SDP})
	case sfu.Tracks:
		return encodeTracks(e)
	case sfu.Speakers:
		return encodeSpeakers(e)
	case sfu.Quality:
		return encodeQuality(e)
	case sfu.Layers:
		return encodeLayers(e)
	case sfu.Unreached:
		f := encode(protocol.TypeUnreached, protocol.Unreached{Type: protocol.TypeUnreached, Mid: e.Mid, Codec: e.Codec, Viewers: append([]string{}, e.Viewers...)})
		f.state = "unreached " + e.Mid
		return f
	case sfu.Message:
		return encode(protocol.TypeMessage, protocol.Message{Type: protocol.TypeMessage, From: e.From, Body: e.Body})
	case sfu.Problem:
		return encodeFailure(fail(protocol.Code(e.Code), e.Text))
	}
	return frame{}
}

// spoken is a `message` with its frame.
type spoken struct {
	message sfu.Message
	frame   frame
}

// encodeMessage makes the frame of a `message`, or gives again the one that it
// made last: the engine hands a message to everyone in a room in turn, and all
// their queues can share the bytes. Bodies are the same if they are the same
// memory, which no one writes to.
func (s *Server) encodeMessage(m sfu.Message) frame {
	if last := s.spoken.Load(); last != nil && last.message.From == m.From && same(last.message.Body, m.Body) {
		return last.frame
	}
	f := encodeEvent(m)
	s.spoken.Store(&spoken{m, f})
	return f
}

func same(a, b []byte) bool { return len(a) == len(b) && len(a) > 0 && &a[0] == &b[0] }

func encodeChange(event string, p sfu.ParticipantInfo) frame {
	return encode(protocol.TypeParticipant, protocol.Participant{Type: protocol.TypeParticipant, Event: event, Participant: describe(p)})
}

func describe(p sfu.ParticipantInfo) protocol.ParticipantState {
	tracks := make([]protocol.TrackState, 0, len(p.Tracks))
	for _, t := range p.Tracks {
		tracks = append(tracks, protocol.TrackState{ID: t.ID, Kind: string(t.Kind), Source: string(t.Source), Muted: t.Muted, Codec: t.Codec})
	}
	return protocol.ParticipantState{ID: p.ID, Name: p.Name, Tracks: tracks}
}

func encodeTracks(e sfu.Tracks) frame {
	tracks := make([]protocol.MappedTrack, 0, len(e.Tracks))
	for _, t := range e.Tracks {
		m := protocol.MappedTrack{
			ID: t.ID, Participant: t.Participant, Kind: string(t.Kind), Source: string(t.Source),
			Unsupported: t.Unsupported,
		}
		if t.Unsupported == "" {
			m.Mid = &t.Mid
		}
		tracks = append(tracks, m)
	}
	return encode(protocol.TypeTracks, protocol.Tracks{Type: protocol.TypeTracks, Tracks: tracks})
}

func encodeSpeakers(e sfu.Speakers) frame {
	speakers := make([]protocol.Speaker, 0, len(e.Speakers))
	for _, s := range e.Speakers {
		speakers = append(speakers, protocol.Speaker(s))
	}
	f := encode(protocol.TypeSpeakers, protocol.Speakers{Type: protocol.TypeSpeakers, Speakers: speakers})
	f.state = "speakers"
	return f
}

func encodeQuality(e sfu.Quality) frame {
	tracks := make([]protocol.TrackQuality, 0, len(e.Tracks))
	for _, t := range e.Tracks {
		tracks = append(tracks, protocol.TrackQuality{ID: t.ID, Layer: (*protocol.Layer)(t.Layer), Reason: string(t.Reason)})
	}
	f := encode(protocol.TypeQuality, protocol.Quality{Type: protocol.TypeQuality, Tracks: tracks, Downlink: e.Downlink})
	f.state, f.quality = "quality", &e
	return f
}

func encodeLayers(e sfu.Layers) frame {
	active := e.Active
	if active == nil {
		active = map[string]bool{}
	}
	f := encode(protocol.TypeLayers, protocol.Layers{Type: protocol.TypeLayers, Mid: e.Mid, Active: active})
	f.state = "layers " + e.Mid
	return f
}

// supersede is the frame that takes the place of two of the same state: the later
// one, with what only the earlier one said.
func supersede(earlier, later frame) frame {
	if earlier.quality == nil || later.quality == nil {
		return later
	}
	said := make(map[string]bool, len(later.quality.Tracks))
	for _, t := range later.quality.Tracks {
		said[t.ID] = true
	}
	merged := *later.quality
	merged.Tracks = nil
	for _, t := range earlier.quality.Tracks {
		if !said[t.ID] {
			merged.Tracks = append(merged.Tracks, t)
		}
	}
	if len(merged.Tracks) == 0 {
		return later
	}
	merged.Tracks = append(merged.Tracks, later.quality.Tracks...)
	return encodeQuality(merged)
}

func encodeJoined(e sfu.Joined, secret string, servers []ICEServer) frame {
	others := make([]protocol.ParticipantState, 0, len(e.Participants))
	for _, p := range e.Participants {
		others = append(others, describe(p))
	}
	return encode(protocol.TypeJoined, protocol.Joined{
		Type: protocol.TypeJoined, ID: e.ID, Session: secret, Room: e.Room, Resumed: e.Resumed,
		ICEServers: servers, Participants: others, Transport: (*protocol.Transport)(e.Transport),
	})
}

func encodeDrain(after time.Duration) frame {
	return encode(protocol.TypeDrain, protocol.Drain{Type: protocol.TypeDrain, After: max(after, 0).Round(time.Millisecond).Seconds()})
}

func encodeFailure(f *failure) frame {
	return encode(protocol.TypeError, protocol.Error{Type: protocol.TypeError, Code: f.code, Message: f.text, Fatal: f.close != 0})
}
