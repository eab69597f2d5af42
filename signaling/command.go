package signaling

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"plenum/sfu"
)

// maxDepth bounds how deep the brackets of a message may nest. What the protocol
// needs is 4; a `message` body may use the rest.
const maxDepth = 64

// Limits of what a message names, in bytes. Browsers' own are far shorter: a mid
// is a small number, a candidate some 150 bytes. The engine keeps most of them,
// and some come back in errors.
const (
	maxMid       = 64
	maxID        = 128 // of participants and tracks
	maxCandidate = 1 << 10
	maxUfrag     = 256 // RFC 8839, section 5.4
)

// command is one decoded message of a client: one of the types below.
type command interface{ kind() string }

type (
	offerCommand     struct{ sdp string }
	answerCommand    struct{ sdp string }
	candidateCommand struct{ candidate *sfu.CandidateInit } // nil ends the candidates
	publishCommand   struct{ tracks []sfu.PublishedTrack }
	muteCommand      struct {
		mid   string
		muted bool
	}
	subscribeCommand struct{ wishes []sfu.Wish }
	messageCommand   struct {
		to   string // empty means everyone else
		body json.RawMessage
	}
	leaveCommand struct{}
)

func (offerCommand) kind() string     { return "offer" }
func (answerCommand) kind() string    { return "answer" }
func (candidateCommand) kind() string { return "candidate" }
func (publishCommand) kind() string   { return "publish" }
func (muteCommand) kind() string      { return "mute" }
func (subscribeCommand) kind() string { return "subscribe" }
func (messageCommand) kind() string   { return "message" }
func (leaveCommand) kind() string     { return "leave" }

// commandKinds lists the types of message that clients send.
func commandKinds() []string {
	return []string{"offer", "answer", "candidate", "publish", "mute", "subscribe", "message", "leave"}
}

// decode reads one text frame. Fields that it does not know are ignored; the
// errors are sentences for the client's author.
func decode(frame []byte, maxBody int) (command, error) {
	// A frame that is not UTF-8 would break the WebSocket of whoever got its
	// body forwarded (RFC 6455, section 8.1).
	if !utf8.Valid(frame) {
		return nil, errors.New("the message is not UTF-8")
	}
	if tooDeep(frame) {
		return nil, fmt.Errorf("the message nests deeper than %d", maxDepth)
	}
	var head struct {
		Type *string `json:"type"`
	}
	if err := unmarshal(frame, &head); err != nil {
		return nil, err
	}
	if head.Type == nil {
		return nil, errors.New("the message has no type")
	}
	switch *head.Type {
	case "offer", "answer":
		return decodeDescription(*head.Type, frame)
	case "candidate":
		return decodeCandidate(frame)
	case "publish":
		return decodePublish(frame)
	case "mute":
		return decodeMute(frame)
	case "subscribe":
		return decodeSubscribe(frame)
	case "message":
		return decodeMessage(frame, maxBody)
	case "leave":
		return leaveCommand{}, nil
	}
	return nil, fmt.Errorf("unknown type %.40q", *head.Type)
}

