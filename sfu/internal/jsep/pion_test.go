package jsep

import (
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"

	"plenum/sfu/internal/wire"
)

// peer is a real pion client on one end of a Session. It gathers no candidates:
// only descriptions are exchanged.
type peer struct {
	t       *testing.T
	pc      *webrtc.PeerConnection
	session *Session
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	engine := webrtc.SettingEngine{}
	engine.SetNetworkTypes([]webrtc.NetworkType{})
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(engine), webrtc.WithMediaEngine(defaultCodecs(t))).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pc.Close() })
	return &peer{t: t, pc: pc, session: New(testLocal)}
}

func defaultCodecs(t *testing.T) *webrtc.MediaEngine {
	t.Helper()
	engine := &webrtc.MediaEngine{}
	if err := engine.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []wire.ExtensionKind{wire.ExtensionMid, wire.ExtensionRid, wire.ExtensionRepairedRid} {
		capability := webrtc.RTPHeaderExtensionCapability{URI: wire.ExtensionURI(kind)}
		if err := engine.RegisterHeaderExtension(capability, webrtc.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
	}
	return engine
}

func (p *peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// offer has the client offer and the session answer.
func (p *peer) offer() *Offered {
	p.t.Helper()
	sdp, err := p.pc.CreateOffer(nil)
	p.must(err)
	p.must(p.pc.SetLocalDescription(sdp))
	o := offered(p.t, p.session, p.pc.LocalDescription().SDP)
	p.must(p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: p.session.Answer()}))
	return o
}

// answer has the session offer and the client answer.
func (p *peer) answer() []Result {
	p.t.Helper()
	p.must(p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: p.session.Offer()}))
	checkNumbers(p.t, p.session.Offer())
	sdp, err := p.pc.CreateAnswer(nil)
	p.must(err)
	p.must(p.pc.SetLocalDescription(sdp))
	return applied(p.t, p.session, p.pc.LocalDescription().SDP)
}

func (p *peer) publish(mime, rid string) *webrtc.RTPTransceiver {
	p.t.Helper()
	var options []func(*webrtc.TrackLocalStaticRTP)
	if rid != "" {
		options = append(options, webrtc.WithRTPStreamID(rid))
	}
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: mime}, "track", "stream", options...)
	p.must(err)
	transceiver, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	p.must(err)
	return transceiver
}

func TestPion(t *testing.T) {
	p := newPeer(t)
	p.publish(webrtc.MimeTypeOpus, "")
	camera := p.publish(webrtc.MimeTypeVP8, "")
	o := p.offer()
	if len(o.Incoming) != 2 || !o.Incoming[0].Sending || !o.Incoming[1].Sending || o.Incoming[1].SSRCs[0].RTX == 0 {
		t.Fatalf("incoming %s", describe(o.Incoming))
	}
	a, v := p.session.Add(opusTrack(1)), p.session.Add(vp8Track(1))
	for _, r := range p.answer() {
		if !r.Accepted || r.Format.PayloadType == 0 || (r.Slot == v) != (r.Format.RTXSSRC != 0) {
			t.Errorf("result %+v", r)
		}
	}
	// The client's own offers go on; a track of ours ends; another takes its line.
	p.publish(webrtc.MimeTypeVP9, "")
	if o = p.offer(); len(o.Incoming) != 3 || !o.Incoming[2].Sending {
		t.Errorf("incoming %s", describe(o.Incoming))
	}
	p.session.Remove(a)
	p.answer()
	b := p.session.Add(opusTrack(2))
	if r := p.answer(); len(r) != 2 || !r[0].Accepted || b.Mid() != a.Mid() {
		t.Errorf("results %+v", r)
	}
	p.must(p.pc.RemoveTrack(camera.Sender()))
	p.session.Add(vp8Track(3))
	p.answer()
	p.offer()
	if in := p.session.Incoming(); in[1].Sending || !in[2].Sending {
		t.Errorf("incoming %s", describe(in))
	}
	if got := strings.Count(p.session.Answer(), "m="); got != 6 {
		t.Errorf("%d m-lines:\n%s", got, sketch(t, p.session.Answer()))
	}
}

func TestPionSimulcast(t *testing.T) {
	p := newPeer(t)
	sender := p.publish(webrtc.MimeTypeVP8, "q").Sender()
	for _, rid := range []string{"h", "f"} {
		track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8}, "track", "stream", webrtc.WithRTPStreamID(rid))
		p.must(err)
		p.must(sender.AddEncoding(track))
	}
	if in := p.offer().Incoming; strings.Join(in[0].RIDs, ";") != "q;h;f" {
		t.Errorf("incoming %s", describe(in))
	}
	p.session.Add(opusTrack(1))
	p.answer()
	if in := p.session.Incoming(); !in[0].Sending || len(in[0].RIDs) != 3 {
		t.Errorf("incoming %s", describe(in))
	}
}

// A viewer that only opens a data channel.
func TestPionDataChannel(t *testing.T) {
	p := newPeer(t)
	_, err := p.pc.CreateDataChannel("x", nil)
	p.must(err)
	if !p.offer().Remote.DataChannels {
		t.Error("the data channel is not seen")
	}
	for i := range 20 {
		p.session.Add(vp8Track(i))
		p.session.Add(opusTrack(i))
	}
	for _, r := range p.answer() {
		if !r.Accepted {
			t.Errorf("result %+v", r)
		}
	}
	if o := p.offer(); len(o.Slots) != 0 || len(o.Incoming) != 0 {
		t.Errorf("a client's offer that changes nothing changes %+v", o)
	}
}

func TestPionRestart(t *testing.T) {
	p := newPeer(t)
	p.publish(webrtc.MimeTypeOpus, "")
	first := p.offer().Remote.Ufrag
	local := testLocal
	local.Ufrag, local.Pwd = "another", "anotheranotheranotheranother"
	p.session.SetLocal(local)
	p.answer()
	if second := p.session.Remote().Ufrag; second == first {
		t.Error("the client did not restart")
	}
}
