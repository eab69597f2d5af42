package transport

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// told are the addresses of a new session's candidates.
func told(t *testing.T, e *Engine) (udp, tcp []string) {
	t.Helper()
	p, err := e.NewPeer(deaf{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	local, err := p.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range local.Candidates {
		if f := strings.Fields(c); strings.EqualFold(f[2], "udp") {
			udp = append(udp, f[4])
		} else {
			tcp = append(tcp, f[4])
		}
	}
	slices.Sort(udp)
	slices.Sort(tcp)
	return udp, tcp
}

// TestAddressesComeAndGo, as the book decides it.
func TestAddressesComeAndGo(t *testing.T) {
	e := testEngine(t)
	e.stop() // the test does what follow would
	e.following.Wait()
	one, other := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")
	do := func(verb addressVerb, a netip.Addr) {
		e.carryOut([]addressAction{{verb, a}})
	}
	expect := func(when string, want ...string) {
		t.Helper()
		if udp, tcp := told(t, e); !slices.Equal(udp, want) || !slices.Equal(tcp, want) {
			t.Errorf("%s: UDP %v, TCP %v, want %v", when, udp, tcp, want)
		}
	}
	expect("at the start", "127.0.0.1")

	old, _ := keyed(t, e, addrPort(listenLoopback(t)))
	out := e.NewBatch()
	send := func(p *Peer) {
		out.Reserve(1)
		out.Put(packet(out.Next(), 1, 100))
		p.Send(out, Outgoing{})
		out.Flush()
	}
	send(old)

	do(bindAddress, other)
	expect("another", "127.0.0.1", "127.0.0.2")
	do(withdrawAddress, one)
	expect("the first is gone", "127.0.0.2")
	if e.ports.on(one) == nil {
		t.Error("its sockets are gone at once")
	}
	do(announceAddress, one)
	expect("and back", "127.0.0.1", "127.0.0.2")
	do(withdrawAddress, one)
	do(closeAddress, one)
	expect("given up", "127.0.0.2")
	send(old) // to nowhere

	// A Batch that has sent by the port that is gone sends by the one that takes its place.
	do(bindAddress, one)
	expect("bound again", "127.0.0.1", "127.0.0.2")
	socket := listenLoopback(t)
	now, _ := keyed(t, e, addrPort(socket))
	now.path.Load().port = e.ports.on(one)
	if now.path.Load().port.index != old.path.Load().port.index {
		t.Error("the place of the port that is gone is not used again")
	}
	send(now)
	if err := socket.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if n, from, err := socket.ReadFromUDPAddrPort(make([]byte, 2000)); err != nil || from.Port() != e.Port() {
		t.Errorf("%d bytes from %v, %v", n, from, err)
	}
}

// TestOneAddressCannotBeBound: the others serve, and it is tried again.
func TestOneAddressCannotBeBound(t *testing.T) {
	here, elsewhere := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1") // RFC 5737: nobody's
	e, err := NewEngine(Config{Addresses: []netip.Addr{elsewhere, here}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if udp, _ := told(t, e); !slices.Equal(udp, []string{"127.0.0.1"}) {
		t.Errorf("candidates are %v", udp)
	}
	if counts := e.Addresses(); counts != (AddressCounts{Announced: 1, Unbound: 1}) {
		t.Errorf("counted are %+v", counts)
	}
	e.stop()
	e.following.Wait() // the book is the test's
	if _, ok := e.book.next(); !ok {
		t.Error("it is not tried again")
	}
	if e, err := NewEngine(Config{Addresses: []netip.Addr{elsewhere}, Log: slog.New(slog.DiscardHandler)}); err == nil {
		_ = e.Close()
		t.Error("an engine without any address serves")
	}
}
