package jsep

import (
	"fmt"
	"strings"
	"testing"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// The descriptions in testdata come from Chromium 156 and Firefox 153.

func describe(in []Incoming) string {
	var out []string
	for _, i := range in {
		var codecs []string
		for _, c := range i.Codecs {
			codecs = append(codecs, fmt.Sprintf("%v %d/%d", c.Codec, c.PayloadType, c.RTXPayloadType))
		}
		out = append(out, fmt.Sprintf("%s video=%v sending=%v rids=%v ssrcs=%d: %s",
			i.Mid, i.Video, i.Sending, i.RIDs, len(i.SSRCs), strings.Join(codecs, ", ")))
	}
	return strings.Join(out, "\n")
}

func TestGoldenOffers(t *testing.T) {
	const (
		chromiumAudio = "opus 111/0, red 63/0, G722 9/0, PCMU 0/0, PCMA 8/0"
		chromiumVideo = "VP8 96/97, H264 102/103, H264 104/107, H264 108/109, H264 114/115, H264 116/117, H264 39/40, AV1 45/46, VP9 98/99, VP9 100/101"
		firefoxAudio  = "opus 109/0, G722 9/0, PCMU 0/0, PCMA 8/0"
		firefoxVideo  = "VP8 120/124, VP9 121/125, AV1 99/100"
	)
	tests := []struct{ name, incoming, answer string }{
		{
			"chromium-call",
			"0 video=false sending=true rids=[] ssrcs=1: " + chromiumAudio + "\n" +
				"1 video=true sending=true rids=[] ssrcs=1: " + chromiumVideo,
			"0 audio recvonly 111,63,9,0,8\n1 video recvonly 96,97,108,109,102,103,104,107,114,115,116,117,39,40,45,46,98,99,100,101",
		},
		{
			"chromium-simulcast",
			"0 video=true sending=true rids=[q h f] ssrcs=0: " + chromiumVideo + "\n" +
				"1 video=false sending=true rids=[] ssrcs=1: " + chromiumAudio,
			"0 video recvonly 96,97,108,109,102,103,104,107,114,115,116,117,39,40,45,46,98,99,100,101 [recv q;h;f]\n1 audio recvonly 111,63,9,0,8",
		},
		{"chromium-datachannel", "", "0 application webrtc-datachannel"},
		{"firefox-datachannel", "", "0 application webrtc-datachannel"},
		{
			"chromium-recvonly",
			"0 video=true sending=false rids=[] ssrcs=0: VP8 96/97, VP9 98/99, VP9 100/101, VP9 35/36, VP9 37/38, " +
				"H264 102/103, H264 104/107, H264 108/109, H264 114/115, H264 116/117, H264 39/40, H264 41/42, H264 43/44, AV1 45/46, AV1 47/48\n" +
				"1 video=false sending=false rids=[] ssrcs=0: " + chromiumAudio,
			"0 video inactive 96,97,98,99,100,101,35,36,37,38,108,109,102,103,104,107,114,115,116,117,39,40,41,42,43,44,45,46,47,48\n1 audio inactive 111,63,9,0,8",
		},
		{
			"firefox-call",
			"0 video=false sending=true rids=[] ssrcs=1: " + firefoxAudio + "\n" +
				"1 video=true sending=true rids=[] ssrcs=1: " + firefoxVideo,
			"0 audio recvonly 109,9,0,8\n1 video recvonly 120,124,121,125,99,100",
		},
		{ // the second m-line has port 0 and bundle-only
			"firefox-simulcast",
			"0 video=true sending=true rids=[q h f] ssrcs=3: " + firefoxVideo + "\n" +
				"1 video=false sending=true rids=[] ssrcs=1: " + firefoxAudio,
			"0 video recvonly 120,124,121,125,99,100 [recv q;h;f]\n1 audio recvonly 109,9,0,8",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := New(testLocal)
			o := offered(t, s, golden(t, test.name))
			if got := describe(o.Incoming); got != test.incoming {
				t.Errorf("incoming\n%s\nwant\n%s", got, test.incoming)
			}
			expectSketch(t, s.Answer(), test.answer)
			checkRemote(t, o.Remote, strings.HasPrefix(test.name, "firefox"))
			if o.Remote.DataChannels != strings.HasSuffix(test.name, "datachannel") {
				t.Errorf("DataChannels is %v", o.Remote.DataChannels)
			}
		})
	}
}

func checkRemote(t *testing.T, r Remote, firefox bool) {
	t.Helper()
	if r.Ufrag == "" || r.Pwd == "" || r.Setup != "actpass" || r.Lite {
		t.Errorf("remote %+v", r)
	}
	if len(r.Fingerprints) != 1 || r.Fingerprints[0].Algorithm != "sha-256" || len(r.Fingerprints[0].Value) != 95 {
		t.Errorf("fingerprints %v", r.Fingerprints)
	}
	// Two addresses over UDP and TCP; Firefox has a second component of each.
	if len(r.Candidates) != 4 {
		t.Errorf("%d candidates: %q", len(r.Candidates), r.Candidates)
	}
	if r.EndOfCandidates != firefox {
		t.Errorf("end of candidates is %v", r.EndOfCandidates)
	}
}