// tooDeep counts brackets outside of strings. It need not understand more: what
// is no JSON at all fails later.
func tooDeep(frame []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(frame); i++ {
		switch c := frame[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func unmarshal(data []byte, into any) error {
	err := json.Unmarshal(data, into)
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrong) && wrong.Field != "":
		return fmt.Errorf("%.80s is a %.20s where that does not fit", wrong.Field, wrong.Value)
	case errors.As(err, &wrong):
		return errors.New("the message is not an object")
	case err != nil:
		return errors.New("the message is not JSON")
	}
	return nil
}

func isNull(data json.RawMessage) bool { return bytes.Equal(data, []byte("null")) }

func decodeDescription(kind string, frame []byte) (command, error) {
	var m struct {
		SDP *string `json:"sdp"`
	}
	if err := unmarshal(frame, &m); err != nil {
		return nil, err
	}
	if m.SDP == nil {
		return nil, errors.New("sdp is missing")
	}
	if kind == "offer" {
		return offerCommand{*m.SDP}, nil
	}
	return answerCommand{*m.SDP}, nil
}

func decodeCandidate(frame []byte) (command, error) {
	var m struct {
		Candidate json.RawMessage `json:"candidate"`
	}
	if err := unmarshal(frame, &m); err != nil {
		return nil, err
	}
	if m.Candidate == nil {
		return nil, errors.New("candidate is missing")
	}
	if isNull(m.Candidate) {
		return candidateCommand{}, nil
	}
	var candidate sfu.CandidateInit
	if err := unmarshal(m.Candidate, &candidate); err != nil {
		return nil, err
	}
	if candidate.Candidate == "" {
		return candidateCommand{}, nil
	}
	switch {
	case len(candidate.Candidate) > maxCandidate:
		return nil, fmt.Errorf("candidate is over %d bytes", maxCandidate)
	case candidate.SDPMid != nil && len(*candidate.SDPMid) > maxMid:
		return nil, fmt.Errorf("sdpMid is over %d bytes", maxMid)
	case candidate.UsernameFragment != nil && len(*candidate.UsernameFragment) > maxUfrag:
		return nil, fmt.Errorf("usernameFragment is over %d bytes", maxUfrag)
	}
	return candidateCommand{&candidate}, nil
}

func decodePublish(frame []byte) (command, error) {
	var m struct {
		Tracks *[]struct {
			Mid    *string    `json:"mid"`
			Source sfu.Source `json:"source"`
			Muted  bool       `json:"muted"`
		} `json:"tracks"`
	}
	if err := unmarshal(frame, &m); err != nil {
		return nil, err
	}
	if m.Tracks == nil {
		return nil, errors.New("tracks is missing")
	}
	tracks := make([]sfu.PublishedTrack, 0, len(*m.Tracks))
	for _, t := range *m.Tracks {
		if t.Mid == nil || *t.Mid == "" {
			return nil, errors.New("a track has no mid")
		}
		if len(*t.Mid) > maxMid {
			return nil, fmt.Errorf("mid is over %d bytes", maxMid)
		}
		if !t.Source.Valid() {
			return nil, fmt.Errorf("source %.40q is not camera, microphone, screen or screen-audio", t.Source)
		}
		tracks = append(tracks, sfu.PublishedTrack{Mid: *t.Mid, Source: t.Source, Muted: t.Muted})
	}
	return publishCommand{tracks}, nil
}

func decodeMute(frame []byte) (command, error) {
	var m struct {
		Mid   *string `json:"mid"`
		Muted *bool   `json:"muted"`
	}
	if err := unmarshal(frame, &m); err != nil {
		return nil, err
	}
	if m.Mid == nil || *m.Mid == "" {
		return nil, errors.New("mid is missing")
	}
	if len(*m.Mid) > maxMid {
		return nil, fmt.Errorf("mid is over %d bytes", maxMid)
	}
	if m.Muted == nil {
		return nil, errors.New("muted is missing")
	}
	return muteCommand{*m.Mid, *m.Muted}, nil
}

func decodeMessage(frame []byte, maxBody int) (command, error) {
	var m struct {
		To   *string         `json:"to"`
		Body json.RawMessage `json:"body"`
	}
	if err := unmarshal(frame, &m); err != nil {
		return nil, err
	}
	if m.Body == nil {
		return nil, errors.New("body is missing")
	}
	if len(m.Body) > maxBody {
		return nil, fmt.Errorf("body is over %d bytes", maxBody)
	}
	if m.To == nil {
		return messageCommand{body: m.Body}, nil
	}
	// An empty recipient is a mistake of the sender's; it must not turn a
	// private message into one for everybody.
	if *m.To == "" {
		return nil, errors.New("to is empty")
	}
	if len(*m.To) > maxID {
		return nil, fmt.Errorf("to is over %d bytes", maxID)
	}
	return messageCommand{to: *m.To, body: m.Body}, nil
}
