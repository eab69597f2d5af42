package jsep

import (
	"strings"
	"testing"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// stable is a session whose client has offered one sendonly audio m-line "0".
func stable(t testing.TB) *Session {
	t.Helper()
	s := New(testLocal)
	offered(t, s, bundled(audio("0", "sendonly")))
	s.Answer()
	return s
}

// settled offers and has a willing client answer.
func settled(t testing.TB, s *Session) []Result {
	t.Helper()
	return applied(t, s, reply(t, s.Offer()))
}

func TestSlotBeforeTheClientSpoke(t *testing.T) {
	s := New(testLocal)
	slot := s.Add(opusTrack(1))
	if s.NeedsOffer() || s.Offer() != "" || s.OfferInFlight() || slot.Mid() != "" {
		t.Error("an offer before the client's first")
	}
	offered(t, s, bundled(audio("0", "sendonly")))
	expectSketch(t, s.Answer(), "0 audio recvonly 111")
	if !s.NeedsOffer() {
		t.Fatal("the queued slot is forgotten")
	}
	expectSketch(t, s.Offer(), "0 audio recvonly 111\ns0 audio sendonly 111 [p1 a1]")
	if slot.Mid() != "s0" || s.NeedsOffer() || !s.OfferInFlight() {
		t.Errorf("mid %q, needs %v, in flight %v", slot.Mid(), s.NeedsOffer(), s.OfferInFlight())
	}
}

func TestSlotOffer(t *testing.T) {
	s := New(testLocal)
	offered(t, s, bundled(audio("0", "sendonly", "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level"),
		video("1", "sendonly", "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid")))
	track := vp8Track(1)
	track.Extensions = []wire.ExtensionKind{wire.ExtensionTransportCC, wire.ExtensionAbsSendTime, wire.ExtensionRid, wire.ExtensionVideoOrientation}
	s.Add(track)
	s.Add(opusTrack(1))
	offer := s.Offer()
	expectSketch(t, offer, "0 audio recvonly 111\n1 video recvonly 96,97\ns0 video sendonly 96,97 [p1 v1]\ns1 audio sendonly 111 [p1 a1]")
	expectAttributes(t, offer, "s0", "extmap", "3 urn:ietf:params:rtp-hdrext:sdes:mid", "13 urn:3gpp:video-orientation")
	expectAttributes(t, offer, "s1", "extmap", "3 urn:ietf:params:rtp-hdrext:sdes:mid", "1 urn:ietf:params:rtp-hdrext:ssrc-audio-level")
	expectAttributes(t, offer, "s0", "rtcp-fb", "96 ccm fir", "96 nack", "96 nack pli")
	expectAttributes(t, offer, "s1", "rtcp-fb", "111 nack")
	expectAttributes(t, offer, "s0", "ssrc-group", "FID 1002 1003")
	expectAttributes(t, offer, "s0", "ssrc", "1002 cname:p1", "1003 cname:p1")
	expectAttributes(t, offer, "s1", "ssrc", "5001 cname:p1")
	expectAttributes(t, offer, "s0", "setup", "actpass")
	if group, _ := parsed(t, offer).Attribute("group"); group != "BUNDLE 0 1 s0 s1" {
		t.Errorf("group %q", group)
	}
	if again := s.Offer(); again != offer {
		t.Error("an offer in flight is not said again")
	}
	if pending, ok := s.PendingOffer(); !ok || pending != offer {
		t.Error("the pending offer is another")
	}
	if _, err := s.ApplyOffer(bundled(audio("0", "sendonly"))); err == nil {
		t.Error("an offer is applied while ours is in flight")
	}
}

func TestSlotWithoutRTX(t *testing.T) {
	s := stable(t)
	track := vp8Track(1)
	track.RTXSSRC = 0
	s.Add(track)
	expectSketch(t, s.Offer(), "0 audio recvonly 111\ns0 video sendonly 96 [p1 v1]")
	expectAttributes(t, s.Offer(), "s0", "ssrc-group")
	if r := applied(t, s, reply(t, s.Offer()))[0]; r.Format.RTXSSRC != 0 || r.Format.RTXPayloadType != 0 || !r.Accepted {
		t.Errorf("result %+v", r)
	}
}

func TestSlotAnswers(t *testing.T) {
	tests := []struct {
		name   string
		change func(string) string
		want   Result
		ended  bool
	}{
		{"as offered", func(s string) string { return s },
			Result{Accepted: true, Codec: codec.VP8, NACK: true, Format: wire.Format{SSRC: 1002, RTXSSRC: 1003, PayloadType: 96, RTXPayloadType: 97,
				Extensions: wire.ExtensionIDs{wire.ExtensionMid: 4, wire.ExtensionVideoOrientation: 13}}}, false},
		{"no rtx, no nack, no extensions", replacing("96 97", "96", "a=rtpmap:97 rtx/90000\r\n", "", "a=rtcp-fb:96 nack\r\n", "", "a=extmap", "a=x"),
			Result{Accepted: true, Codec: codec.VP8, Format: wire.Format{SSRC: 1002, PayloadType: 96}}, false},
		{"an extension that it only sends", replacing("a=extmap:13", "a=extmap:13/sendonly"),
			Result{Accepted: true, Codec: codec.VP8, NACK: true, Format: wire.Format{SSRC: 1002, RTXSSRC: 1003, PayloadType: 96, RTXPayloadType: 97,
				Extensions: wire.ExtensionIDs{wire.ExtensionMid: 4}}}, false},
		{"other numbers", replacing("96 97", "100 101", ":96", ":100", ":97", ":101", "apt=96", "apt=100"),
			Result{Accepted: true, Codec: codec.VP8, NACK: true, Format: wire.Format{SSRC: 1002, RTXSSRC: 1003, PayloadType: 100, RTXPayloadType: 101,
				Extensions: wire.ExtensionIDs{wire.ExtensionMid: 4, wire.ExtensionVideoOrientation: 13}}}, false},
		{"another codec", replacing("VP8", "VP9"), Result{}, false},
		{"inactive", replacing("a=recvonly", "a=inactive"), Result{Held: true}, false},
		{"sendonly", replacing("a=recvonly", "a=sendonly"), Result{Held: true}, false},
		{"port 0", rejected, Result{}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := stable(t)
			track := vp8Track(1)
			track.Extensions = []wire.ExtensionKind{wire.ExtensionVideoOrientation}
			slot := s.Add(track)
			results := applied(t, s, editLine(reply(t, s.Offer()), "s0", test.change))
			test.want.Slot = slot
			if len(results) != 1 || results[0] != test.want {
				t.Errorf("results %+v, want %+v", results, test.want)
			}
			if _, sending := slot.Sending(); sending == test.ended {
				t.Errorf("Sending is %v", sending)
			}
			if s.OfferInFlight() || s.NeedsOffer() {
				t.Error("the session is not stable")
			}
		})
	}
}