func TestGoldenExtensions(t *testing.T) {
	s := New(testLocal)
	in := offered(t, s, golden(t, "firefox-simulcast")).Incoming[0]
	want := wire.ExtensionIDs{
		wire.ExtensionMid: 3, wire.ExtensionRid: 9, wire.ExtensionRepairedRid: 10, wire.ExtensionAbsSendTime: 4,
		wire.ExtensionTransportCC: 7, wire.ExtensionDependencyDescriptor: 8,
	}
	if in.Extensions != want { // playout-delay is recvonly there
		t.Errorf("extensions %v, want %v", in.Extensions, want)
	}
	expectAttributes(t, s.Answer(), "0", "extmap",
		"3 urn:ietf:params:rtp-hdrext:sdes:mid",
		"4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
		"7 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
		"8/recvonly https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
		"9/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
		"10/recvonly urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id")
	svc := offered(t, New(testLocal), golden(t, "chromium-svc")).Incoming[0]
	if svc.Extensions[wire.ExtensionDependencyDescriptor] != 13 {
		t.Errorf("extensions %v", svc.Extensions)
	}
}

// dialog replays a real browser: it publishes, is offered four tracks, answers,
// then shares a screen by addTrack on a transceiver that our offer made, and
// stops another of ours.
func dialog(t *testing.T, browser string) (s *Session, slots []*Slot, results []Result, second *Offered) {
	t.Helper()
	s = New(testLocal)
	offered(t, s, golden(t, browser+"-dialog-1-offer"))
	s.Answer()
	h264 := vp8Track(2)
	h264.Codec = Codec{Codec: codec.H264, ClockRate: 90000, Fmtp: "packetization-mode=1;profile-level-id=42e01f"}
	red := opusTrack(2)
	red.RED = true
	for _, track := range []Sending{vp8Track(1), opusTrack(1), h264, red} {
		slots = append(slots, s.Add(track))
	}
	s.Offer()
	results = applied(t, s, golden(t, browser+"-dialog-2-answer"))
	second = offered(t, s, golden(t, browser+"-dialog-3-offer"))
	return s, slots, results, second
}

func TestGoldenDialogChromium(t *testing.T) {
	s, slots, results, second := dialog(t, "chromium")
	for i, want := range []Result{
		{Slot: slots[0], Accepted: true, Codec: codec.VP8, NACK: true, Format: wire.Format{
			SSRC: 1002, RTXSSRC: 1003, PayloadType: 96, RTXPayloadType: 97,
			Extensions: wire.ExtensionIDs{wire.ExtensionMid: 9}}},
		{Slot: slots[1], Accepted: true, Codec: codec.Opus, Format: wire.Format{
			SSRC: 5001, PayloadType: 111,
			Extensions: wire.ExtensionIDs{wire.ExtensionMid: 9, wire.ExtensionAudioLevel: 12}}},
		{Slot: slots[2], Accepted: true, Codec: codec.H264, NACK: true, Format: wire.Format{
			SSRC: 1004, RTXSSRC: 1005, PayloadType: 108, RTXPayloadType: 109,
			Extensions: wire.ExtensionIDs{wire.ExtensionMid: 9}}},
		{Slot: slots[3], Accepted: true, Codec: codec.Opus, REDPayloadType: 63, Format: wire.Format{
			SSRC: 5002, PayloadType: 111,
			Extensions: wire.ExtensionIDs{wire.ExtensionMid: 9, wire.ExtensionAudioLevel: 12}}},
	} {
		if results[i] != want {
			t.Errorf("result %d is %+v, want %+v", i, results[i], want)
		}
	}
	expectDialog(t, s, slots, second)
}

func TestGoldenDialogFirefox(t *testing.T) {
	s, slots, results, second := dialog(t, "firefox")
	if r := results[2]; r.Accepted {
		t.Errorf("H264 is accepted where the browser has none: %+v", r)
	}
	if r := results[3]; !r.Accepted || r.Codec != codec.Opus || r.Format.PayloadType != 109 || r.REDPayloadType != 0 {
		t.Errorf("RED where the browser has none: %+v", r)
	}
	if _, sending := slots[2].Sending(); sending {
		t.Error("the rejected slot still sends")
	}
	expectDialog(t, s, slots, second)
}

func expectDialog(t *testing.T, s *Session, slots []*Slot, second *Offered) {
	t.Helper()
	if len(second.Incoming) != 3 || second.Incoming[2].Mid != "s0" || !second.Incoming[2].Sending {
		t.Errorf("the screen on our m-line is missing: %s", describe(second.Incoming))
	}
	stopped := false
	for _, r := range second.Slots {
		stopped = stopped || r.Slot == slots[1] && !r.Accepted
	}
	if _, sending := slots[1].Sending(); sending || !stopped {
		t.Errorf("the stopped slot: sending %v, reported %v", sending, stopped)
	}
	expectAttributes(t, s.Answer(), "s0", "msid", "p1 v1")
	if got := attributes(t, s.Answer(), "s0", "sendrecv"); len(got) != 1 {
		t.Error("our m-line does not go both ways")
	}
	// The next offer of ours keeps both ways up.
	s.Add(opusTrack(9))
	offer := s.Offer()
	if len(attributes(t, offer, "s0", "sendrecv")) != 1 {
		t.Errorf("the offer drops the client's track:\n%s", sketch(t, offer))
	}
	if !strings.Contains(offer, "a=simulcast:recv q;h;f") {
		t.Error("the offer drops the client's layers")
	}
}
