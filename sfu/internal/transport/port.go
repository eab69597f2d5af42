package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
)

const (
	// receiveBatch is how many datagrams one system call may read. A frame of
	// 720p video is 3 to 11 packets; what does not fit waits in the kernel.
	receiveBatch = 32
	// muxQueue bounds the packets on their way to pion's ICE: STUN and DTLS of
	// everyone. Both repeat what is lost.
	muxQueue = 1024
	// datagramSize is the largest datagram that is read whole.
	datagramSize = 2048
)

// udpPort is the media port on one local address: a few sockets that share it,
// each with a reader goroutine. Readers take SRTP and SRTCP from addresses that
// a Peer has validated by ICE straight to that Peer; everything else goes to
// pion's mux, whose net.PacketConn the udpPort is.
type udpPort struct {
	index    int // where Batches keep what is for it
	local    netip.AddrPort
	sockets  []*net.UDPConn
	poster   *poster // to the first socket
	segments bool    // the kernel segments UDP

	announced atomic.Bool // to new sessions
	udp       *ice.UDPMuxDefault
	tcp       ice.TCPMux
	readers   sync.WaitGroup

	mux    chan muxPacket
	free   chan []byte // buffers of muxPackets that were read
	drops  atomic.Uint64
	closed chan struct{}
	once   sync.Once

	mu     sync.RWMutex
	routes map[netip.AddrPort]*Peer
}

type muxPacket struct {
	bytes []byte
	from  netip.AddrPort
}

// listenUDP binds a socket for every core to one address. A zero port picks one.
func listenUDP(address netip.AddrPort) (*udpPort, error) {
	p := &udpPort{
		mux: make(chan muxPacket, muxQueue), free: make(chan []byte, muxQueue),
		closed: make(chan struct{}), routes: map[netip.AddrPort]*Peer{},
	}
	count := 1
	if reusable {
		count = runtime.GOMAXPROCS(0)
	}
	config := net.ListenConfig{Control: reusePort}
	for range count {
		c, err := config.ListenPacket(context.Background(), "udp", address.String())
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
		conn := c.(*net.UDPConn)
		// Best effort: the kernel may give less, which costs drops under load only.
		_ = conn.SetReadBuffer(socketBuffer)
		_ = conn.SetWriteBuffer(socketBuffer)
		address = conn.LocalAddr().(*net.UDPAddr).AddrPort()
		p.sockets = append(p.sockets, conn)
	}
	p.local = netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
	p.segments = segmentable(p.sockets[0])
	var err error
	if p.poster, err = newPoster(p.sockets[0]); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *udpPort) route(from netip.AddrPort) *Peer {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.routes[from]
}

func (p *udpPort) setRoute(from netip.AddrPort, peer *Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.routes[from] = peer
}

// dropRoute forgets a route unless someone else has taken the address over.
func (p *udpPort) dropRoute(from netip.AddrPort, peer *Peer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.routes[from] == peer {
		delete(p.routes, from)
	}
}

// toMux copies a datagram into pion's queue.
func (p *udpPort) toMux(b []byte, from netip.AddrPort) {
	var buffer []byte
	select {
	case buffer = <-p.free:
	default:
		buffer = make([]byte, 0, datagramSize)
	}
	select {
	case p.mux <- muxPacket{append(buffer[:0], b...), from}:
	default:
		p.drops.Add(1)
	}
}

// ReadFromAddrPort is how pion's mux reads.
func (p *udpPort) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case m := <-p.mux:
		n := copy(b, m.bytes)
		select {
		case p.free <- m.bytes:
		default:
		}
		return n, m.from, nil
	case <-p.closed:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

// WriteToAddrPort is how pion's mux writes: STUN, DTLS and our RTCP.
func (p *udpPort) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if err := p.poster.post(b, to); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ReadFrom makes a udpPort a net.PacketConn; pion uses ReadFromAddrPort.
func (p *udpPort) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(from), err
}

// WriteTo makes a udpPort a net.PacketConn; pion uses WriteToAddrPort.
func (p *udpPort) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("no UDP address")
	}
	return p.WriteToAddrPort(b, udp.AddrPort())
}

// LocalAddr is the shared address.
func (p *udpPort) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(p.local) }

