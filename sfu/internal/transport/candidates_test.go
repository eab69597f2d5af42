package transport

import (
	"net/netip"
	"testing"
)

// TestCandidatesInside: nobody has the server send checks into its operator's networks,
// unless it is there itself, as on a network at home.
func TestCandidatesInside(t *testing.T) {
	at := func(addresses ...string) *Engine {
		e := &Engine{}
		for _, a := range addresses {
			e.ports.add(&udpPort{local: netip.AddrPortFrom(netip.MustParseAddr(a), 8081)})
		}
		return e
	}
	public, home, here := at("192.0.2.1", "2001:db8::1"), at("192.168.1.2", "fd00::2"), at("127.0.0.1")
	for _, c := range []struct {
		engine  *Engine
		address string
		want    bool
	}{
		{public, "198.51.100.7", true}, {public, "2001:db8::7", true},
		{public, "127.0.0.1", false}, {public, "::1", false}, {public, "169.254.169.254", false}, {public, "fe80::1", false},
		{public, "10.0.0.1", false}, {public, "172.16.0.1", false}, {public, "192.168.1.1", false}, {public, "100.64.0.1", false}, {public, "fd00::1", false},
		{public, "0.0.0.0", false}, {public, "::", false}, {public, "224.0.0.1", false}, {public, "ff02::1", false},
		{home, "192.168.77.1", true}, {home, "fd00::1", true}, {home, "10.0.0.1", false}, {home, "127.0.0.1", false}, {home, "198.51.100.7", true},
		{here, "127.0.0.2", true}, {here, "192.168.1.1", false},
	} {
		if got := c.engine.checks(netip.MustParseAddr(c.address).Unmap()); got != c.want {
			t.Errorf("%s: %v", c.address, got)
		}
	}
}

func TestCheckCandidate(t *testing.T) {
	for line, ok := range map[string]bool{
		"candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host":                                  true,
		"a=candidate:1 1 UDP 2122260223 192.0.2.7 50000 typ host":                                true,
		"candidate:1 1 udp 2122260223 5f0c4fb4-2f1e-4f0a-9f0e-0a0a0a0a0a0a.local 50000 typ host": true,
		"candidate:nonsense": false, "nonsense": false, "candidate:1 1 udp x 192.0.2.7 50000 typ host": false,
	} {
		if err := CheckCandidate(line); (err == nil) != ok {
			t.Errorf("%q: %v", line, err)
		}
	}
}
