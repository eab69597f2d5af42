package protocol

import "unicode/utf8"

// Subprotocol is version 1's name in Sec-WebSocket-Protocol (RFC 6455 §1.9). Entries with
// the prefixes carry secrets beside it.
const (
	Subprotocol   = "plenum.v1"
	TokenPrefix   = "token."
	SessionPrefix = "session."
)

// Limits of what a request names.
const (
	MaxRoom = 128 // bytes of a room's name
	MaxName = 64  // characters of a participant's name
)

// Limits of what a message names, in bytes. Browsers' own values are far shorter: a mid is
// a small number, a candidate some 150 bytes. The engine keeps most of them, and some come
// back in errors.
const (
	MaxMid       = 64
	MaxID        = 128 // of participants and tracks
	MaxCandidate = 1 << 10
	MaxUfrag     = 256 // RFC 8839 §5.4
)

// MaxDepth bounds how deep the brackets of a message may nest. The protocol needs 4; the
// body of a `message` may use the rest.
const MaxDepth = 64

// Bounds of what a viewer may wish for. Sizes, rates and priorities beyond are taken as the
// bound.
const (
	MaxWishes   = 512 // in one `subscribe`
	MaxPixels   = 65535
	MaxFPS      = 240
	MaxPriority = 10 // and -10
)

// Defaults of limits that an operator may change.
const (
	MaxFrame     = 256 << 10 // bytes of one frame from a client
	MaxFrameLine = 12 << 10  // bytes more for each m-line that the session has
	MaxBody      = 16 << 10  // bytes of the body of a `message`
)

// ValidRoom reports whether room may be a room's name: 1 to MaxRoom ASCII letters, digits,
// '-', '_' and '.'.
func ValidRoom(room string) bool {
	if len(room) < 1 || len(room) > MaxRoom {
		return false
	}
	for _, c := range []byte(room) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// ValidName reports whether name may be a participant's: UTF-8 of at most MaxName
// characters. It may be empty.
func ValidName(name string) bool {
	return utf8.ValidString(name) && utf8.RuneCountInString(name) <= MaxName
}
