package sfu_test

import (
	"fmt"
	"testing"
	"time"

	"plenum/sfu"
	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// caused counts what a person was told of others since it had had n events: updates,
// and offers, each of which comes with a `tracks`.
func caused(p *sfutest.Person, n int) (updates, offers int) {
	for _, e := range p.Events()[n:] {
		switch e.(type) {
		case client.Participant:
			updates++
		case client.Tracks:
			offers++
		}
	}
	return updates, offers
}

// consistent fails unless everyone that p is told of was told to have joined before, and
// has not left.
func consistent(t *testing.T, p *sfutest.Person) {
	t.Helper()
	present := map[string]bool{}
	for _, e := range p.Events() {
		switch e := e.(type) {
		case client.Joined:
			for _, other := range e.Participants {
				present[other.ID] = true
			}
		case client.Participant:
			id := e.Participant.ID
			if present[id] == (e.Event == "joined") {
				t.Fatalf("%s is told that %s %s", p.Name, id, e.Event)
			}
			present[id] = e.Event != "left"
		case client.Tracks:
			for _, track := range e.Tracks {
				if !present[track.Participant] {
					t.Fatalf("%s is told of a track of %s, who is not there", p.Name, track.Participant)
				}
			}
		}
	}
}

// sourceOf is what p was told last of another's first track.
func sourceOf(p, other *sfutest.Person) (source client.Source, muted bool) {
	for _, e := range p.Events() {
		if u, ok := e.(client.Participant); ok && u.Participant.ID == other.ID() && len(u.Participant.Tracks) > 0 {
			source, muted = u.Participant.Tracks[0].Source, u.Participant.Tracks[0].Muted
		}
	}
	return source, muted
}

// A publisher who says 45 times a second that its tracks show something else.
func TestFlippingSourcesIsModerated(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Microphone)
		receives(t, bob, ada, client.Camera)
		before := len(bob.Events())
		began := time.Now()
		var last client.Source
		const flips = 45 * 40
		for i := range flips {
			last = []client.Source{client.Screen, client.Camera}[i%2]
			tracks := []client.TrackInfo{{Mid: ada.Publications()[0].Mid, Source: last}}
			if err := ada.Client.Send(client.Message{Type: "publish", Tracks: tracks}); err != nil {
				t.Fatal(err)
			}
			if i == 0 { // the first is no flood
				bob.Await(200*time.Millisecond, "the first flip", func() bool {
					source, _ := sourceOf(bob, ada)
					return source == last
				})
			}
			time.Sleep(time.Second / 45) // virtual
		}
		updates, offers := caused(bob, before)
		seconds := time.Since(began).Seconds()
		// 64 at once and 2 a second; each is an update with the old track gone, and one
		// with the new one's first packet.
		if most := 64 + 2*seconds; float64(offers) > 2*most || float64(updates) > 2*most+1 || float64(offers) > 10+10*seconds {
			t.Errorf("%d flips in %.0f s made %d updates and %d offers", flips, seconds, updates, offers)
		}
		bob.Await(patience, "the last source", func() bool {
			source, _ := sourceOf(bob, ada)
			return source == last
		})
		consistent(t, bob)
		ada.Go()
		bob.Go()
	})
}

func TestMuteFloodIsCoalesced(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Camera)
		before := len(bob.Events())
		mid := ada.Publications()[0].Mid
		for i := range 1000 { // in 10 s
			_ = ada.Mute(mid, i%3 != 0)
			time.Sleep(10 * time.Millisecond) // virtual
		}
		_ = ada.Mute(mid, true)
		bob.Await(time.Second, "the last word", func() bool {
			_, muted := sourceOf(bob, ada)
			return muted
		})
		if updates, _ := caused(bob, before); updates < 50 || updates > 10+10*10+10 {
			t.Errorf("1,000 changes made %d updates", updates)
		}
		ada.Go()
		bob.Go()
	})
}

// A crowd that comes and goes: who is there already is told some of it, in the right order,
// and in the end who is there.
func TestComingAndGoingIsCoalesced(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		bob := w.Join("demo", "Bob")
		before := len(bob.Events())
		const crowd = 500
		for i := range crowd { // in 5 s
			p, err := w.Server.Join(sfu.JoinRequest{Room: "demo", Name: fmt.Sprint(i), Grants: sfu.AllGrants, Client: discard{}})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond) // virtual
			p.Leave(sfu.ErrLeft)
			<-p.Done()
		}
		ada, _, _ := publisher(t, w, "demo", "Ada")
		receives(t, bob, ada, client.Camera)
		updates, _ := caused(bob, before)
		if updates > 2*(10+10*7)+10 {
			t.Errorf("%d comings and goings made %d updates", crowd, updates)
		}
		consistent(t, bob)
		present := 0
		for _, e := range bob.Events()[before:] {
			if u, ok := e.(client.Participant); ok {
				present += map[string]int{"joined": 1, "left": -1}[u.Event]
			}
		}
		if present != 1 {
			t.Errorf("in the end %d others are there", present)
		}
		ada.Go()
		bob.Go()
	})
}
