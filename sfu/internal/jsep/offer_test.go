package jsep

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"plenum/sfu/internal/wire"
)

func TestOfferDirections(t *testing.T) {
	for direction, want := range map[string]string{
		"sendrecv": "recvonly", "sendonly": "recvonly", "recvonly": "inactive", "inactive": "inactive",
	} {
		s := New(testLocal)
		o := offered(t, s, bundled(audio("0", direction)))
		expectSketch(t, s.Answer(), "0 audio "+want+" 111")
		if got := o.Incoming[0].Sending; got != (want == "recvonly") {
			t.Errorf("%s: Sending is %v", direction, got)
		}
	}
	// Without a direction it is sendrecv, and the session may set another default.
	bare := strings.Replace(bundled(audio("0", "sendrecv")), "a=sendrecv\n", "", 1)
	if !offered(t, New(testLocal), bare).Incoming[0].Sending {
		t.Error("no direction means sendrecv")
	}
	byDefault := strings.Replace(bare, "a=setup", "a=inactive\na=setup", 1)
	if offered(t, New(testLocal), byDefault).Incoming[0].Sending {
		t.Error("the session's direction is ignored")
	}
}

func TestOfferBundle(t *testing.T) {
	unbundled := func(sections ...string) string { return head + strings.Join(sections, "") }
	group := func(mids string, sections ...string) string {
		return head + "a=group:BUNDLE " + mids + "\n" + strings.Join(sections, "")
	}
	bundleOnly := rejected(video("1", "sendonly", "a=bundle-only"))
	text := "m=message 9 TCP/MSRP *\na=mid:t\n"
	noCodec := "m=video 9 UDP/TLS/RTP/SAVPF 50\na=mid:n\na=rtpmap:50 dirac/90000\n"
	avp := "m=audio 9 RTP/AVP 0\na=mid:p\n"
	tests := []struct{ name, offer, group, answer string }{
		{"all in one", bundled(audio("0", "sendonly"), video("1", "sendonly")), "BUNDLE 0 1",
			"0 audio recvonly 111\n1 video recvonly 96,97"},
		{"no group: the first", unbundled(audio("0", "sendonly"), video("1", "sendonly")), "",
			"0 audio recvonly 111\n1 video x inactive"},
		{"no group: the first that we can take", unbundled(text, audio("0", "sendonly"), video("1", "sendonly")), "",
			"t message x inactive\n0 audio recvonly 111\n1 video x inactive"},
		{"one left out of the group", group("1", audio("0", "sendonly"), video("1", "sendonly")), "BUNDLE 1",
			"0 audio x inactive\n1 video recvonly 96,97"},
		{"another order", group("1 0", audio("0", "sendonly"), video("1", "sendonly")), "BUNDLE 1 0",
			"0 audio recvonly 111\n1 video recvonly 96,97"},
		{"two groups: the first", head + "a=group:BUNDLE 0\na=group:BUNDLE 1\n" + audio("0", "sendonly") + video("1", "sendonly"),
			"BUNDLE 0", "0 audio recvonly 111\n1 video x inactive"},
		{"bundle-only", group("0 1", audio("0", "sendonly"), bundleOnly), "BUNDLE 0 1",
			"0 audio recvonly 111\n1 video recvonly 96,97"},
		{"bundle-only outside the group", group("0", audio("0", "sendonly"), bundleOnly), "BUNDLE 0",
			"0 audio recvonly 111\n1 video x inactive"},
		{"nothing that we know", bundled(text, audio("0", "sendonly"), noCodec, avp), "BUNDLE 0",
			"t message x inactive\n0 audio recvonly 111\nn video x inactive\np audio x inactive"},
		{"stopped", bundled(rejected(audio("0", "inactive")), video("1", "sendonly")), "BUNDLE 1",
			"0 audio x inactive\n1 video recvonly 96,97"},
		{"no mid", unbundled(strings.Replace(audio("0", "sendonly"), "a=mid:0\n", "", 1)), "",
			"audio recvonly 111"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := New(testLocal)
			offered(t, s, test.offer)
			expectSketch(t, s.Answer(), test.answer)
			if got, _ := parsed(t, s.Answer()).Attribute("group"); got != test.group {
				t.Errorf("group %q, want %q", got, test.group)
			}
		})
	}
}

