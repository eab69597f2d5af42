//go:build linux

package transport

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// watchAddresses delivers a value whenever addresses or interfaces of this machine have
// changed, until stop. What has changed the receiver has to look up.
func watchAddresses() (changes <-chan struct{}, stop func()) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		return pollAddresses()
	}
	groups := &unix.SockaddrNetlink{
		Family: unix.AF_NETLINK, Groups: unix.RTMGRP_LINK | unix.RTMGRP_IPV4_IFADDR | unix.RTMGRP_IPV6_IFADDR,
	}
	if err := unix.Bind(fd, groups); err != nil { // a sandbox, say
		_ = unix.Close(fd)
		return pollAddresses()
	}
	socket := os.NewFile(uintptr(fd), "netlink") //nolint:gosec // a descriptor
	told, ended := make(chan struct{}, 1), make(chan struct{})
	go func() {
		defer close(ended)
		var b [16 << 10]byte
		for {
			// ENOBUFS says that messages were lost: there were changes.
			if _, err := socket.Read(b[:]); err != nil && !errors.Is(err, unix.ENOBUFS) {
				return
			}
			tell(told)
		}
	}()
	return told, func() {
		_ = socket.Close()
		<-ended
	}
}
