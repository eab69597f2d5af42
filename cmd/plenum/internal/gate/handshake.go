package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"sync"
	"time"

	"plenum/signaling/visitor"
)

const (
	// handshakeShare is how long a handshake may keep its place. Its work, a key exchange
	// and a signature, is done by then, also with an RSA key of 4096 bits; what it
	// waits for is the client, who must not keep others waiting.
	handshakeShare = 25 * time.Millisecond
	// handshakePatience is how long one may wait for its turn.
	handshakePatience = 5 * time.Second
)

var errBusy = errors.New("too many handshakes at once")

// Handshaking lets few TLS handshakes work at once, so that a thousand that come
// together don't stand in front of everything else. Those that have sent nothing
// yet hold no place. Where many wait, their addresses take turns.
type Handshaking struct {
	share    time.Duration
	patience time.Duration
	rejected *Rejections

	mu    sync.Mutex
	turns *turns
}

// NewHandshaking lets atOnce of them work.
func NewHandshaking(atOnce int, rejected *Rejections) *Handshaking {
	return &Handshaking{share: handshakeShare, patience: handshakePatience, rejected: rejected, turns: newTurns(atOnce)}
}

// Begin is a tls.Config's GetConfigForClient: it is called when the client has said
// hello, and before anything is computed for it. It chooses no configuration.
func (h *Handshaking) Begin(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	peer, _ := netip.ParseAddrPort(hello.Conn.RemoteAddr().String()) // none is one too
	if err := h.await(hello.Context(), visitor.Group(peer.Addr())); err != nil {
		return nil, err
	}
	release := sync.OnceFunc(func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.turns.give()
	})
	time.AfterFunc(h.share, release)
	context.AfterFunc(hello.Context(), release) // it has ended
	return nil, nil
}

// await takes a place, or returns why there is none.
func (h *Handshaking) await(ctx context.Context, peer netip.Addr) (err error) {
	h.mu.Lock()
	turn := h.turns.take(peer)
	h.mu.Unlock()
	if turn == nil {
		return nil
	}
	timeout := time.NewTimer(h.patience)
	defer timeout.Stop()
	select {
	case <-turn:
		return nil
	case <-timeout.C:
		h.rejected.inc(Handshakes)
		err = errBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turns.leave(peer, turn)
	return err
}
