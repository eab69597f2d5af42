package transport

import (
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"plenum/sfu/internal/bwe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deaf is a Receiver that does nothing.
type deaf struct{}

func (deaf) ReceiveRTP(time.Duration, []byte, *Batch) bool           { return false }
func (deaf) Land(time.Duration, *Batch)                              {}
func (deaf) ReceiveSenderReport(time.Duration, SenderReport, *Batch) {}
func (deaf) ReceiveReception(time.Duration, Reception)               {}
func (deaf) ReceiveNACK(time.Duration, uint32, []uint16, *Batch)     {}
func (deaf) ReceiveFeedback(time.Duration, []bwe.Arrival, *Batch)    {}
func (deaf) ReceiveKeyframeRequest(time.Duration, uint32)            {}

func gather(t *testing.T, c Config) Local {
	t.Helper()
	c.Log = slog.New(slog.DiscardHandler)
	c.Now = func() time.Duration { return 0 }
	e, err := NewEngine(c)
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.NewPeer(deaf{})
	if err != nil {
		t.Fatal(err)
	}
	local, err := p.Gather()
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	return local
}

func TestCandidatesNameEveryAddressForUDPAndTCP(t *testing.T) {
	local := gather(t, Config{Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}})
	for _, want := range []string{"udp 127.0.0.1", "udp 127.0.0.2", "tcp 127.0.0.1", "tcp 127.0.0.2"} {
		protocol, address, _ := strings.Cut(want, " ")
		found := false
		for _, c := range local.Candidates {
			f := strings.Fields(c)
			found = found || (strings.EqualFold(f[2], protocol) && f[4] == address && (protocol == "udp" || strings.Contains(c, "tcptype passive")))
		}
		if !found {
			t.Errorf("no candidate for %s in %q", want, local.Candidates)
		}
	}
	if len(local.Candidates) != 4 {
		t.Errorf("candidates are %q", local.Candidates)
	}
	if !strings.HasPrefix(local.Fingerprint, "sha-256 ") || len(local.Fingerprint) != 8+32*3-1 {
		t.Errorf("fingerprint %q", local.Fingerprint)
	}
}

func TestCandidatesNamePublicAddresses(t *testing.T) {
	local := gather(t, Config{
		Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")},
		PublicIPs: []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")},
	})
	if len(local.Candidates) == 0 {
		t.Fatal("no candidates")
	}
	for _, c := range local.Candidates {
		if f := strings.Fields(c); f[4] != "203.0.113.7" {
			t.Errorf("candidate %q", c)
		}
	}
}

func TestPortInUse(t *testing.T) {
	e := testEngine(t)
	_, err := NewEngine(Config{
		Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Port: e.Port(), Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		t.Fatal("two engines share a port")
	}
}

func TestGarbageOnTheMediaPort(t *testing.T) {
	e := testEngine(t)
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), e.Port())))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	for first := range 256 {
		for _, size := range []int{1, 11, 12, 100, 2000, 9000} {
			b := make([]byte, size)
			b[0] = byte(first)
			if _, err := c.Write(b); err != nil && !errors.Is(err, net.ErrClosed) {
				t.Fatal(err)
			}
		}
	}
	// The engine still works: a peer gathers, and closing leaves nothing behind.
	p, err := e.NewPeer(deaf{})
	if err != nil {
		t.Fatal(err)
	}
	if local, err := p.Gather(); err != nil || len(local.Candidates) == 0 {
		t.Errorf("candidates %v, %v", local.Candidates, err)
	}
	p.Close()
	p.Close() // twice does no harm
}

func TestTooManyAndBrokenCandidates(t *testing.T) {
	e := testEngine(t)
	p, err := e.NewPeer(deaf{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, bad := range []string{"", "nonsense", "candidate:", "1 1 udp x 127.0.0.1 9 typ host", strings.Repeat("x", 10_000)} {
		if err := p.AddCandidate(bad); err == nil {
			t.Errorf("candidate %.20q is accepted", bad)
		}
	}
	if err := p.AddCandidate("1 1 udp 2130706431 0a1b2c3d-0000-4000-8000-000000000000.local 50000 typ host"); err != nil {
		t.Errorf("an mDNS candidate: %v", err)
	}
	if err := p.AddCandidate("a=candidate:1 1 udp 2130706431 127.0.0.1 50000 typ host"); err != nil {
		t.Errorf("a whole line of SDP: %v", err)
	}
	for range 2 * maxRemoteCandidates {
		err = p.AddCandidate("1 1 udp 2130706431 127.0.0.1 50000 typ host")
	}
	if !errors.Is(err, ErrTooManyCandidates) {
		t.Errorf("after %d candidates: %v", 2*maxRemoteCandidates, err)
	}
}

func TestFingerprints(t *testing.T) {
	e := testEngine(t)
	raw := [][]byte{e.certificate.Certificate[0]}
	value := strings.TrimPrefix(e.fingerprint, "sha-256 ")
	for name, c := range map[string]struct {
		fingerprints []Fingerprint
		raw          [][]byte
		ok           bool
	}{
		"right":           {[]Fingerprint{{"sha-256", value}}, raw, true},
		"lower case":      {[]Fingerprint{{"SHA-256", strings.ToLower(value)}}, raw, true},
		"second":          {[]Fingerprint{{"sha-512", "00"}, {"sha-256", value}}, raw, true},
		"wrong":           {[]Fingerprint{{"sha-256", "00" + value[2:]}}, raw, false},
		"unknown hash":    {[]Fingerprint{{"md5", value}}, raw, false},
		"none":            {nil, raw, false},
		"no certificate":  {[]Fingerprint{{"sha-256", value}}, nil, false},
		"wrong algorithm": {[]Fingerprint{{"sha-384", value}}, raw, false},
	} {
		p := &Peer{remote: Remote{Fingerprints: c.fingerprints}}
		if err := p.verifyFingerprint(c.raw, nil); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
