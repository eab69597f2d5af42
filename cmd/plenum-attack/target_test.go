package main

import (
	"net/netip"
	"testing"
)

func TestOnlyLoopbackIsAttacked(t *testing.T) {
	local, remote := netip.MustParseAddrPort("127.0.0.1:8081"), netip.MustParseAddrPort("192.0.2.1:8081")
	for _, c := range []struct {
		target target
		ok     bool
	}{
		{target{URL: "ws://127.0.0.1:8080/ws", Media: local, Victim: local}, true},
		{target{URL: "wss://[::1]:8080/ws"}, true},
		{target{URL: "ws://127.0.0.1:8080/ws", Media: remote}, false},
		{target{URL: "ws://127.0.0.1:8080/ws", Victim: remote}, false},
		{target{URL: "ws://192.0.2.1:8080/ws"}, false},
		{target{URL: "ws://[::ffff:192.0.2.1]:8080/ws"}, false},
		{target{URL: "ws://localhost:8080/ws"}, false}, // may be anyone's
		{target{URL: "ws://example.org:8080/ws"}, false},
		{target{URL: "ws://127.0.0.1/ws"}, false},
		{target{URL: "::"}, false},
	} {
		if err := c.target.validate(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.target, err)
		}
	}
}

func TestStrangersComeFromLoopback(t *testing.T) {
	seen := map[string]bool{"127.0.0.1": true}
	for i := range 1000 {
		a := strangerAddress(i)
		if !a.IsLoopback() {
			t.Fatalf("%d: %v", i, a)
		}
		if i < 64 && seen[a.String()] {
			t.Fatalf("%d: %v again", i, a)
		}
		seen[a.String()] = true
	}
}
