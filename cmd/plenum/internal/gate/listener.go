package gate

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"plenum/signaling/bucket"
	"plenum/signaling/visitor"
)

// maxAddresses is how many addresses' rates of connections are remembered, some 100
// bytes each.
const maxAddresses = 1 << 14

// Listener closes connections beyond its limits as soon as they come: to leave them to
// wait would keep honest ones waiting behind them. IPv6 peers count by their /64.
type Listener struct {
	net.Listener
	limits   Limits
	rejected *Rejections

	mu      sync.Mutex
	open    int
	peers   map[netip.Addr]int // open connections of each, but of trusted proxies
	opening *bucket.Table[netip.Addr]
}

// Limits are those of a Listener. Zero fields are no limit.
type Limits struct {
	Connections        int             // at once
	AddressConnections int             // at once from one address
	Rate               bucket.Limit    // of new ones from one address
	Proxies            visitor.Proxies // exempt from what is per address
}

// Limit puts limits on a listener.
func Limit(l net.Listener, limits Limits, rejected *Rejections) *Listener {
	return &Listener{
		Listener: l, limits: limits, rejected: rejected,
		peers: map[netip.Addr]int{}, opening: bucket.New[netip.Addr](limits.Rate, maxAddresses),
	}
}

// Accept waits for a connection that is within the limits.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		var peer netip.Addr
		if at, ok := c.RemoteAddr().(*net.TCPAddr); ok {
			peer = at.AddrPort().Addr()
		}
		counted := visitor.Group(peer)
		if l.limits.Proxies.Trusts(peer) {
			counted = netip.Addr{}
		}
		if reason := l.admit(time.Now(), counted); reason != "" {
			l.rejected.inc(reason)
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // a reset leaves nothing behind
			}
			_ = c.Close()
			continue
		}
		return &conn{Conn: c, release: sync.OnceFunc(func() { l.release(counted) })}, nil
	}
}

// admit counts a connection, or says why it can't stay. The zero Addr has no limits of
// its own.
func (l *Listener) admit(now time.Time, peer netip.Addr) Reason {
	l.mu.Lock()
	defer l.mu.Unlock()
	if peer.IsValid() {
		if limit := l.limits.AddressConnections; limit > 0 && l.peers[peer] >= limit {
			return AddressConnections
		}
		if _, ok := l.opening.Take(now, peer, 0); !ok {
			return ConnectionRate
		}
	}
	if limit := l.limits.Connections; limit > 0 && l.open >= limit {
		return Connections
	}
	l.open++
	if peer.IsValid() {
		l.peers[peer]++
	}
	return ""
}

func (l *Listener) release(peer netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if !peer.IsValid() {
		return
	}
	if l.peers[peer]--; l.peers[peer] == 0 {
		delete(l.peers, peer)
	}
}

// conn gives its place back when it is closed.
type conn struct {
	net.Conn
	release func()
}

func (c *conn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
