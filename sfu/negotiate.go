package sfu

import (
	"errors"
	"slices"
	"strings"
	"time"

	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

// This file is the SDP half of a participant's loop: the client's offers and
// answers, and the server's own offers. The client speaks first; then either
// side may offer, and where both do, the server's offer stands and the client's
// is ignored, because the browser is the polite one (W3C perfect negotiation).

func (p *Participant) handleOffer(sdp string) {
	if p.session != nil && p.session.Foreign(sdp) {
		// Not even as a collision: a new RTCPeerConnection never answers our offer.
		p.problem(ProblemBadSDP, "The offer is of another RTCPeerConnection than the session's: its fingerprint is new. Leave, and join with it anew.")
		return
	}
	if p.session != nil && p.session.OfferInFlight() {
		p.server.counter.glare.Inc()
		return
	}
	if p.session == nil {
		p.handleFirstOffer(sdp)
		return
	}
	p.session.Prefer(p.preference())
	before := p.session.Remote()
	offered, err := p.session.ApplyOffer(sdp)
	if err != nil {
		p.problem(ProblemBadSDP, "The offer can't be applied: %v.", err)
		return
	}
	if offered.Remote.Ufrag != p.remoteUfrag || offered.Remote.Pwd != before.Pwd {
		if err := p.restartICE(offered.Remote); err != nil {
			p.problem(ProblemBadSDP, "ICE can't be restarted: %v.", err)
			return
		}
	}
	if offered.Remote.DataChannels {
		p.peer.ServeDataChannels()
	}
	p.addCandidates(offered.Remote.Candidates)
	p.answer(offered)
}

func (p *Participant) handleFirstOffer(sdp string) {
	if err := jsep.Check(sdp); err != nil { // before there is a peer, which costs more
		p.problem(ProblemBadSDP, "The offer can't be applied: %v.", err)
		return
	}
	ready, err := p.prepare()
	if err != nil {
		p.Leave(err)
		return
	}
	offered, err := p.open(ready, sdp)
	if err != nil {
		p.problem(ProblemBadSDP, "The offer can't be applied: %v.", err)
		return
	}
	p.stateSince = p.server.now()
	if !p.eager {
		p.holdUntil = p.stateSince + offerHold
	}
	p.addCandidates(append(offered.Remote.Candidates, p.early...))
	p.early = nil
	p.answer(offered)
}

// ready is a transport that has gathered its candidates and waits for the client's offer.
type ready struct {
	peer  *transport.Peer
	local transport.Local
}

// told is what an eager client needs of it.
func (r *ready) told() *Transport {
	t := &Transport{Ufrag: r.local.Ufrag, Pwd: r.local.Pwd, Fingerprint: r.local.Fingerprint, Candidates: []string{}}
	for _, c := range r.local.Candidates {
		t.Candidates = append(t.Candidates, strings.TrimPrefix(c, "candidate:"))
	}
	return t
}

// prepare makes the transport for the client's first offer, if there is none yet: Join
// does it for an eager client, later the loop.
func (p *Participant) prepare() (*ready, error) {
	if p.ready != nil {
		return p.ready, nil
	}
	peer, err := p.server.engine.NewPeer(&p.media)
	if err != nil {
		return nil, err
	}
	local, err := peer.Gather()
	if err != nil {
		peer.Close()
		return nil, err
	}
	p.ready = &ready{peer, local}
	return p.ready, nil
}

// open makes the session for the first offer and starts the peer, which an offer that
// can't be applied leaves for the next one.
func (p *Participant) open(r *ready, sdp string) (*jsep.Offered, error) {
	session := jsep.New(jsepLocal(r.local))
	session.Prefer(p.preference())
	offered, err := session.ApplyOffer(sdp)
	if err != nil {
		return nil, err
	}
	remote := transport.Remote{
		Ufrag: offered.Remote.Ufrag, Pwd: offered.Remote.Pwd, Lite: offered.Remote.Lite,
		Setup: offered.Remote.Setup, DataChannels: offered.Remote.DataChannels,
	}
	for _, f := range offered.Remote.Fingerprints {
		remote.Fingerprints = append(remote.Fingerprints, transport.Fingerprint(f))
	}
	p.media.peer = r.peer
	if err := r.peer.Start(remote); err != nil {
		r.peer.Close()
		p.ready = nil
		return nil, err
	}
	p.peer, p.session, p.remoteUfrag, p.ready = r.peer, session, remote.Ufrag, nil
	return offered, nil
}

func jsepLocal(l transport.Local) jsep.Local {
	return jsep.Local{Ufrag: l.Ufrag, Pwd: l.Pwd, Fingerprint: l.Fingerprint, Candidates: l.Candidates}
}

func (p *Participant) restartICE(remote jsep.Remote) error {
	if err := p.peer.Restart(); err != nil {
		return err
	}
	local, err := p.peer.Gather()
	if err != nil {
		return err
	}
	p.session.SetLocal(jsepLocal(local))
	p.remoteUfrag = remote.Ufrag
	p.server.counter.iceRestarts.Inc()
	return p.peer.SetRemoteCredentials(remote.Ufrag, remote.Pwd)
}

// answer publishes what the offer says, answers it, and offers what is new.
func (p *Participant) answer(offered *jsep.Offered) {
	p.decoders.Store(p.session.Decoders())
	p.publish(offered.Incoming)
	for _, r := range offered.Slots { // its end of our m-lines
		sub := p.bySlot[r.Slot]
		switch {
		case sub == nil:
		case r.Accepted:
			p.accepted(sub, r)
		default:
			sub.paused = true
		}
	}
	p.viewing.lookAt = 0
	p.client.Send(Answer{SDP: p.session.Answer()})
	p.subscribe()
}

func (p *Participant) handleAnswer(sdp string) {
	if p.session == nil || !p.session.OfferInFlight() {
		return // an answer to an offer that was resent and answered already
	}
	if p.session.Foreign(sdp) {
		p.problem(ProblemBadSDP, "The answer is of another RTCPeerConnection than the session's: its fingerprint is new.")
		p.offerAgain()
		return
	}
	results, err := p.session.ApplyAnswer(sdp)
	if err != nil {
		p.problem(ProblemBadSDP, "The answer can't be applied: %v.", err)
		p.offerAgain()
		return
	}
	p.badAnswers = 0
	if err := p.followRemote(p.session.Remote()); err != nil {
		p.problem(ProblemBadSDP, "The answer's ICE credentials can't be used: %v.", err)
	}
	refused := false
	for _, r := range results {
		sub := p.bySlot[r.Slot]
		switch {
		case sub == nil: // the track ended meanwhile
		case r.Accepted:
			p.accepted(sub, r)
		case r.Held: // until a later description of the client's takes it up
			sub.paused = true
			p.viewing.lookAt = 0
		default:
			refused = true
			p.refuse(sub.track)
			p.unsubscribe(sub)
		}
	}
	if refused {
		p.sendTracks()
	}
	p.publish(p.session.Incoming()) // an answer may also start or stop the client's own
	p.negotiate()
}

// maxBadAnswers is how often one offer is repeated to a client that answers it
// with what can't be applied.
const maxBadAnswers = 3

// offerAgain repeats the offer in flight: the client believes that it has been
// answered, and until it is, no offer of the client's can be heard.
func (p *Participant) offerAgain() {
	if p.badAnswers++; p.badAnswers > maxBadAnswers {
		p.Leave(errors.New("no valid answer"))
		return
	}
	if sdp, pending := p.session.PendingOffer(); pending {
		p.client.Send(Offer{SDP: sdp})
	}
}

func (p *Participant) accepted(sub *Subscription, r jsep.Result) {
	sub.accept(r)
	sub.paused = false
	if sub.numbers.Load().counted() {
		p.downlink.begin()
	}
	p.viewing.lookAt = 0
	if p.reached() {
		sub.start()
	}
}

// followRemote takes over credentials that changed in an answer, though only an
// offer may restart ICE (RFC 8839 §4.4.1.1): pion does it when our offer meets
// its agent before the one has started.
func (p *Participant) followRemote(remote jsep.Remote) error {
	if remote.Ufrag != p.remoteUfrag {
		p.remoteUfrag = remote.Ufrag
		if err := p.peer.SetRemoteCredentials(remote.Ufrag, remote.Pwd); err != nil {
			return err
		}
	}
	p.addCandidates(remote.Candidates)
	return nil
}

func (p *Participant) handleCandidate(c *CandidateInit) {
	if c == nil || c.Candidate == "" {
		return // end of candidates: we go on checking what we know
	}
	if p.peer == nil {
		if err := transport.CheckCandidate(c.Candidate); err != nil {
			p.problem(ProblemBadCandidate, "The candidate can't be used: %v.", err)
		} else if len(p.early) < maxEarlyCandidates && len(c.Candidate) <= maxCandidate {
			p.early = append(p.early, c.Candidate)
		}
		return
	}
	if c.UsernameFragment != nil && *c.UsernameFragment != "" && *c.UsernameFragment != p.remoteUfrag {
		return // of an ICE generation that is over or not here yet
	}
	p.addCandidates([]string{c.Candidate})
}

func (p *Participant) addCandidates(lines []string) {
	for _, line := range lines {
		err := p.peer.AddCandidate(line)
		if errors.Is(err, transport.ErrTooManyCandidates) {
			return
		}
		if err != nil {
			p.problem(ProblemBadCandidate, "The candidate can't be used: %v.", err)
		}
	}
}

// subscribe makes the subscriptions match the room: to every track of everyone
// else that has packets and that this client hasn't refused.
func (p *Participant) subscribe() {
	if p.session == nil || !p.grants.Subscribe {
		return
	}
	wanted := make(map[*Track]bool, len(p.subs))
	for _, m := range p.roster() {
		for _, t := range m.tracks {
			wanted[t] = true
			if p.subs[t] == nil && p.unsupported[t] == "" {
				p.add(t)
			}
		}
	}
	for t, sub := range p.subs {
		if !wanted[t] {
			p.unsubscribe(sub)
		}
	}
	for t := range p.unsupported {
		if !wanted[t] {
			p.forgive(t)
		}
	}
	p.negotiate()
}

func (p *Participant) add(t *Track) {
	sub := newSubscription(t, p)
	sub.slot = p.session.Add(jsep.Sending{
		Track: t.id, Stream: t.stream(), Video: t.kind == Video, Codec: t.parameters,
		SSRC: sub.ssrc, RTXSSRC: sub.rtxSSRC, Extensions: t.offered(), TransportCC: true, RED: true,
	})
	p.subs[t] = sub
	p.bySlot[sub.slot] = sub
	sub.expect(p.server.now(), len(p.subs))
	t.subscribe(sub)
}

func (p *Participant) unsubscribe(sub *Subscription) {
	p.uncount(sub)
	p.viewing.lookAt = 0
	sub.track.unsubscribe(sub)
	p.session.Remove(sub.slot)
	p.media.forget(sub)
	delete(p.subs, sub.track)
	delete(p.bySlot, sub.slot)
}

// negotiate offers what changed, unless an offer is under way: then the next
// one carries it.
func (p *Participant) negotiate() {
	if p.session.OfferInFlight() || !p.session.NeedsOffer() || p.holds() {
		return
	}
	sdp := p.session.Offer()
	p.sendTracks()
	p.client.Send(Offer{SDP: sdp})
}

// offerHold bounds how long the server's first offer waits for ICE to connect,
// which takes a round trip from when the client's candidates are known.
const offerHold = time.Second

// holds reports whether the server's first offer has to wait: a pion client that
// gets it before its ICE agent has started, which happens a moment after it has
// applied our answer, takes it for an ICE restart and never connects. The client's
// first check shows that its agent runs. After offerHold the offer goes out anyway.
func (p *Participant) holds() bool {
	if p.holdUntil == 0 {
		return false
	}
	wait := p.holdUntil - p.server.now()
	if wait <= 0 || p.state != transport.StateNew || p.peer.Reached() {
		p.holdUntil, p.offerLater = 0, nil
		return false
	}
	if p.offerLater == nil {
		p.offerLater = time.After(wait)
	}
	return true
}

// sendTracks tells which m-line carries what, after the offer has given every
// new subscription its mid.
func (p *Participant) sendTracks() {
	var mapped []MappedTrack
	for _, m := range p.roster() {
		for _, t := range m.tracks {
			entry := MappedTrack{ID: t.id, Participant: m.participant.id, Kind: t.kind, Source: t.source}
			if sub := p.subs[t]; sub != nil {
				entry.Mid = sub.slot.Mid()
			}
			entry.Unsupported = p.unsupported[t]
			if entry.Mid != "" || entry.Unsupported != "" {
				mapped = append(mapped, entry)
			}
		}
	}
	p.client.Send(Tracks{Tracks: mapped})
}

// forwardedExtensions are the kinds that a publisher may send and that may go on.
func forwardedExtensions(ids wire.ExtensionIDs) []wire.ExtensionKind {
	var kinds []wire.ExtensionKind
	for kind, id := range ids {
		if k := wire.ExtensionKind(kind); id != 0 && k.Forwarded() { //nolint:gosec // a small array's index
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// offered are the extensions that viewers of the track are offered: the publisher's, and
// for video the playout delay, which is ours to tell.
func (t *Track) offered() []wire.ExtensionKind {
	if t.kind != Video || slices.Contains(t.extensions, wire.ExtensionPlayoutDelay) {
		return t.extensions
	}
	return append(slices.Clone(t.extensions), wire.ExtensionPlayoutDelay)
}
