//go:build !linux

package transport

import "net"

// socketDrops is unknown here.
func socketDrops(*net.UDPConn) uint64 { return 0 }
