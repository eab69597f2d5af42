package jsep

import (
	"fmt"
	"strings"
	"testing"
)

// everything is an m-line as a browser lists it: with all the codecs that it has.
func everything(kind, mid, direction string) string {
	formats, attributes := "", ""
	for i := range 45 {
		pt := 35 + i
		if kind == "audio" {
			attributes += fmt.Sprintf("a=rtpmap:%d opus/48000/2\na=rtcp-fb:%d transport-cc\n", pt, pt)
		} else {
			attributes += fmt.Sprintf("a=rtpmap:%d H264/90000\na=rtcp-fb:%d nack\na=rtcp-fb:%d nack pli\na=fmtp:%d level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\n", pt, pt, pt, pt)
		}
		formats += fmt.Sprintf(" %d", pt)
	}
	first, rest := audio(mid, direction), ""
	if kind == "video" {
		first = video(mid, direction)
	}
	first, rest, _ = strings.Cut(first, "\n")
	return first + formats + "\n" + rest + attributes
}

// TestRoomOfTwoHundred: a client that lists all of its codecs in every m-line sees and
// hears two hundred others, then shares its screen, restarts ICE, and hears a
// newcomer.
func TestRoomOfTwoHundred(t *testing.T) {
	s := New(testLocal)
	own := []string{everything("audio", "0", "sendonly"), everything("video", "1", "sendonly")}
	offered(t, s, bundled(own...))
	s.Answer()
	for i := range 200 {
		s.Add(opusTrack(i + 1))
		s.Add(vp8Track(i + 1))
	}
	for _, r := range settled(t, s) {
		if !r.Accepted {
			t.Fatalf("%s is not accepted", r.Slot.Mid())
		}
	}
	theirs := func() string {
		list := append([]string(nil), own...)
		for i := range 400 {
			list = append(list, everything([]string{"audio", "video"}[i%2], fmt.Sprintf("s%d", i), "recvonly"))
		}
		return bundled(append(list, everything("video", "2", "sendonly"))...)
	}
	offer := theirs()
	if len(offer) < 1<<20 {
		t.Fatalf("the offer has %d bytes only", len(offer))
	}
	o := offered(t, s, offer)
	if screen := o.Incoming[len(o.Incoming)-1]; screen.Mid != "2" || !screen.Sending {
		t.Error("the screen is not received")
	}
	for _, r := range o.Slots {
		if !r.Accepted {
			t.Fatalf("%s is lost over the screen", r.Slot.Mid())
		}
	}
	s.Answer()
	restarted := offered(t, s, strings.Replace(offer, "clientufrag", "anotherufrag", 1))
	if restarted.Remote.Ufrag != "anotherufrag" {
		t.Error("ICE is not restarted")
	}
	s.Answer()
	s.Add(vp8Track(201))
	if r := settled(t, s); len(r) != 401 || !r[400].Accepted {
		t.Errorf("%d results", len(r))
	}
}
