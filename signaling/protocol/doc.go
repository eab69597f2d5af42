// Package protocol defines version 1 of the protocol between a client and the server once,
// for both ends: the messages, the error codes, the limits of what they name, and the rules
// for rooms and names. ../PROTOCOL.md is the document for people who write clients; a test
// of package signaling compares the two.
//
// The package is pure: it has no I/O, and knows nothing of the engine.
package protocol
