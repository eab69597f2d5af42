//go:build !linux

package datagram

import (
	"errors"
	"net"
	"net/netip"
)

// Reader reads one socket. One goroutine owns it.
type Reader struct {
	conn   *net.UDPConn
	buffer []byte
	n      int
	from   netip.AddrPort
}

// NewReader makes a Reader; here a batch is one datagram of up to size bytes.
func NewReader(c *net.UDPConn, _, size int) (*Reader, error) {
	return &Reader{conn: c, buffer: make([]byte, size)}, nil
}

// Read waits for a datagram.
func (r *Reader) Read() (int, error) {
	var err error
	if r.n, r.from, err = r.conn.ReadFromUDPAddrPort(r.buffer); err != nil {
		return 0, err
	}
	return 1, nil
}

// Bytes are the datagram of the last Read, valid until the next.
func (r *Reader) Bytes(int) []byte { return r.buffer[:r.n] }

// From is where it came from.
func (r *Reader) From(int) netip.AddrPort {
	return netip.AddrPortFrom(r.from.Addr().Unmap(), r.from.Port())
}

// Writer sends datagrams; here one at a time.
type Writer struct {
	conn *net.UDPConn
	err  error
}

// NewWriter makes a Writer.
func NewWriter(c *net.UDPConn, _ int) (*Writer, error) { return &Writer{conn: c}, nil }

// Put sends b. Segments need Linux.
func (w *Writer) Put(b []byte, to netip.AddrPort, segment int) {
	if segment > 0 && segment < len(b) {
		w.err = errors.ErrUnsupported
		return
	}
	if _, err := w.conn.WriteToUDPAddrPort(b, to); err != nil {
		w.err = err
	}
}

// Send sends one datagram now.
func (w *Writer) Send(b []byte, to netip.AddrPort) error {
	_, err := w.conn.WriteToUDPAddrPort(b, to)
	return err
}

// Len is 0: nothing waits.
func (w *Writer) Len() int { return 0 }

// Flush reports what Put met.
func (w *Writer) Flush() error { return w.err }
