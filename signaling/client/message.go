package client

import (
	"encoding/json"

	"github.com/pion/webrtc/v4"
)

// Source says what a track shows or carries.
type Source string

// The sources of protocol version 1.
const (
	Camera      Source = "camera"
	Microphone  Source = "microphone"
	Screen      Source = "screen"
	ScreenAudio Source = "screen-audio"
)

// Message is one JSON object of the protocol, in either direction. Only the
// fields of its Type are set.
type Message struct {
	Type string `json:"type"`

	SDP       string                   `json:"sdp,omitempty"`
	Candidate *webrtc.ICECandidateInit `json:"candidate,omitempty"` // nil or empty ends them

	Tracks []TrackInfo `json:"tracks,omitempty"` // publish, tracks, subscribe, quality
	Mid    string      `json:"mid,omitempty"`
	Muted  *bool       `json:"muted,omitempty"`

	Downlink uint64          `json:"downlink,omitempty"` // bit/s
	Active   map[string]bool `json:"active,omitempty"`   // by rid

	Codec   string   `json:"codec,omitempty"`   // unreached
	Viewers []string `json:"viewers,omitempty"` // unreached: ids

	To   string          `json:"to,omitempty"`
	From string          `json:"from,omitempty"`
	Body json.RawMessage `json:"body,omitempty"`

	ID           string            `json:"id,omitempty"`
	Session      string            `json:"session,omitempty"`
	Room         string            `json:"room,omitempty"`
	Resumed      bool              `json:"resumed,omitempty"`
	ICEServers   []ICEServer       `json:"iceServers,omitempty"`
	Participants []ParticipantInfo `json:"participants,omitempty"`

	Event       string           `json:"event,omitempty"`
	Participant *ParticipantInfo `json:"participant,omitempty"`

	Speakers []Speaker `json:"speakers,omitempty"`
	After    float64   `json:"after,omitempty"` // seconds

	Code  string `json:"code,omitempty"`
	Text  string `json:"message,omitempty"`
	Fatal bool   `json:"fatal,omitempty"`
}

// TrackInfo describes a published track: one's own (Mid, Source, Muted), one of
// a participant (ID, Kind, Source, Muted), or the one that an m-line of the
// server's offer carries (Mid, ID, Participant, Kind, Source).
type TrackInfo struct {
	Mid         string `json:"mid,omitempty"`
	ID          string `json:"id,omitempty"`
	Participant string `json:"participant,omitempty"`
	Kind        string `json:"kind,omitempty"` // "audio" or "video"
	Source      Source `json:"source,omitempty"`
	Muted       bool   `json:"muted,omitempty"`
	Codec       string `json:"codec,omitempty"`
	// Unsupported names the codec that this client can't decode; Mid is empty then.
	Unsupported string `json:"unsupported,omitempty"`

	*Wish    // in subscribe
	*Quality // in quality
}

// Wish is what a client wants of a remote track; zero fields are no limit.
type Wish struct {
	Enabled  bool    `json:"enabled"`
	Width    int     `json:"width,omitempty"` // device pixels
	Height   int     `json:"height,omitempty"`
	FPS      float64 `json:"fps,omitempty"`
	Priority int     `json:"priority,omitempty"`
}

// Quality is what is being forwarded of a track. Layer is nil where it is paused.
type Quality struct {
	Layer  *LayerIndex `json:"layer"`
	Reason string      `json:"reason,omitempty"`
}

// LayerIndex names one way to see a track.
type LayerIndex struct {
	Spatial  int `json:"spatial"`
	Temporal int `json:"temporal"`
}

// ParticipantInfo describes another participant.
type ParticipantInfo struct {
	ID     string      `json:"id"`
	Name   string      `json:"name"`
	Tracks []TrackInfo `json:"tracks"`
}

// Speaker is someone who speaks now; Level is 0 to 1.
type Speaker struct {
	ID    string  `json:"id"`
	Level float64 `json:"level"`
}

// ICEServer is an RTCIceServer. Its URLs may arrive as one string or a list.
type ICEServer struct {
	URLs       []string
	Username   string
	Credential string
}

type iceServerJSON struct {
	URLs       json.RawMessage `json:"urls"`
	Username   string          `json:"username,omitempty"`
	Credential string          `json:"credential,omitempty"`
}

// MarshalJSON writes urls as a list.
func (s ICEServer) MarshalJSON() ([]byte, error) {
	urls, err := json.Marshal(s.URLs)
	if err != nil {
		return nil, err
	}
	return json.Marshal(iceServerJSON{urls, s.Username, s.Credential})
}

// UnmarshalJSON takes urls as a string or a list of strings.
func (s *ICEServer) UnmarshalJSON(b []byte) error {
	var w iceServerJSON
	if err := json.Unmarshal(b, &w); err != nil {
		return err
	}
	*s = ICEServer{Username: w.Username, Credential: w.Credential}
	var one string
	if json.Unmarshal(w.URLs, &one) == nil {
		s.URLs = []string{one}
		return nil
	}
	return json.Unmarshal(w.URLs, &s.URLs)
}
