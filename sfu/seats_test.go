package sfu_test

import (
	"errors"
	"testing"
	"time"

	"plenum/sfu"
	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// sitter joins and does nothing.
func sitter(t *testing.T, w *sfutest.World, room string) *sfu.Participant {
	t.Helper()
	p, err := w.Server.Join(sfu.JoinRequest{Room: room, Client: &flooded{}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Who joins and never offers anything has its place for a minute. Who has a media path
// keeps it, also without media.
func TestSeatTimeout(t *testing.T) {
	scenario(t, sfutest.Options{Config: sfu.Config{SeatTimeout: time.Minute}}, func(t *testing.T, w *sfutest.World) {
		began := time.Now()
		idle := sitter(t, w, "demo")
		listener := w.Join("demo", "Ada")
		listener.Await(10*time.Second, "a media path", func() bool { return w.Server.Stats().JoinConnected.Count == 1 })
		<-idle.Done()
		if took := time.Since(began); took < time.Minute || took > 62*time.Second {
			t.Errorf("it had its place for %v", took)
		}
		time.Sleep(2 * time.Minute)
		if n := w.Server.Stats().Participants; n != 1 {
			t.Errorf("%d are there", n)
		}
		listener.Go()
	})
}

// Sitters don't keep anybody out: where there is no other place, a newcomer gets that of
// the first of them, but not that of one who may be about to connect.
func TestSittersGiveWay(t *testing.T) {
	limits := sfu.Config{SeatTimeout: time.Minute, MaxParticipants: 4, MaxRoomParticipants: 3}
	scenario(t, sfutest.Options{Config: limits}, func(t *testing.T, w *sfutest.World) {
		listener := w.Join("demo", "Ada")
		listener.Await(10*time.Second, "a media path", func() bool { return w.Server.Stats().JoinConnected.Count == 1 })
		first := sitter(t, w, "other")
		time.Sleep(time.Second)
		second := sitter(t, w, "demo")
		time.Sleep(time.Second)
		third := sitter(t, w, "demo")
		join := func(room string) error {
			_, err := w.Server.Join(sfu.JoinRequest{Room: room, Client: &flooded{}})
			return err
		}
		if err := join("demo"); !errors.Is(err, sfu.ErrRoomFull) {
			t.Errorf("a fourth in the room gets %v", err)
		}
		if err := join("third"); !errors.Is(err, sfu.ErrServerFull) {
			t.Errorf("a fifth on the server gets %v", err)
		}
		if _, full := w.Server.Occupants("third"); !full {
			t.Error("the server isn't full")
		}
		time.Sleep(10 * time.Second)
		if _, full := w.Server.Occupants("demo"); full {
			t.Error("the room is full, though someone would give way")
		}
		if err := join("demo"); err != nil { // in place of one there
			t.Error(err)
		}
		<-second.Done()
		if err := join("third"); err != nil {
			t.Error(err)
		}
		<-first.Done() // the first anywhere; with it its room goes
		if n, m := w.Server.Stats().Participants, w.Server.Stats().Rooms; n != 4 || m != 2 {
			t.Errorf("%d are in %d rooms", n, m)
		}
		if err := join("third"); err != nil {
			t.Error(err)
		}
		<-third.Done()
		if err := join("demo"); !errors.Is(err, sfu.ErrServerFull) {
			t.Errorf("in place of a newcomer: %v", err)
		}
		for _, e := range listener.Events() {
			if left, ok := e.(client.Participant); ok && left.Event == "left" && left.Participant.ID == first.ID() {
				t.Error("someone of another room leaves")
			}
		}
		if n := w.Server.Stats().Participants; n != 4 {
			t.Errorf("%d are there", n)
		}
		time.Sleep(2 * time.Minute)
		if n := w.Server.Stats().Participants; n != 1 {
			t.Errorf("%d are there in the end", n)
		}
		listener.Go()
	})
}
