// Package wire reads and writes the bytes of RTP, RTX and header extensions.
//
// A publisher's packet is parsed once into a Packet, a view over the received
// bytes. A subscription decides an Edit (numbers and a payload patch) and its
// Format (SSRC, payload type, extension ids) turns Packet and Edit into the
// bytes that one viewer gets. Unwrapper extends 16-bit sequence numbers and
// 32-bit timestamps so that the rest of the code never sees a wrap.
//
// The package is pure: values in, values out, no clock, no lock, no goroutine.
package wire
