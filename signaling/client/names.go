package client

import (
	"sync"
	"sync/atomic"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
)

// namer is the interceptor that writes mid and rid (on a repair stream the
// repaired rid, RFC 8852) into every packet that the client sends, as a browser
// does: pion leaves it to the application. It also holds packets of an m-line
// back until the server has answered the offer that brought it, because pion
// starts a sender as soon as any description after that offer is applied.
type namer struct {
	interceptor.NoOp
	mu     sync.Mutex
	layers map[uint32]*layerName // by SSRC of media
}

type layerName struct {
	mid, rid []byte
	repair   uint32
	open     atomic.Bool
}

func newNamer() *namer { return &namer{layers: make(map[uint32]*layerName)} }

// NewInterceptor makes the namer its own factory: it serves one client.
func (n *namer) NewInterceptor(string) (interceptor.Interceptor, error) { return n, nil }

func (n *namer) set(ssrc uint32, l *layerName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.layers[ssrc] = l
}

func (n *namer) get(ssrc uint32) *layerName {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.layers[ssrc]
}

// openAll lets the packets of every m-line out whose mid negotiated reports.
func (n *namer) openAll(negotiated func(mid string) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.layers {
		if !l.open.Load() && negotiated(string(l.mid)) {
			l.open.Store(true)
		}
	}
}

// BindLocalStream implements interceptor.Interceptor.
func (n *namer) BindLocalStream(info *interceptor.StreamInfo, writer interceptor.RTPWriter) interceptor.RTPWriter {
	l := n.get(info.SSRC)
	if l == nil {
		return writer
	}
	var midID, ridID, repairedID uint8
	for _, e := range info.RTPHeaderExtensions {
		switch e.URI {
		case sdp.SDESMidURI:
			midID = uint8(e.ID) //nolint:gosec // ids are 1..255
		case sdp.SDESRTPStreamIDURI:
			ridID = uint8(e.ID) //nolint:gosec // as above
		case sdp.SDESRepairRTPStreamIDURI:
			repairedID = uint8(e.ID) //nolint:gosec // as above
		}
	}
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		if !l.open.Load() {
			return 0, nil
		}
		if midID != 0 {
			if err := h.SetExtension(midID, l.mid); err != nil {
				return 0, err
			}
		}
		id := ridID
		if h.SSRC == l.repair {
			id = repairedID
		}
		if id != 0 && len(l.rid) != 0 {
			if err := h.SetExtension(id, l.rid); err != nil {
				return 0, err
			}
		}
		return writer.Write(h, payload, a)
	})
}

// UnbindLocalStream implements interceptor.Interceptor.
func (n *namer) UnbindLocalStream(info *interceptor.StreamInfo) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.layers, info.SSRC)
}
