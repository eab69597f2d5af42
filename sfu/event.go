package sfu

import "encoding/json"

// Event is what the engine tells a participant's Client. It is one of the types
// of this file.
type Event interface{ event() }

// Client is where the engine's events for one participant go. Send must not
// block and is called from several goroutines; events that the participant's
// loop makes (all but Message and Speakers) arrive in order.
type Client interface {
	Send(Event)
}

// Kind is a track's medium: "audio" or "video".
type Kind string

// The two kinds of media.
const (
	Audio Kind = "audio"
	Video Kind = "video"
)

// Source says what a track shows or carries.
type Source string

// The sources that a publisher may name.
const (
	Camera      Source = "camera"
	Microphone  Source = "microphone"
	Screen      Source = "screen"
	ScreenAudio Source = "screen-audio"
)

// Valid reports whether s is one of the four sources.
func (s Source) Valid() bool {
	return s == Camera || s == Microphone || s == Screen || s == ScreenAudio
}

// TrackInfo describes a published track to others.
type TrackInfo struct {
	ID     string
	Kind   Kind
	Source Source
	Muted  bool
	// Codec is the name of what is being sent ("VP8"), empty before the first packet.
	Codec string
}

// ParticipantInfo describes a participant to others.
type ParticipantInfo struct {
	ID     string
	Name   string
	Tracks []TrackInfo
}

// Transport is the server's end of a session's transport, as its answer will name it.
type Transport struct {
	Ufrag, Pwd string // of ICE
	// Fingerprint is the value of SDP's a=fingerprint; DTLS is the client's to begin.
	Fingerprint string
	Candidates  []string // candidate-attribute values, without "candidate:"
}

// MappedTrack is one remote track and the m-line that carries it to a viewer.
type MappedTrack struct {
	Mid         string // empty where Unsupported is not
	ID          string
	Participant string
	Kind        Kind
	Source      Source
	// Unsupported names the codec ("AV1") that this viewer can't decode.
	Unsupported string
}

// Speaker is someone who speaks now; Level is 0 to 1.
type Speaker struct {
	ID    string
	Level float64
}

// CandidateInit is an RTCIceCandidateInit.
type CandidateInit struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex"`
	UsernameFragment *string `json:"usernameFragment"`
}

// PublishedTrack is what a client says of one of its own m-lines.
type PublishedTrack struct {
	Mid    string
	Source Source
	Muted  bool
}

// ProblemCode is a machine-readable reason why one of the participant's own
// commands was refused. The call goes on.
type ProblemCode string

// The problems that the engine reports; their names are the protocol's.
const (
	ProblemBadSDP       ProblemCode = "bad-sdp"
	ProblemBadCandidate ProblemCode = "bad-candidate"
	ProblemBadMessage   ProblemCode = "bad-message"
	ProblemForbidden    ProblemCode = "forbidden"
)

type (
	// Joined is the first event of a session and the first after Resume.
	Joined struct {
		ID           string
		Room         string
		Resumed      bool
		Participants []ParticipantInfo // the others
		// Transport is told to a client that joined with Early.
		Transport *Transport
	}
	// ParticipantJoined tells that someone else came.
	ParticipantJoined struct{ Participant ParticipantInfo }
	// ParticipantLeft tells that someone else left.
	ParticipantLeft struct{ Participant ParticipantInfo }
	// ParticipantUpdated tells that someone else's tracks changed.
	ParticipantUpdated struct{ Participant ParticipantInfo }
	// Offer is the server's session description to apply and answer.
	Offer struct{ SDP string }
	// Answer answers the client's offer.
	Answer struct{ SDP string }
	// Tracks maps m-lines of the server's next offer to remote tracks.
	Tracks struct{ Tracks []MappedTrack }
	// Speakers lists who speaks now, loudest first.
	Speakers struct{ Speakers []Speaker }
	// Message carries another participant's message.
	Message struct {
		From string
		Body json.RawMessage
	}
	// Unreached tells whom one of the client's own tracks can't be shown to, for they can't
	// decode its codec; Viewers is empty when it reaches everyone again.
	Unreached struct {
		Mid     string
		Codec   string   // "H264"
		Viewers []string // their participant ids
	}
	// Problem answers a command that could not be carried out.
	Problem struct {
		Code ProblemCode
		Text string // a sentence for a person
	}
	// Ended is the last event: the participant is gone. Cause is never nil.
	Ended struct{ Cause error }
)

func (Joined) event()             {}
func (ParticipantJoined) event()  {}
func (ParticipantLeft) event()    {}
func (ParticipantUpdated) event() {}
func (Offer) event()              {}
func (Answer) event()             {}
func (Tracks) event()             {}
func (Speakers) event()           {}
func (Message) event()            {}
func (Unreached) event()          {}
func (Problem) event()            {}
func (Ended) event()              {}
