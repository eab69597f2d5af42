package sfu

import (
	"errors"
	"fmt"
	"time"

	"plenum/sfu/internal/transport"
)

// This file follows a participant's media path: from found to secured, silent and over.

// reached reports whether video may be sent: to a client that ICE has found it waits
// in the transport for the DTLS handshake, which then has a keyframe to send at once.
func (p *Participant) reached() bool {
	return p.state == transport.StateConnected || p.state == transport.StateNew && p.peer.Reached()
}

// startAll lets all flow that the client has accepted.
func (p *Participant) startAll() {
	for _, sub := range p.subs {
		sub.start()
	}
	p.viewing.lookAt = 0
}

// handleState follows the peer's media path.
func (p *Participant) handleState() {
	s := p.peer.State()
	if s == p.state {
		if p.state == transport.StateNew && p.reached() {
			p.startAll()
		}
		return
	}
	now, before := p.server.now(), p.state
	p.state, p.stateSince = s, now
	switch s {
	case transport.StateConnected:
		if p.connectedAt == 0 {
			p.connectedAt = now
			p.seated.Store(true)
			p.server.counter.joinConnected.Observe(time.Since(p.joined).Seconds())
		}
		if before == transport.StateDisconnected || before == transport.StateFailed {
			p.renewPath()
		}
		p.server.counter.selected(p.peer.Selected())
		p.startAll()
		if p.peer.Spilled() {
			for _, sub := range p.subs {
				sub.requestKeyframe(now)
			}
		}
	case transport.StateClosed:
		if p.connectedAt == 0 {
			p.Leave(errors.New("DTLS handshake failed"))
		} else {
			p.Leave(fmt.Errorf("%w: peer connection closed", ErrLeft))
		}
	}
}