func TestAnswerErrors(t *testing.T) {
	s := stable(t)
	if _, err := s.ApplyAnswer(bundled(audio("0", "sendonly"))); err == nil {
		t.Error("an answer to nothing is applied")
	}
	s.Add(opusTrack(1))
	offer := s.Offer()
	good := reply(t, offer)
	for name, text := range map[string]string{
		"garbage":       "garbage",
		"fewer m-lines": bundled(audio("0", "sendonly")),
		"more m-lines":  good + audio("x", "sendonly"),
		"other mid":     strings.Replace(good, "a=mid:s0", "a=mid:s9", 1),
		"other kind":    strings.Replace(good, "m=audio", "m=video", 1),
		"no ufrag":      strings.ReplaceAll(good, "a=ice-ufrag", "a=x"),
	} {
		if _, err := s.ApplyAnswer(text); err == nil {
			t.Errorf("%s: no error", name)
		}
		if pending, _ := s.PendingOffer(); pending != offer {
			t.Errorf("%s: the offer is no longer in flight", name)
		}
	}
	if r := applied(t, s, good); !r[0].Accepted {
		t.Error("the good answer no longer does")
	}
}

// A removed slot's m-line is told inactive and answered before another track
// may use it, or the browser fires no event.
func TestSlotReuse(t *testing.T) {
	s := stable(t)
	a, v := s.Add(opusTrack(1)), s.Add(vp8Track(1))
	settled(t, s)
	s.Remove(a)
	s.Remove(a)
	if _, sending := a.Sending(); sending || !s.NeedsOffer() {
		t.Error("the removal is lost")
	}
	b := s.Add(opusTrack(2))
	expectSketch(t, s.Offer(), `
0 audio recvonly 111
s0 audio inactive 111
s1 video sendonly 96,97 [p1 v1]
s2 audio sendonly 111 [p2 a2]`)
	applied(t, s, reply(t, s.Offer()))
	s.Remove(v)
	settled(t, s)
	// Now one of each kind is free; each kind takes its own.
	c, d, e := s.Add(opusTrack(3)), s.Add(vp8Track(3)), s.Add(vp8Track(4))
	expectSketch(t, s.Offer(), `
0 audio recvonly 111
s0 audio sendonly 111 [p3 a3]
s1 video sendonly 96,97 [p3 v3]
s2 audio sendonly 111 [p2 a2]
s3 video sendonly 96,97 [p4 v4]`)
	results := applied(t, s, reply(t, s.Offer()))
	for i, slot := range []*Slot{c, d, b, e} {
		if results[i].Slot != slot || !results[i].Accepted {
			t.Errorf("result %d is %+v", i, results[i])
		}
	}
	// The old handle does nothing to the track that has its m-line now.
	s.Remove(a)
	if s.NeedsOffer() || c.Mid() != "s0" {
		t.Error("a stale handle reaches another slot")
	}
}

