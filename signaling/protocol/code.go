package protocol

// Code is the machine-readable name of an error that a client is told.
type Code string

// The codes.
const (
	BadMessage   Code = "bad-message"
	BadSDP       Code = "bad-sdp"
	BadCandidate Code = "bad-candidate"
	TooLarge     Code = "too-large"
	RateLimited  Code = "rate-limited"
	BadRoom      Code = "bad-room"
	BadName      Code = "bad-name"
	Unauthorized Code = "unauthorized"
	Forbidden    Code = "forbidden"
	RoomFull     Code = "room-full"
	ServerFull   Code = "server-full"
	Kicked       Code = "kicked"
	Replaced     Code = "replaced"
	Draining     Code = "draining"
	NoMedia      Code = "no-media"
)

// Codes lists them all.
func Codes() []Code {
	return []Code{
		BadMessage, BadSDP, BadCandidate, TooLarge, RateLimited, BadRoom, BadName, Unauthorized,
		Forbidden, RoomFull, ServerFull, Kicked, Replaced, Draining, NoMedia,
	}
}

// Codes that a WebSocket is closed with: RFC 6455 §7.4.1 and the protocol's own.
const (
	ClosePolicy       = 1008
	CloseTooLarge     = 1009
	CloseRestart      = 1012
	CloseUnauthorized = 4001
	CloseFull         = 4002
	CloseKicked       = 4003
	CloseReplaced     = 4004
	CloseNoMedia      = 4005
)

// Close is what the WebSocket is closed with after the error, 0 if the session goes on. A
// session survives BadMessage and TooLarge a few times.
func (c Code) Close() int {
	switch c {
	case TooLarge:
		return CloseTooLarge
	case RateLimited, BadRoom, BadName:
		return ClosePolicy
	case Unauthorized:
		return CloseUnauthorized
	case RoomFull, ServerFull:
		return CloseFull
	case Kicked:
		return CloseKicked
	case Replaced:
		return CloseReplaced
	case NoMedia:
		return CloseNoMedia
	case Draining:
		return CloseRestart
	}
	return 0
}
