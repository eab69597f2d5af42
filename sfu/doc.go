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
// Locks: Server.mu → Room.mu; every other lock is a leaf that guards data.
package sfu
