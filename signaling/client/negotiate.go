package client

import (
	"errors"
	"fmt"
	"strings"

	"github.com/pion/webrtc/v4"

	"plenum/signaling/protocol"
)

// negotiate makes an offer if one is wanted and nothing is in the way.
func (c *Client) negotiate() {
	p := c.peer
	if p == nil || !p.wanted || p.pending != nil {
		return
	}
	if err := c.sendPublished(); err != nil {
		return // resume comes here again
	}
	offer, err := p.pc.CreateOffer(&webrtc.OfferOptions{
		OfferAnswerOptions: webrtc.OfferAnswerOptions{ICETricklingSupported: true},
		ICERestart:         p.restart && !p.first,
	})
	if err == nil && p.first {
		err = p.pc.SetLocalDescription(offer)
	}
	if err != nil {
		c.broken("offer", err)
		return
	}
	p.restarting, p.restart = p.restart && !p.first, p.restart && p.first
	p.wanted, p.pending = false, &offer
	_ = c.send(Message{Type: protocol.TypeOffer, SDP: offer.SDP})
}

// sendPublished tells what our m-lines carry.
func (c *Client) sendPublished() error {
	m := Message{Type: protocol.TypePublish}
	c.mu.Lock()
	for _, p := range c.publications {
		m.Tracks = append(m.Tracks, TrackInfo{Mid: p.Mid, Source: p.local.Source, Muted: p.muted})
	}
	c.mu.Unlock()
	if len(m.Tracks) == 0 {
		return nil
	}
	return c.send(m)
}

// broken reports a description that could not be made or applied; the call goes
// on as it was.
func (c *Client) broken(what string, err error) {
	c.emit(Error{Code: "local", Text: fmt.Sprintf("%s: %v", what, err)})
}

// forget gives the offer in flight up: this is how pion's user rolls back.
func (p *peer) forget() {
	if p.pending != nil {
		p.pending, p.wanted = nil, true
		p.restart, p.restarting = p.restart || p.restarting, false
	}
}

// spareReceivers makes recvonly of the inactive m-lines of an offer that are not
// our own. Pion answers inactive to both. But given inactive it stops the
// m-line's receiver, and one that stays inactive for two offers never receives
// again; given recvonly it puts a fresh receiver in place.
func spareReceivers(sdp string, own map[string]bool) string {
	sections := strings.Split(sdp, "\r\nm=")
	for i, section := range sections[1:] {
		_, mid, _ := strings.Cut(section, "\r\na=mid:")
		mid, _, _ = strings.Cut(mid, "\r\n")
		if !own[mid] && !strings.HasPrefix(section, "application") {
			sections[i+1] = strings.Replace(section, "\r\na=inactive", "\r\na=recvonly", 1)
		}
	}
	return strings.Join(sections, "\r\nm=")
}

// offered applies and answers an offer of the server. Ours, if there is one in
// flight, is ignored over there: make it again afterwards.
func (c *Client) offered(sdp string) {
	p := c.peer
	if p.first {
		c.broken("offer from server", errors.New("before its first answer"))
		return
	}
	p.forget()
	err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: spareReceivers(sdp, p.own)})
	if err != nil {
		c.broken("offer from server", err)
		return
	}
	answer, err := p.pc.CreateAnswer(nil)
	if err == nil {
		err = p.pc.SetLocalDescription(answer)
	}
	if err != nil {
		c.broken("answer", err)
		return
	}
	_ = c.send(Message{Type: protocol.TypeAnswer, SDP: answer.SDP})
	c.negotiate()
}

// answered applies the answer to our offer. One to an offer that was given up
// is ignored.
func (c *Client) answered(sdp string) {
	p := c.peer
	if p.pending == nil {
		return
	}
	offer := *p.pending
	p.pending, p.restarting = nil, false
	var err error
	if !p.first {
		err = p.pc.SetLocalDescription(offer)
	}
	if err == nil {
		err = p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: sdp})
	}
	if err != nil {
		c.broken("answer from server", err)
		return
	}
	p.first = false
	p.names.openAll(func(mid string) bool { return strings.Contains(offer.SDP, "a=mid:"+mid+"\r\n") })
	for _, candidate := range p.early {
		_ = p.pc.AddICECandidate(candidate)
	}
	p.early = nil
	c.negotiate()
}

func (c *Client) candidate(init *webrtc.ICECandidateInit) {
	p := c.peer
	switch {
	case init == nil || init.Candidate == "":
	case p.first:
		p.early = append(p.early, *init)
	default:
		if err := p.pc.AddICECandidate(*init); err != nil {
			c.broken("candidate from server", err)
		}
	}
}

func (c *Client) restartICE() {
	if c.peer != nil {
		c.peer.restart, c.peer.wanted = true, true
		c.negotiate()
	}
}

// resume goes on after a new signaling connection: an answer may have been lost
// with the old one, so an unanswered offer is made again.
func (c *Client) resume() {
	p := c.peer
	switch {
	case p.first && p.pending != nil:
		_ = c.sendPublished()
		// The local description has by now the candidates gathered so far.
		_ = c.send(Message{Type: protocol.TypeOffer, SDP: p.pc.LocalDescription().SDP})
	case p.pending != nil || p.wanted:
		p.forget()
		c.negotiate()
	default:
		_ = c.sendPublished() // mutes may have been missed
	}
}
