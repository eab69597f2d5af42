// Package client is a Go client of Plenum's signaling protocol on pion/webrtc
// PeerConnections: for load, bots, tests, and links between nodes.
//
// A Client joins one room. It publishes any webrtc.TrackLocal, receives what the
// others publish, survives a broken WebSocket (Reconnect) and a changed network
// path (RestartICE). What happens is told by Events, in order, on one goroutine.
//
// The package also brings scripted media (Video, Audio), whose packets carry a
// counter and the time at which they were sent, and a Receiver that checks and
// measures a remote track without allocating per packet.
//
// It imports nothing of the server. With Options.Dial and Options.Setting it
// runs over an in-memory pipe and pion's vnet inside testing/synctest.
package client
