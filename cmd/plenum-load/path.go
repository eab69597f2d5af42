package main

import (
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"plenum/cmd/plenum-load/internal/datagram"
)

const (
	// readBatch is how many datagrams one system call may read: a frame of a few
	// publishers.
	readBatch    = 32
	datagramSize = 1600
	// socketBuffer holds half a second of a large meeting, so that a generator
	// that is kept off the CPU does not take its own drops for the server's. The
	// kernel may give less.
	socketBuffer = 1 << 20
)

// path is one participant's socket, beneath pion's ICE mux. Incoming media is
// taken aside on the goroutine that reads it, decrypted and tallied; pion gets
// STUN, DTLS and RTCP. Receiving is by far the most that the generator does, and
// this is the least it can cost. UDP_GRO would cost less still, but on loopback
// it also spares the server work that it has on a real network.
type path struct {
	conn  *net.UDPConn
	local netip.AddrPort
	clock clock
	tally *tally

	keys atomic.Pointer[srtp.Context] // of the reader, once known

	mu        sync.Mutex // a leaf: guards handshake
	handshake handshake
	broken    atomic.Pointer[error] // why there are no keys

	// Of the one goroutine that reads.
	reader  *datagram.Reader
	header  rtp.Header // of DecryptRTP
	next, n int
}

// newPath binds a socket on the address from which the server at host is reached.
func newPath(host string, c clock, t *tally) (*path, error) {
	route, err := net.Dial("udp", net.JoinHostPort(host, "9")) // sends nothing
	if err != nil {
		return nil, fmt.Errorf("media socket: %w", err)
	}
	from := route.LocalAddr().(*net.UDPAddr).IP
	if err := route.Close(); err != nil {
		return nil, fmt.Errorf("media socket: %w", err)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: from})
	if err != nil {
		return nil, fmt.Errorf("media socket: %w", err)
	}
	_ = conn.SetReadBuffer(socketBuffer) // best effort
	reader, err := datagram.NewReader(conn, readBatch, datagramSize)
	if err != nil {
		return nil, fmt.Errorf("media socket: %w", err)
	}
	return &path{
		conn: conn, local: conn.LocalAddr().(*net.UDPAddr).AddrPort(),
		clock: c, tally: t, reader: reader,
	}, nil
}

// ReadFromAddrPort is how pion's mux reads.
func (p *path) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		for p.next < p.n {
			i := p.next
			p.next++
			in := p.reader.Bytes(i)
			isRTP, isRTCP := media(in)
			if isRTP {
				continue // taken
			}
			if isRTCP {
				p.report(in)
			} else if random, ok := serverHello(in); ok {
				p.hello(random, true)
			}
			return copy(b, in), p.reader.From(i), nil
		}
		n, err := p.reader.Read()
		if err != nil {
			return 0, netip.AddrPort{}, err
		}
		p.next, p.n = 0, n
		p.takeMedia()
	}
}

// takeMedia decrypts and tallies the RTP packets of a batch.
func (p *path) takeMedia() {
	keys := p.keys.Load()
	if keys == nil {
		return // as pion, which has none either
	}
	now := p.clock.now()
	p.tally.mu.Lock()
	defer p.tally.mu.Unlock()
	for i := range p.n {
		b := p.reader.Bytes(i)
		if isRTP, _ := media(b); !isRTP {
			continue
		}
		packet, err := keys.DecryptRTP(b[:0], b, &p.header)
		if err != nil {
			p.tally.malformed++
			continue
		}
		p.tally.take(packet, now)
	}
}

// report reads a sender report, which pion gets as well.
func (p *path) report(b []byte) {
	keys := p.keys.Load()
	if keys == nil {
		return
	}
	packet, err := keys.DecryptRTCP(nil, b, nil)
	if err != nil {
		return
	}
	if ssrc, middle, ok := senderReport(packet); ok {
		p.tally.reported(ssrc, middle, p.clock.now())
	}
}

// hello learns the server's random. A ServerHello that comes in says that we are
// the client.
func (p *path) hello(random []byte, client bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handshake.serverRandom = append([]byte(nil), random...)
	p.handshake.client = client
}

// Write makes a path the key log of pion's DTLS, which speaks after the
// ServerHello has passed.
func (p *path) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var err error
	if p.handshake.clientRandom, p.handshake.master, err = parseKeyLog(string(line)); err == nil {
		var keys *srtp.Context
		if keys, err = p.handshake.incoming(); err == nil {
			p.keys.Store(keys)
		}
	}
	if err != nil {
		p.broken.Store(&err)
	}
	return len(line), err
}

// WriteToAddrPort is how pion's mux writes.
func (p *path) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if random, ok := serverHello(b); ok {
		p.hello(random, false)
	}
	return p.conn.WriteToUDPAddrPort(b, to)
}

// ReadFrom makes a path a net.PacketConn; pion uses ReadFromAddrPort.
func (p *path) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := p.ReadFromAddrPort(b)
	return n, net.UDPAddrFromAddrPort(from), err
}

// WriteTo makes a path a net.PacketConn; pion uses WriteToAddrPort.
func (p *path) WriteTo(b []byte, to net.Addr) (int, error) { return p.conn.WriteTo(b, to) }

// LocalAddr is the bound address.
func (p *path) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(p.local) }

// Close ends the reader.
func (p *path) Close() error { return p.conn.Close() }

// SetDeadline and its like are the socket's.
func (p *path) SetDeadline(t time.Time) error      { return p.conn.SetDeadline(t) }
func (p *path) SetReadDeadline(t time.Time) error  { return p.conn.SetReadDeadline(t) }
func (p *path) SetWriteDeadline(t time.Time) error { return p.conn.SetWriteDeadline(t) }
