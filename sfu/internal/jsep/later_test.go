package jsep

import (
	"strings"
	"testing"

	"plenum/sfu/internal/wire"
)

// TestLaterOffers: what a later offer of the client's changes is in the answer to it, or it
// is an error and nothing has changed. Of each row's answer is compared what want says;
// see sketch.
func TestLaterOffers(t *testing.T) {
	layers := func(direction string, rids ...string) string {
		more := []string{"a=extmap:10 " + wire.ExtensionURI(wire.ExtensionRid), "a=extmap:4 " + wire.ExtensionURI(wire.ExtensionMid)}
		for _, rid := range rids {
			more = append(more, "a=rid:"+strings.TrimPrefix(rid, "~")+" send")
		}
		return video("1", direction, append(more, "a=simulcast:send "+strings.Join(rids, ";"))...)
	}
	mic := audio("0", "sendonly")
	group := func(mids string, sections ...string) string {
		return head + "a=group:BUNDLE " + mids + "\n" + strings.Join(sections, "")
	}
	for _, test := range []struct{ name, before, after, want string }{
		{"layers come", bundled(mic, video("1", "sendonly")), bundled(mic, layers("sendonly", "q", "h")), "1 video recvonly 96,97 [recv q;h]"},
		{"layers go", bundled(mic, layers("sendonly", "q", "h")), bundled(mic, video("1", "sendonly")), "1 video recvonly 96,97"},
		{"one layer less", bundled(mic, layers("sendonly", "q", "h", "f")), bundled(mic, layers("sendonly", "h", "f")), "1 video recvonly 96,97 [recv h;f]"},
		{"another order", bundled(mic, layers("sendonly", "q", "h", "f")), bundled(mic, layers("sendonly", "f", "h", "q")), "1 video recvonly 96,97 [recv f;h;q]"},
		{"a layer rests", bundled(mic, layers("sendonly", "q", "h")), bundled(mic, layers("sendonly", "q", "~h")), "1 video recvonly 96,97 [recv q;~h]"},
		{"a layer goes on", bundled(mic, layers("sendonly", "q", "~h")), bundled(mic, layers("sendonly", "q", "h")), "1 video recvonly 96,97 [recv q;h]"},
		{"more layers than there may be", bundled(mic, layers("sendonly", "q")), bundled(mic, layers("sendonly", "q", "a", "b", "c")), "1 video recvonly 96,97 [recv q;a;b]"},
		{"inactive", bundled(mic, video("1", "sendonly")), bundled(mic, video("1", "inactive")), "1 video inactive 96,97"},
		{"active again", bundled(mic, video("1", "inactive")), bundled(mic, video("1", "sendrecv")), "1 video recvonly 96,97"},
		{"other codecs", bundled(mic, video("1", "sendonly")), bundled(mic, replacing("VP8", "VP9")(video("1", "sendonly"))), "1 video recvonly 96,97"},
		{"other numbers", bundled(mic, video("1", "sendonly")), bundled(mic, replacing("96", "120", "97", "121")(video("1", "sendonly"))), "1 video recvonly 120,121"},
		{"no codec any more", bundled(mic, video("1", "sendonly")), bundled(mic, replacing("VP8", "dirac")(video("1", "sendonly"))), "1 video x inactive"},
		{"stopped", bundled(mic, video("1", "sendonly")), bundled(mic, rejected(video("1", "inactive"))), "1 video x inactive"},
		{"in use again under its mid", bundled(mic, rejected(video("1", "inactive"))), bundled(mic, video("1", "sendonly")), "1 video recvonly 96,97"},
		{"under a new one", bundled(mic, rejected(video("1", "inactive"))), bundled(mic, video("2", "sendonly")), "2 video recvonly 96,97"},
		{"under the mid that another had", bundled(mic, video("1", "sendonly"), rejected(video("2", "inactive"))),
			bundled(mic, rejected(video("1", "inactive")), video("3", "sendonly")), "3 video recvonly 96,97"},
		{"out of the group", bundled(mic, video("1", "sendonly")), group("0", mic, video("1", "sendonly")), "1 video x inactive"},
		{"into the group", group("0", mic, video("1", "sendonly")), bundled(mic, video("1", "sendonly")), "1 video recvonly 96,97"},
		{"the group goes", bundled(mic, video("1", "sendonly")), head + mic + video("1", "sendonly"), "1 video x inactive"},
		{"another tag", bundled(mic, video("1", "sendonly")), group("1 0", mic, video("1", "sendonly")), "1 video recvonly 96,97"},
		{"an m-line more", bundled(mic), bundled(mic, video("1", "sendonly")), "1 video recvonly 96,97"},

		{"error: other roles", bundled(mic), replacing("actpass", "passive")(bundled(mic)), ""},
		{"error: roles that were settled otherwise", replacing("actpass", "passive")(bundled(mic)), replacing("actpass", "active")(bundled(mic)), ""},
		{"error: no such role", bundled(mic), replacing("actpass", "holdconn")(bundled(mic)), ""},
		{"error: another mid", bundled(mic, video("1", "sendonly")), bundled(mic, video("2", "sendonly")), ""},
		{"error: a mid twice", bundled(mic, video("1", "sendonly")), bundled(mic, video("1", "sendonly"), video("1", "sendonly")), ""},
		{"error: another kind", bundled(mic, video("1", "sendonly")), bundled(mic, audio("1", "sendonly")), ""},
		{"error: an m-line less", bundled(mic, video("1", "sendonly")), bundled(mic), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, twin := New(testLocal), New(testLocal)
			offered(t, s, test.before)
			offered(t, twin, test.before)
			_, err := s.ApplyOffer(test.after)
			if test.want == "" {
				if err == nil {
					t.Errorf("no error but\n%s", sketch(t, s.Answer()))
				}
				expectSame(t, s, twin)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(sketch(t, s.Answer()), "\n")
			if got := lines[len(lines)-1]; got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// An id that means one extension in one m-line means no other in the next, of the same
// offer or a later one.
func TestExtensionIDMeansOneThing(t *testing.T) {
	mid, level := wire.ExtensionURI(wire.ExtensionMid), wire.ExtensionURI(wire.ExtensionAudioLevel)
	s := New(testLocal)
	o := offered(t, s, bundled(audio("0", "sendonly", "a=extmap:4 "+mid), audio("1", "sendonly", "a=extmap:4 "+level, "a=extmap:5 "+mid)))
	expectAttributes(t, s.Answer(), "0", "extmap", "4 "+mid)
	expectAttributes(t, s.Answer(), "1", "extmap", "5 "+mid)
	if one := o.Incoming[1].Extensions; one[wire.ExtensionAudioLevel] != 0 || one[wire.ExtensionMid] != 5 {
		t.Errorf("%v", one)
	}
	o = offered(t, s, bundled(audio("0", "sendonly", "a=extmap:4 "+level), audio("1", "sendonly", "a=extmap:4 "+level, "a=extmap:5 "+mid)))
	if one := o.Incoming[0].Extensions; one[wire.ExtensionAudioLevel] != 4 || one[wire.ExtensionMid] != 0 {
		t.Errorf("later: %v", one)
	}
	expectAttributes(t, s.Answer(), "1", "extmap", "4 "+level, "5 "+mid)
}

// A viewer that holds a track lets it come again later, without another offer of ours.
func TestHeldSlot(t *testing.T) {
	s := stable(t)
	slot := s.Add(vp8Track(1))
	offer := s.Offer()
	inactive := replacing("a=recvonly", "a=inactive")
	if r := applied(t, s, editLine(reply(t, offer), "s0", inactive)); len(r) != 1 || r[0].Accepted || !r[0].Held {
		t.Fatalf("%+v", r)
	}
	if o := offered(t, s, reoffer(t, offer)); len(o.Slots) != 1 || !o.Slots[0].Accepted || o.Slots[0].Slot != slot {
		t.Errorf("taken up: %+v", o.Slots)
	}
	expectSketch(t, s.Answer(), "0 audio recvonly 111\ns0 video sendonly 96,97 [p1 v1]")
	if o := offered(t, s, editLine(reoffer(t, offer), "s0", inactive)); len(o.Slots) != 1 || !o.Slots[0].Held {
		t.Errorf("held again: %+v", o.Slots)
	}
	if o := offered(t, s, editLine(reoffer(t, offer), "s0", replacing("VP8", "VP9"))); len(o.Slots) != 1 || o.Slots[0].Held || o.Slots[0].Accepted {
		t.Errorf("in another codec: %+v", o.Slots)
	}
}

// An answer that takes an m-line out of the one transport is an error; one without any group
// means all of it.
func TestAnswerBundle(t *testing.T) {
	s := stable(t)
	s.Add(opusTrack(1))
	good := reply(t, s.Offer())
	if _, err := s.ApplyAnswer(replacing("BUNDLE 0 s0", "BUNDLE 0")(good)); err == nil {
		t.Error("no error")
	}
	if r := applied(t, s, replacing("a=group:BUNDLE 0 s0", "a=x:y")(good)); !r[0].Accepted {
		t.Errorf("%+v", r)
	}
}