func TestSlotAddedAndRemoved(t *testing.T) {
	s := stable(t)
	slot := s.Add(opusTrack(1))
	s.Remove(slot)
	s.Remove(nil)
	if s.NeedsOffer() {
		t.Error("something to tell of a track that never was")
	}
	if _, sending := slot.Sending(); sending {
		t.Error("the slot still sends")
	}
}

// A Remove while the offer is in flight waits for the next one.
func TestSlotRemovedInFlight(t *testing.T) {
	s := stable(t)
	slot := s.Add(opusTrack(1))
	offer := s.Offer()
	s.Remove(slot)
	if s.Offer() != offer || !s.NeedsOffer() {
		t.Error("the offer in flight changed, or the removal is lost")
	}
	if r := applied(t, s, reply(t, offer)); len(r) != 1 || !r[0].Accepted {
		t.Errorf("results %+v", r)
	}
	expectSketch(t, s.Offer(), "0 audio recvonly 111\ns0 audio inactive 111")
	if r := applied(t, s, reply(t, s.Offer())); len(r) != 0 || s.NeedsOffer() {
		t.Errorf("results %+v, needs %v", r, s.NeedsOffer())
	}
}

// Removed in flight and refused: nothing is left to tell, the m-line is free.
func TestSlotRemovedAndRefused(t *testing.T) {
	s := stable(t)
	slot := s.Add(opusTrack(1))
	answer := editLine(reply(t, s.Offer()), "s0", replacing("a=recvonly", "a=inactive"))
	s.Remove(slot)
	applied(t, s, answer)
	if s.NeedsOffer() {
		t.Error("something to tell")
	}
	s.Add(opusTrack(2))
	expectSketch(t, s.Offer(), "0 audio recvonly 111\ns0 audio sendonly 111 [p2 a2]")
}

