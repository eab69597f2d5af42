package transport

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// Neither who says nothing nor who asks for somebody unknown holds up the end, and
// both are told.
func TestCloseWithIdleTCP(t *testing.T) {
	e, err := NewEngine(Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), e.Port()).String()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	silent, lost := dial(), dial()
	check, err := stun.Build(stun.BindingRequest, stun.TransactionID, stun.NewUsername("nobody:knows"))
	if err != nil {
		t.Fatal(err)
	}
	frame := binary.BigEndian.AppendUint16(nil, uint16(len(check.Raw))) //nolint:gosec // RFC 4571, and short
	if _, err := lost.Write(append(frame, check.Raw...)); err != nil {
		t.Fatal(err)
	}
	// The first was accepted before the second, which is sent away soon.
	if !ended(t, lost) {
		t.Error("a client of nobody is kept")
	}
	closed := make(chan error, 1)
	go func() { closed <- e.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(firstCheck / 2):
		t.Error("the engine waits for its connections")
		<-closed
	}
	if !ended(t, silent) {
		t.Error("who says nothing is kept")
	}
}

// ended waits for the other side to close.
func ended(t *testing.T, c net.Conn) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(firstCheck / 2)); err != nil {
		t.Fatal(err)
	}
	n, err := c.Read(make([]byte, 100))
	return n == 0 && err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

// flaky is a listener whose Accept fails a few times.
type flaky struct {
	net.Listener
	failures int
}

func (l *flaky) Accept() (net.Conn, error) {
	if l.failures--; l.failures >= 0 {
		return nil, syscall.EMFILE
	}
	return l.Listener.Accept()
}

func TestAcceptErrorsPass(t *testing.T) {
	e := testEngine(t)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const failures = 3
	l := e.limitTCP(&flaky{inner, failures})
	defer func() { _ = l.Close() }()
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if n := e.counters.AcceptErrors.Load(); n != failures {
		t.Errorf("%d accept errors are counted, want %d", n, failures)
	}
}

func TestAcceptEndsWithItsListener(t *testing.T) {
	e := testEngine(t)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := e.limitTCP(&flaky{inner, 1 << 30})
	ended := make(chan error)
	go func() { _, err := l.Accept(); ended <- err }()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept ends with %v", err)
	}
}

// piped is a connection that comes from an address.
type piped struct {
	net.Conn
	from net.Addr
}

func (p piped) RemoteAddr() net.Addr { return p.from }
func (p piped) Close() error         { return nil }

func TestConnectionsAreBounded(t *testing.T) {
	e := testEngine(t)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := e.limitTCP(inner)
	defer func() { _ = l.Close() }()
	from := func(address string) net.Conn {
		c, err := l.keep(piped{from: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var kept []net.Conn
	for range tcpPerAddress {
		kept = append(kept, from("[2001:db8::1]:1"))
	}
	if from("[2001:db8::2]:1") != nil {
		t.Error("another address of the same network has a share of its own")
	}
	if from("[2001:db8:1::1]:1") == nil || from("192.0.2.1:1") == nil {
		t.Error("other addresses have no share")
	}
	if n := e.counters.Discarded[DiscardedTCP].Load(); n != 1 {
		t.Errorf("%d refused connections are counted", n)
	}
	_, _ = kept[0].Close(), kept[0].Close() // which counts once
	if from("[2001:db8::2]:1") == nil || from("[2001:db8::2]:1") != nil {
		t.Error("a connection that closed makes room for other than one")
	}
}
