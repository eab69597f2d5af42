package signaling

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"plenum/sfu"
	"plenum/signaling/protocol"
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

func (offerCommand) kind() string     { return protocol.TypeOffer }
func (answerCommand) kind() string    { return protocol.TypeAnswer }
func (candidateCommand) kind() string { return protocol.TypeCandidate }
func (publishCommand) kind() string   { return protocol.TypePublish }
func (muteCommand) kind() string      { return protocol.TypeMute }
func (subscribeCommand) kind() string { return protocol.TypeSubscribe }
func (messageCommand) kind() string   { return protocol.TypeMessage }
func (leaveCommand) kind() string     { return protocol.TypeLeave }

// decode reads one text frame. Fields that it does not know are ignored; the
// errors are sentences for the client's author.
func decode(frame []byte, maxBody int) (command, error) {
	// A frame that is not UTF-8 would break the WebSocket of whoever got its
	// body forwarded (RFC 6455, section 8.1).
	if !utf8.Valid(frame) {
		return nil, errors.New("the message is not UTF-8")
	}
	if tooDeep(frame) {
		return nil, fmt.Errorf("the message nests deeper than %d", protocol.MaxDepth)
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
	case protocol.TypeOffer, protocol.TypeAnswer:
		return decodeDescription(*head.Type, frame)
	case protocol.TypeCandidate:
		return decodeCandidate(frame)
	case protocol.TypePublish:
		return decodePublish(frame)
	case protocol.TypeMute:
		return decodeMute(frame)
	case protocol.TypeSubscribe:
		return decodeSubscribe(frame)
	case protocol.TypeMessage:
		return decodeMessage(frame, maxBody)
	case protocol.TypeLeave:
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
			if depth++; depth > protocol.MaxDepth {
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
	var m protocol.ClientDescription
	if err := unmarshal(frame, &m); err != nil {
		return nil, err
	}
	if m.SDP == nil {
		return nil, errors.New("sdp is missing")
	}
	if kind == protocol.TypeOffer {
		return offerCommand{*m.SDP}, nil
	}
	return answerCommand{*m.SDP}, nil
}

func decodeCandidate(frame []byte) (command, error) {
	var m protocol.ClientCandidate
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
	case len(candidate.Candidate) > protocol.MaxCandidate:
		return nil, fmt.Errorf("candidate is over %d bytes", protocol.MaxCandidate)
	case candidate.SDPMid != nil && len(*candidate.SDPMid) > protocol.MaxMid:
		return nil, fmt.Errorf("sdpMid is over %d bytes", protocol.MaxMid)
	case candidate.UsernameFragment != nil && len(*candidate.UsernameFragment) > protocol.MaxUfrag:
		return nil, fmt.Errorf("usernameFragment is over %d bytes", protocol.MaxUfrag)
	}
	return candidateCommand{&candidate}, nil
}

func decodePublish(frame []byte) (command, error) {
	var m protocol.Publish
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
		if len(*t.Mid) > protocol.MaxMid {
			return nil, fmt.Errorf("mid is over %d bytes", protocol.MaxMid)
		}
		source := sfu.Source(t.Source)
		if !source.Valid() {
			return nil, fmt.Errorf("source %.40q is not camera, microphone, screen or screen-audio", t.Source)
		}
		tracks = append(tracks, sfu.PublishedTrack{Mid: *t.Mid, Source: source, Muted: t.Muted})
	}
	return publishCommand{tracks}, nil
}

func decodeMute(frame []byte) (command, error) {
	var m protocol.Mute
	if err := unmarshal(frame, &m); err != nil {
		return nil, err
	}
	if m.Mid == nil || *m.Mid == "" {
		return nil, errors.New("mid is missing")
	}
	if len(*m.Mid) > protocol.MaxMid {
		return nil, fmt.Errorf("mid is over %d bytes", protocol.MaxMid)
	}
	if m.Muted == nil {
		return nil, errors.New("muted is missing")
	}
	return muteCommand{*m.Mid, *m.Muted}, nil
}

func decodeMessage(frame []byte, maxBody int) (command, error) {
	var m protocol.ClientMessage
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
	if len(*m.To) > protocol.MaxID {
		return nil, fmt.Errorf("to is over %d bytes", protocol.MaxID)
	}
	return messageCommand{to: *m.To, body: m.Body}, nil
}
