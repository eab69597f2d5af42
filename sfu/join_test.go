package sfu_test

import (
	"testing"
	"time"

	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// From a viewer's first offer to the first picture a pion client takes three round trips
// for ICE and two for DTLS; the keyframe comes in the shade of the second.
func TestFirstPictureTakesFiveRoundTrips(t *testing.T) {
	const delay = 100 * time.Millisecond // one way; signaling takes no time here
	scenario(t, sfutest.Options{Delay: delay}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Camera) // so that the track is there for who comes
		time.Sleep(time.Second)              // virtual: Bob's keyframe is no use to Cleo

		began := time.Now()
		cleo := w.JoinSilent("demo", "Cleo")
		receives(t, cleo, ada, client.Camera)
		trips := float64(time.Since(began)) / float64(2*delay)
		if trips > 5.3 {
			t.Errorf("the first picture took %.2f round trips", trips)
		}
		for _, p := range []*sfutest.Person{ada, bob, cleo} {
			p.Go()
		}
	})
}