// A slot answered inactive keeps its m-line until it is removed, then leaves it
// without another offer; one answered with port 0 leaves it for a new mid.
func TestSlotRefused(t *testing.T) {
	s := stable(t)
	paused, ended := s.Add(opusTrack(1)), s.Add(opusTrack(2))
	answer := editLine(reply(t, s.Offer()), "s0", replacing("a=recvonly", "a=inactive"))
	applied(t, s, editLine(answer, "s1", rejected))
	s.Remove(paused)
	s.Remove(ended)
	if s.NeedsOffer() {
		t.Error("something to tell")
	}
	s.Add(opusTrack(3))
	s.Add(vp8Track(4)) // a stopped m-line may change its kind
	expectSketch(t, s.Offer(), "0 audio recvonly 111\ns0 audio sendonly 111 [p3 a3]\ns2 video sendonly 96,97 [p4 v4]")
}

func TestSlotTakesTheClientsStoppedLine(t *testing.T) {
	s := stable(t)
	offered(t, s, bundled(audio("0", "sendonly"), video("1", "sendonly")))
	offered(t, s, bundled(audio("0", "sendonly"))+rejected(video("1", "inactive")))
	s.Add(opusTrack(1))
	expectSketch(t, s.Offer(), "0 audio recvonly 111\ns0 audio sendonly 111 [p1 a1]")
	settled(t, s)
	if in := s.Incoming(); len(in) != 1 || in[0].Mid != "0" {
		t.Errorf("incoming %s", describe(in))
	}
}

func TestSlotMidAvoidsTheClients(t *testing.T) {
	s := New(testLocal)
	offered(t, s, bundled(audio("s0", "sendonly"), video("s1", "sendonly")))
	if slot := s.Add(opusTrack(1)); s.Offer() == "" || slot.Mid() != "s2" {
		t.Errorf("mid %q", slot.Mid())
	}
}

// What a client without mids sends has one of ours in our offers.
func TestAnonymousLine(t *testing.T) {
	s := New(testLocal)
	nameless := head + strings.Replace(audio("0", "sendonly"), "a=mid:0\n", "", 1)
	o := offered(t, s, nameless)
	expectSketch(t, s.Answer(), "audio recvonly 111")
	if o.Incoming[0].Mid != "s0" {
		t.Errorf("mid %q", o.Incoming[0].Mid)
	}
	offered(t, s, nameless)
	s.Add(opusTrack(1))
	expectSketch(t, s.Offer(), "s0 audio recvonly 111\ns1 audio sendonly 111 [p1 a1]")
}

// reoffer is the client's next offer after ours was answered: the same m-lines,
// ours as the client sees them.
func reoffer(t testing.TB, offer string) string {
	return strings.ReplaceAll(reply(t, offer), "a=setup:active", "a=setup:actpass")
}

