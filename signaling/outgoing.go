package signaling

import (
	"bytes"
	"encoding/json"
	"time"

	"plenum/sfu"
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

// frameKinds lists the types of message that the server sends.
func frameKinds() []string {
	return []string{"joined", "participant", "offer", "answer", "tracks", "speakers", "quality", "layers", "unreached", "message", "drain", "error"}
}

type (
	trackMessage struct {
		ID     string     `json:"id"`
		Kind   sfu.Kind   `json:"kind"`
		Source sfu.Source `json:"source"`
		Muted  bool       `json:"muted"`
		Codec  string     `json:"codec,omitempty"`
	}
	participantMessage struct {
		ID     string         `json:"id"`
		Name   string         `json:"name"`
		Tracks []trackMessage `json:"tracks"`
	}
	joinedMessage struct {
		Type         string               `json:"type"`
		ID           string               `json:"id"`
		Session      string               `json:"session"`
		Room         string               `json:"room"`
		Resumed      bool                 `json:"resumed"`
		ICEServers   []ICEServer          `json:"iceServers"`
		Participants []participantMessage `json:"participants"`
		Transport    *transportMessage    `json:"transport,omitempty"`
	}
	transportMessage struct {
		Ufrag       string   `json:"ufrag"`
		Pwd         string   `json:"pwd"`
		Fingerprint string   `json:"fingerprint"`
		Candidates  []string `json:"candidates"`
	}
	changeMessage struct {
		Type        string             `json:"type"`
		Event       string             `json:"event"`
		Participant participantMessage `json:"participant"`
	}
	descriptionMessage struct {
		Type string `json:"type"`
		SDP  string `json:"sdp"`
	}
	// mappedTrackMessage has a null mid where the viewer can't decode the
	// track: `unsupported` then names the codec. That entry goes beyond version
	// 1's table; a client that does not know it finds no m-line to use it for.
	mappedTrackMessage struct {
		Mid         *string    `json:"mid"`
		ID          string     `json:"id"`
		Participant string     `json:"participant"`
		Kind        sfu.Kind   `json:"kind"`
		Source      sfu.Source `json:"source"`
		Unsupported string     `json:"unsupported,omitempty"`
	}
	tracksMessage struct {
		Type   string               `json:"type"`
		Tracks []mappedTrackMessage `json:"tracks"`
	}
	speakerMessage struct {
		ID    string  `json:"id"`
		Level float64 `json:"level"`
	}
	speakersMessage struct {
		Type     string           `json:"type"`
		Speakers []speakerMessage `json:"speakers"`
	}
	trackQualityMessage struct {
		ID     string            `json:"id"`
		Layer  *sfu.LayerIndex   `json:"layer"` // null where the track is paused
		Reason sfu.QualityReason `json:"reason,omitempty"`
	}
	qualityMessage struct {
		Type     string                `json:"type"`
		Tracks   []trackQualityMessage `json:"tracks"`
		Downlink uint64                `json:"downlink,omitempty"` // bit/s
	}
	layersMessage struct {
		Type   string          `json:"type"`
		Mid    string          `json:"mid"`
		Active map[string]bool `json:"active"`
	}
	// unreachedMessage goes beyond version 1's table; a client that does not know it
	// only misses a warning.
	unreachedMessage struct {
		Type    string   `json:"type"`
		Mid     string   `json:"mid"`
		Codec   string   `json:"codec"`
		Viewers []string `json:"viewers"`
	}
	chatMessage struct {
		Type string          `json:"type"`
		From string          `json:"from"`
		Body json.RawMessage `json:"body"`
	}
	drainMessage struct {
		Type  string  `json:"type"`
		After float64 `json:"after"` // seconds
	}
	errorMessage struct {
		Type    string `json:"type"`
		Code    code   `json:"code"`
		Message string `json:"message"`
		Fatal   bool   `json:"fatal"`
	}
)

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
		return encodeChange("joined", e.Participant)
	case sfu.ParticipantLeft:
		return encodeChange("left", e.Participant)
	case sfu.ParticipantUpdated:
		return encodeChange("updated", e.Participant)
	case sfu.Offer:
		return encode("offer", descriptionMessage{"offer", e.SDP})
	case sfu.Answer:
		return encode("answer", descriptionMessage{"answer", e.SDP})
	case sfu.Tracks:
		return encodeTracks(e)
	case sfu.Speakers:
		return encodeSpeakers(e)
	case sfu.Quality:
		return encodeQuality(e)
	case sfu.Layers:
		return encodeLayers(e)
	case sfu.Unreached:
		f := encode("unreached", unreachedMessage{"unreached", e.Mid, e.Codec, append([]string{}, e.Viewers...)})
		f.state = "unreached " + e.Mid
		return f
	case sfu.Message:
		return encode("message", chatMessage{"message", e.From, e.Body})
	case sfu.Problem:
		return encodeFailure(fail(code(e.Code), e.Text))
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
	return encode("participant", changeMessage{"participant", event, describe(p)})
}

func describe(p sfu.ParticipantInfo) participantMessage {
	tracks := make([]trackMessage, 0, len(p.Tracks))
	for _, t := range p.Tracks {
		tracks = append(tracks, trackMessage(t))
	}
	return participantMessage{p.ID, p.Name, tracks}
}

func encodeTracks(e sfu.Tracks) frame {
	tracks := make([]mappedTrackMessage, 0, len(e.Tracks))
	for _, t := range e.Tracks {
		m := mappedTrackMessage{
			ID: t.ID, Participant: t.Participant, Kind: t.Kind, Source: t.Source,
			Unsupported: t.Unsupported,
		}
		if t.Unsupported == "" {
			m.Mid = &t.Mid
		}
		tracks = append(tracks, m)
	}
	return encode("tracks", tracksMessage{"tracks", tracks})
}

func encodeSpeakers(e sfu.Speakers) frame {
	speakers := make([]speakerMessage, 0, len(e.Speakers))
	for _, s := range e.Speakers {
		speakers = append(speakers, speakerMessage(s))
	}
	f := encode("speakers", speakersMessage{"speakers", speakers})
	f.state = "speakers"
	return f
}

func encodeQuality(e sfu.Quality) frame {
	tracks := make([]trackQualityMessage, 0, len(e.Tracks))
	for _, t := range e.Tracks {
		tracks = append(tracks, trackQualityMessage(t))
	}
	f := encode("quality", qualityMessage{"quality", tracks, e.Downlink})
	f.state, f.quality = "quality", &e
	return f
}

func encodeLayers(e sfu.Layers) frame {
	active := e.Active
	if active == nil {
		active = map[string]bool{}
	}
	f := encode("layers", layersMessage{"layers", e.Mid, active})
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
	others := make([]participantMessage, 0, len(e.Participants))
	for _, p := range e.Participants {
		others = append(others, describe(p))
	}
	return encode("joined", joinedMessage{"joined", e.ID, secret, e.Room, e.Resumed, servers, others, (*transportMessage)(e.Transport)})
}

func encodeDrain(after time.Duration) frame {
	return encode("drain", drainMessage{"drain", max(after, 0).Round(time.Millisecond).Seconds()})
}

func encodeFailure(f *failure) frame {
	return encode("error", errorMessage{"error", f.code, f.text, f.close != 0})
}
