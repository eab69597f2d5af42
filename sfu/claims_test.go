package sfu_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// Four viewers who claim over and over to have lost what can't be repaired: that may cost
// the others a keyframe a second and some more, as if they asked for them.
func TestForgedLossCostsFewKeyframes(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, v, _ := publisher(t, w, "demo", "Ada")
		var hostile []*sfutest.Person
		for i := range 4 {
			p := w.Join("demo", fmt.Sprint("viewer ", i))
			receives(t, p, ada, client.Camera)
			hostile = append(hostile, p)
		}
		time.Sleep(5 * time.Second) // virtual
		before := v.Stats(0).Keyframes
		const seconds = 20
		lost := map[*sfutest.Person]uint16{}
		for i := range 40 * seconds {
			for n, p := range hostile { // each more often than a packet is repeated, then of another
				ssrc := videoSSRC(t, p)
				if (i+4*n)%14 == 0 {
					lost[p] = p.Newest(ssrc)
				}
				if err := p.PeerConnection().WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{
					MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{lost[p]}),
				}}); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(25 * time.Millisecond) // virtual
		}
		made := v.Stats(0).Keyframes - before
		t.Logf("%d keyframes in %d s", made, seconds)
		if most := uint64(5 + seconds + seconds/2); made > most {
			t.Errorf("in %d s %d keyframes were made, want %d at most", seconds, made, most)
		}
		for _, p := range append(hostile, ada) {
			p.Go()
		}
	})
}
