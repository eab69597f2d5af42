//go:build linux

package transport

import (
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// UDP generic segmentation offload (Linux 4.18): one message of equal-sized
// pieces that the kernel, or the network card, cuts into datagrams.
const (
	solUDP     = 17
	udpSegment = 103
	// maxSegments is UDP_MAX_SEGMENTS; maxSegmented keeps one message with its
	// headers below 64 KiB.
	maxSegments  = 64
	maxSegmented = 63000
)

// The system calls below never wait (MSG_DONTWAIT), so they go past the scheduler
// (RawSyscall6): entering them the usual way keeps Go's monitor thread awake,
// which polls every 20 µs then, a sixth of a busy server's CPU time. A pause of
// the garbage collector waits for one to return, some 100 µs at most.

// mmsghdr is struct mmsghdr of recvmmsg(2) and sendmmsg(2) on 64-bit Linux.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
	_      uint32
}

// sockaddr is a destination in the kernel's form.
type sockaddr struct {
	raw    [unix.SizeofSockaddrInet6]byte
	length uint32
}

func makeSockaddr(a netip.AddrPort) *sockaddr {
	s := &sockaddr{}
	binary.BigEndian.PutUint16(s.raw[2:], a.Port())
	if addr := a.Addr().Unmap(); addr.Is4() {
		binary.NativeEndian.PutUint16(s.raw[0:], unix.AF_INET)
		ip := addr.As4()
		copy(s.raw[4:], ip[:])
		s.length = unix.SizeofSockaddrInet4
	} else {
		binary.NativeEndian.PutUint16(s.raw[0:], unix.AF_INET6)
		ip := addr.As16()
		copy(s.raw[8:], ip[:])
		s.length = unix.SizeofSockaddrInet6
	}
	return s
}

// addrPort reads what the kernel wrote, which may be IPv4 or IPv6.
func (s *sockaddr) addrPort() netip.AddrPort {
	port := binary.BigEndian.Uint16(s.raw[2:])
	if binary.NativeEndian.Uint16(s.raw[0:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(s.raw[4:8])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(s.raw[8:24])).Unmap(), port)
}

// segmentable reports whether the kernel knows UDP_SEGMENT on this socket:
// setting size 0 changes nothing but fails where the option is unknown.
func segmentable(c *net.UDPConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	known := false
	err = raw.Control(func(fd uintptr) {
		known = unix.SetsockoptInt(int(fd), solUDP, udpSegment, 0) == nil
	})
	return err == nil && known
}

// receiver reads datagrams of one socket in batches. One goroutine owns it.
type receiver struct {
	socket  *net.UDPConn
	conn    syscall.RawConn
	headers []mmsghdr
	iovecs  []unix.Iovec
	names   []sockaddr
	buffers [][]byte
	call    func(fd uintptr) bool
	held    int // datagrams to keep
	n       int
	errno   syscall.Errno
}

func newReceiver(c *net.UDPConn, batch, size int) (*receiver, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &receiver{
		socket: c, conn: raw, headers: make([]mmsghdr, batch), iovecs: make([]unix.Iovec, batch),
		names: make([]sockaddr, batch), buffers: make([][]byte, batch),
	}
	for i := range r.headers {
		r.buffers[i] = make([]byte, size)
		r.iovecs[i].Base = &r.buffers[i][0]
		r.iovecs[i].SetLen(size)
		h := &r.headers[i].header
		h.Iov, h.Iovlen = &r.iovecs[i], 1
		h.Name = &r.names[i].raw[0]
	}
	r.call = r.recvmmsg
	return r, nil
}

// receive waits for at least one datagram and takes all that are there, up to
// the batch size. Their bytes are valid until the next call.
func (r *receiver) receive() (int, error) { return r.further(0) }

// further is receive, but keeps the first held datagrams and puts what comes behind
// them; held is less than the batch size.
func (r *receiver) further(held int) (int, error) {
	r.held = held
	for i := held; i < len(r.headers); i++ {
		r.headers[i].header.Namelen = unix.SizeofSockaddrInet6
	}
	if err := r.conn.Read(r.call); err != nil {
		return 0, err
	}
	if r.errno != 0 {
		return 0, r.errno
	}
	return r.n, nil
}

func (r *receiver) recvmmsg(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd,
			uintptr(unsafe.Pointer(&r.headers[r.held])), uintptr(len(r.headers)-r.held), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR, unix.ECONNREFUSED: // the latter: an ICMP answer to something sent earlier
			continue
		case unix.EAGAIN:
			return false
		}
		r.n, r.errno = int(n), errno
		return true
	}
}

// deadline is when receive and further fail with os.ErrDeadlineExceeded; the zero time
// is never.
func (r *receiver) deadline(t time.Time) {
	_ = r.socket.SetReadDeadline(t) // fails on a closed socket only
}

// datagram is the i-th of the last receive.
func (r *receiver) datagram(i int) ([]byte, netip.AddrPort) {
	return r.buffers[i][:r.headers[i].length], r.names[i].addrPort()
}

