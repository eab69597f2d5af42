package gate

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"
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
// yet hold no place.
type Handshaking struct {
	slots    chan struct{}
	share    time.Duration
	patience time.Duration
	rejected *Rejections
}

// NewHandshaking lets atOnce of them work.
func NewHandshaking(atOnce int, rejected *Rejections) *Handshaking {
	return &Handshaking{make(chan struct{}, atOnce), handshakeShare, handshakePatience, rejected}
}

// Begin is a tls.Config's GetConfigForClient: it is called when the client has said
// hello, and before anything is computed for it. It chooses no configuration.
func (h *Handshaking) Begin(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	timeout := time.NewTimer(h.patience)
	defer timeout.Stop()
	select {
	case h.slots <- struct{}{}:
	case <-timeout.C:
		h.rejected.inc(Handshakes)
		return nil, errBusy
	case <-hello.Context().Done():
		return nil, hello.Context().Err()
	}
	release := sync.OnceFunc(func() { <-h.slots })
	time.AfterFunc(h.share, release)
	context.AfterFunc(hello.Context(), release) // it has ended
	return nil, nil
}
