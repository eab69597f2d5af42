package jsep

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

var testLocal = Local{
	Ufrag: "serverufrag", Pwd: "serverpasswordserverpassword",
	Fingerprint: "sha-256 " + strings.TrimSuffix(strings.Repeat("AB:", 32), ":"),
	Candidates:  []string{"1 1 udp 2130706431 127.0.0.1 8081 typ host", "candidate:2 1 tcp 1 127.0.0.1 8081 typ host tcptype passive"},
}

// head is a session part that works: lines of m= sections follow.
const head = `v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
t=0 0
a=ice-ufrag:clientufrag
a=ice-pwd:clientpasswordclientpassword
a=fingerprint:sha-256 00:11:22
a=setup:actpass
`

// bundled is an offer of sections, given as their lines after c=, all in one
// BUNDLE group.
func bundled(sections ...string) string {
	var mids []string
	for _, s := range sections {
		for line := range strings.Lines(s) {
			if mid, ok := strings.CutPrefix(line, "a=mid:"); ok {
				mids = append(mids, strings.TrimSpace(mid))
			}
		}
	}
	return head + "a=group:BUNDLE " + strings.Join(mids, " ") + "\n" + strings.Join(sections, "")
}

// audio is an m-line with Opus; video one with VP8 and RTX.
func audio(mid, direction string, more ...string) string {
	return "m=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:" + mid + "\na=" + direction +
		"\na=rtcp-mux\na=rtpmap:111 opus/48000/2\n" + lines(more)
}

func video(mid, direction string, more ...string) string {
	return "m=video 9 UDP/TLS/RTP/SAVPF 96 97\na=mid:" + mid + "\na=" + direction +
		"\na=rtcp-mux\na=rtpmap:96 VP8/90000\na=rtcp-fb:96 nack\na=rtpmap:97 rtx/90000\na=fmtp:97 apt=96\n" + lines(more)
}

func lines(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, "\n") + "\n"
}

func golden(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".sdp")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func offered(t testing.TB, s *Session, text string) *Offered {
	t.Helper()
	o, err := s.ApplyOffer(text)
	if err != nil {
		t.Fatalf("ApplyOffer: %v", err)
	}
	return o
}

func applied(t testing.TB, s *Session, text string) []Result {
	t.Helper()
	r, err := s.ApplyAnswer(text)
	if err != nil {
		t.Fatalf("ApplyAnswer: %v", err)
	}
	return r
}

func parsed(t testing.TB, text string) *sdp.SessionDescription {
	t.Helper()
	d := &sdp.SessionDescription{}
	if err := d.UnmarshalString(text); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return d
}

// sketch says in one line per m-line what matters: mid, port 0 as "x", its
// direction, formats, rids and msid.
func sketch(t testing.TB, text string) string {
	t.Helper()
	var out []string
	for _, md := range parsed(t, text).MediaDescriptions {
		mid, _ := md.Attribute("mid")
		line := strings.TrimSpace(mid + " " + md.MediaName.Media)
		if md.MediaName.Port.Value == 0 {
			line += " x"
		}
		for _, d := range []string{"sendrecv", "sendonly", "recvonly", "inactive"} {
			if _, ok := md.Attribute(d); ok {
				line += " " + d
			}
		}
		if md.MediaName.Port.Value != 0 {
			line += " " + strings.Join(md.MediaName.Formats, ",")
		}
		for _, key := range []string{"simulcast", "msid"} {
			if v, ok := md.Attribute(key); ok {
				line += " [" + v + "]"
			}
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func expectSketch(t testing.TB, text, want string) {
	t.Helper()
	if got := sketch(t, text); got != strings.TrimSpace(want) {
		t.Errorf("got\n%s\nwant\n%s", got, strings.TrimSpace(want))
	}
}

// attributes are the values of key in the m-line with mid.
func attributes(t testing.TB, text, mid, key string) (values []string) {
	t.Helper()
	for _, md := range parsed(t, text).MediaDescriptions {
		if m, _ := md.Attribute("mid"); m != mid {
			continue
		}
		for _, a := range md.Attributes {
			if a.Key == key {
				values = append(values, a.Value)
			}
		}
	}
	return values
}

func expectAttributes(t testing.TB, text, mid, key string, want ...string) {
	t.Helper()
	if got := attributes(t, text, mid, key); !slices.Equal(got, want) {
		t.Errorf("%s of m-line %s: got %q, want %q", key, mid, got, want)
	}
}

// reply is a willing client's answer to an offer of ours: it takes everything,
// and goes on sending on its own m-lines.
func reply(t testing.TB, offer string) string {
	t.Helper()
	text := strings.NewReplacer("a=sendonly", "a=recvonly", "a=recvonly", "a=sendonly", "a=setup:actpass", "a=setup:active",
		" recv\r", " send\r", "simulcast:recv", "simulcast:send", "/recvonly", "/sendonly", "/sendonly", "/recvonly",
		testLocal.Ufrag, "clientufrag", testLocal.Pwd, "clientpasswordclientpassword").Replace(offer)
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "a=ssrc") && !strings.HasPrefix(line, "a=msid:") && !strings.HasPrefix(line, "a=candidate") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// editLine changes the section of the m-line with mid.
func editLine(text, mid string, change func(section string) string) string {
	sections := strings.SplitAfter(strings.ReplaceAll(text, "\nm=", "\n\x00m="), "\x00")
	for i, s := range sections {
		s = strings.TrimSuffix(s, "\x00")
		if strings.Contains(s, "a=mid:"+mid+"\r\n") || strings.Contains(s, "a=mid:"+mid+"\n") {
			s = change(s)
		}
		sections[i] = s
	}
	return strings.Join(sections, "")
}

func replacing(pairs ...string) func(string) string {
	return func(s string) string { return strings.NewReplacer(pairs...).Replace(s) }
}

// rejected gives a section port 0.
func rejected(section string) string {
	media, rest, _ := strings.Cut(section, " ")
	_, rest, _ = strings.Cut(rest, " ")
	return media + " 0 " + rest
}

func vp8Track(n int) Sending {
	return Sending{
		Stream: fmt.Sprintf("p%d", n), Track: fmt.Sprintf("v%d", n), Video: true,
		Codec: Codec{Codec: codec.VP8, PayloadType: 120, ClockRate: 90000},
		SSRC:  uint32(1000 + 2*n), RTXSSRC: uint32(1001 + 2*n),
	}
}

func opusTrack(n int) Sending {
	return Sending{
		Stream: fmt.Sprintf("p%d", n), Track: fmt.Sprintf("a%d", n),
		Codec: Codec{Codec: codec.Opus, PayloadType: 109, ClockRate: 48000, Channels: 2},
		SSRC:  uint32(5000 + n), Extensions: []wire.ExtensionKind{wire.ExtensionAudioLevel},
	}
}
