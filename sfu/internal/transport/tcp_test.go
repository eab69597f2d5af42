package transport

import (
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
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
