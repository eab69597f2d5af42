package client

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Three rids arrive as three streams of one m-line; a key frame asked of one
// comes on it; repairs of a layer are told apart by their repaired rid.
func TestSimulcast(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		n := 0
		video, err := NewVideo(VideoConfig{Layers: SimulcastLayers()})
		check(t, err)
		s.run(video.Run)
		s.join(publishing(video.Local(Camera)))
		_, seen := s.join()
		time.Sleep(time.Second)
		s.server.router.AddChunkFilter(dropEvery(20, &n))
		time.Sleep(20 * time.Second)
		synctest.Wait()

		if n := len(seen.tracks()); n != 3 {
			t.Fatalf("%d layers were forwarded", n)
		}
		var widths []int
		seen.mu.Lock()
		for _, r := range seen.receivers {
			x := r.Report()
			widths = append(widths, x.Width)
			if x.Packets < 100 || float64(x.Lost) > 0.02*float64(x.Packets)+2 || x.PictureIDErrors != 0 {
				t.Errorf("%+v", &x)
			}
		}
		seen.mu.Unlock()
		if len(widths) != 3 || widths[0] == widths[1] || widths[1] == widths[2] || widths[0] == widths[2] {
			t.Errorf("widths %v", widths)
		}
		for i := range 3 {
			if video.Stats(i).KeyframeRequests == 0 {
				t.Errorf("layer %d was not asked for a key frame", i)
			}
		}
		var repairs uint64
		for _, receiver := range s.server.members[0].pc.GetReceivers() {
			for _, track := range receiver.Tracks() {
				if track.Kind() == webrtc.RTPCodecTypeVideo && track.RID() == "" || !track.HasRTX() {
					t.Errorf("layer %q without repair stream", track.RID())
				}
				repairs++
			}
		}
		if repairs != 3 {
			t.Errorf("%d layers", repairs)
		}
	})
}
