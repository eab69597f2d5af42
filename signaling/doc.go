// Package signaling speaks the protocol between browsers and the engine: JSON
// messages over one WebSocket per session. PROTOCOL.md describes it for those who write
// clients, and package protocol has its messages, codes, limits and rules.
//
// A request is checked (origin, subprotocol, room, name, token), joined to the
// engine or attached to a session that lost its WebSocket, and then served by
// two goroutines: the reader turns frames into commands for the participant,
// the writer sends what waits in a bounded queue. The engine's events arrive at
// session.Send, which encodes them and never waits; a client that lets its
// queue fill up loses the WebSocket, not the session.
//
// A session outlives its WebSocket by Config.ResumeTimeout. Whoever shows the
// session's secret within that time takes it over. Where tokens are required it
// takes a valid one too, with the session's grants and not with another name than
// the session's; else the old session ends and a new one begins, as the token says.
//
// # Joining in few round trips
//
// `early=1` in the query of GET /ws says that the client knows what to do with this:
//
//   - `joined` of a new session has transport: {ufrag, pwd, fingerprint, candidates}, the
//     server's end of the transport as the answer to the first offer will name it, in the
//     form of SDP's attributes. DTLS is the client's to begin (setup:passive in the
//     answer). The client may look for the path at once, which saves a round trip; the
//     SDK sets a provisional answer (RFC 8829 §4.1.10.1).
//   - The server's first offer follows its first answer at once. Others get it when ICE has
//     found them, or after a second: some take it for an ICE restart before.
//
// With both, a first picture takes five round trips from the first SYN: two for the
// WebSocket, one for ICE, two for DTLS, at the end of which media waits.
//
// Locks: the Server's and each session's and socket's guard data only; the one
// nesting is session → socket. No call into the engine is made under any.
package signaling