func TestOfferErrors(t *testing.T) {
	good := bundled(audio("0", "sendonly"), video("1", "sendonly"))
	swap := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(good) }
	again := strings.Repeat("x", 300)
	tests := map[string]string{
		"empty":            "",
		"garbage":          "hello",
		"no m-line":        head,
		"same mid twice":   swap("a=mid:1", "a=mid:0"),
		"bad mid":          swap("a=mid:1", "a=mid:a b"),
		"no ufrag":         swap("a=ice-ufrag:clientufrag\n", ""),
		"short pwd":        swap("clientpasswordclientpassword", "short"),
		"long ufrag":       swap("clientufrag", again),
		"no fingerprint":   swap("a=fingerprint:sha-256 00:11:22\n", ""),
		"holdconn":         swap("actpass", "holdconn"),
		"nothing accepted": swap("m=audio 9", "m=audio 0", "m=video 9", "m=video 0"),
		"too many m-lines": head + strings.Repeat("m=audio 0 UDP/TLS/RTP/SAVPF 0\n", maxLines+1),
	}
	offered(t, New(testLocal), good)
	for name, text := range tests {
		s := New(testLocal)
		if _, err := s.ApplyOffer(text); err == nil {
			t.Errorf("%s: no error", name)
		}
		if s.Answer() != "" {
			t.Errorf("%s: an answer", name)
		}
	}
}

// Each of these breaks a rule of RFC 8829 §5.2.2 for what follows good.
func TestReofferErrors(t *testing.T) {
	good := bundled(audio("0", "sendonly"), video("1", "sendonly"))
	for name, text := range map[string]string{
		"fewer m-lines": bundled(audio("0", "sendonly")),
		"another order": bundled(video("1", "sendonly"), audio("0", "sendonly")),
		"another mid":   bundled(audio("0", "sendonly"), video("2", "sendonly")),
		"another kind":  bundled(audio("0", "sendonly"), audio("1", "sendonly")),
		"mid lost":      strings.Replace(good, "a=mid:1\n", "", 1),
	} {
		s, twin := New(testLocal), New(testLocal)
		offered(t, s, good)
		offered(t, twin, good)
		if _, err := s.ApplyOffer(text); err == nil {
			t.Errorf("%s: no error", name)
		}
		expectSame(t, s, twin)
	}
}

// expectSame compares what two sessions would say next.
func expectSame(t testing.TB, s, twin *Session) {
	t.Helper()
	if s.Answer() != twin.Answer() {
		t.Errorf("answers differ:\n%s\n%s", s.Answer(), twin.Answer())
	}
	if s.NeedsOffer() != twin.NeedsOffer() || s.OfferInFlight() != twin.OfferInFlight() {
		t.Error("the sessions differ in their state")
	}
	if s.Offer() != twin.Offer() {
		t.Errorf("offers differ:\n%s\n%s", s.Offer(), twin.Offer())
	}
}

func TestOfferSetup(t *testing.T) {
	s := New(testLocal)
	for _, step := range []struct{ offered, answered string }{
		{"actpass", "passive"}, {"active", "passive"}, {"actpass", "passive"},
	} {
		o := offered(t, s, strings.Replace(bundled(audio("0", "sendonly")), "actpass", step.offered, 1))
		expectAttributes(t, s.Answer(), "0", "setup", step.answered)
		if o.Remote.Setup != step.offered {
			t.Errorf("Setup is %q", o.Remote.Setup)
		}
	}
	s.Add(opusTrack(1))
	expectAttributes(t, s.Offer(), "0", "setup", "actpass")
	s = New(testLocal)
	offered(t, s, strings.Replace(bundled(audio("0", "sendonly")), "a=setup:actpass\n", "", 1))
	expectAttributes(t, s.Answer(), "0", "setup", "passive")
}

