package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pion/stun/v4"
)

// strangersMedia send to the media port from a victim's address. The victim must be
// heard afterwards, and so must what the victim publishes only then.
var strangersMedia = []attack{
	{name: "dtls-alert", about: "plaintext DTLS alerts from a victim's address", strike: forged(1000, dtlsAlert), check: publishesMore},
	{name: "dtls-handshake", about: "DTLS handshake messages of epoch 0 from a victim's address", strike: forged(1000, dtlsHandshake), check: publishesMore},
	{name: "dtls-garbage", about: "DTLS records of all types and epochs from a victim's address", strike: forged(1000, dtlsGarbage), check: publishesMore},
	{name: "srtp-ssrcs", about: "SRTP of ever new SSRCs from a victim's address", strike: forged(5000, srtpOfAnySSRC), check: publishesMore},
	{name: "srtp-garbage", about: "SRTP, SRTCP and noise from a victim's address", strike: forged(5000, noise), check: publishesMore},
	{name: "stun-victim", about: "STUN of all kinds from a victim's address", strike: forged(5000, stunAtRandom), check: publishesMore},
	{name: "stun-flood", about: "STUN and noise from a thousand addresses and ports", strike: stunFlood},
}

// forged sends datagrams that claim to come from the victim.
func forged(rate float64, datagram func(i int) []byte) func(context.Context, *striker) error {
	return func(ctx context.Context, s *striker) error {
		raw, err := openRaw()
		if err != nil {
			return fmt.Errorf("%w: forging an address takes root: %w", errSkipped, err)
		}
		defer raw.close()
		sent := 0
		defer func() { s.count("datagrams", sent) }()
		return every(ctx, rate, func(i int) error {
			if raw.send(s.Victim, s.Media, datagram(i)) == nil {
				sent++
			}
			return nil
		})
	}
}

// dtlsRecord is a record of DTLS 1.2 (RFC 6347, section 4.1).
func dtlsRecord(kind byte, epoch uint16, number int, body []byte) []byte {
	r := []byte{kind, 0xfe, 0xfd}
	r = binary.BigEndian.AppendUint16(r, epoch)
	r = append(r, 0, 0)
	r = binary.BigEndian.AppendUint32(r, uint32(number))
	r = binary.BigEndian.AppendUint16(r, uint16(len(body)))
	return append(r, body...)
}

func dtlsAlert(i int) []byte {
	const warning, fatal, closeNotify, handshakeFailure = 1, 2, 0, 40
	bodies := [][]byte{{warning, closeNotify}, {fatal, handshakeFailure}, {fatal, closeNotify}, {fatal, 0, 0, 0, 0}}
	return dtlsRecord(21, uint16(i/len(bodies)%3), i, bodies[i%len(bodies)])
}

func dtlsHandshake(i int) []byte {
	// Type, length, sequence, offset and length of the fragment (RFC 6347, section 4.2.2):
	// hello request, client hello, finished and others, of which the body is noise.
	types := []byte{0, 1, 2, 3, 11, 12, 14, 16, 20}
	body := bytesOf(64)
	head := []byte{types[i%len(types)], 0, 0, 64, 0, byte(i), 0, 0, 0, 0, 0, 64}
	return dtlsRecord(22, 0, i, append(head, body...))
}

func dtlsGarbage(i int) []byte {
	return dtlsRecord(byte(20+i%44), uint16(i%5), i, bytesOf(i%1200))
}

func srtpOfAnySSRC(i int) []byte {
	p := append([]byte{0x80, 96, byte(i >> 8), byte(i)}, bytesOf(4)...) // a timestamp
	p = binary.BigEndian.AppendUint32(p, uint32(0x10000+i))
	return append(p, bytesOf(60)...)
}

func noise(i int) []byte {
	p := bytesOf(12 + i%1200)
	p[0] = byte(128 + i%64) // the range of RTP and RTCP (RFC 7983)
	if i%3 == 0 {
		p[1] = byte(192 + i%32)
	}
	return p
}

func stunAtRandom(i int) []byte {
	kinds := []stun.MessageType{
		stun.BindingRequest, stun.BindingSuccess, stun.BindingError,
		stun.NewType(stun.MethodBinding, stun.ClassIndication), stun.NewType(stun.MethodAllocate, stun.ClassRequest),
	}
	m, err := stun.Build(stun.TransactionID, kinds[i%len(kinds)],
		stun.NewUsername(letters(4)+":"+letters(4)), stun.NewShortTermIntegrity(letters(22)), stun.Fingerprint)
	if err != nil {
		return bytesOf(20)
	}
	return m.Raw
}

func stunFlood(ctx context.Context, s *striker) error {
	const sockets = 256
	var conns []*net.UDPConn
	for i := range sockets {
		c, err := net.DialUDP("udp4", &net.UDPAddr{IP: strangerAddress(i)}, net.UDPAddrFromAddrPort(s.Media))
		if err != nil {
			return err
		}
		defer func() { _ = c.Close() }()
		conns = append(conns, c)
	}
	sent := 0
	defer func() { s.count("datagrams", sent) }()
	return every(ctx, 10_000, func(i int) error {
		sent++
		datagram := stunAtRandom(i)
		if i%4 == 0 {
			datagram = noise(i)
		}
		_, _ = conns[i%sockets].Write(datagram) // the server may tell that it wants none
		return nil
	})
}

// publishesMore checks that the victim is not cut off: what is published only now is
// heard by the others.
func publishesMore(ctx context.Context, t *trial) error {
	deadline := time.Now().Add(5 * time.Second)
	victim, others := t.victims[0], t.victims[1:]
	before := make([]int, len(others))
	for i, c := range others {
		before[i] = c.sounds()
	}
	if err := victim.publishMore(); err != nil {
		return err
	}
	for i, c := range others {
		for c.sounds() <= before[i] {
			if time.Now().After(deadline) || ctx.Err() != nil {
				return errors.New("what a victim publishes afterwards does not get through")
			}
			pause(ctx, 50*time.Millisecond)
		}
	}
	return nil
}

func bytesOf(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