func TestReofferOfOurLines(t *testing.T) {
	s := stable(t)
	slot := s.Add(opusTrack(1))
	s.Add(vp8Track(1))
	offer := s.Offer()
	applied(t, s, reply(t, offer))
	o := offered(t, s, reoffer(t, offer))
	if len(o.Slots) != 0 || len(o.Incoming) != 1 {
		t.Errorf("offered %+v", o)
	}
	expectSketch(t, s.Answer(), "0 audio recvonly 111\ns0 audio sendonly 111 [p1 a1]\ns1 video sendonly 96,97 [p1 v1]")
	expectAttributes(t, s.Answer(), "s0", "ssrc", "5001 cname:p1")

	// Paused and taken up again.
	o = offered(t, s, editLine(reoffer(t, offer), "s0", replacing("a=recvonly", "a=inactive")))
	if len(o.Slots) != 1 || o.Slots[0].Slot != slot || o.Slots[0].Accepted {
		t.Errorf("slots %+v", o.Slots)
	}
	expectAttributes(t, s.Answer(), "s0", "inactive", "")
	expectAttributes(t, s.Answer(), "s0", "msid")
	o = offered(t, s, reoffer(t, offer))
	if len(o.Slots) != 1 || !o.Slots[0].Accepted {
		t.Errorf("slots %+v", o.Slots)
	}

	// Other numbers: the client's count.
	o = offered(t, s, editLine(reoffer(t, offer), "s0", replacing(" 111\r", " 120\r", ":111", ":120")))
	if len(o.Slots) != 1 || o.Slots[0].Format.PayloadType != 120 {
		t.Errorf("slots %+v", o.Slots)
	}

	// Stopped for good.
	o = offered(t, s, editLine(reoffer(t, offer), "s0", rejected))
	if len(o.Slots) != 1 || o.Slots[0].Accepted {
		t.Errorf("slots %+v", o.Slots)
	}
	if _, sending := slot.Sending(); sending {
		t.Error("the stopped slot still sends")
	}
	if s.NeedsOffer() {
		t.Error("something to tell")
	}
	expectSketch(t, s.Answer(), "0 audio recvonly 111\ns0 audio x inactive\ns1 video sendonly 96,97 [p1 v1]")
	// The client may take the m-line over.
	o = offered(t, s, editLine(strings.NewReplacer("a=mid:s0", "a=mid:7", "BUNDLE 0 s0", "BUNDLE 0 7").Replace(reoffer(t, offer)),
		"7", replacing("a=recvonly", "a=sendonly")))
	if len(o.Incoming) != 2 || o.Incoming[1].Mid != "7" || !o.Incoming[1].Sending {
		t.Errorf("incoming %s", describe(o.Incoming))
	}
}

// A browser's addTrack takes a transceiver that our offer made: the m-line then
// goes both ways, and goes on so when one of the two ends.
func TestClientSendsOnOurLine(t *testing.T) {
	s := stable(t)
	slot := s.Add(vp8Track(1))
	offer := s.Offer()
	applied(t, s, reply(t, offer))
	both := editLine(reoffer(t, offer), "s0", replacing("a=recvonly", "a=sendrecv", "96 97", "96 97 98", "a=mid", "a=rtpmap:98 VP9/90000\r\na=mid"))
	o := offered(t, s, both)
	if len(o.Incoming) != 2 || o.Incoming[1].Mid != "s0" || !o.Incoming[1].Sending || len(o.Slots) != 0 {
		t.Errorf("offered %+v", o)
	}
	expectSketch(t, s.Answer(), "0 audio recvonly 111\ns0 video sendrecv 96,97,98 [p1 v1]")
	s.Add(opusTrack(2))
	expectSketch(t, s.Offer(), "0 audio recvonly 111\ns0 video sendrecv 96,97,98 [p1 v1]\ns1 audio sendonly 111 [p2 a2]")
	applied(t, s, reply(t, s.Offer()))
	s.Remove(slot)
	expectSketch(t, s.Offer(), "0 audio recvonly 111\ns0 video recvonly 96,97,98\ns1 audio sendonly 111 [p2 a2]")
	applied(t, s, reply(t, s.Offer()))
	if in := s.Incoming(); !in[1].Sending {
		t.Error("the client's track ended with ours")
	}
	s.Add(vp8Track(3))
	expectSketch(t, s.Offer(), "0 audio recvonly 111\ns0 video sendrecv 96,97,98 [p3 v3]\ns1 audio sendonly 111 [p2 a2]")
	applied(t, s, editLine(reply(t, s.Offer()), "s0", replacing("a=sendrecv", "a=recvonly")))
	if in := s.Incoming(); in[1].Sending {
		t.Error("the end of the client's track is lost")
	}
}

// A client may stop sending in its answer to an offer of ours, and never say it
// again in an offer.
func TestAnswerStopsIncoming(t *testing.T) {
	for _, change := range []func(string) string{replacing("a=sendonly", "a=inactive"), rejected} {
		s := stable(t)
		s.Add(opusTrack(1))
		applied(t, s, editLine(reply(t, s.Offer()), "0", change))
		if in := s.Incoming(); len(in) != 1 || in[0].Sending {
			t.Errorf("incoming %s", describe(in))
		}
	}
}

