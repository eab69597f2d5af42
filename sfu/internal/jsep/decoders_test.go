package jsep

import (
	"strings"
	"testing"
)

// formats are m-lines of video: each with its payload type, name and fmtp.
func formats(list ...string) string {
	var numbers, attributes []string
	for _, f := range list {
		pt, rest, _ := strings.Cut(f, " ")
		name, fmtp, _ := strings.Cut(rest, " ")
		numbers = append(numbers, pt)
		attributes = append(attributes, "a=rtpmap:"+pt+" "+name+"/90000")
		if fmtp != "" {
			attributes = append(attributes, "a=fmtp:"+pt+" "+fmtp)
		}
	}
	return mline("video", strings.Join(numbers, " "), attributes...)
}

// decoders are those of a client that offers what formats takes.
func decoders(t *testing.T, list ...string) *Decoders {
	t.Helper()
	s := New(testLocal)
	offered(t, s, bundled(formats(list...)))
	return s.Decoders()
}

const (
	h264CB   = "profile-level-id=42e01f;packetization-mode=1"
	h264Base = "profile-level-id=42001f;packetization-mode=1"
	h264High = "profile-level-id=640c1f;packetization-mode=1"
)

func TestAnswersPreferWhatEverybodyDecodes(t *testing.T) {
	tests := []struct {
		name   string
		offer  []string
		others [][]string
		answer string
	}{
		{"nobody there", []string{"98 VP9", "96 VP8"}, nil, "98,96"},
		{"all can", []string{"98 VP9", "96 VP8"}, [][]string{{"1 VP8", "2 VP9"}, {"2 VP9"}}, "98,96"},
		{"one can't", []string{"45 AV1", "98 VP9", "96 VP8"}, [][]string{{"1 VP8", "2 VP9", "3 AV1"}, {"1 VP8"}}, "96,45,98"},
		{"the rest in the client's order", []string{"45 AV1", "98 VP9", "96 VP8"}, [][]string{{"1 VP8", "2 VP9"}}, "98,96,45"},
		{"another profile", []string{"98 VP9 profile-id=2", "100 VP9 profile-id=0"}, [][]string{{"2 VP9"}}, "100,98"},
		{"none in common", []string{"45 AV1", "98 VP9"}, [][]string{{"1 VP8"}}, "45,98"},
		{"one codec only", []string{"45 AV1"}, [][]string{{"1 VP8"}}, "45"},
		{"high for who decodes it", []string{"96 H264 " + h264High, "98 VP8"}, [][]string{{"1 H264 " + h264High}}, "96,98"},
		{"plain baseline counts as constrained", []string{"96 H264 " + h264Base, "98 VP8"}, [][]string{{"1 H264 " + h264CB}}, "96,98"},
		{"constrained is not plain", []string{"96 H264 " + h264CB, "98 VP8"}, [][]string{{"1 H264 " + h264Base, "2 VP8"}}, "98,96"},
		{"another packetization", []string{"96 H264 " + h264CB, "98 VP8"}, [][]string{{"1 H264 profile-level-id=42e01f", "2 VP8"}}, "98,96"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := New(testLocal)
			prefer(t, s, test.others...)
			offered(t, s, bundled(formats(test.offer...)))
			expectSketch(t, s.Answer(), "0 video recvonly "+test.answer)
		})
	}
}

// prefer tells a session of others who have these formats.
func prefer(t *testing.T, s *Session, others ...[]string) {
	t.Helper()
	if len(others) == 0 {
		s.Prefer(nil)
		return
	}
	var all []*Decoders
	for _, list := range others {
		all = append(all, decoders(t, list...))
	}
	s.Prefer(func(c *Codec) bool {
		for _, d := range all {
			if !d.Can(c) {
				return false
			}
		}
		return true
	})
}

// A publisher's codec changes for a newcomer who can't decode it, but not back when that
// one has left; and at once when the client itself lists its codecs otherwise.
func TestAnswersKeepTheirCodec(t *testing.T) {
	s := New(testLocal)
	offer := bundled(formats("98 VP9", "96 VP8"))
	for _, step := range []struct {
		offer, answer string
		others        [][]string
	}{
		{offer, "98,96", nil},
		{offer, "96,98", [][]string{{"1 VP8"}}},
		{offer, "96,98", [][]string{{"1 VP8", "2 VP9"}}},
		{bundled(formats("45 AV1", "98 VP9", "96 VP8")), "98,96,45", [][]string{{"1 VP8", "2 VP9"}}},
	} {
		prefer(t, s, step.others...)
		offered(t, s, step.offer)
		expectSketch(t, s.Answer(), "0 video recvonly "+step.answer)
	}
}

func TestDecodersAreRemembered(t *testing.T) {
	s := New(testLocal)
	if s.Decoders() != nil {
		t.Error("something is known of a client that has said nothing")
	}
	offered(t, s, bundled(audio("0", "sendonly")))
	if s.Decoders() != nil {
		t.Error("something is known of a client without video")
	}
	vp8, vp9 := &Codec{Codec: vp8Track(1).Codec.Codec, ClockRate: 90000}, decoders(t, "1 VP9")
	if vp9.Can(vp8) {
		t.Error("VP9 is VP8")
	}
	offered(t, s, bundled(audio("0", "sendonly"), strings.Replace(formats("96 VP8", "98 VP9"), "mid:0", "mid:1", 1)))
	before := s.Decoders()
	// The page keeps to one codec now; its browser still decodes the other.
	offered(t, s, bundled(audio("0", "sendonly"), strings.Replace(formats("98 VP9"), "mid:0", "mid:1", 1)))
	if s.Decoders() != before || !before.Can(vp8) {
		t.Error("VP8 is forgotten")
	}
}

// A publisher that calls its H264 plain Baseline is offered to viewers who list only
// Constrained Baseline as that.
func TestBaselineReachesThoseWithConstrainedBaseline(t *testing.T) {
	track := vp8Track(1)
	track.Codec = offered(t, New(testLocal), bundled(formats("96 H264 "+h264Base))).Incoming[0].Codecs[0]
	for _, has := range []string{"126 H264 " + h264CB, "126 H264 " + h264Base} {
		s := New(testLocal)
		offered(t, s, bundled(formats(has)))
		s.Answer()
		s.Add(track)
		if r := settled(t, s); len(r) != 1 || !r[0].Accepted || r[0].Format.PayloadType != 126 {
			t.Errorf("%s: %+v", has, r)
		}
	}
}
