package sfu

import (
	"fmt"
	"testing"
)

type events []Event

func (e *events) Send(event Event) { *e = append(*e, event) }

// A viewer may name tracks for as long as it likes: those that are gone give way,
// those that are there don't.
func TestWishesOfGoneTracksGiveWay(t *testing.T) {
	var told events
	room := newRoom(nil, "demo")
	p := &Participant{room: room, client: &told, wishes: map[string]Wish{}}
	present := []*presence{{participant: p, info: ParticipantInfo{Tracks: []TrackInfo{{ID: "here"}}}}}
	room.roster.Store(&present)
	p.handleSubscribe([]Wish{{ID: "here", Width: 7}})
	for n := range 3 * maxWishes {
		p.handleSubscribe([]Wish{{ID: fmt.Sprint(n)}})
	}
	if len(told) != 0 || len(p.wishes) > maxWishes || p.wishes["here"].Width != 7 {
		t.Errorf("told %v, remembers %d, of the present one %+v", told, len(p.wishes), p.wishes["here"])
	}
	if _, said := p.wishes[fmt.Sprint(3*maxWishes-1)]; !said {
		t.Error("the last wish is not remembered")
	}
}

// More tracks than can be remembered are too many only if they are all there.
func TestTooManyWishes(t *testing.T) {
	var told events
	room := newRoom(nil, "demo")
	p := &Participant{room: room, client: &told, wishes: map[string]Wish{}}
	var tracks []TrackInfo
	var wishes []Wish
	for n := range maxWishes {
		tracks = append(tracks, TrackInfo{ID: fmt.Sprint(n)})
		wishes = append(wishes, Wish{ID: fmt.Sprint(n)})
	}
	present := []*presence{{participant: p, info: ParticipantInfo{Tracks: tracks}}}
	room.roster.Store(&present)
	p.handleSubscribe(wishes)
	p.handleSubscribe(wishes) // said again is not more
	if len(told) != 0 {
		t.Errorf("told %v", told)
	}
	p.handleSubscribe([]Wish{{ID: "one more"}})
	if len(told) != 1 || len(p.wishes) != maxWishes {
		t.Errorf("told %v, remembers %d", told, len(p.wishes))
	}
}
