//go:build linux

package transport

import (
	"net"
	"net/netip"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// poster writes single datagrams: what pion sends, and our RTCP. Like the calls
// of mmsg_linux.go it goes past the scheduler: the keepalives of a hundred idle
// participants else keep Go's monitor thread awake.
type poster struct {
	conn syscall.RawConn
	idle sync.Pool // of *posting
}

func newPoster(c *net.UDPConn) (*poster, error) {
	raw, err := c.SyscallConn()
	return &poster{conn: raw}, err
}

// post writes one datagram, from any goroutine.
func (s *poster) post(b []byte, to netip.AddrPort) error {
	if len(b) == 0 {
		return nil
	}
	w, _ := s.idle.Get().(*posting)
	if w == nil {
		w = &posting{}
		w.call = w.sendto
	}
	w.bytes, w.to = b, *makeSockaddr(to)
	err := s.conn.Write(w.call)
	if err == nil && w.errno != 0 {
		err = w.errno
	}
	w.bytes = nil
	s.idle.Put(w)
	return err
}

// posting is one datagram on its way.
type posting struct {
	bytes []byte
	to    sockaddr
	call  func(fd uintptr) bool
	errno syscall.Errno
}

func (w *posting) sendto(fd uintptr) bool {
	for {
		_, _, w.errno = unix.RawSyscall6(unix.SYS_SENDTO, fd, uintptr(unsafe.Pointer(&w.bytes[0])), uintptr(len(w.bytes)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&w.to.raw[0])), uintptr(w.to.length))
		switch w.errno {
		case unix.EINTR, unix.ECONNREFUSED:
			continue
		case unix.EAGAIN:
			return false
		}
		return true
	}
}
