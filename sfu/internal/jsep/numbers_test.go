package jsep

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

func trackOf(c codec.Codec, fmtp string) Sending {
	t := opusTrack(1)
	if c.IsVideo() {
		t = vp8Track(1)
	}
	t.Codec = Codec{Codec: c, ClockRate: c.ClockRate(), Fmtp: fmtp}
	return t
}

// redTrack is Opus that is offered with the RED around it.
func redTrack(n int) Sending {
	t := opusTrack(n)
	t.RED = true
	return t
}

// RED goes around Opus, under the number that the client has for it.
func TestRED(t *testing.T) {
	client := bundled(mline("audio", "109 70 0", "a=rtpmap:109 opus/48000/2", "a=rtpmap:70 red/48000/2", "a=fmtp:70 109/109"))
	for _, test := range []struct {
		name    string
		answer  func(offer string) string
		payload uint8
	}{
		{"taken", func(offer string) string { return offer }, 70},
		{"refused", func(offer string) string {
			return strings.NewReplacer(" 109 70", " 109", "a=rtpmap:70 red/48000/2\r\n", "", "a=fmtp:70 109/109\r\n", "").Replace(offer)
		}, 0},
		{"around another", func(offer string) string { return strings.ReplaceAll(offer, "109/109", "96/96") }, 0},
	} {
		s := New(testLocal)
		offered(t, s, client)
		s.Add(redTrack(2))
		if got := strings.Fields(strings.Split(sketch(t, s.Offer()), "\n")[1]); got[3] != "109,70" {
			t.Fatalf("offered as %s", got[3])
		}
		r := applied(t, s, test.answer(reply(t, s.Offer())))[0]
		if !r.Accepted || r.Codec != codec.Opus || r.Format.PayloadType != 109 || r.REDPayloadType != test.payload {
			t.Errorf("%s: %+v", test.name, r)
		}
	}
}

// The client's number is used where the client has the same format.
func TestPayloadTypes(t *testing.T) {
	client := bundled(
		mline("audio", "109 70 0", "a=rtpmap:109 opus/48000/2", "a=rtpmap:70 red/48000/2", "a=fmtp:70 109/109"),
		strings.Replace(mline("video", "100 101 102 103 104 105 106 96 97", "a=rtpmap:100 VP8/90000", "a=rtpmap:101 rtx/90000", "a=fmtp:101 apt=100",
			"a=rtpmap:102 H264/90000", "a=fmtp:102 profile-level-id=42e01f;packetization-mode=1",
			"a=rtpmap:103 H264/90000", "a=fmtp:103 profile-level-id=42e00b;packetization-mode=0",
			"a=rtpmap:104 VP9/90000", "a=fmtp:104 profile-id=2", "a=rtpmap:105 AV1/90000",
			"a=rtpmap:106 rtx/90000", "a=fmtp:106 apt=105", "a=rtpmap:96 ulpfec/90000", "a=rtpmap:97 unheard-of/90000"), "a=mid:0", "a=mid:1", 1))
	tests := []struct {
		codec   codec.Codec
		fmtp    string
		formats string
	}{
		{codec.Opus, "stereo=1", "109"},
		{codec.PCMU, "", "0"},
		{codec.PCMA, "", "8"},
		{codec.G722, "", "9"},
		{codec.VP8, "", "100,101"},
		{codec.H264, "profile-level-id=42e034;packetization-mode=1", "102,98"},
		{codec.H264, "profile-level-id=42e01f", "103,98"},
		{codec.H264, "profile-level-id=64001f;packetization-mode=1", "98,99"},
		{codec.VP9, "profile-id=2", "104,98"},
		{codec.VP9, "", "98,99"},
		{codec.AV1, "level-idx=5;profile=0;tier=0", "105,106"},
		{codec.AV1, "profile=1", "98,99"},
		{codec.H265, "", "98,99"},
	}
	for _, test := range tests {
		s := New(testLocal)
		offered(t, s, client)
		s.Add(trackOf(test.codec, test.fmtp))
		got := strings.Split(sketch(t, s.Offer()), "\n")[2]
		if fields := strings.Fields(got); fields[3] != test.formats {
			t.Errorf("%v %s: %s, want %s", test.codec, test.fmtp, fields[3], test.formats)
		}
		checkNumbers(t, s.Offer())
	}
}