func TestOfferTransport(t *testing.T) {
	media := strings.Join([]string{
		"a=ice-ufrag:mediaufrag", "a=ice-pwd:mediapasswordmediapasswd", "a=fingerprint:SHA-256 ab:cd", "a=fingerprint:sha-1 ef",
		"a=fingerprint:sha-256 AB:CD", "a=candidate:1 1 udp 1 192.0.2.1 1 typ host", "a=candidate:1 2 udp 1 192.0.2.1 2 typ host",
		"a=candidate:garbage", "a=end-of-candidates",
	}, "\n")
	s := New(testLocal)
	r := offered(t, s, strings.Replace(bundled(audio("0", "sendonly", media), video("1", "sendonly")), "a=setup", "a=ice-lite\na=setup", 1)).Remote
	if r.Ufrag != "mediaufrag" || r.Pwd != "mediapasswordmediapasswd" || !r.Lite || !r.EndOfCandidates || r.Setup != "actpass" {
		t.Errorf("remote %+v", r)
	}
	if want := []Fingerprint{{"sha-256", "AB:CD"}, {"sha-1", "EF"}}; !slices.Equal(r.Fingerprints, want) {
		t.Errorf("fingerprints %v, want %v", r.Fingerprints, want)
	}
	if want := []string{"1 1 udp 1 192.0.2.1 1 typ host"}; !slices.Equal(r.Candidates, want) {
		t.Errorf("candidates %q, want %q", r.Candidates, want)
	}
	// Ours: credentials in every m-line, candidates in the first of the bundle.
	answer := s.Answer()
	expectAttributes(t, answer, "1", "ice-ufrag", testLocal.Ufrag)
	expectAttributes(t, answer, "1", "fingerprint", testLocal.Fingerprint)
	expectAttributes(t, answer, "0", "candidate", testLocal.Candidates[0], strings.TrimPrefix(testLocal.Candidates[1], "candidate:"))
	expectAttributes(t, answer, "0", "end-of-candidates", "")
	expectAttributes(t, answer, "0", "ice-options", "trickle")
	expectAttributes(t, answer, "1", "candidate")
}

// A client with transport attributes only in its second m-line, which is not
// the one whose transport counts, is understood as well.
func TestOfferTransportElsewhere(t *testing.T) {
	text := strings.NewReplacer("a=ice-ufrag:clientufrag\n", "", "a=ice-pwd:clientpasswordclientpassword\n", "").Replace(
		bundled(audio("0", "sendonly"), video("1", "sendonly", "a=ice-ufrag:elsewhere", "a=ice-pwd:elsewherepasswordelsewhere")))
	if r := offered(t, New(testLocal), text).Remote; r.Ufrag != "elsewhere" {
		t.Errorf("ufrag %q", r.Ufrag)
	}
}

func TestOfferSimulcast(t *testing.T) {
	const ridExtension = "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	rids := func(names ...string) (list []string) {
		for _, n := range names {
			list = append(list, "a=rid:"+n+" send")
		}
		return append(list, ridExtension)
	}
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"three", append(rids("q", "h", "f"), "a=simulcast:send q;h;f"), "q;h;f"},
		{"order of a=simulcast", append(rids("q", "h", "f"), "a=simulcast:send f;q;h"), "f;q;h"},
		{"paused", append(rids("q", "h"), "a=simulcast:send q;~h"), "q;~h"},
		{"alternatives", append(rids("a", "b", "c"), "a=simulcast:send ~a,b;c"), "~a;c"},
		{"at most three", append(rids("a", "b", "c", "d"), "a=simulcast:send a;b;c;d"), "a;b;c"},
		{"undescribed", append(rids("a"), "a=simulcast:send a;b"), "a"},
		{"other direction", append(rids("a"), "a=rid:b recv", "a=simulcast:recv b send a"), "a"},
		{"with restrictions", []string{"a=rid:x send pt=96;max-width=320", ridExtension, "a=simulcast:send x"}, "x"},
		{"old draft", append(rids("a", "b"), "a=simulcast: send rid=a;b"), "a;b"},
		{"bad name", append(rids("a!", strings.Repeat("y", 17), "ok"), "a=simulcast:send a!;"+strings.Repeat("y", 17)+";ok"), "ok"},
		{"twice", append(rids("a"), "a=simulcast:send a;a"), "a"},
		{"none", rids("a"), ""},
		{"no rid extension", []string{"a=rid:a send", "a=simulcast:send a"}, ""},
	}
	for _, test := range tests {
		s := New(testLocal)
		o := offered(t, s, bundled(video("0", "sendonly", test.lines...)))
		if got, want := strings.Join(o.Incoming[0].RIDs, ";"), strings.ReplaceAll(test.want, "~", ""); got != want {
			t.Errorf("%s: rids %q, want %q", test.name, got, want)
			continue
		}
		var simulcast, described []string
		if test.want != "" {
			simulcast = []string{"recv " + test.want}
			for rid := range strings.SplitSeq(strings.ReplaceAll(test.want, "~", ""), ";") {
				described = append(described, rid+" recv")
			}
		}
		expectAttributes(t, s.Answer(), "0", "simulcast", simulcast...)
		expectAttributes(t, s.Answer(), "0", "rid", described...)
	}
	// A later offer turns a layer on, and another off.
	s := New(testLocal)
	offered(t, s, bundled(video("0", "sendonly", append(rids("q", "h"), "a=simulcast:send q;~h")...)))
	s.Answer()
	offered(t, s, bundled(video("0", "sendonly", append(rids("q", "h"), "a=simulcast:send ~q;h")...)))
	expectAttributes(t, s.Answer(), "0", "simulcast", "recv ~q;h")
}

