package transport

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
)

func TestSenderAndReceiver(t *testing.T) {
	for _, segments := range []bool{true, false} {
		from, a, b := listenLoopback(t), listenLoopback(t), listenLoopback(t)
		if segments && !segmentable(from) {
			t.Skip("this kernel does not segment UDP")
		}
		s, err := newSender(from, segments)
		if err != nil {
			t.Fatal(err)
		}
		toA, toB := makeSockaddr(addrPort(a)), makeSockaddr(addrPort(b))
		var want [][]byte
		var datagrams []outgoing
		add := func(to *sockaddr, size int) {
			p := bytes.Repeat([]byte{byte(len(datagrams))}, size)
			datagrams = append(datagrams, outgoing{to, p})
			if to == toA {
				want = append(want, p)
			}
		}
		for _, size := range []int{1000, 1000, 1000, 400, 1000, 900, 1000, 7} {
			add(toA, size)
		}
		add(toB, 7)
		add(toA, 7)
		messages, calls := s.send(datagrams)
		// 1000×3+400, 1000+900, 1000+7, to b, and the last.
		if wantMessages := map[bool]int{true: 5, false: 10}[segments]; messages != wantMessages || calls != 1 {
			t.Errorf("segments %v: %d messages in %d calls, want %d in one", segments, messages, calls, wantMessages)
		}
		r, err := newReceiver(a, 4, 2048)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range collect(t, r, a, len(want)) {
			if !bytes.Equal(p, want[i]) {
				t.Errorf("segments %v: datagram %d has %d bytes, want %d", segments, i, len(p), len(want[i]))
			}
		}
	}
}

func TestSegmentsStayWithinTheKernelsLimits(t *testing.T) {
	from, to := listenLoopback(t), listenLoopback(t)
	s, err := newSender(from, true)
	if err != nil {
		t.Fatal(err)
	}
	_ = to.SetReadBuffer(4 << 20)
	address := makeSockaddr(addrPort(to))
	var datagrams []outgoing
	for range 200 {
		datagrams = append(datagrams, outgoing{address, make([]byte, 1200)})
	}
	if n := s.pack(datagrams); n != 4 { // 52 of 1,200 bytes fit below 63,000
		t.Errorf("200 datagrams of 1,200 bytes make %d messages", n)
	}
	for i := range datagrams {
		datagrams[i].bytes = datagrams[i].bytes[:100]
	}
	if n := s.pack(datagrams); n != 4 { // 64 segments at most
		t.Errorf("200 datagrams of 100 bytes make %d messages", n)
	}
}

func TestSenderSkipsWhatTheKernelRefuses(t *testing.T) {
	from, to := listenLoopback(t), listenLoopback(t)
	s, err := newSender(from, true)
	if err != nil {
		t.Fatal(err)
	}
	good, bad := makeSockaddr(addrPort(to)), makeSockaddr(netip.MustParseAddrPort("[2001:db8::1]:9"))
	messages, _ := s.send([]outgoing{{bad, []byte("x")}, {good, []byte("one")}, {bad, []byte("y")}, {good, []byte("two")}})
	if messages != 2 {
		t.Errorf("%d messages went out, want 2", messages)
	}
	r, err := newReceiver(to, 4, 2048)
	if err != nil {
		t.Fatal(err)
	}
	got := collect(t, r, to, 2)
	if string(got[0]) != "one" || string(got[1]) != "two" {
		t.Errorf("got %q", got)
	}
	_ = from.Close()
	if messages, _ := s.send([]outgoing{{good, []byte("late")}}); messages != 0 {
		t.Error("a closed socket sent something")
	}
}

func TestPoster(t *testing.T) {
	for _, local := range []string{"127.0.0.1:0", "[::1]:0"} {
		to, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(local)))
		if err != nil {
			t.Skipf("no %s: %v", local, err)
		}
		defer func() { _ = to.Close() }()
		p, err := listenUDP(netip.MustParseAddrPort(local))
		if err != nil {
			t.Fatal(err)
		}
		address := addrPort(to)
		if n, err := p.WriteToAddrPort([]byte("one"), address); n != 3 || err != nil {
			t.Fatal(n, err)
		}
		if n, err := p.WriteTo([]byte("second"), net.UDPAddrFromAddrPort(address)); n != 6 || err != nil {
			t.Fatal(n, err)
		}
		r, err := newReceiver(to, 4, 2048)
		if err != nil {
			t.Fatal(err)
		}
		got := collect(t, r, to, 2)
		if string(got[0]) != "one" || string(got[1]) != "second" {
			t.Errorf("got %q", got)
		}
		if _, err := p.WriteToAddrPort(make([]byte, 70_000), address); err == nil {
			t.Error("a datagram of 70,000 bytes went out")
		}
		_ = p.Close()
		if _, err := p.WriteToAddrPort([]byte("late"), address); err == nil {
			t.Error("a closed socket sent something")
		}
	}
}

// What does not fit into a socket's buffer is counted, not queued.
func TestSocketDrops(t *testing.T) {
	from, to := listenLoopback(t), listenLoopback(t)
	if err := to.SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	const sent = 100
	for range sent {
		if _, err := from.WriteToUDPAddrPort(make([]byte, 1000), addrPort(to)); err != nil {
			t.Fatal(err)
		}
	}
	dropped := socketDrops(to)
	if dropped == 0 {
		t.Fatal("nothing was dropped") // Linux 4.12 and later tell
	}
	collect(t, newTestReceiver(t, to), to, sent-int(dropped)) //nolint:gosec // at most sent
}

func newTestReceiver(t *testing.T, c *net.UDPConn) *receiver {
	t.Helper()
	r, err := newReceiver(c, 4, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestReceiverTellsTheSender(t *testing.T) {
	for _, local := range []string{"127.0.0.1:0", "[::1]:0"} {
		to, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(local)))
		if err != nil {
			t.Skipf("no %s: %v", local, err)
		}
		defer func() { _ = to.Close() }()
		from, err := net.DialUDP("udp", nil, to.LocalAddr().(*net.UDPAddr))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = from.Close() }()
		if _, err := from.Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		r, err := newReceiver(to, 4, 2048)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := r.receive(); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		if b, source := r.datagram(0); string(b) != "hello" || source != from.LocalAddr().(*net.UDPAddr).AddrPort() {
			t.Errorf("got %q from %v", b, source)
		}
	}
}
