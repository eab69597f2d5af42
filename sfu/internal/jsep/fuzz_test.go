package jsep

import (
	"path/filepath"
	"strings"
	"testing"

	"plenum/sfu/internal/codec"
)

func FuzzApplyOffer(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) { checkFirstOffer(t, text); checkReoffer(t, text) })
}

func FuzzApplyAnswer(f *testing.F) {
	seed(f)
	f.Add(reply(f, inFlight(f).Offer()))
	f.Fuzz(checkAnswer)
}

func seed(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.sdp")
	if err != nil || len(files) == 0 {
		f.Fatal("no test data", err)
	}
	for _, file := range files {
		f.Add(golden(f, strings.TrimSuffix(filepath.Base(file), ".sdp")))
	}
	f.Add(bundled(audio("0", "sendonly"), video("1", "sendonly"), video("s0", "sendrecv")))
	f.Add(head + audio("0", "sendonly"))
}

// inFlight is the session of the Chromium dialog with its offer in flight.
func inFlight(t testing.TB) *Session {
	s := New(testLocal)
	offered(t, s, golden(t, "chromium-dialog-1-offer"))
	s.Answer()
	s.Add(vp8Track(1))
	s.Add(opusTrack(1))
	s.Add(trackOf(codec.H264, "packetization-mode=1;profile-level-id=42e01f"))
	s.Add(redTrack(3))
	s.Offer()
	return s
}

// checkFirstOffer applies text to a new session.
func checkFirstOffer(t *testing.T, text string) {
	s := New(testLocal)
	if _, err := s.ApplyOffer(text); err != nil {
		if s.Answer() != "" || s.NeedsOffer() {
			t.Error("a refused offer leaves something behind")
		}
		return
	}
	checkApplied(t, s, text)
}

// checkReoffer applies text to a session that has slots.
func checkReoffer(t *testing.T, text string) {
	s, twin := inFlight(t), inFlight(t)
	for _, x := range []*Session{s, twin} {
		applied(t, x, golden(t, "chromium-dialog-2-answer"))
	}
	if _, err := s.ApplyOffer(text); err != nil {
		s.Add(vp8Track(5))
		twin.Add(vp8Track(5))
		expectSame(t, s, twin)
		return
	}
	checkApplied(t, s, text)
}

// checkApplied looks at a session that has just taken text as an offer.
func checkApplied(t *testing.T, s *Session, text string) {
	answer := parsed(t, s.Answer()).MediaDescriptions
	offer := parsed(t, text).MediaDescriptions
	if len(answer) != len(offer) {
		t.Fatalf("%d m-lines in answer to %d", len(answer), len(offer))
	}
	for i := range offer {
		if offer[i].MediaName.Media != answer[i].MediaName.Media {
			t.Errorf("m-line %d changes its kind", i)
		}
	}
	if _, err := s.ApplyOffer(text); err != nil {
		t.Errorf("the same offer again: %v", err)
	}
	slots := []*Slot{
		s.Add(vp8Track(7)), s.Add(opusTrack(7)), s.Add(trackOf(codec.H264, "")), s.Add(redTrack(8)),
	}
	checkSlotNumbers(t, s.Offer(), slots)
	applied(t, s, reply(t, s.Offer()))
}

// checkAnswer applies text to a session with an offer in flight.
func checkAnswer(t *testing.T, text string) {
	s, twin := inFlight(t), inFlight(t)
	if _, err := s.ApplyAnswer(text); err != nil {
		expectSame(t, s, twin)
		good := golden(t, "chromium-dialog-2-answer")
		applied(t, s, good)
		applied(t, twin, good)
		s.Add(vp8Track(5))
		twin.Add(vp8Track(5))
		expectSame(t, s, twin)
		return
	}
	if s.OfferInFlight() || s.NeedsOffer() {
		t.Error("an applied answer leaves an offer open")
	}
	slot := s.Add(vp8Track(5))
	checkNumbers(t, s.Offer())
	checkSlotNumbers(t, s.Offer(), []*Slot{slot})
	applied(t, s, reply(t, s.Offer()))
}

// checkSlotNumbers fails where a payload type of a slot means something else in
// another m-line, unless the client itself uses one for two formats.
func checkSlotNumbers(t *testing.T, offer string, slots []*Slot) {
	t.Helper()
	meanings := map[string]map[string]bool{}
	own := map[string]bool{}
	for _, md := range parsed(t, offer).MediaDescriptions {
		mid, _ := md.Attribute("mid")
		for _, a := range md.Attributes {
			number, name, _ := strings.Cut(a.Value, " ")
			if a.Key != "rtpmap" || md.MediaName.Port.Value == 0 {
				continue
			}
			if meanings[number] == nil {
				meanings[number] = map[string]bool{}
			}
			meanings[number][strings.ToLower(name)] = true
			for _, s := range slots {
				own[number] = own[number] || s.Mid() == mid
			}
		}
	}
	for number := range own {
		if own[number] && len(meanings[number]) > 1 {
			t.Errorf("payload type %s of a slot means %v in\n%s", number, meanings[number], offer)
		}
	}
}
