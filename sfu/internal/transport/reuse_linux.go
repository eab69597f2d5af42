//go:build linux

package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// reusable: several sockets may share one port, and the kernel keeps each
// remote address with one of them (SO_REUSEPORT).
const reusable = true

func reusePort(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	if err != nil {
		return err
	}
	return failed
}
