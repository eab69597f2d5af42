package transport

import (
	"errors"
	"io"
	"time"
)

// read is the peer's own read goroutine: what comes to it by pion's ICE passes
// here. That is DTLS, and all media where the readers of the sockets don't see
// it. It ends when the ICE agent is closed.
func (p *Peer) read() {
	defer p.wg.Done()
	buf := make([]byte, datagramSize)
	waited := false
	for {
		n, err := p.conn.Read(buf)
		if errors.Is(err, io.ErrShortBuffer) {
			continue // by ICE-TCP: larger than any datagram
		}
		if err != nil {
			return
		}
		b := buf[:n]
		switch {
		case n < 12:
		case b[0] >= 20 && b[0] <= 63: // RFC 7983 §7
			kept, dropped := dtlsRecords(b, p.keys.Load() != nil)
			p.engine.counters.Discarded[DiscardedDTLS].Add(uint64(dropped)) //nolint:gosec // not negative
			if len(kept) > 0 {
				_, _ = p.dtlsIn.Write(kept, nil) // full: DTLS retransmits
			}
		case b[0] >= 128 && b[0] <= 191:
			k := p.keys.Load()
			if k == nil && !waited {
				// The remote finished its half of the handshake; ours is a
				// moment behind. Losing these packets would lose the first keyframe.
				waited = true
				k = p.awaitKeys()
			}
			if k != nil {
				p.alive.Store(int64(p.engine.config.Now()))
				p.round(k, b)
			}
		}
	}
}

func (p *Peer) awaitKeys() *keys {
	timeout := time.NewTimer(keysWait)
	defer timeout.Stop()
	select {
	case <-p.keysReady:
	case <-timeout.C:
	case <-p.ctx.Done():
	}
	return p.keys.Load()
}

// round receives one packet and sends what comes of it.
func (p *Peer) round(k *keys, b []byte) {
	now := p.engine.config.Now()
	out := p.engine.batches.Get().(*Batch)
	out.Begin(now)
	p.ingress.Lock()
	if !p.closed {
		p.receive(now, k, b, out)
		p.receiver.Land(now, out)
	}
	p.ingress.Unlock()
	out.Flush()
	p.engine.batches.Put(out)
}

// isRTCP tells RTCP from RTP, with which it shares a port (RFC 5761 §4).
func isRTCP(b []byte) bool { return b[1] >= 192 && b[1] <= 223 }

// receive decrypts a packet and tells the Receiver, whose answer it returns. It runs
// under ingress.
func (p *Peer) receive(now time.Duration, k *keys, b []byte, out *Batch) (more bool) {
	if isRTCP(b) {
		plain, err := k.decryptRTCP(b)
		if err != nil {
			p.engine.counters.Discarded[DiscardedSRTP].Inc()
			return false
		}
		p.receiveRTCP(now, plain, out)
		return false
	}
	plain, err := k.decryptRTP(b)
	if err != nil {
		p.engine.counters.Discarded[DiscardedSRTP].Inc()
		return false
	}
	return p.receiver.ReceiveRTP(now, plain, out)
}
