package datagram

import (
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// None of these calls blocks, so all are raw: one that Go's scheduler knows of
// wakes its monitor thread (runtime.sysmon), which then looks around every 20 µs
// and takes a fifth of the time of a program that mostly sleeps.

// mmsghdr is struct mmsghdr of recvmmsg(2) and sendmmsg(2) on 64-bit Linux.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
	_      uint32
}

// Reader reads one socket. One goroutine owns it.
type Reader struct {
	conn    syscall.RawConn
	headers []mmsghdr
	iovecs  []unix.Iovec
	names   [][unix.SizeofSockaddrInet6]byte
	buffers [][]byte
	call    func(fd uintptr) bool
	n       int
	errno   syscall.Errno
}

// NewReader makes a Reader of up to batch datagrams of up to size bytes a call.
func NewReader(c *net.UDPConn, batch, size int) (*Reader, error) {
	conn, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	r := &Reader{
		conn: conn, headers: make([]mmsghdr, batch), iovecs: make([]unix.Iovec, batch),
		names: make([][unix.SizeofSockaddrInet6]byte, batch), buffers: make([][]byte, batch),
	}
	for i := range r.headers {
		r.buffers[i] = make([]byte, size)
		r.iovecs[i].Base = &r.buffers[i][0]
		r.iovecs[i].SetLen(size)
		h := &r.headers[i].header
		h.Iov, h.Name = &r.iovecs[i], &r.names[i][0]
		h.SetIovlen(1)
	}
	r.call = r.recvmmsg
	return r, nil
}

// Read waits for a datagram and takes all that are there, up to the batch.
func (r *Reader) Read() (int, error) {
	for i := range r.headers {
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

func (r *Reader) recvmmsg(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVMMSG, fd,
			uintptr(unsafe.Pointer(&r.headers[0])), uintptr(len(r.headers)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR, unix.ECONNREFUSED: // the latter: an ICMP answer to something sent earlier
			continue
		case unix.EAGAIN:
			return false
		}
		r.n, r.errno = int(n), errno //nolint:gosec // at most the batch
		return true
	}
}

// Bytes are the i-th datagram of the last Read, valid until the next.
func (r *Reader) Bytes(i int) []byte { return r.buffers[i][:r.headers[i].length] }

// From is where it came from.
func (r *Reader) From(i int) netip.AddrPort {
	name := &r.names[i]
	port := binary.BigEndian.Uint16(name[2:])
	if binary.NativeEndian.Uint16(name[0:]) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(name[4:8])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(name[8:24])).Unmap(), port)
}

// Sockets over IPv4 that Writer sends to.
type sockaddr = unix.RawSockaddrInet4

// Writer sends messages of one or more equal segments to IPv4 addresses, many to
// a system call. One goroutine owns it.
type Writer struct {
	conn     syscall.RawConn
	headers  []mmsghdr
	names    []sockaddr
	iovecs   []unix.Iovec
	controls [][]byte
	call     func(fd uintptr) bool
	from, to int
	errno    syscall.Errno

	single struct {
		call func(fd uintptr) bool
		name sockaddr
		b    []byte
	}
}

// NewWriter makes a Writer of up to batch messages a call.
func NewWriter(c *net.UDPConn, batch int) (*Writer, error) {
	conn, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	w := &Writer{
		conn: conn, headers: make([]mmsghdr, batch), names: make([]sockaddr, batch),
		iovecs: make([]unix.Iovec, batch), controls: make([][]byte, batch),
	}
	for i := range w.controls {
		w.controls[i] = make([]byte, unix.CmsgSpace(2))
		h := (*unix.Cmsghdr)(unsafe.Pointer(&w.controls[i][0]))
		h.Level, h.Type = unix.SOL_UDP, unix.UDP_SEGMENT
		h.SetLen(unix.CmsgLen(2))
	}
	w.call = w.sendmmsg
	w.single.call = w.sendto
	return w, nil
}

// setAddress makes the kernel's form of an address.
func setAddress(name *sockaddr, to netip.AddrPort) {
	*name = sockaddr{Family: unix.AF_INET, Addr: to.Addr().As4()}
	binary.BigEndian.PutUint16((*[2]byte)(unsafe.Pointer(&name.Port))[:], to.Port())
}

// Send sends one datagram now, by sendto(2).
func (w *Writer) Send(b []byte, to netip.AddrPort) error {
	setAddress(&w.single.name, to)
	w.single.b = b
	if err := w.conn.Write(w.single.call); err != nil {
		return err
	}
	if w.errno != 0 {
		return w.errno
	}
	return nil
}

func (w *Writer) sendto(fd uintptr) bool {
	for {
		_, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, fd,
			uintptr(unsafe.Pointer(&w.single.b[0])), uintptr(len(w.single.b)), unix.MSG_DONTWAIT,
			uintptr(unsafe.Pointer(&w.single.name)), unix.SizeofSockaddrInet4)
		switch errno {
		case unix.EINTR, unix.ECONNREFUSED:
			continue
		case unix.EAGAIN:
			return false
		}
		w.errno = errno
		return true
	}
}

// Put adds b to the next Flush, to be cut by the kernel (UDP_SEGMENT) into
// datagrams of segment bytes; 0 sends it whole. There must be room in the batch.
func (w *Writer) Put(b []byte, to netip.AddrPort, segment int) {
	i := w.to
	w.to++
	setAddress(&w.names[i], to)
	w.iovecs[i].Base = &b[0]
	w.iovecs[i].SetLen(len(b))
	h := &w.headers[i].header
	h.Name, h.Namelen = (*byte)(unsafe.Pointer(&w.names[i])), unix.SizeofSockaddrInet4
	h.Iov = &w.iovecs[i]
	h.SetIovlen(1)
	h.Control = nil
	h.SetControllen(0)
	if segment > 0 && segment < len(b) {
		binary.NativeEndian.PutUint16(w.controls[i][unix.CmsgLen(0):], uint16(segment)) //nolint:gosec // an MTU
		h.Control = &w.controls[i][0]
		h.SetControllen(len(w.controls[i]))
	}
}

// Len is how many messages wait for Flush.
func (w *Writer) Len() int { return w.to }

// Flush sends what was Put.
func (w *Writer) Flush() error {
	for w.from < w.to {
		if err := w.conn.Write(w.call); err != nil {
			return err
		}
		if w.errno != 0 {
			return w.errno
		}
	}
	w.from, w.to = 0, 0
	runtime.KeepAlive(w.iovecs)
	return nil
}

func (w *Writer) sendmmsg(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDMMSG, fd,
			uintptr(unsafe.Pointer(&w.headers[w.from])), uintptr(w.to-w.from), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR, unix.ECONNREFUSED:
			continue
		case unix.EAGAIN:
			return false
		case 0:
			w.from += int(n) //nolint:gosec // at most the batch
		}
		w.errno = errno
		return true
	}
}