// A viewer without media of its own: the numbers are ours, and stay.
func TestPayloadTypesRemembered(t *testing.T) {
	s := New(testLocal)
	offered(t, s, golden(t, "chromium-datachannel"))
	h264 := trackOf(codec.H264, "profile-level-id=42e01f;packetization-mode=1")
	first := s.Add(h264)
	s.Add(redTrack(1))
	s.Add(vp8Track(2))
	expectSketch(t, s.Offer(), `
0 application webrtc-datachannel
s0 video sendonly 96,97 [p1 v1]
s1 audio sendonly 98,99 [p1 a1]
s2 video sendonly 100,101 [p2 v2]`)
	expectAttributes(t, s.Offer(), "s1", "fmtp", "98 minptime=10;useinbandfec=1", "99 98/98")
	applied(t, s, reply(t, s.Offer()))
	s.Remove(first)
	settled(t, s)
	s.Add(opusTrack(3))
	s.Add(h264)
	expectSketch(t, s.Offer(), `
0 application webrtc-datachannel
s0 video sendonly 96,97 [p1 v1]
s1 audio sendonly 98,99 [p1 a1]
s2 video sendonly 100,101 [p2 v2]
s3 audio sendonly 98 [p3 a3]`)
	checkNumbers(t, s.Offer())
}

// The client brings a codec under a number that we had given to another: ours
// moves.
func TestPayloadTypeConflict(t *testing.T) {
	s := New(testLocal)
	dc := "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=mid:d\n"
	offered(t, s, bundled(dc))
	slot := s.Add(trackOf(codec.H264, ""))
	applied(t, s, editLine(reply(t, s.Offer()), "s0", rejected)) // it doesn't know H264
	s.Remove(slot)
	offered(t, s, bundled(dc, rejected(video("s0", "inactive")), video("1", "sendonly")))
	s.Add(trackOf(codec.H264, ""))
	offer := s.Offer()
	expectSketch(t, offer, "d application webrtc-datachannel\ns1 video sendonly 98,99 [p1 v1]\n1 video recvonly 96,97")
	checkNumbers(t, offer)
}

// A number that the client uses for two formats is of no use to us.
func TestPayloadTypeAmbiguous(t *testing.T) {
	s := New(testLocal)
	offered(t, s, bundled(mline("audio", "96", "a=rtpmap:96 opus/48000/2"), video("1", "sendonly")))
	expectSketch(t, s.Answer(), "0 audio recvonly 96\n1 video recvonly 96,97")
	s.Add(vp8Track(1))
	s.Add(opusTrack(1))
	expectSketch(t, s.Offer(), "0 audio recvonly 96\n1 video recvonly 96,97\ns0 video sendonly 98,99 [p1 v1]\ns1 audio sendonly 100 [p1 a1]")
}

// With every number taken, a track that needs one is refused and the others go on.
func TestPayloadTypesExhausted(t *testing.T) {
	var formats, maps []string
	for _, span := range [][2]int{{96, 126}, {35, 63}} {
		for n := span[0]; n <= span[1]; n++ {
			formats = append(formats, strconv.Itoa(n))
			maps = append(maps, fmt.Sprintf("a=rtpmap:%d unknown%d/90000", n, n))
		}
	}
	full := mline("video", "100 "+strings.Join(formats, " "), append(maps, "a=rtpmap:100 VP8/90000")...)
	s := New(testLocal)
	offered(t, s, bundled(full))
	plain := func(t Sending) Sending {
		t.RTXSSRC = 0
		return t
	}
	opus, vp9, vp8 := s.Add(opusTrack(1)), s.Add(trackOf(codec.VP9, "")), s.Add(plain(vp8Track(1)))
	offer := s.Offer()
	expectSketch(t, offer, "0 video recvonly 100\ns0 audio sendonly 127 [p1 a1]\ns1 video sendonly 100 [p1 v1]")
	checkNumbers(t, offer)
	results := applied(t, s, reply(t, offer))
	for i, want := range []struct {
		slot     *Slot
		accepted bool
	}{{opus, true}, {vp8, true}, {vp9, false}} {
		if results[i].Slot != want.slot || results[i].Accepted != want.accepted {
			t.Errorf("result %d is %+v", i, results[i])
		}
	}
	if _, sending := vp9.Sending(); sending || s.NeedsOffer() {
		t.Error("the slot without a number is still there")
	}
	// Once Opus is gone its number goes to who needs it, and its m-line, which
	// must name a codec, is given up.
	s.Remove(opus)
	settled(t, s)
	s.Add(plain(trackOf(codec.VP9, "")))
	expectSketch(t, s.Offer(), "0 video recvonly 100\ns0 audio x inactive\ns1 video sendonly 100 [p1 v1]\ns2 video sendonly 127 [p1 v1]")
}

