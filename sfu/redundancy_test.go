package sfu_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"plenum/sfu/internal/codec"
	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

const speechTicks = 960 // 20 ms

// speaker sends numbered packets of sound, every skip-th of which never leaves.
type speaker struct {
	*webrtc.TrackLocalStaticRTP
	red  bool
	skip int
}

func newSpeaker(t *testing.T, red bool, skip int) *speaker {
	t.Helper()
	capability := client.Opus
	if red {
		capability = client.RED
	}
	track, err := webrtc.NewTrackLocalStaticRTP(capability, "voice", "camera")
	if err != nil {
		t.Fatal(err)
	}
	return &speaker{track, red, skip}
}

// word is what packet n says.
func word(n int) []byte { return binary.BigEndian.AppendUint32([]byte("word"), uint32(n)) } //nolint:gosec // small

func said(payload []byte) int { return int(binary.BigEndian.Uint32(payload[4:])) }

func (s *speaker) run(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.skip > 0 && n%s.skip == 0 {
			continue
		}
		payload := word(n)
		if s.red {
			payload = codec.AppendRED(nil, 111, []codec.REDBlock{{Offset: speechTicks, Payload: word(n - 1)}}, payload)
		}
		_ = s.WriteRTP(&rtp.Packet{ // it fails only once the call is over
			Header:  rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: uint32(n) * speechTicks}, //nolint:gosec // small
			Payload: payload,
		})
	}
}

// ear is what one person heard.
type ear struct {
	mu       sync.Mutex
	words    map[int]int // packets that brought the word
	plain    int         // packets without redundancy
	carrying int         // and with it
	wrong    int
	last     int
}

// ears are everybody's.
type ears struct {
	mu  sync.Mutex
	all map[*sfutest.Person]*ear
}

func (e *ears) of(p *sfutest.Person) *ear {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.all == nil {
		e.all = map[*sfutest.Person]*ear{}
	}
	if e.all[p] == nil {
		e.all[p] = &ear{words: map[int]int{}}
	}
	return e.all[p]
}

func (e *ears) hear(p *sfutest.Person, b []byte) {
	var packet rtp.Packet
	if packet.Unmarshal(b) != nil {
		return
	}
	h := e.of(p)
	h.mu.Lock()
	defer h.mu.Unlock()
	payload := packet.Payload
	if packet.PayloadType != 63 {
		h.plain++
	} else {
		h.carrying++
		blocks, primary, _, ok := codec.SplitRED(payload, nil)
		if !ok {
			h.wrong++
			return
		}
		for _, block := range blocks {
			back := int(block.Offset) / speechTicks
			if !bytes.Equal(block.Payload, word(said(primary)-back)) {
				h.wrong++
			}
			h.words[said(block.Payload)]++
		}
		payload = primary
	}
	n := said(payload)
	h.words[n]++
	h.last = max(h.last, n)
}

// check fails where anybody heard what was not said.
func (e *ears) check(t *testing.T) {
	t.Helper()
	for p, h := range e.all {
		if h.wrong > 0 {
			t.Errorf("%s heard %d wrong words", p.Name, h.wrong)
		}
	}
}

// newest is the last word that was heard.
func (h *ear) newest() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.last
}

// count is how many packets had redundancy, and how many had none.
func (h *ear) count() (carrying, plain int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.carrying, h.plain
}

// missing counts the words from first to last that were not heard.
func (h *ear) missing(first int) (missing, all int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := first; n <= h.last; n++ {
		if h.words[n] == 0 {
			missing++
		}
	}
	return missing, h.last - first + 1
}

// TestREDIsTakenApart: what a publisher with RED says is heard by those who know Opus
// alone; what is lost on the way up comes with the next packet, in its place.
func TestREDIsTakenApart(t *testing.T) {
	var ears ears
	scenario(t, sfutest.Options{Hear: ears.hear}, func(t *testing.T, w *sfutest.World) {
		voice := newSpeaker(t, true, 7)
		ada := w.JoinRED("demo", "Ada", client.Local{Track: voice, Source: client.Microphone})
		ada.Send(voice.run)
		bob := w.Join("demo", "Bob")
		cleo := w.JoinRED("demo", "Cleo")
		receives(t, bob, ada, client.Microphone)
		receives(t, cleo, ada, client.Microphone)
		time.Sleep(5 * time.Second) // virtual
		for _, p := range []*sfutest.Person{bob, cleo} {
			h := ears.of(p)
			missing, all := h.missing(h.newest() - 200)
			if carrying, _ := h.count(); missing > 0 || carrying > 0 {
				t.Errorf("%s misses %d of %d words, and got %d packets with redundancy", p.Name, missing, all, carrying)
			}
		}
		restored := labelled(t, w.Server.Stats().Redundancy, "in")
		if asked := labelled(t, w.Server.Stats().NACKs, "out", "asked"); asked > 0 || restored < 30 {
			t.Errorf("%d words were restored, and %d packets asked for", restored, asked)
		}
		ada.Go()
		bob.Go()
		cleo.Go()
	})
	ears.check(t)
}

// TestRedundancyIsForTheLossy: a viewer who loses packets gets sound with what was said
// before, made from plain Opus, and hears nearly all; one who loses none gets none of it.
func TestRedundancyIsForTheLossy(t *testing.T) {
	var ears ears
	scenario(t, sfutest.Options{Hear: ears.hear, Delay: 40 * time.Millisecond}, func(t *testing.T, w *sfutest.World) {
		voice, camera := newSpeaker(t, false, 0), video(t, client.VideoConfig{})
		ada := w.Join("demo", "Ada", client.Local{Track: voice, Source: client.Microphone}, camera.Local(client.Camera))
		ada.Send(voice.run)
		ada.Send(camera.Run)
		bob, cleo := w.JoinRED("demo", "Bob"), w.JoinRED("demo", "Cleo")
		for _, p := range []*sfutest.Person{bob, cleo} {
			receives(t, p, ada, client.Microphone)
			receives(t, p, ada, client.Camera)
		}
		time.Sleep(5 * time.Second) // virtual
		h := ears.of(bob)
		if n, _ := h.count(); n > 0 {
			t.Errorf("%d packets carry others before anything was lost", n)
		}
		w.SetLossTo(bob, 0.1)
		time.Sleep(2 * time.Second) // virtual
		from := h.newest()
		time.Sleep(30 * time.Second) // virtual
		w.SetLoss(0)
		time.Sleep(100 * time.Millisecond) // virtual: what is under way arrives
		carrying, _ := h.count()
		if missing, all := h.missing(from); missing*200 > all || carrying*10 < all*8 {
			t.Errorf("at 10 %% loss %d of %d words are missing; %d packets carried others", missing, all, carrying)
		}
		time.Sleep(30 * time.Second) // virtual: longer than redundancy is held
		_, before := h.count()
		time.Sleep(5 * time.Second) // virtual
		if _, plain := h.count(); plain-before < 240 {
			t.Errorf("without loss %d of 250 packets are plain", plain-before)
		}
		if n, _ := ears.of(cleo).count(); n > 0 {
			t.Errorf("a viewer without loss got %d packets with redundancy", n)
		}
		ada.Go()
		bob.Go()
		cleo.Go()
	})
	ears.check(t)
}
