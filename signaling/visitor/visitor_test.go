package visitor

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func proxies(t testing.TB, networks ...string) Proxies {
	t.Helper()
	var p Proxies
	for _, text := range networks {
		network, err := ParseNetwork(text)
		if err != nil {
			t.Fatal(err)
		}
		p = append(p, network)
	}
	return p
}

func TestAddress(t *testing.T) {
	trusted := proxies(t, "10.0.0.0/8", "127.0.0.1", "fd00::/8", "::1")
	for _, c := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:1", nil, "192.0.2.1"},
		{"192.0.2.1:1", []string{"198.51.100.7"}, "192.0.2.1"},   // no proxy
		{"172.16.0.1:1", []string{"198.51.100.7"}, "172.16.0.1"}, // private, but nobody said that it is one
		{"127.0.0.1:1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"[::ffff:127.0.0.1]:1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"127.0.0.1:1", nil, "127.0.0.1"},
		{"10.0.0.1:1", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"}, // the rest is the client's own word
		{"10.0.0.1:1", []string{"203.0.113.9,198.51.100.7 , 10.1.2.3"}, "198.51.100.7"},
		{"10.0.0.1:1", []string{"203.0.113.9", "198.51.100.7", "10.1.2.3,10.1.2.4"}, "198.51.100.7"},
		{"10.0.0.1:1", []string{"10.9.9.9, 10.1.2.3"}, "10.9.9.9"}, // all trusted: the first
		{"10.0.0.1:1", []string{"198.51.100.7:4711"}, "198.51.100.7"},
		{"10.0.0.1:1", []string{"[2001:db8:1:2:3::4]:4711"}, "2001:db8:1:2::"},
		{"10.0.0.1:1", []string{"[2001:db8:1:2:3::4]"}, "2001:db8:1:2::"},
		{"10.0.0.1:1", []string{"2001:db8:1:2:3::4%eth0"}, "2001:db8:1:2::"},
		{"10.0.0.1:1", []string{"[2001:db8:1:2:3::4%eth0]:80"}, "2001:db8:1:2::"},
		{"10.0.0.1:1", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
		{"[fd00::1]:1", []string{"2001:db8:1:2:3::4"}, "2001:db8:1:2::"},
		{"[fd00::1%eth0]:1", []string{"198.51.100.7"}, "198.51.100.7"},
		{"10.0.0.1:1", []string{"unknown"}, "10.0.0.1"},
		{"10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"198.51.100.7,"}, "10.0.0.1"},
		{"10.0.0.1:1", []string{"198.51.100.7, [192.0.2.1]"}, "10.0.0.1"},
		{"[2001:db8:1:2:3::4]:1", nil, "2001:db8:1:2::"},
		{"[fe80::1%eth0]:1", nil, "fe80::"},
		{"@", []string{"198.51.100.7"}, "invalid IP"},
	} {
		r := httptest.NewRequest("GET", "/rooms/demo", nil)
		r.RemoteAddr = c.remote
		for _, line := range c.forwarded {
			r.Header.Add("X-Forwarded-For", line)
		}
		if got := trusted.Address(r).String(); got != c.want {
			t.Errorf("%s for %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

func TestParseNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", "10.1.2.3/8": "10.0.0.0/8", "127.0.0.1": "127.0.0.1/32", "::1": "::1/128",
		"fd00::/8": "fd00::/8", "::ffff:10.0.0.1": "10.0.0.1/32", "0.0.0.0/0": "0.0.0.0/0",
	} {
		if got, err := ParseNetwork(text); err != nil || got.String() != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "eth0", "10.0.0.0/33", "10.0.0.1:80", "fe80::1%eth0", "10.0.0.0/8,::1"} {
		if got, err := ParseNetwork(text); err == nil {
			t.Errorf("%q is accepted as %v", text, got)
		}
	}
}

// FuzzForwarded: whatever a client puts in front, it counts as what the trusted proxy
// has appended.
func FuzzForwarded(f *testing.F) {
	for _, seed := range []string{"", "192.0.2.1", "[::1]:1, 10.0.0.1", "10.0.0.1:1,", "unknown, \"x\"", "::ffff:1.2.3.4%z"} {
		f.Add(seed)
	}
	trusted := proxies(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, forged string) {
		r := httptest.NewRequest("GET", "/ws", nil)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header["X-Forwarded-For"] = []string{forged}
		if got := trusted.Address(r); !got.IsValid() || got.Zone() != "" || Group(got) != got {
			t.Errorf("%q gives %v", forged, got)
		}
		r.Header["X-Forwarded-For"] = []string{forged + ", 198.51.100.7:1, 10.0.0.2"}
		if got := trusted.Address(r); got != netip.MustParseAddr("198.51.100.7") {
			t.Errorf("%q hides the client behind %v", forged, got)
		}
		r.Header["X-Forwarded-For"] = append(strings.Split(forged, ","), "198.51.100.7")
		if got := trusted.Address(r); got != netip.MustParseAddr("198.51.100.7") {
			t.Errorf("%q on lines of its own hides the client behind %v", forged, got)
		}
	})
}
