// Package signaling speaks the protocol between browsers and the engine: JSON
// messages over one WebSocket per session.
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
// Locks: the Server's and each session's and socket's guard data only; the one
// nesting is session → socket. No call into the engine is made under any.
package signaling
