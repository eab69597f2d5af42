//go:build !linux

package transport

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// sockaddr is a destination.
type sockaddr struct{ addr netip.AddrPort }

func makeSockaddr(a netip.AddrPort) *sockaddr { return &sockaddr{a} }

// segmentable: only Linux segments UDP.
func segmentable(*net.UDPConn) bool { return false }

// receiver reads datagrams one by one where there is no recvmmsg.
type receiver struct {
	conn   *net.UDPConn
	buffer []byte
	n      int
	from   netip.AddrPort
}

func newReceiver(c *net.UDPConn, _, size int) (*receiver, error) {
	return &receiver{conn: c, buffer: make([]byte, size)}, nil
}

func (r *receiver) receive() (int, error) {
	var err error
	if r.n, r.from, err = r.conn.ReadFromUDPAddrPort(r.buffer); err != nil {
		return 0, err
	}
	return 1, nil
}

// further gets nothing: there is one buffer.
func (r *receiver) further(int) (int, error) { return 0, errors.ErrUnsupported }

func (r *receiver) deadline(time.Time) {}

func (r *receiver) datagram(int) ([]byte, netip.AddrPort) {
	return r.buffer[:r.n], netip.AddrPortFrom(r.from.Addr().Unmap(), r.from.Port())
}

// sender writes datagrams one by one where there is no sendmmsg.
type sender struct{ conn *net.UDPConn }

func newSender(c *net.UDPConn, _ bool) (*sender, error) { return &sender{c}, nil }

// poster writes single datagrams.
type poster struct{ conn *net.UDPConn }

func newPoster(c *net.UDPConn) (*poster, error) { return &poster{c}, nil }

func (s *poster) post(b []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(b, to)
	return err
}

// outgoing is one datagram.
type outgoing struct {
	to    *sockaddr
	bytes []byte
}

func (s *sender) send(datagrams []outgoing) (messages, calls int) {
	for _, d := range datagrams {
		_, _ = s.conn.WriteToUDPAddrPort(d.bytes, d.to.addr) // refused: the destination is gone
	}
	return len(datagrams), len(datagrams)
}
