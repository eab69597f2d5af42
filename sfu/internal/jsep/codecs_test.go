package jsep

import (
	"strings"
	"testing"

	"plenum/sfu/internal/codec"
)

// mline is an m-line of a kind with formats and attributes.
func mline(kind, formats string, attributes ...string) string {
	return "m=" + kind + " 9 UDP/TLS/RTP/SAVPF " + formats + "\na=mid:0\na=sendonly\na=rtcp-mux\n" + lines(attributes)
}

func TestAcceptedCodecs(t *testing.T) {
	tests := []struct{ name, section, formats string }{
		{"client's order", mline("video", "98 96", "a=rtpmap:96 VP8/90000", "a=rtpmap:98 VP9/90000"), "98,96"},
		{"static without rtpmap", mline("audio", "0 8 9 3 13"), "0,8,9"},
		{"static with rtpmap", mline("audio", "0", "a=rtpmap:0 PCMU/8000/1"), "0"},
		{"any case", mline("video", "96 97", "a=rtpmap:96 vp8/90000", "a=rtpmap:97 RTX/90000", "a=fmtp:97 APT=96"), "96,97"},
		{"h265", mline("video", "96", "a=rtpmap:96 H265/90000"), "96"},
		{"fec and events dropped", mline("audio", "111 110 13 126", "a=rtpmap:111 opus/48000/2",
			"a=rtpmap:110 telephone-event/48000", "a=rtpmap:13 CN/8000", "a=rtpmap:126 telephone-event/8000"), "111"},
		{"video red and fec dropped", mline("video", "96 118 119 120 49", "a=rtpmap:96 VP8/90000", "a=rtpmap:118 red/90000",
			"a=rtpmap:119 rtx/90000", "a=fmtp:119 apt=118", "a=rtpmap:120 ulpfec/90000", "a=rtpmap:49 flexfec-03/90000"), "96"},
		{"red with its opus", mline("audio", "63 111", "a=rtpmap:111 opus/48000/2", "a=rtpmap:63 red/48000/2", "a=fmtp:63 111/111"), "63,111"},
		{"red without fmtp", mline("audio", "111 63", "a=rtpmap:111 opus/48000/2", "a=rtpmap:63 red/48000/2"), "111,63"},
		{"red of something else", mline("audio", "0 111 63", "a=rtpmap:111 opus/48000/2", "a=rtpmap:63 red/48000/2", "a=fmtp:63 0/111"), "0,111"},
		{"rtx of nothing", mline("video", "96 97", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=99"), "96"},
		{"rtx of another clock", mline("video", "96 97", "a=rtpmap:96 VP8/90000", "a=rtpmap:97 rtx/8000", "a=fmtp:97 apt=96"), "96"},
		{"wrong clock", mline("video", "96 98", "a=rtpmap:96 VP8/8000", "a=rtpmap:98 VP9/90000"), "98"},
		{"wrong kind", mline("video", "96 98", "a=rtpmap:96 opus/48000/2", "a=rtpmap:98 VP9/90000"), "98"},
		{"unknown profiles", mline("video", "96 97 98 99 100 101", "a=rtpmap:96 VP9/90000", "a=fmtp:96 profile-id=9",
			"a=rtpmap:97 AV1/90000", "a=fmtp:97 profile=3", "a=rtpmap:98 H264/90000", "a=fmtp:98 profile-level-id=010203",
			"a=rtpmap:99 H264/90000", "a=fmtp:99 packetization-mode=2", "a=rtpmap:100 H264/90000", "a=fmtp:100 profile-level-id=xyz",
			"a=rtpmap:101 H264/90000"), "101"},
		{"what all decode before what few do", mline("video", "96 97 98 99 100 127", "a=rtpmap:96 H264/90000", "a=fmtp:96 packetization-mode=1;profile-level-id=640C1F",
			"a=rtpmap:97 rtx/90000", "a=fmtp:97 apt=96", "a=rtpmap:98 H264/90000", "a=fmtp:98 packetization-mode=1;profile-level-id=42E01F",
			"a=rtpmap:99 rtx/90000", "a=fmtp:99 apt=98", "a=rtpmap:100 H265/90000", "a=rtpmap:127 VP8/90000"), "98,99,96,97,100,127"},
		{"constrained baseline before plain", mline("video", "96 98", "a=rtpmap:96 H264/90000", "a=fmtp:96 profile-level-id=42001f", "a=rtpmap:98 H264/90000", "a=fmtp:98 profile-level-id=42e01f"), "98,96"},
		{"plain baseline before high", mline("video", "96 98", "a=rtpmap:96 H264/90000", "a=fmtp:96 profile-level-id=64001f", "a=rtpmap:98 H264/90000", "a=fmtp:98 profile-level-id=42001f"), "98,96"},
		{"other codecs keep their places", mline("video", "96 97 98", "a=rtpmap:96 AV1/90000", "a=rtpmap:97 VP8/90000", "a=rtpmap:98 H264/90000"), "96,97,98"},
		{"formats twice or unreadable", mline("video", "96 96 200 x", "a=rtpmap:96 VP8/90000"), "96"},
		{"broken rtpmap", mline("video", "96 97 98 99", "a=rtpmap:96 VP8", "a=rtpmap:97 VP8/x", "a=rtpmap:98 VP8/90000/0", "a=rtpmap:99 VP8/90000"), "99"},
	}
	for _, test := range tests {
		s := New(testLocal)
		offered(t, s, bundled(test.section))
		kind := strings.TrimPrefix(strings.Fields(test.section)[0], "m=")
		if got, want := sketch(t, s.Answer()), "0 "+kind+" recvonly "+test.formats; got != want {
			t.Errorf("%s: %q, want %q", test.name, got, want)
		}
	}
}

func TestAnsweredParameters(t *testing.T) {
	for _, test := range []struct{ rtpmap, offered, answered string }{
		{"opus/48000/2", "", "minptime=10;useinbandfec=1"},
		{"opus/48000/2", "minptime=20;maxaveragebitrate=9000", "minptime=10;useinbandfec=1"},
		{"opus/48000/2", "stereo=1; usedtx=1", "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;usedtx=1"},
		{"opus/48000/2", "sprop-stereo=1;stereo=0", "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"},
		{"VP8/90000", "max-fs=12288;max-fr=60", "max-fs=12288;max-fr=60"},
		{"VP8/90000", "", ""},
		{"VP8/90000", "nul\x01", ""},
		{"H264/90000", "profile-level-id=640c1f;packetization-mode=1", "profile-level-id=640c1f;packetization-mode=1"},
	} {
		kind := "video"
		if strings.HasPrefix(test.rtpmap, "opus") {
			kind = "audio"
		}
		attributes := []string{"a=rtpmap:96 " + test.rtpmap}
		var want []string
		if test.offered != "" {
			attributes = append(attributes, "a=fmtp:96 "+test.offered)
		}
		if test.answered != "" {
			want = append(want, "96 "+test.answered)
		}
		s := New(testLocal)
		offered(t, s, bundled(mline(kind, "96", attributes...)))
		expectAttributes(t, s.Answer(), "0", "fmtp", want...)
	}
}

func TestFeedback(t *testing.T) {
	s := New(testLocal)
	in := offered(t, s, bundled(mline("video", "96 98", "a=rtpmap:96 VP8/90000", "a=rtpmap:98 VP9/90000",
		"a=rtcp-fb:* nack", "a=rtcp-fb:96 nack  PLI", "a=rtcp-fb:96 ccm fir", "a=rtcp-fb:98 transport-cc",
		"a=rtcp-fb:98 goog-remb", "a=rtcp-fb:98 nack rpsi", "a=rtcp-fb:77 nack pli", "a=rtcp-fb"))).Incoming[0]
	vp8, vp9 := in.Codecs[0], in.Codecs[1]
	if !vp8.NACK || !vp8.PLI || !vp8.FIR || vp8.TransportCC || !vp9.NACK || vp9.PLI || vp9.FIR || !vp9.TransportCC {
		t.Errorf("feedback %+v %+v", vp8, vp9)
	}
	expectAttributes(t, s.Answer(), "0", "rtcp-fb",
		"96 ccm fir", "96 nack", "96 nack pli", "98 transport-cc", "98 nack")
	s = New(testLocal)
	offered(t, s, bundled(mline("audio", "111", "a=rtpmap:111 opus/48000/2", "a=rtcp-fb:111 transport-cc", "a=rtcp-fb:111 nack")))
	expectAttributes(t, s.Answer(), "0", "rtcp-fb", "111 transport-cc", "111 nack")
}

func TestH264Profile(t *testing.T) {
	for id, want := range map[string]string{
		"42e01f": "constrained-baseline", "42c015": "constrained-baseline", "4d801f": "constrained-baseline",
		"42001f": "baseline", "4d001f": "main", "4d401f": "main", "64001f": "high", "640C1F": "constrained-high",
		"f4001f": "predictive-high-4:4:4", "58a01f": "baseline", "58e01f": "constrained-baseline",
		"010203": "", "42": "", "42e01f00": "", "gg001f": "", "+4d001": "",
	} {
		if got := h264Profile(id); got != want {
			t.Errorf("%s is %q, want %q", id, got, want)
		}
	}
}

// Nothing of a publisher's fmtp reaches a viewer but known numbers.
func TestCanonical(t *testing.T) {
	for _, test := range []struct {
		codec      codec.Codec
		fmtp, want string
	}{
		{codec.Opus, "stereo=1;evil=\r\na=x", "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"},
		{codec.VP8, "max-fs=1", ""},
		{codec.VP9, "", "profile-id=0"},
		{codec.VP9, "profile-id=2;x=y", "profile-id=2"},
		{codec.VP9, "profile-id=99999", "profile-id=0"},
		{codec.H264, "", "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f"},
		{codec.H264, "profile-level-id=64001F; packetization-mode=1; sprop-parameter-sets=Zg==",
			"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=64001f"},
		{codec.H265, "level-id=93;profile-id=1;tier-flag=0;tx-mode=SRST", "level-id=93;profile-id=1;tier-flag=0"},
		{codec.AV1, "level-idx=5;profile=0;tier=x", "level-idx=5;profile=0"},
		{codec.PCMU, "x=1", ""},
	} {
		if got := canonical(test.codec, test.fmtp); got != test.want {
			t.Errorf("%v %q: %q, want %q", test.codec, test.fmtp, got, test.want)
		}
	}
}

// TestOpusHasTwoChannels: a publisher may write opus/48000 or opus/48000/1; viewers are
// offered the one form that browsers accept.
func TestOpusHasTwoChannels(t *testing.T) {
	for _, written := range []string{"opus/48000", "OPUS/48000/1", "opus/48000/2"} {
		publisher := New(testLocal)
		incoming := offered(t, publisher, bundled(mline("audio", "111", "a=rtpmap:111 "+written))).Incoming
		if len(incoming) != 1 || len(incoming[0].Codecs) != 1 {
			t.Fatalf("%s: %+v", written, incoming)
		}
		viewer := New(testLocal)
		offered(t, viewer, bundled(mline("audio", "109", "a=rtpmap:109 "+written)))
		viewer.Answer()
		viewer.Add(Sending{Codec: incoming[0].Codecs[0], Stream: "s", Track: "t"})
		offer := viewer.Offer()
		if !strings.Contains(offer, "a=rtpmap:109 opus/48000/2\r\n") {
			t.Errorf("%s: viewers are offered %s", written, offer)
		}
	}
}
