//go:build linux

package transport

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/pion/srtp/v3"
)

// TestReceiveFurther: what is held stays, what comes goes behind it, and the wait ends.
func TestReceiveFurther(t *testing.T) {
	to, from := listenLoopback(t), listenLoopback(t)
	r, err := newReceiver(to, 4, 2048)
	if err != nil {
		t.Fatal(err)
	}
	send := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if _, err := from.WriteToUDPAddrPort([]byte(text), addrPort(to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	held := func(want ...string) {
		t.Helper()
		for i, text := range want {
			if b, sender := r.datagram(i); string(b) != text || sender != addrPort(from) {
				t.Errorf("datagram %d is %q of %v, not %q", i, b, sender, text)
			}
		}
	}
	send("one", "two")
	if n, err := r.receive(); n != 2 || err != nil {
		t.Fatalf("%d datagrams, %v", n, err)
	}
	send("three", "four", "five")
	r.deadline(time.Now().Add(5 * time.Second))
	if n, err := r.further(2); n != 2 || err != nil {
		t.Fatalf("then %d datagrams, %v", n, err)
	}
	held("one", "two", "three", "four")
	if n, err := r.receive(); n != 1 || err != nil {
		t.Fatalf("then %d datagrams, %v", n, err)
	}
	held("five")
	r.deadline(time.Now().Add(time.Millisecond))
	if n, err := r.further(1); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("in an empty socket %d datagrams, %v", n, err)
	}
	held("five")
	r.deadline(time.Time{})
	send("six")
	if n, err := r.receive(); n != 1 || err != nil {
		t.Fatalf("after the deadline %d datagrams, %v", n, err)
	}
	held("six")
}

// frames is a Receiver that wants each frame whole.
type frames struct {
	deaf
	got    []uint16      // since the last landing
	each   chan struct{} // a packet was taken
	landed chan []uint16
}

func (f *frames) ReceiveRTP(_ time.Duration, b []byte, _ *Batch) bool {
	f.got = append(f.got, binary.BigEndian.Uint16(b[2:]))
	f.each <- struct{}{}
	return b[1]&0x80 == 0
}

func (f *frames) Land(time.Duration, *Batch) {
	f.landed <- f.got
	f.got = nil
}

// TestGather: the beginning of a frame lands with its end, however it comes; and
// without, where that doesn't come.
func TestGather(t *testing.T) {
	e := testEngine(t)
	port, err := listenUDP(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	publisher, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(port.local))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	in := &frames{each: make(chan struct{}, 100), landed: make(chan []uint16, 100)}
	p, _ := keyed(t, e, addrPort(publisher))
	encrypt, decrypt := pair(t)
	p.receiver = in
	p.keys.Load().inRTP = newInbound(func() *srtp.Context { return decrypt }, &e.counters.Evicted)
	port.setRoute(addrPort(publisher), p)

	// All but the first socket is closed: where packets arrive is the kernel's choice.
	for _, s := range port.sockets[1:] {
		_ = s.Close()
	}
	r, err := e.newReader(port, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.wait = 10 * time.Second
	done := make(chan struct{})
	go func() { r.run(); close(done) }()

	send := func(sequence uint16, ends bool) {
		t.Helper()
		b := packet(nil, sequence, 100)
		if ends {
			b[1] |= 0x80
		}
		b, err := encrypt.EncryptRTP(nil, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := publisher.Write(b); err != nil {
			t.Fatal(err)
		}
		<-in.each
	}
	for n := range uint16(3) {
		send(n, n == 2) // each after the one before was read
	}
	if got := <-in.landed; !slices.Equal(got, []uint16{0, 1, 2}) {
		t.Errorf("%v landed together", got)
	}
	send(3, true)
	if got := <-in.landed; !slices.Equal(got, []uint16{3}) {
		t.Errorf("then %v", got)
	}
	send(4, false)
	_ = port.Close() // what ends the wait before its time
	if got := <-in.landed; !slices.Equal(got, []uint16{4}) {
		t.Errorf("at last %v", got)
	}
	<-done
}

// pair are contexts that encrypt and decrypt the same.
func pair(t *testing.T) (encrypt, decrypt *srtp.Context) {
	t.Helper()
	key, salt := make([]byte, 16), make([]byte, 12)
	for _, c := range []**srtp.Context{&encrypt, &decrypt} {
		var err error
		if *c, err = srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm); err != nil {
			t.Fatal(err)
		}
	}
	return encrypt, decrypt
}
