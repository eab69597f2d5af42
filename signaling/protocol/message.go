package protocol

import "encoding/json"

// Types of messages. Offer, Answer and Message go both ways.
const (
	TypeOffer       = "offer"
	TypeAnswer      = "answer"
	TypeCandidate   = "candidate"
	TypePublish     = "publish"
	TypeMute        = "mute"
	TypeSubscribe   = "subscribe"
	TypeMessage     = "message"
	TypeLeave       = "leave"
	TypeJoined      = "joined"
	TypeParticipant = "participant"
	TypeTracks      = "tracks"
	TypeSpeakers    = "speakers"
	TypeQuality     = "quality"
	TypeLayers      = "layers"
	TypeUnreached   = "unreached"
	TypeDrain       = "drain"
	TypeError       = "error"
)

// ClientTypes lists the types of message that clients send.
func ClientTypes() []string {
	return []string{TypeOffer, TypeAnswer, TypeCandidate, TypePublish, TypeMute, TypeSubscribe, TypeMessage, TypeLeave}
}

// ServerTypes lists the types of message that the server sends.
func ServerTypes() []string {
	return []string{
		TypeJoined, TypeParticipant, TypeOffer, TypeAnswer, TypeTracks, TypeSpeakers, TypeQuality,
		TypeLayers, TypeUnreached, TypeMessage, TypeDrain, TypeError,
	}
}

// Events of a Participant message.
const (
	EventJoined  = "joined"
	EventLeft    = "left"
	EventUpdated = "updated"
)

// Messages of clients. A pointer is nil where the field is absent.
type (
	// ClientDescription is an `offer` or an `answer`.
	ClientDescription struct {
		Type string  `json:"type"`
		SDP  *string `json:"sdp"`
	}
	// ClientCandidate is a `candidate`: an RTCIceCandidateInit, or null for the last.
	ClientCandidate struct {
		Type      string          `json:"type"`
		Candidate json.RawMessage `json:"candidate"`
	}
	// Publish says what the client's own m-lines carry.
	Publish struct {
		Type   string          `json:"type"`
		Tracks *[]PublishTrack `json:"tracks"`
	}
	// PublishTrack is one of them.
	PublishTrack struct {
		Mid    *string `json:"mid"`
		Source string  `json:"source"`
		Muted  bool    `json:"muted,omitempty"`
	}
	// Mute says that the client stopped or resumed sending a track.
	Mute struct {
		Type  string  `json:"type"`
		Mid   *string `json:"mid"`
		Muted *bool   `json:"muted"`
	}
	// Subscribe says what the client wants of others' tracks.
	Subscribe struct {
		Type   string  `json:"type"`
		Tracks *[]Wish `json:"tracks"`
	}
	// Wish is what it wants of one. Sizes are in device pixels, and may be fractional.
	Wish struct {
		ID       *string  `json:"id"`
		Enabled  *bool    `json:"enabled,omitempty"`
		Width    *float64 `json:"width,omitempty"`
		Height   *float64 `json:"height,omitempty"`
		FPS      *float64 `json:"fps,omitempty"`
		Priority *float64 `json:"priority,omitempty"`
	}
	// ClientMessage is a `message` to one participant, or to all others without To.
	ClientMessage struct {
		Type string          `json:"type"`
		To   *string         `json:"to,omitempty"`
		Body json.RawMessage `json:"body"`
	}
	// Leave ends the session.
	Leave struct {
		Type string `json:"type"`
	}
)