func TestOfferExtensions(t *testing.T) {
	s := New(testLocal)
	in := offered(t, s, strings.Replace(bundled(audio("0", "sendonly",
		"a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on",
		"a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level", // twice
		"a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid",         // its id is taken
		"a=extmap:3/recvonly http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
		"a=extmap:4/inactive urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
		"a=extmap:5/sendrecv http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
		"a=extmap:6 urn:unknown", "a=extmap:x urn:bad", "a=extmap:0 urn:bad", "a=extmap:256 urn:bad",
		"a=extmap:7/sideways http://www.webrtc.org/experiments/rtp-hdrext/color-space", "a=extmap:8",
		"a=extmap:200 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
	)), "a=setup", "a=extmap-allow-mixed\na=setup", 1)).Incoming[0]
	want := wire.ExtensionIDs{wire.ExtensionAudioLevel: 1, wire.ExtensionAbsCaptureTime: 5, wire.ExtensionRepairedRid: 200}
	if in.Extensions != want {
		t.Errorf("extensions %v, want %v", in.Extensions, want)
	}
	expectAttributes(t, s.Answer(), "0", "extmap",
		"1/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level",
		"5/recvonly http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
		"200 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id")
	if _, ok := parsed(t, s.Answer()).Attribute("extmap-allow-mixed"); !ok {
		t.Error("extmap-allow-mixed is not echoed")
	}
}

func TestOfferSSRCs(t *testing.T) {
	in := offered(t, New(testLocal), bundled(video("0", "sendonly",
		"a=ssrc-group:FID 1 2", "a=ssrc-group:FEC-FR 1 3", "a=ssrc-group:FID 4", "a=ssrc-group:FID x 9",
		"a=ssrc:1 cname:a", "a=ssrc:2 cname:a", "a=ssrc:1 msid:stream track", "a=ssrc:3 cname:a", "a=ssrc:5 cname:a", "a=ssrc:bad", "a=ssrc:0 x",
	))).Incoming[0]
	if want := []SSRC{{1, 2}, {5, 0}}; !slices.Equal(in.SSRCs, want) {
		t.Errorf("SSRCs %v, want %v", in.SSRCs, want)
	}
	if in.Stream != "stream" || in.Track != "track" {
		t.Errorf("msid %q %q", in.Stream, in.Track)
	}
	in = offered(t, New(testLocal), bundled(audio("0", "sendonly", "a=msid:s t"))).Incoming[0]
	if in.Stream != "s" || in.Track != "t" {
		t.Errorf("msid %q %q", in.Stream, in.Track)
	}
}

