package transport

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/ice/v4"
)

// Limits of ICE-TCP (RFC 6544).
const (
	// tcpWriteBuffer is what may wait to be sent on a connection, in bytes.
	tcpWriteBuffer = 1 << 20
	// tcpReadQueue is how many packets of one peer may wait for pion; then they
	// wait in the connection.
	tcpReadQueue = 8
	// firstCheck is how long a connection may take to send its first check.
	firstCheck = 10 * time.Second
	// unknownUser is how long a connection lives whose check names nobody. An
	// agent is known before its client can be, so this is a client of an agent
	// that is gone. Pion's default is 30 s, and so long would the mux's closing
	// wait where such a connection came while its agent went.
	unknownUser = time.Second
)

func (e *Engine) newTCPMux(l net.Listener) ice.TCPMux {
	return ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener:       e.limitTCP(l),
		ReadBufferSize: tcpReadQueue, WriteBufferSize: tcpWriteBuffer,
		FirstStunBindTimeout: firstCheck, AliveDurationForConnFromStun: unknownUser,
		Logger: e.loggers.NewLogger("ice-tcp"),
	})
}

// Bounds of what connections may cost before they have shown whom they belong to.
const (
	// tcpConnections is how many one listener keeps in all. A participant has one.
	tcpConnections = 4096
	// tcpPerAddress is how many one address may have: as many people as come from
	// behind one NAT whose UDP is blocked.
	tcpPerAddress = 256
	// An accept error is tried again after acceptPause, which doubles up to
	// acceptPauseLimit. Descriptors that ran out come back when others close.
	acceptPause, acceptPauseLimit = 5 * time.Millisecond, time.Second
	// acceptLog is how often accept errors are logged at most.
	acceptLog = 10 * time.Second
)

// tcpListener keeps accepting, where pion's mux ends for good with the first error,
// and bounds connections. It closes them with itself: pion's mux waits for those
// that have said nothing yet, which would hold up the end of the process.
type tcpListener struct {
	net.Listener
	engine *Engine
	closed chan struct{}

	mu   sync.Mutex            // a leaf
	open map[*tcpConn]struct{} // nil once closed
	from map[netip.Addr]int    // connections in open, by address
}

type tcpConn struct {
	net.Conn
	listener *tcpListener
	address  netip.Addr
}

func (e *Engine) limitTCP(l net.Listener) *tcpListener {
	return &tcpListener{
		Listener: l, engine: e, closed: make(chan struct{}),
		open: map[*tcpConn]struct{}{}, from: map[netip.Addr]int{},
	}
}

// Accept returns no error but net.ErrClosed.
func (l *tcpListener) Accept() (net.Conn, error) {
	pause := acceptPause
	var logged time.Time
	for {
		accepted, err := l.Listener.Accept()
		if err == nil {
			if c, err := l.keep(accepted); c != nil || err != nil {
				return c, err
			}
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, net.ErrClosed
		}
		l.engine.counters.AcceptErrors.Inc()
		if time.Since(logged) >= acceptLog {
			logged = time.Now()
			l.engine.config.Log.Error("ICE-TCP connections can't be accepted", "error", err)
		}
		select {
		case <-time.After(pause):
			pause = min(2*pause, acceptPauseLimit)
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
}

// keep takes a connection in, or closes it and returns neither it nor an error
// where there are too many.
func (l *tcpListener) keep(accepted net.Conn) (net.Conn, error) {
	address := tcpAddress(accepted)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		_ = accepted.Close()
		return nil, net.ErrClosed
	}
	if len(l.open) >= tcpConnections || l.from[address] >= tcpPerAddress {
		l.engine.counters.Discarded[DiscardedTCP].Inc()
		_ = accepted.Close()
		return nil, nil
	}
	c := &tcpConn{accepted, l, address}
	l.open[c] = struct{}{}
	l.from[address]++
	return c, nil
}

// tcpAddress is where a connection comes from: of IPv6 the network, for one host
// has all of its addresses.
func tcpAddress(c net.Conn) netip.Addr {
	remote, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	address := remote.AddrPort().Addr().Unmap()
	if address.Is6() {
		const network = 64
		prefix, _ := address.Prefix(network)
		address = prefix.Addr()
	}
	return address
}

func (c *tcpConn) Close() error {
	l := c.listener
	l.mu.Lock()
	if _, kept := l.open[c]; kept {
		delete(l.open, c)
		if l.from[c.address]--; l.from[c.address] == 0 {
			delete(l.from, c.address)
		}
	}
	l.mu.Unlock()
	return c.Conn.Close()
}

func (l *tcpListener) Close() error {
	l.mu.Lock()
	open := l.open
	if open != nil {
		close(l.closed)
	}
	l.open = nil
	l.mu.Unlock()
	for c := range open {
		_ = c.Conn.Close()
	}
	return l.Listener.Close()
}
