package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"syscall"
	"time"
)

// The part of nfnetlink_queue that holding packets needs (linux/netfilter/nfnetlink_queue.h).
const (
	netfilter   = 12 // NETLINK_NETFILTER
	subsystem   = 3  // NFNL_SUBSYS_QUEUE
	msgPacket   = subsystem << 8
	msgVerdict  = subsystem<<8 | 1
	msgConfig   = subsystem<<8 | 2
	cfgCommand  = 1
	cfgParams   = 2
	cfgMaxLen   = 3
	attrHeader  = 1
	attrVerdict = 2
	accept      = 1
	bind        = 1
	copyMeta    = 1
	headers     = syscall.NLMSG_HDRLEN + 4 // netlink's, and nfgenmsg
	queueLength = 8192
)

var native, network = binary.NativeEndian, binary.BigEndian

// held is a packet that waits for its time.
type held struct {
	id  uint32
	due time.Time
}

// hold lets the packets of a queue go in their order, each by later than it came. Its
// two goroutines end with the process.
func hold(queue uint16, by time.Duration) error {
	s, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, netfilter)
	if err != nil {
		return err
	}
	if err := syscall.Bind(s, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	_ = syscall.SetsockoptInt(s, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, 4<<20)
	for _, a := range [][]byte{
		attribute(cfgCommand, []byte{bind, 0, 0, 0}),
		attribute(cfgParams, []byte{0, 0, 0, 0, copyMeta}),
		attribute(cfgMaxLen, network.AppendUint32(nil, queueLength)),
	} {
		if err := send(s, msgConfig, syscall.NLM_F_ACK, queue, a); err != nil {
			return err
		}
		if err := acknowledged(s); err != nil {
			return fmt.Errorf("queue %d: %w", queue, err)
		}
	}
	waiting := make(chan held, queueLength)
	go release(s, queue, waiting)
	go receive(s, by, waiting)
	return nil
}

func release(s int, queue uint16, waiting <-chan held) {
	for p := range waiting {
		time.Sleep(time.Until(p.due))
		verdict := network.AppendUint32(network.AppendUint32(nil, accept), p.id)
		if err := send(s, msgVerdict, 0, queue, attribute(attrVerdict, verdict)); err != nil {
			log.Print(err)
		}
	}
}

func receive(s int, by time.Duration, waiting chan<- held) {
	b := make([]byte, 1<<16)
	for {
		n, _, err := syscall.Recvfrom(s, b, 0)
		if err != nil {
			log.Print(err)
			continue
		}
		due := time.Now().Add(by)
		for m := b[:n]; len(m) >= headers; {
			length := int(native.Uint32(m))
			if length < headers || length > len(m) {
				break
			}
			if native.Uint16(m[4:]) == msgPacket {
				if id, ok := packetID(m[headers:length]); ok {
					waiting <- held{id, due}
				}
			}
			m = m[min(len(m), (length+3)&^3):]
		}
	}
}

func packetID(attributes []byte) (uint32, bool) {
	for len(attributes) >= 4 {
		length := int(native.Uint16(attributes))
		if length < 4 || length > len(attributes) {
			break
		}
		if native.Uint16(attributes[2:])&0x3fff == attrHeader && length >= 8 {
			return network.Uint32(attributes[4:]), true
		}
		attributes = attributes[min(len(attributes), (length+3)&^3):]
	}
	return 0, false
}

func attribute(kind uint16, value []byte) []byte {
	a := native.AppendUint16(nil, uint16(4+len(value))) //nolint:gosec // a few bytes
	a = append(native.AppendUint16(a, kind), value...)
	for len(a)%4 != 0 {
		a = append(a, 0)
	}
	return a
}

func send(s int, kind, flags, queue uint16, attributes []byte) error {
	m := native.AppendUint32(nil, uint32(headers+len(attributes))) //nolint:gosec // a few bytes
	m = native.AppendUint16(m, kind)
	m = native.AppendUint16(m, flags|syscall.NLM_F_REQUEST)
	m = append(m, make([]byte, 8)...)                // sequence, port
	m = network.AppendUint16(append(m, 0, 0), queue) // any family, version 0
	return syscall.Sendto(s, append(m, attributes...), 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK})
}

func acknowledged(s int) error {
	b := make([]byte, 4096)
	n, _, err := syscall.Recvfrom(s, b, 0)
	if err != nil {
		return err
	}
	if n >= 20 && native.Uint16(b[4:]) == syscall.NLMSG_ERROR {
		if code := int32(native.Uint32(b[16:])); code != 0 { //nolint:gosec // an errno
			return syscall.Errno(-code)
		}
	}
	return nil
}
