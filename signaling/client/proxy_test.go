package client

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"sync"
	"testing"

	"plenum/signaling/protocol"
)

// proxy stands between one client and the server's media port and loses media.
// It puts itself into the server's candidates and hides the client's, so that
// no packet goes past it.
type proxy struct {
	t      *testing.T
	url    string
	oneIn  int
	front  *net.UDPConn
	port   int
	serve  sync.WaitGroup
	mu     sync.Mutex
	dice   *rand.Rand
	server netip.AddrPort
	backs  map[netip.AddrPort]*net.UDPConn // by the client's address
}

func newProxy(t *testing.T, c *call, oneIn int) *proxy {
	t.Helper()
	front, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	check(t, err)
	p := &proxy{
		t: t, url: c.url, oneIn: oneIn, front: front, port: front.LocalAddr().(*net.UDPAddr).Port,
		backs: map[netip.AddrPort]*net.UDPConn{}, dice: rand.New(rand.NewPCG(1, uint64(oneIn))), //nolint:gosec // any dice will do
	}
	p.serve.Go(p.forth)
	t.Cleanup(func() {
		_ = front.Close()
		p.mu.Lock()
		for _, back := range p.backs {
			_ = back.Close()
		}
		p.mu.Unlock()
		p.serve.Wait()
	})
	return p
}

// lost decides over one datagram: RTP and RTCP are 128..191 (RFC 7983).
func (p *proxy) lost(b []byte) bool {
	if len(b) == 0 || b[0]>>6 != 2 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dice.IntN(p.oneIn) == 0
}

// forth carries packets to the server, from a socket of its own for each
// address of the client.
func (p *proxy) forth() {
	b := make([]byte, 2000)
	for {
		n, from, err := p.front.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		back, ok := p.backs[from]
		if server := p.server; !ok && server.IsValid() {
			if back, err = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server)); err == nil {
				p.backs[from] = back
				p.serve.Go(func() { p.back(back, from) })
				ok = true
			}
		}
		p.mu.Unlock()
		if ok && !p.lost(b[:n]) {
			_, _ = back.Write(b[:n])
		}
	}
}

func (p *proxy) back(back *net.UDPConn, to netip.AddrPort) {
	b := make([]byte, 2000)
	for {
		n, err := back.Read(b)
		if err != nil {
			return
		}
		if !p.lost(b[:n]) {
			_, _ = p.front.WriteToUDPAddrPort(b[:n], to)
		}
	}
}

func (p *proxy) dial(ctx context.Context, session string) (Signal, error) {
	s, err := dialSocket(ctx, &Options{URL: p.url, Room: "room"}, session)
	return &proxiedSignal{s, p}, err
}

type proxiedSignal struct {
	Signal
	proxy *proxy
}

var (
	anyCandidate = regexp.MustCompile(`a=candidate:[^\r]*\r\n`)
	tcpCandidate = regexp.MustCompile(`a=candidate:\S+ \d (?i:tcp) [^\r]*\r\n`)
	udpCandidate = regexp.MustCompile(`(a=candidate:\S+ \d (?i:udp) \d+ 127\.0\.0\.1) (\d+) `)
)

// Send hides the client's candidates.
func (s *proxiedSignal) Send(m Message) error {
	if m.Type == protocol.TypeCandidate {
		return nil
	}
	m.SDP = anyCandidate.ReplaceAllString(m.SDP, "")
	return s.Signal.Send(m)
}

// Receive puts the proxy in the server's place.
func (s *proxiedSignal) Receive(ctx context.Context) (Message, error) {
	m, err := s.Signal.Receive(ctx)
	m.SDP = tcpCandidate.ReplaceAllString(m.SDP, "")
	if match := udpCandidate.FindStringSubmatch(m.SDP); match != nil {
		port, _ := strconv.ParseUint(match[2], 10, 16)
		s.proxy.mu.Lock()
		s.proxy.server = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
		s.proxy.mu.Unlock()
		m.SDP = udpCandidate.ReplaceAllString(m.SDP, "${1} "+strconv.Itoa(s.proxy.port)+" ")
	}
	return m, err
}
