// Package jsep is the server's side of one peer's SDP negotiation (RFC 8829),
// as values: a Session takes the peer's descriptions and the tracks to send,
// and gives descriptions and what they mean. It opens no socket, starts no
// goroutine and holds no lock: its owner calls it from one loop.
//
// # Who owns an m-line
//
// The client speaks first and owns the m-lines that its offers bring. The
// server's own m-lines, one Slot each, follow in its offers. Both kinds stay in
// the SDP for the life of the session and keep their index (RFC 8829 §5.2.2).
// A Slot that became free is reused by the next track of its kind, so the SDP
// grows with the most tracks ever sent at once; an m-line with port 0 may be
// taken over by either side under a new mid.
//
// A browser's addTrack takes any transceiver of the right kind that has never
// sent, those that our offers made included. So a client may come to send on an
// m-line of ours: it then goes both ways, and either direction ends by itself.
// A client may also stop sending in an answer, and its later offers then have
// nothing to say of it: read Incoming after ApplyAnswer as after ApplyOffer.
//
// # The numbers of a BUNDLE group
//
// All m-lines share one transport, so a payload type means one codec, with one
// fmtp, and an extension id one URI in all of them (RFC 9143 §9.1). The client's numbers
// win: a slot uses the client's payload type where the client has the same
// codec with compatible parameters, and a free one, remembered for the session,
// where it has not.
package jsep
