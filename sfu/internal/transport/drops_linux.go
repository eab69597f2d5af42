//go:build linux

package transport

import (
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socketDrops is how many datagrams found the socket's buffer full: what an
// overloaded server loses, before anybody has read it.
func socketDrops(c *net.UDPConn) uint64 {
	// SO_MEMINFO (Linux 4.12) gives SK_MEMINFO_VARS numbers, of which the last
	// is SK_MEMINFO_DROPS.
	const vars, drops = 9, 8
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	var info [vars]uint32
	size := uint32(unsafe.Sizeof(info))
	_ = raw.Control(func(fd uintptr) {
		_, _, _ = unix.RawSyscall6(unix.SYS_GETSOCKOPT, fd, unix.SOL_SOCKET, unix.SO_MEMINFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	return uint64(info[drops])
}
