package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/ice/v4"
)

// Local is our half of the transport for SDP.
type Local struct {
	Ufrag, Pwd, Fingerprint string
	Candidates              []string // candidate-attribute values
}

// Gather returns our credentials and candidates, once per (re)start of ICE.
func (p *Peer) Gather() (Local, error) {
	found := make(chan string, 64)
	p.mu.Lock()
	p.gathered = found
	p.mu.Unlock()
	ufrag, pwd, err := p.agent.GetLocalUserCredentials()
	if err != nil {
		return Local{}, fmt.Errorf("ICE credentials: %w", err)
	}
	if err := p.agent.GatherCandidates(); err != nil {
		return Local{}, fmt.Errorf("ICE candidates: %w", err)
	}
	local := Local{Ufrag: ufrag, Pwd: pwd, Fingerprint: p.engine.fingerprint}
	timeout := time.NewTimer(gatherTimeout)
	defer timeout.Stop()
	add := func(c string) {
		if !slices.Contains(local.Candidates, c) {
			local.Candidates = append(local.Candidates, c)
		}
	}
	for {
		select {
		case c, open := <-found:
			if !open {
				return local, nil
			}
			add(c)
		case <-timeout.C: // with those that were found, though the timer was seen first
			for len(found) > 0 {
				if c, open := <-found; open {
					add(c)
				}
			}
			return local, nil
		}
	}
}

// onCandidate runs on a goroutine of the ICE agent.
func (p *Peer) onCandidate(c ice.Candidate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gathered == nil {
		return
	}
	if c == nil {
		close(p.gathered)
		p.gathered = nil
		return
	}
	for _, line := range p.engine.announced(c) {
		select {
		case p.gathered <- line:
		default: // more addresses than anyone needs
		}
	}
}

// announced is a candidate as told to the remote: with the public addresses of
// its family in place of the local one where there are any.
func (e *Engine) announced(c ice.Candidate) []string {
	local, err := netip.ParseAddr(c.Address())
	if err != nil {
		return nil
	}
	var lines []string
	for _, public := range e.config.public(local.Unmap()) {
		if public == local.Unmap() {
			lines = append(lines, c.Marshal())
			continue
		}
		host, err := ice.NewCandidateHost(&ice.CandidateHostConfig{
			Network: c.NetworkType().NetworkShort(), Address: public.String(), Port: c.Port(),
			Component: c.Component(), TCPType: c.TCPType(), Priority: c.Priority(),
		})
		if err == nil {
			lines = append(lines, host.Marshal())
		}
	}
	return lines
}

// ErrTooManyCandidates is returned beyond maxRemoteCandidates of one ICE generation.
var ErrTooManyCandidates = errors.New("too many candidates")

// AddCandidate adds one of the remote's candidates. Names that would need
// resolving (mDNS) are accepted and left alone: their owner checks us first.
func (p *Peer) AddCandidate(line string) error {
	c, err := parseCandidate(line)
	if c == nil || err != nil {
		return err
	}
	if address, err := netip.ParseAddr(c.Address()); err == nil && !p.engine.checks(address.Unmap()) {
		p.engine.counters.Discarded[DiscardedCandidate].Inc()
		return nil
	}
	p.mu.Lock()
	p.remoteCandidates++
	excess := p.remoteCandidates > maxRemoteCandidates
	p.mu.Unlock()
	if excess {
		p.engine.counters.Discarded[DiscardedCandidate].Inc()
		return ErrTooManyCandidates
	}
	return p.agent.AddRemoteCandidate(c)
}

// CheckCandidate reports what is wrong with a candidate's line, if anything.
func CheckCandidate(line string) error {
	_, err := parseCandidate(line)
	return err
}

// parseCandidate is nil for one whose name nobody here can resolve (mDNS).
func parseCandidate(line string) (ice.Candidate, error) {
	c, err := ice.UnmarshalCandidate(strings.TrimPrefix(line, "a=")) // libdatachannel gives the whole line
	if errors.Is(err, ice.ErrAddressParseFailed) {
		return nil, nil //nolint:nilnil // nothing to check, and nothing wrong
	}
	if err != nil {
		return nil, fmt.Errorf("candidate: %w", err)
	}
	return c, nil
}

// inside are the ranges that a stranger must not have this server send checks into: those
// of this machine and of its operator's networks (RFC 6890).
var inside = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("fe80::/10"),
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
}

// checks reports whether a client's candidate of that address may be checked: not where
// the server itself has no address of the same range. Nobody is lost by that, for a
// client's own checks to us are answered from wherever they come.
func (e *Engine) checks(to netip.Addr) bool {
	if to.IsUnspecified() || to.IsMulticast() {
		return false
	}
	for _, in := range inside {
		if !in.Contains(to) {
			continue
		}
		for _, port := range e.ports.all() {
			if in.Contains(port.local.Addr().Unmap()) {
				return true
			}
		}
		return e.config.Net != nil // a virtual network
	}
	return true
}

// path is the way to a peer past pion: the selected pair of host and remote
// address on one of our UDP ports.
type path struct {
	port   *udpPort
	remote netip.AddrPort
	to     *sockaddr
}

// onSelectedPair runs on a goroutine of the ICE agent, which keeps the order. On
// an ICE restart the old path serves until the new one is selected.
func (p *Peer) onSelectedPair(local, remote ice.Candidate) {
	var selected *path
	address, errLocal := netip.ParseAddr(local.Address())
	ip, errRemote := netip.ParseAddr(remote.Address())
	if errLocal == nil && errRemote == nil && local.NetworkType().IsUDP() {
		if port := p.engine.ports.on(address.Unmap()); port != nil {
			addr := netip.AddrPortFrom(ip.Unmap(), uint16(remote.Port())) //nolint:gosec // a port
			selected = &path{port: port, remote: addr, to: makeSockaddr(addr)}
		}
	}
	p.setPath(selected)
}

func (p *Peer) setPath(now *path) {
	if before := p.path.Swap(now); before != nil {
		before.port.dropRoute(before.remote, p)
	}
	if now != nil && p.ctx.Err() == nil {
		now.port.setRoute(now.remote, p)
	}
}
