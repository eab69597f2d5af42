// Package transport is the only server package that knows pion: one Engine
// with its sockets and certificate, and one Peer per participant.
//
// Packets in: each UDP socket has a reader goroutine (port.go), one socket a core.
// SRTP and SRTCP from an address that ICE has validated are decrypted and handed
// to that Peer's Receiver right there. All else (STUN, DTLS, ICE-TCP, unknown
// addresses) goes through pion's muxes and ICE agents; each Peer's own goroutine
// takes what comes that way and tells DTLS, RTP and RTCP apart (RFC 7983).
//
// Packets out: Peer.Send encrypts what was put into a Batch on the caller's
// goroutine; the Batch leaves when the round of arrivals ends, with few system
// calls (mmsg_linux.go), or by pion's selected pair where we know no path.
//
// The addresses of the media port follow the machine's: an addressBook decides, one
// goroutine (changes.go) binds and closes the ports. New sessions find those that are
// announced by portMux, which is the mux that pion's agents see. The order of shutdown of
// a port is: out of the table, pion's connections, sockets, wait for its readers; of the
// engine: the goroutine that binds, then the ports.
//
// Plenum drives pion's ICE, DTLS and SRTP directly instead of through a
// webrtc.PeerConnection: keys come from the DTLS exporter through public API,
// one certificate serves everyone, nothing is copied or queued per packet
// between the socket and the SFU, and SDP is a value (package jsep). The order
// of shutdown of a Peer is: deaf, DTLS goodbye, stop ICE, wait, drop the route.
package transport
