// Package transport is the only server package that knows pion: one Engine
// with its sockets and certificate, and one Peer per participant.
//
// Packets in: the engine's UDP sockets and TCP listeners feed pion's ICE muxes;
// each Peer has one read goroutine that takes datagrams from its ICE agent and
// tells DTLS, RTP and RTCP apart (RFC 7983). RTP and RTCP are decrypted and
// handed to the Peer's Receiver on that same goroutine, without another hop;
// DTLS goes to a queue that pion's handshake reads.
//
// Packets out: WriteRTP encrypts on the caller's goroutine and writes to the
// selected ICE pair. RTCP goes the same way through the Send methods.
//
// Plenum drives pion's ICE, DTLS and SRTP directly instead of through a
// webrtc.PeerConnection: keys come from the DTLS exporter through public API,
// one certificate serves everyone, nothing is copied or queued per packet
// between the socket and the SFU, and SDP is a value (package jsep). The order
// of shutdown is: stop ICE (which ends the read goroutine), close DTLS, wait.
package transport
