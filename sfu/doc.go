// Package sfu is the engine: rooms, participants, tracks and subscriptions, and
// the goroutines that move packets between them.
//
// A Server holds rooms. Join makes a Participant with one peer connection;
// commands (Offer, Answer, Candidate, Publish, Mute, Message, Resume, Leave)
// are posted to the participant's own loop, which alone owns its negotiation.
// What the engine has to tell goes out as Events to the participant's Client.
//
// Media does not pass through the loop. A publisher's packet is read, decrypted
// and parsed once where it is received (a socket's reader), remembered in the layer's
// history, and pushed through every subscription of the track: see media.go
// and layer.go (ingress), subscription.go (egress) and the package internal/forward.
//
// What each viewer gets is its own loop's decision (viewing.go). The publisher's
// loop surveys what a track can be seen as (view.go) from what its layers measure
// (meter.go). The viewer's feedback feeds an estimator of its downlink (downlink.go,
// internal/bwe), whose estimate the allocation (internal/alloc) splits over the
// viewer's tracks, by their tiles; each subscription is aimed at what was
// chosen, and the switch happens within its stream at the next legal packet. What
// nobody's tile asks for, the publisher is told (dynacast.go). Explain tells
// operators all of it (explain.go).
//
// Locks: Server.mu → Room.mu; every other lock is a leaf that guards data, but
// for a downlink's, under which the log of what was sent is taken from the peer.
package sfu