func TestRestart(t *testing.T) {
	s := stable(t)
	other := testLocal
	other.Ufrag, other.Pwd = "restarted", "restartedrestartedrestarted"
	s.SetLocal(other)
	if !s.NeedsOffer() {
		t.Fatal("new credentials need an offer")
	}
	expectAttributes(t, s.Answer(), "0", "ice-ufrag", testLocal.Ufrag)
	offer := s.Offer()
	expectAttributes(t, offer, "0", "ice-ufrag", "restarted")
	if s.NeedsOffer() {
		t.Error("told, and still something to tell")
	}
	applied(t, s, strings.ReplaceAll(strings.ReplaceAll(reply(t, offer), "restartedrestartedrestarted", "newpasswordnewpasswordnew"), "restarted", "newufrag"))
	if r := s.Remote(); r.Ufrag != "newufrag" || r.Pwd != "newpasswordnewpasswordnew" {
		t.Errorf("remote %+v", r)
	}
	// The client's own restart: new ones of ours go into the answer.
	offered(t, s, bundled(audio("0", "sendonly")))
	s.SetLocal(testLocal)
	expectAttributes(t, s.Answer(), "0", "ice-ufrag", testLocal.Ufrag)
	if s.NeedsOffer() {
		t.Error("the answer told it already")
	}
}

// Before any candidate is known, a=end-of-candidates would end ICE at once.
func TestNoCandidates(t *testing.T) {
	local := testLocal
	local.Candidates = nil
	s := New(local)
	offered(t, s, bundled(audio("0", "sendonly")))
	expectAttributes(t, s.Answer(), "0", "end-of-candidates")
}

func TestIDsAreTokens(t *testing.T) {
	for id, want := range map[string]string{
		"p1.screen": "p1.screen", "Ada L": "Ada-L", "a:b": "a-b", "": "-", "ä\r\n": "---", strings.Repeat("x", 99): strings.Repeat("x", maxID),
	} {
		if got := token(id); got != want {
			t.Errorf("%q becomes %q, want %q", id, got, want)
		}
	}
	s := stable(t)
	track := opusTrack(1)
	track.Stream, track.Track = "a b", "c\r\nm=x"
	s.Add(track)
	expectAttributes(t, s.Offer(), "s0", "msid", "a-b c--m-x")
}

// TestSlotFeedback: transport-wide numbers need a client that gives feedback and
// knows RTX.
func TestSlotFeedback(t *testing.T) {
	const extension = "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	for _, tt := range []struct {
		name  string
		rtx   uint32
		edit  func(string) string
		asked bool
		id    uint8
	}{
		{"agreed", 1003, nil, true, 3},
		{"without RTX of ours", 0, nil, false, 0},
		{"refused as feedback", 1003, replacing("a=rtcp-fb:96 transport-cc\r\n", ""), true, 0},
		{"refused as extension", 1003, replacing(extension+"\r\n", ""), true, 0},
		{"RTX refused", 1003, replacing("96 97", "96", "a=rtpmap:97 rtx/90000\r\n", "", "a=fmtp:97 apt=96\r\n", ""), true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := stable(t)
			track := vp8Track(1)
			track.TransportCC, track.RTXSSRC = true, tt.rtx
			s.Add(track)
			offer := s.Offer()
			if asked := strings.Contains(offer, extension) && strings.Contains(offer, "a=rtcp-fb:96 transport-cc"); asked != tt.asked {
				t.Fatalf("asked %v in\n%s", asked, offer)
			}
			answer := reply(t, offer)
			if tt.edit != nil {
				answer = editLine(answer, "s0", tt.edit)
			}
			results := applied(t, s, answer)
			if len(results) != 1 || !results[0].Accepted {
				t.Fatalf("%+v", results)
			}
			if got := results[0].Format.Extensions[wire.ExtensionTransportCC]; got != tt.id {
				t.Errorf("id %d, want %d", got, tt.id)
			}
		})
	}
}