func TestExtensionIDs(t *testing.T) {
	var taken []string
	for id := 1; id <= 13; id++ {
		taken = append(taken, fmt.Sprintf("a=extmap:%d urn:x:%d", id, id))
	}
	taken = append(taken, "a=extmap:20 urn:ietf:params:rtp-hdrext:ssrc-audio-level")
	s := New(testLocal)
	offered(t, s, bundled(audio("0", "sendonly", taken...)))
	track := opusTrack(1)
	track.Extensions = []wire.ExtensionKind{wire.ExtensionAudioLevel, wire.ExtensionAbsCaptureTime}
	s.Add(track)
	// One id is left, for mid; abs-capture-time goes without.
	expectAttributes(t, s.Offer(), "s0", "extmap", "14 urn:ietf:params:rtp-hdrext:sdes:mid", "20 urn:ietf:params:rtp-hdrext:ssrc-audio-level")
}

func TestExtensionConflict(t *testing.T) {
	s := New(testLocal)
	offered(t, s, bundled(audio("0", "sendonly")))
	s.Add(opusTrack(1))
	expectAttributes(t, s.Offer(), "s0", "extmap", "4 urn:ietf:params:rtp-hdrext:sdes:mid", "1 urn:ietf:params:rtp-hdrext:ssrc-audio-level")
	offer := s.Offer()
	applied(t, s, reply(t, offer))
	offered(t, s, strings.Replace(reoffer(t, offer), "a=mid:0", "a=mid:0\r\na=extmap:4 urn:other\r\na=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid", 1))
	s.Add(opusTrack(2))
	expectAttributes(t, s.Offer(), "s1", "extmap", "9 urn:ietf:params:rtp-hdrext:sdes:mid", "1 urn:ietf:params:rtp-hdrext:ssrc-audio-level")
	checkNumbers(t, s.Offer())
}

// checkNumbers fails where a payload type of an offer stands for two formats,
// or an extension id for two URIs, in one BUNDLE group (RFC 9143 §9.1).
func checkNumbers(t testing.TB, text string) {
	t.Helper()
	formats, extensions := map[string]string{}, map[string]string{}
	same := func(kind string, seen map[string]string, number, meaning string) {
		if before, ok := seen[number]; ok && before != meaning {
			t.Errorf("%s %s is both %q and %q in\n%s", kind, number, before, meaning, text)
		}
		seen[number] = meaning
	}
	for _, md := range parsed(t, text).MediaDescriptions {
		if md.MediaName.Port.Value == 0 {
			continue
		}
		fmtp := map[string]string{}
		for _, a := range md.Attributes {
			if number, value, _ := strings.Cut(a.Value, " "); a.Key == "fmtp" {
				fmtp[number] = value
			}
		}
		for _, a := range md.Attributes {
			number, value, _ := strings.Cut(a.Value, " ")
			switch a.Key {
			case "rtpmap":
				same("payload type", formats, number, value+" "+fmtp[number])
			case "extmap":
				id, _, _ := strings.Cut(number, "/")
				same("extension id", extensions, id, value)
			}
		}
	}
}