// Messages of the server.
type (
	// Joined is the first message of every session.
	Joined struct {
		Type         string             `json:"type"`
		ID           string             `json:"id"`
		Session      string             `json:"session"`
		Room         string             `json:"room"`
		Resumed      bool               `json:"resumed"`
		ICEServers   []ICEServer        `json:"iceServers"`
		Participants []ParticipantState `json:"participants"`
		Transport    *Transport         `json:"transport,omitempty"`
	}
	// ICEServer is an RTCIceServer (W3C WebRTC §4.2.3).
	ICEServer struct {
		URLs       []string `json:"urls"`
		Username   string   `json:"username,omitempty"`
		Credential string   `json:"credential,omitempty"`
	}
	// Transport is the server's end of the transport, for a client that joined with early=1.
	Transport struct {
		Ufrag       string   `json:"ufrag"`
		Pwd         string   `json:"pwd"`
		Fingerprint string   `json:"fingerprint"`
		Candidates  []string `json:"candidates"`
	}
	// ParticipantState is another participant as it is now.
	ParticipantState struct {
		ID     string       `json:"id"`
		Name   string       `json:"name"`
		Tracks []TrackState `json:"tracks"`
	}
	// TrackState is one of its tracks.
	TrackState struct {
		ID     string `json:"id"`
		Kind   string `json:"kind"`
		Source string `json:"source"`
		Muted  bool   `json:"muted"`
		Codec  string `json:"codec,omitempty"`
	}
	// Participant says that another participant changed.
	Participant struct {
		Type        string           `json:"type"`
		Event       string           `json:"event"`
		Participant ParticipantState `json:"participant"`
	}
	// Description is an `offer` or an `answer`.
	Description struct {
		Type string `json:"type"`
		SDP  string `json:"sdp"`
	}
	// Tracks says which remote track each m-line of the server's next offer carries.
	Tracks struct {
		Type   string        `json:"type"`
		Tracks []MappedTrack `json:"tracks"`
	}
	// MappedTrack is one of them. Mid is null where the client can't decode the track:
	// Unsupported names the codec then.
	MappedTrack struct {
		Mid         *string `json:"mid"`
		ID          string  `json:"id"`
		Participant string  `json:"participant"`
		Kind        string  `json:"kind"`
		Source      string  `json:"source"`
		Unsupported string  `json:"unsupported,omitempty"`
	}
	// Speakers says who speaks, the loudest first.
	Speakers struct {
		Type     string    `json:"type"`
		Speakers []Speaker `json:"speakers"`
	}
	// Speaker is one of them; Level is 0 to 1.
	Speaker struct {
		ID    string  `json:"id"`
		Level float64 `json:"level"`
	}
	// Quality says what of which track is being forwarded to the client.
	Quality struct {
		Type     string         `json:"type"`
		Tracks   []TrackQuality `json:"tracks"`
		Downlink uint64         `json:"downlink,omitempty"` // bit/s
	}
	// TrackQuality is that of one track; Layer is null where it is paused.
	TrackQuality struct {
		ID     string `json:"id"`
		Layer  *Layer `json:"layer"`
		Reason string `json:"reason,omitempty"`
	}
	// Layer names one way to see a track, from 0.
	Layer struct {
		Spatial  int `json:"spatial"`
		Temporal int `json:"temporal"`
	}
	// Layers says which simulcast layers of an own track are watched, by rid.
	Layers struct {
		Type   string          `json:"type"`
		Mid    string          `json:"mid"`
		Active map[string]bool `json:"active"`
	}
	// Unreached says which viewers can't decode an own track.
	Unreached struct {
		Type    string   `json:"type"`
		Mid     string   `json:"mid"`
		Codec   string   `json:"codec"`
		Viewers []string `json:"viewers"`
	}
	// Message is what another participant said.
	Message struct {
		Type string          `json:"type"`
		From string          `json:"from"`
		Body json.RawMessage `json:"body"`
	}
	// Drain asks the client to connect again within After seconds.
	Drain struct {
		Type  string  `json:"type"`
		After float64 `json:"after"`
	}
	// Error tells what went wrong.
	Error struct {
		Type    string `json:"type"`
		Code    Code   `json:"code"`
		Message string `json:"message"`
		Fatal   bool   `json:"fatal"`
	}
)