// sender writes many datagrams with few system calls. One goroutine owns it; the
// socket may be shared.
type sender struct {
	conn     syscall.RawConn
	segments bool // use UDP_SEGMENT; switched off for good if the kernel refuses

	headers  []mmsghdr
	iovecs   []unix.Iovec
	controls []control
	first    []int32 // index of each message's first datagram
	call     func(fd uintptr) bool
	from, to int // messages still to send
	sent     int
	errno    syscall.Errno
}

func newSender(c *net.UDPConn, segments bool) (*sender, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &sender{conn: raw, segments: segments}
	s.call = s.sendmmsg
	return s, nil
}

// minSend is for how many datagrams a sender has room at first. Then it has room
// for twice the most that it ever needed.
const minSend = 16

// grow makes room for n datagrams.
func (s *sender) grow(n int) {
	if n <= len(s.headers) {
		return
	}
	n = max(minSend, 2*len(s.headers), n)
	s.headers, s.iovecs, s.first = make([]mmsghdr, n), make([]unix.Iovec, n), make([]int32, n+1)
	s.controls = make([]control, n)
	for i := range s.controls {
		c := &s.controls[i]
		c.header.Level, c.header.Type = solUDP, udpSegment
		c.header.SetLen(unix.CmsgLen(2))
	}
}

// control is the control message that says how long the segments are, as
// cmsg(3) lays it out on 64-bit Linux.
type control struct {
	header unix.Cmsghdr
	size   uint16
	_      [6]byte
}

// outgoing is one datagram.
type outgoing struct {
	to    *sockaddr
	bytes []byte
}

// send writes all datagrams. What the kernel refuses (a destination that is gone)
// is skipped. It returns the number of messages given to the kernel and the
// number of calls that took.
func (s *sender) send(datagrams []outgoing) (messages, calls int) {
	n := s.pack(datagrams)
	s.from, s.to = 0, n
	for s.from < s.to {
		if err := s.conn.Write(s.call); err != nil {
			return messages, calls // the socket is closed
		}
		calls++
		messages += s.sent
		s.from += s.sent
		if s.errno == 0 {
			continue
		}
		failed := s.from
		s.from++
		if s.headers[failed].header.Control != nil {
			rest, more := s.resend(datagrams, failed)
			return messages + rest, calls + more
		}
	}
	runtime.KeepAlive(datagrams)
	return messages, calls
}

// resend sends what a refused segmented message held datagram by datagram, and
// then everything after it. Too large a segment for the path (EMSGSIZE; EINVAL on
// older kernels) is that message's trouble alone, for a single datagram may be
// fragmented; EIO says that this path can't segment at all (a card without
// checksum offload, say), and small segments are never too large.
func (s *sender) resend(datagrams []outgoing, failed int) (messages, calls int) {
	first, end := s.first[failed], s.first[failed+1]
	size := len(datagrams[first].bytes)
	broken := s.errno == unix.EIO || (s.errno == unix.EINVAL && size <= 1280-48)
	s.segments = false
	messages, calls = s.send(datagrams[first:end])
	s.segments = !broken
	rest, more := s.send(datagrams[end:])
	return messages + rest, calls + more
}

// pack makes messages of datagrams: consecutive ones for one destination become
// a segmented one as long as they are equally long, but for a shorter last.
func (s *sender) pack(datagrams []outgoing) int {
	s.grow(len(datagrams))
	n := 0
	for i := 0; i < len(datagrams); n++ {
		d := &datagrams[i]
		size, total, last := len(d.bytes), len(d.bytes), i+1
		if s.segments {
			for last < len(datagrams) && last-i < maxSegments && datagrams[last].to == d.to &&
				len(datagrams[last-1].bytes) == size && len(datagrams[last].bytes) <= size &&
				total+len(datagrams[last].bytes) <= maxSegmented {
				total += len(datagrams[last].bytes)
				last++
			}
		}
		h := &s.headers[n].header
		h.Name, h.Namelen = &d.to.raw[0], d.to.length
		h.Iov = &s.iovecs[i]
		h.SetIovlen(last - i)
		h.Control = nil
		h.SetControllen(0)
		if last-i > 1 {
			c := &s.controls[n]
			c.size = uint16(size) //nolint:gosec // an MTU
			h.Control = (*byte)(unsafe.Pointer(c))
			h.SetControllen(int(unsafe.Sizeof(*c)))
		}
		s.first[n] = int32(i) //nolint:gosec // at most batchDatagrams
		for ; i < last; i++ {
			s.iovecs[i].Base = &datagrams[i].bytes[0]
			s.iovecs[i].SetLen(len(datagrams[i].bytes))
		}
	}
	s.first[n] = int32(len(datagrams)) //nolint:gosec // likewise
	return n
}

func (s *sender) sendmmsg(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd,
			uintptr(unsafe.Pointer(&s.headers[s.from])), uintptr(s.to-s.from), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR, unix.ECONNREFUSED:
			continue
		case unix.EAGAIN:
			return false
		case 0:
			s.sent, s.errno = int(n), 0
		default:
			s.sent, s.errno = 0, errno
		}
		return true
	}
}
