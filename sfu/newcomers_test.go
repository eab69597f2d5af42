package sfu_test

import (
	"fmt"
	"testing"
	"time"

	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// TestNewcomersPauseNobody: a room fills, and the key frames for those who come make the
// one layer that there is look larger than it is; nobody who sees it is paused for that.
func TestNewcomersPauseNobody(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		v := video(t, client.VideoConfig{Layers: []client.VideoLayer{{Width: 1280, Height: 720, Bitrate: 2_000_000}}})
		ada := w.Join("demo", "Ada", v.Local(client.Camera))
		ada.Send(v.Run)
		time.Sleep(2 * time.Second) // virtual: its rate is known
		viewers, paused := []*sfutest.Person{}, map[string]string{}
		for i := range 60 {
			if i < 30 {
				viewers = append(viewers, w.Join("demo", fmt.Sprint("viewer", i)))
			}
			time.Sleep(60 * time.Millisecond) // virtual
			for _, p := range viewers {
				for _, r := range explain(t, w, p).Receives {
					if r.Sent != nil && r.Chosen == nil {
						paused[p.Name] = r.Reason
					}
				}
			}
		}
		if len(paused) > 0 {
			t.Errorf("paused: %v", paused)
		}
		for _, p := range append(viewers, ada) {
			p.Go()
		}
	})
}
