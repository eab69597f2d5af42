package main

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// rawSocket sends datagrams from any address.
type rawSocket struct{ fd int }

func openRaw() (rawSocket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW) // with IP_HDRINCL: raw(7)
	return rawSocket{fd}, err
}

func (r rawSocket) close() { _ = unix.Close(r.fd) }

// send sends one UDP datagram over IPv4. The kernel fills in what is 0 of the header:
// length, identification and checksum. UDP over IPv4 needs no checksum (RFC 768).
func (r rawSocket) send(from, to netip.AddrPort, payload []byte) error {
	const ttl, udp = 64, 17
	source, destination := from.Addr().Unmap().As4(), to.Addr().Unmap().As4()
	p := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, ttl, udp, 0, 0}
	p = append(append(p, source[:]...), destination[:]...)
	p = binary.BigEndian.AppendUint16(p, from.Port())
	p = binary.BigEndian.AppendUint16(p, to.Port())
	p = binary.BigEndian.AppendUint16(p, uint16(8+len(payload)))
	p = append(append(p, 0, 0), payload...)
	return unix.Sendto(r.fd, p, 0, &unix.SockaddrInet4{Addr: destination})
}