func TestOfferDataChannel(t *testing.T) {
	s := New(testLocal)
	o := offered(t, s, bundled("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:d\na=sctp-port:5000\na=max-message-size:262144\n"))
	expectSketch(t, s.Answer(), "d application webrtc-datachannel")
	expectAttributes(t, s.Answer(), "d", "sctp-port", "5000")
	expectAttributes(t, s.Answer(), "d", "max-message-size", maxMessageSize)
	if !o.Remote.DataChannels || len(o.Incoming) != 0 {
		t.Errorf("offered %+v", o)
	}
	s = New(testLocal)
	offered(t, s, bundled("m=application 9 DTLS/SCTP 5000\na=mid:d\na=sctpmap:5000 webrtc-datachannel 1024\n"))
	expectSketch(t, s.Answer(), "d application 5000")
	expectAttributes(t, s.Answer(), "d", "sctpmap", "5000 webrtc-datachannel 1024")
	expectAttributes(t, s.Answer(), "d", "max-message-size")
}

// A client recycles a stopped m-line under a new mid, even for another kind.
func TestOfferRecycles(t *testing.T) {
	s := New(testLocal)
	offered(t, s, bundled(audio("0", "sendonly"), video("1", "sendonly")))
	o := offered(t, s, bundled(audio("0", "sendonly"))+rejected(video("1", "inactive")))
	if len(o.Incoming) != 2 || o.Incoming[1].Sending {
		t.Errorf("after the stop: %s", describe(o.Incoming))
	}
	expectSketch(t, s.Answer(), "0 audio recvonly 111\n1 video x inactive")
	o = offered(t, s, bundled(audio("0", "sendonly"), audio("2", "sendonly")))
	if len(o.Incoming) != 2 || o.Incoming[1].Mid != "2" || !o.Incoming[1].Sending || o.Incoming[1].Video {
		t.Errorf("after recycling: %s", describe(o.Incoming))
	}
	expectSketch(t, s.Answer(), "0 audio recvonly 111\n2 audio recvonly 111")
	// Some clients drop the mid of a stopped m-line.
	offered(t, s, bundled(audio("0", "sendonly"))+strings.Replace(rejected(audio("2", "inactive")), "a=mid:2\n", "", 1))
	expectSketch(t, s.Answer(), "0 audio recvonly 111\n2 audio x inactive")
}

// With every m-line stopped there is no transport left to speak of; what the
// session knew of the client's end stays.
func TestOfferAllStopped(t *testing.T) {
	s := New(testLocal)
	first := offered(t, s, bundled(audio("0", "sendonly"))).Remote
	second := offered(t, s, head+rejected(audio("0", "inactive"))).Remote
	if first.Ufrag != second.Ufrag || s.Remote().Ufrag != first.Ufrag {
		t.Errorf("remote %+v", second)
	}
	expectSketch(t, s.Answer(), "0 audio x inactive")
}

func TestOrigin(t *testing.T) {
	s := New(testLocal)
	offered(t, s, bundled(audio("0", "sendonly")))
	first := parsed(t, s.Answer()).Origin
	if again := parsed(t, s.Answer()).Origin; again != first {
		t.Error("the same answer has another origin")
	}
	s.Add(opusTrack(1))
	second := parsed(t, s.Offer()).Origin
	if second.SessionID != first.SessionID || second.SessionVersion != first.SessionVersion+1 {
		t.Errorf("origin %v after %v", second, first)
	}
	if first.SessionID == 0 || first.SessionID>>62 != 0 {
		t.Errorf("session id %d", first.SessionID)
	}
}

func TestForeign(t *testing.T) {
	s := New(testLocal)
	first := golden(t, "chromium-dialog-1-offer")
	if s.Foreign(first) {
		t.Error("the first description of all is foreign")
	}
	offered(t, s, first)
	own := regexp.MustCompile(`a=fingerprint:\S+ (\S+)`).FindStringSubmatch(first)[1]
	for text, want := range map[string]bool{
		first:                                   false,
		strings.ToLower(first):                  false,
		strings.ReplaceAll(first, own, "AB:CD"): true,
		"v=0\r\n":                               false, // it can't be applied, but for another reason
		"a=fingerprint:sha-256 AB:CD\r\na=fingerprint:SHA-256 " + own + "\r\n": false,
		"a=fingerprint:sha-512 " + own + "\r\n":                                true,
		"a=fingerprint:nonsense\r\n":                                           false,
	} {
		if got := s.Foreign(text); got != want {
			t.Errorf("%.60q: %v", text, got)
		}
	}
}