// Close closes the sockets, which ends their readers.
func (p *udpPort) Close() error {
	var err error
	p.once.Do(func() {
		close(p.closed)
		for _, c := range p.sockets {
			err = errors.Join(err, c.Close())
		}
	})
	return err
}

// SetDeadline and its like do nothing: nobody may delay everyone's packets.
func (p *udpPort) SetDeadline(time.Time) error      { return nil }
func (p *udpPort) SetReadDeadline(time.Time) error  { return nil }
func (p *udpPort) SetWriteDeadline(time.Time) error { return nil }

// gatherFor is how long a round waits for the rest of a video frame: browsers send
// one within some 0.3 ms, 1 ms at most, and it is of no use before its end has come.
const gatherFor = time.Millisecond

// reader takes what arrives at one socket, in rounds: all datagrams that are
// there are handed to their peers, which leave what they send in out; then the
// round lands and everything goes out together. Nothing waits for company but the
// beginning of a frame for its end, so that it leaves as one send for each viewer.
type reader struct {
	engine  *Engine
	port    *udpPort
	receive *receiver
	backlog backlog
	out     *Batch
	peers   []*Peer       // that got something this round; their ingress is locked
	more    bool          // the round's last packet should have company in a moment
	wait    time.Duration // for that: gatherFor
}

func (e *Engine) newReader(port *udpPort, socket int) (*reader, error) {
	receive, err := newReceiver(port.sockets[socket], receiveBatch, datagramSize)
	if err != nil {
		return nil, err
	}
	return &reader{engine: e, port: port, receive: receive, out: e.newBatch(socket), wait: gatherFor}, nil
}

// run ends when the socket is closed.
func (r *reader) run() {
	for {
		n, err := r.receive.receive()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // of one datagram; the next may do
		}
		now := r.engine.config.Now()
		r.out.Begin(now)
		drop := r.backlog.round(now, n == receiveBatch)
		r.takeAll(now, 0, n, drop)
		if r.more && n < receiveBatch {
			now = r.gather(now, n)
		}
		r.land(now)
	}
}

// gather waits until a frame is whole whose first n packets began the round, and
// takes what comes meanwhile, whatever it is. It returns the time.
func (r *reader) gather(now time.Duration, n int) time.Duration {
	r.receive.deadline(time.Now().Add(r.wait))
	for r.more && n < receiveBatch {
		m, err := r.receive.further(n)
		if err != nil {
			break // in time, or closed, as the next round will hear
		}
		now = r.engine.config.Now()
		r.takeAll(now, n, n+m, false)
		n += m
	}
	r.receive.deadline(time.Time{})
	return now
}

// takeAll hands over some datagrams of the round.
func (r *reader) takeAll(now time.Duration, from, to int, drop bool) {
	for i := from; i < to; i++ {
		r.more = false
		b, sender := r.receive.datagram(i)
		if !r.take(now, b, sender, drop) {
			r.port.toMux(b, sender)
		}
	}
}

// take gives a packet of media to its peer; false leaves it to pion: STUN, DTLS,
// unknown addresses, and peers that another goroutine is serving right now. With
// drop, RTP is dropped; RTCP never is, for it is what makes senders send less.
func (r *reader) take(now time.Duration, b []byte, from netip.AddrPort, drop bool) bool {
	if len(b) < 12 || b[0] < 128 || b[0] > 191 {
		return false
	}
	p := r.port.route(from)
	if p == nil {
		return false
	}
	if drop && !isRTCP(b) {
		r.engine.counters.Overload.Inc()
		return true
	}
	k := p.keys.Load()
	if k == nil {
		return false
	}
	if !slices.Contains(r.peers, p) {
		if !p.ingress.TryLock() {
			return false
		}
		if p.closed {
			p.ingress.Unlock()
			return false
		}
		r.peers = append(r.peers, p)
	}
	before := k.authenticated()
	r.more = p.receive(now, k, b, r.out)
	if k.authenticated() != before {
		p.heard.Store(int64(now))
	}
	return true
}

// land ends a round.
func (r *reader) land(now time.Duration) {
	for i, p := range r.peers {
		p.receiver.Land(now, r.out)
		p.ingress.Unlock()
		r.peers[i] = nil
	}
	r.peers = r.peers[:0]
	r.out.Flush()
}
