package signaling

import (
	"errors"

	"github.com/gorilla/websocket"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

// failure is an error that a client is told.
type failure struct {
	code  protocol.Code
	text  string // a sentence for a person
	close int    // what the WebSocket is closed with, 0 if it is not
}

func fail(c protocol.Code, text string) *failure {
	return &failure{code: c, text: text, close: c.Close()}
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
		f := fail(protocol.Kicked, "A moderator removed you from the room.")
		return f, f.close
	case errors.Is(cause, sfu.ErrNoMedia):
		f := fail(protocol.NoMedia, "You joined, and did not connect for media in time.")
		return f, f.close
	case errors.Is(cause, sfu.ErrTooSlow):
		f := fail(protocol.RateLimited, "You send faster than the server can follow.")
		return f, f.close
	}
	return nil, websocket.CloseInternalServerErr
}

// refusal tells why the engine took no new participant.
func refusal(err error) *failure {
	switch {
	case errors.Is(err, sfu.ErrRoomFull):
		return fail(protocol.RoomFull, "The room is full.")
	case errors.Is(err, sfu.ErrServerFull):
		return fail(protocol.ServerFull, "The server is full.")
	}
	return fail(protocol.Draining, "The server takes no new sessions.")
}
