//go:build !linux

package transport

import "syscall"

// reusable: elsewhere SO_REUSEPORT does not spread the load.
const reusable = false

func reusePort(_, _ string, _ syscall.RawConn) error { return nil }
