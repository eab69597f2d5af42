package transport

import (
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
)

const (
	// nominationSilence is how long the selected pair must have brought nothing
	// authentic for a nomination of another pair to count, whatever its priority:
	// a client that nominates several pairs at once uses them all, and the one of
	// the highest priority stays (RFC 8445 §8.1.1).
	nominationSilence = 250 * time.Millisecond
	// rebindSilence is the same for a check without nomination from another port
	// of the selected address: two of pion's keepalives, so that a NAT has changed it.
	rebindSilence = 3 * time.Second
)

// check is an authenticated binding request on a pair that isn't the selected one.
type check struct {
	nominates bool          // it has USE-CANDIDATE
	valid     bool          // the pair answered a check of ours, which no replay can
	sameHost  bool          // it comes from the selected pair's remote address, by another port
	silent    time.Duration // since the selected pair brought something authentic
}

// follows reports whether the path moves to the pair of that check.
func (c check) follows() bool {
	if !c.valid {
		return false
	}
	return (c.nominates && c.silent >= nominationSilence) || (c.sameHost && c.silent >= rebindSilence)
}

// onCheck runs on the ICE agent's goroutine, for each authenticated binding
// request; true selects its pair. By itself pion's controlled agent ignores
// nominations of pairs of a lower priority, and a client whose NAT has changed.
func (p *Peer) onCheck(m *stun.Message, local, remote ice.Candidate, pair *ice.CandidatePair) bool {
	selected, err := p.agent.GetSelectedCandidatePair()
	if err != nil || selected == nil || p.remote.Lite {
		return false
	}
	now := p.engine.config.Now()
	if selected.Local.Equal(local) && selected.Remote.Address() == remote.Address() && selected.Remote.Port() == remote.Port() {
		p.checked.Store(int64(now))
		return false
	}
	c := check{
		nominates: m.Contains(stun.AttrUseCandidate), valid: pair.ResponsesReceived() > 0,
		sameHost: selected.Local.Equal(local) && selected.Remote.Address() == remote.Address(),
		silent:   now - time.Duration(max(p.checked.Load(), p.heard.Load())),
	}
	if !c.follows() {
		return false
	}
	p.checked.Store(int64(now))
	return true
}
