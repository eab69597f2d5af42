package client

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"
)

// Event is what a Client tells its owner: one of the types of this file.
type Event interface{ event() }

type (
	// Joined tells that the session began (or began anew, or was resumed).
	Joined struct {
		ID           string
		Room         string
		Resumed      bool
		Participants []ParticipantInfo // the others
	}
	// Participant tells that someone else joined, left or was updated.
	Participant struct {
		Event       string // "joined", "left" or "updated"
		Participant ParticipantInfo
	}
	// Tracks is the server's mapping of m-lines to remote tracks.
	Tracks struct{ Tracks []TrackInfo }
	// Track is a remote track whose packets begin to arrive. Someone must read
	// Remote, for instance a Receiver. Info is zero if the server never said
	// what the m-line carries.
	Track struct {
		Remote *webrtc.TrackRemote
		Mid    string
		Info   TrackInfo
		// Peer is the connection that carries it, for RTCP to the server.
		Peer *webrtc.PeerConnection
	}
	// Speakers lists who speaks now, loudest first.
	Speakers struct{ Speakers []Speaker }
	// Qualities tells what is being forwarded of each track that changed, by id,
	// and the server's estimate of the downlink in bit/s.
	Qualities struct {
		Tracks   map[string]Quality
		Downlink uint64
	}
	// Layers tells which simulcast layers of an own track anyone watches.
	Layers struct {
		Mid    string
		Active map[string]bool
	}
	// Unreached tells which viewers, by id, can't decode an own track.
	Unreached struct {
		Mid     string
		Codec   string
		Viewers []string
	}
	// Chat is another participant's message.
	Chat struct {
		From string
		Body json.RawMessage
	}
	// Error is a complaint of the server, or of this end about a description of
	// the server (Code "local").
	Error struct {
		Code  string
		Text  string
		Fatal bool
	}
	// Drain tells that the server is going away: reconnect within After.
	Drain struct{ After time.Duration }
	// State is the peer connection's new state.
	State struct{ State webrtc.PeerConnectionState }
	// SignalLost tells that the signaling connection broke. Media goes on;
	// Reconnect resumes the session.
	SignalLost struct{ Err error }
	// Closed is the last event. Cause is never nil.
	Closed struct{ Cause error }
)

func (Joined) event()      {}
func (Participant) event() {}
func (Tracks) event()      {}
func (Track) event()       {}
func (Speakers) event()    {}
func (Qualities) event()   {}
func (Layers) event()      {}
func (Unreached) event()   {}
func (Chat) event()        {}
func (Error) event()       {}
func (Drain) event()       {}
func (State) event()       {}
func (SignalLost) event()  {}
func (Closed) event()      {}

// Error makes a fatal Error usable as the cause of a client's end.
func (e Error) Error() string { return fmt.Sprintf("%s: %s", e.Code, e.Text) }
