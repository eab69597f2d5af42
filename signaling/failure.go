package signaling

import (
	"errors"

	"github.com/gorilla/websocket"

	"plenum/sfu"
)

// code is the machine-readable name of an error that a client is told.
type code string

const (
	codeBadMessage   code = "bad-message"
	codeBadSDP       code = "bad-sdp"
	codeBadCandidate code = "bad-candidate"
	codeTooLarge     code = "too-large"
	codeRateLimited  code = "rate-limited"
	codeBadRoom      code = "bad-room"
	codeBadName      code = "bad-name"
	codeUnauthorized code = "unauthorized"
	codeForbidden    code = "forbidden"
	codeRoomFull     code = "room-full"
	codeServerFull   code = "server-full"
	codeKicked       code = "kicked"
	codeReplaced     code = "replaced"
	codeDraining     code = "draining"
	codeNoMedia      code = "no-media"
)

// codes lists every code, for the counters.
func codes() []code {
	return []code{
		codeBadMessage, codeBadSDP, codeBadCandidate, codeTooLarge, codeRateLimited,
		codeBadRoom, codeBadName, codeUnauthorized, codeForbidden, codeRoomFull,
		codeServerFull, codeKicked, codeReplaced, codeDraining, codeNoMedia,
	}
}

// Close codes that are the protocol's own.
const (
	closeUnauthorized = 4001
	closeFull         = 4002
	closeKicked       = 4003
	closeReplaced     = 4004
	closeNoMedia      = 4005
)

// close is the protocol's table of errors: the code that closes the WebSocket,
// or 0 for an error that the session survives. (bad-message, which a session
// survives a few times, is in session.complain.)
func (c code) close() int {
	switch c {
	case codeTooLarge:
		return websocket.CloseMessageTooBig
	case codeRateLimited, codeBadRoom, codeBadName:
		return websocket.ClosePolicyViolation
	case codeUnauthorized:
		return closeUnauthorized
	case codeRoomFull, codeServerFull:
		return closeFull
	case codeKicked:
		return closeKicked
	case codeReplaced:
		return closeReplaced
	case codeNoMedia:
		return closeNoMedia
	case codeDraining:
		return websocket.CloseServiceRestart
	}
	return 0
}

// failure is an error that a client is told.
type failure struct {
	code  code
	text  string // a sentence for a person
	close int    // what the WebSocket is closed with, 0 if it is not
}

func fail(c code, text string) *failure {
	return &failure{code: c, text: text, close: c.close()}
}

func (f *failure) Error() string { return string(f.code) + ": " + f.text }

// Causes with which this package ends a participant.
var (
	// ErrSignalingLost ends a session whose client did not come back in time.
	ErrSignalingLost = errors.New("signaling lost")
	// ErrDrained ends the sessions that remain when a server goes away.
	ErrDrained = errors.New("server went away")
	// ErrKicked is the cause to end a participant with on a moderator's behalf.
	ErrKicked = errors.New("removed by a moderator")
)

// farewell tells how a WebSocket is closed once its participant has ended, and
// the error that comes before, nil if none does. Codes outside of the table
// leave the client free to come back: 1000 after its own goodbye, 1012 where
// another server may serve it, 1011 where the call broke down.
func farewell(cause error) (*failure, int) {
	var told *failure
	switch {
	case errors.As(cause, &told):
		return told, told.close
	case errors.Is(cause, sfu.ErrLeft):
		return nil, websocket.CloseNormalClosure
	case errors.Is(cause, ErrDrained), errors.Is(cause, sfu.ErrClosed):
		return nil, websocket.CloseServiceRestart
	case errors.Is(cause, ErrKicked):
		f := fail(codeKicked, "A moderator removed you from the room.")
		return f, f.close
	case errors.Is(cause, sfu.ErrNoMedia):
		f := fail(codeNoMedia, "You joined, and did not connect for media in time.")
		return f, f.close
	case errors.Is(cause, sfu.ErrTooSlow):
		f := fail(codeRateLimited, "You send faster than the server can follow.")
		return f, f.close
	}
	return nil, websocket.CloseInternalServerErr
}

// refusal tells why the engine took no new participant.
func refusal(err error) *failure {
	switch {
	case errors.Is(err, sfu.ErrRoomFull):
		return fail(codeRoomFull, "The room is full.")
	case errors.Is(err, sfu.ErrServerFull):
		return fail(codeServerFull, "The server is full.")
	}
	return fail(codeDraining, "The server takes no new sessions.")
}
