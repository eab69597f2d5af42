package sfu_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"

	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// voices is what one viewer hears of each of several speakers.
type voices struct {
	listener string
	mu       sync.Mutex
	heard    map[uint32]*voice
}

// voice is one of them since the last take.
type voice struct {
	words int
	late  time.Duration // the longest way from mouth to ear
}

// hear takes a packet, whose end says when it was said.
func (v *voices) hear(p *sfutest.Person, b []byte) {
	var packet rtp.Packet
	if p.Name != v.listener || packet.Unmarshal(b) != nil {
		return
	}
	_, sent, ok := client.Stamp(packet.Payload)
	if !ok {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.heard[packet.SSRC] == nil {
		v.heard[packet.SSRC] = &voice{}
	}
	one := v.heard[packet.SSRC]
	one.words++
	one.late = max(one.late, time.Since(time.Unix(0, sent)))
}

// take returns what was heard since the last take, the best first.
func (v *voices) take() []voice {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []voice
	for _, one := range v.heard {
		all = append(all, *one)
	}
	v.heard = map[uint32]*voice{}
	slices.SortFunc(all, func(a, b voice) int { return b.words - a.words })
	return all
}

// TestThinLinksKeepSound: where the link doesn't carry all who speak, as many are heard as it
// carries, without a queue of their own in front of them, and all of them again when there
// is room. All three speak without a pause, each at some 45 kbit/s, so that the second and
// third may take turns.
func TestThinLinksKeepSound(t *testing.T) {
	const settle, listen, enough = 12 * time.Second, 6 * time.Second, 270 // of 300 packets
	for _, c := range []struct {
		rate   int           // bit/s
		voices int           // to be heard, at least, all in all
		late   time.Duration // the latest word may be
	}{
		{300_000, 3, 500 * time.Millisecond}, {120_000, 1, time.Second},
	} {
		v := &voices{listener: "Dan", heard: map[uint32]*voice{}}
		scenario(t, sfutest.Options{Delay: 30 * time.Millisecond, Hear: v.hear}, func(t *testing.T, w *sfutest.World) {
			var people []*sfutest.Person
			for _, name := range []string{"Ada", "Bob", "Cleo"} {
				p, _ := simulcaster(t, w, name)
				people = append(people, p)
			}
			link := sfutest.NewLink(5_000_000, time.Second)
			dan := w.JoinREDBehind(link, "demo", "Dan")
			for _, p := range people {
				receives(t, dan, p, client.Microphone)
				receives(t, dan, p, client.Camera)
			}
			time.Sleep(settle / 4) // virtual
			link.SetRate(c.rate)
			time.Sleep(settle) // virtual
			v.take()
			time.Sleep(listen) // virtual
			heard := v.take()
			words, late := 0, time.Duration(0)
			for _, one := range heard {
				words, late = words+one.words, max(late, one.late)
			}
			if words < c.voices*enough || late > c.late {
				t.Errorf("at %d kbit/s too little or too late is heard: %+v", c.rate/1000, heard)
			}
			link.SetRate(5_000_000)
			time.Sleep(settle / 2) // virtual
			v.take()
			time.Sleep(listen) // virtual
			for _, one := range append(v.take(), make([]voice, 3)...)[:3] {
				if one.words < enough {
					t.Errorf("of a voice on an open link after %d kbit/s %d packets of 300 came", c.rate/1000, one.words)
				}
			}
			for _, p := range append(people, dan) {
				p.Go()
			}
		})
	}
}
