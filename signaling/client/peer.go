package client

import (
	"fmt"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/protocol"
)

// peer is a peer connection and the state of its negotiation, which the
// client's loop alone touches.
//
// Perfect negotiation asks the polite side to roll its offer back when it meets
// one of the server. Pion v4.2 can't roll back. So an offer (but the first,
// which nothing can meet: the server never speaks first) is applied locally only
// when its answer has come; rolling back then is forgetting it.
type peer struct {
	pc    *webrtc.PeerConnection
	names *namer

	first      bool                       // no answer has been applied yet
	pending    *webrtc.SessionDescription // our offer, unanswered
	wanted     bool                       // something changed since the last offer
	restart    bool                       // the next offer restarts ICE
	restarting bool                       // the pending one does
	complete   bool                       // the last candidate was sent
	own        map[string]bool            // mids of publications
	early      []webrtc.ICECandidateInit  // of the server, before its description
}

// begin makes a new peer connection with everything published so far and makes
// the first offer.
func (c *Client) begin(servers []ICEServer) {
	c.mu.Lock()
	old := c.peer
	c.peer = nil
	publications := append([]*Publication(nil), c.publications...)
	c.mu.Unlock()
	if old != nil {
		closePeer(old.pc)
	}
	clear(c.mapping)
	p, err := c.newPeer(servers)
	if err != nil {
		c.end(fmt.Errorf("peer connection: %w", err))
		return
	}
	c.mu.Lock()
	c.peer = p
	c.mu.Unlock()
	for _, pub := range publications {
		pub.transceiver = nil
		c.addTransceiver(p, pub)
	}
	if len(publications) == 0 {
		if err := speakFirst(p.pc, c.options.DataChannel); err != nil {
			c.end(fmt.Errorf("first offer: %w", err))
			return
		}
	}
	p.wanted = true
	c.negotiate()
}

// speakFirst gives a viewer with nothing to send something to offer.
func speakFirst(pc *webrtc.PeerConnection, dataChannel bool) error {
	if dataChannel {
		_, err := pc.CreateDataChannel("plenum", nil)
		return err
	}
	_, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	return err
}

func (c *Client) newPeer(servers []ICEServer) (*peer, error) {
	p := &peer{names: newNamer(), first: true, own: make(map[string]bool)}
	api := c.options.API
	if api == nil {
		var err error
		if api, err = newAPI(c.options.Setting, p.names, c.options.RED); err != nil {
			return nil, err
		}
	}
	config := webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle}
	for _, s := range servers {
		config.ICEServers = append(config.ICEServers, webrtc.ICEServer{URLs: s.URLs, Username: s.Username, Credential: s.Credential})
	}
	pc, err := api.NewPeerConnection(config)
	if err != nil {
		return nil, err
	}
	p.pc = pc
	pc.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		c.post(func() { c.gathered(p, candidate) })
	})
	pc.OnConnectionStateChange(func(webrtc.PeerConnectionState) {
		// Pion's callbacks are unordered: report what is so when the loop gets there.
		c.post(func() { c.stateChanged(p) })
	})
	pc.OnTrack(func(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
		c.post(func() { c.arrived(p, remote, receiver) })
	})
	return p, nil
}

func (c *Client) stateChanged(p *peer) {
	if p == c.peer {
		c.emit(State{p.pc.ConnectionState()})
	}
}

func (c *Client) arrived(p *peer, remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	if p != c.peer {
		return
	}
	c.work(func() { // sender reports reach the receiver reports through here
		b := make([]byte, 1500)
		for {
			if _, _, err := receiver.Read(b); err != nil {
				return
			}
		}
	})
	var mid string
	if t := receiver.RTPTransceiver(); t != nil {
		mid = t.Mid()
	}
	c.emit(Track{Remote: remote, Mid: mid, Info: c.mapping[mid], Peer: p.pc})
}

func (c *Client) gathered(p *peer, candidate *webrtc.ICECandidate) {
	if p != c.peer {
		return
	}
	// Pion says with nil that there are no more, and says so again after each
	// description.
	if candidate == nil && p.complete {
		return
	}
	var init webrtc.ICECandidateInit // an empty candidate ends them
	if p.complete = candidate == nil; !p.complete {
		init = candidate.ToJSON()
	}
	_ = c.send(Message{Type: protocol.TypeCandidate, Candidate: &init})
}

func (c *Client) publish(pub *Publication) {
	if p := c.peer; p != nil && pub.transceiver == nil && !pub.removed {
		c.addTransceiver(p, pub)
		p.wanted = true
		c.negotiate()
	}
}

func (c *Client) unpublish(pub *Publication) {
	pub.removed = true
	if c.peer == nil || pub.transceiver == nil {
		return
	}
	if err := c.peer.pc.RemoveTrack(pub.transceiver.Sender()); err != nil {
		c.broken("unpublish", err)
	}
	c.peer.wanted = true
	c.negotiate()
}

func (c *Client) addTransceiver(p *peer, pub *Publication) {
	t, err := p.pc.AddTransceiverFromTrack(pub.local.Track,
		webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err == nil {
		err = t.SetMid(pub.Mid)
	}
	for _, layer := range pub.local.Layers {
		if err == nil {
			err = t.Sender().AddEncoding(layer)
		}
	}
	if err != nil {
		c.broken("publish", err)
		return
	}
	pub.transceiver = t
	p.own[pub.Mid] = true
	tracks := append([]webrtc.TrackLocal{pub.local.Track}, pub.local.Layers...)
	for i, e := range t.Sender().GetParameters().Encodings {
		name := &layerName{mid: []byte(pub.Mid), repair: uint32(e.RTX.SSRC)}
		if len(tracks) > 1 {
			name.rid = []byte(e.RID)
		}
		p.names.set(uint32(e.SSRC), name)
		track := tracks[i]
		c.work(func() { readFeedback(t.Sender(), track) })
	}
}

// KeyframeRequester is a local track that can make a keyframe when a viewer
// needs one.
type KeyframeRequester interface{ RequestKeyframe() }

// readFeedback reads the RTCP about one published layer: the interceptors see
// NACKs through it, and the track its PLIs and FIRs.
func readFeedback(sender *webrtc.RTPSender, track webrtc.TrackLocal) {
	requester, _ := track.(KeyframeRequester)
	b := make([]byte, 1500)
	for {
		n, a, err := sender.ReadSimulcast(b, track.RID())
		if err != nil {
			return
		}
		if requester == nil {
			continue
		}
		if a == nil {
			a = make(interceptor.Attributes)
		}
		packets, err := a.GetRTCPPackets(b[:n])
		if err != nil {
			continue
		}
		for _, packet := range packets {
			switch packet.(type) {
			case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
				requester.RequestKeyframe()
			}
		}
	}
}
