package transport

import (
	"net"
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
		Listener:       &tcpListener{Listener: l, open: map[*tcpConn]struct{}{}},
		ReadBufferSize: tcpReadQueue, WriteBufferSize: tcpWriteBuffer,
		FirstStunBindTimeout: firstCheck, AliveDurationForConnFromStun: unknownUser,
		Logger: e.loggers.NewLogger("ice-tcp"),
	})
}

// tcpListener closes its connections with itself: pion's mux waits for those that
// have said nothing yet, which would hold up the end of the process.
type tcpListener struct {
	net.Listener

	mu   sync.Mutex            // a leaf
	open map[*tcpConn]struct{} // nil once closed
}

type tcpConn struct {
	net.Conn
	listener *tcpListener
}

func (l *tcpListener) Accept() (net.Conn, error) {
	accepted, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		_ = accepted.Close()
		return nil, net.ErrClosed
	}
	c := &tcpConn{accepted, l}
	l.open[c] = struct{}{}
	return c, nil
}

func (c *tcpConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.open, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

func (l *tcpListener) Close() error {
	l.mu.Lock()
	open := l.open
	l.open = nil
	l.mu.Unlock()
	for c := range open {
		_ = c.Conn.Close()
	}
	return l.Listener.Close()
}
