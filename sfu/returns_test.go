package sfu_test

import (
	"encoding/json"
	"testing"
	"time"

	"plenum/sfu"
	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// TestPicturesComeBack: the viewer's link carries less than the cheapest picture for a
// while, so that all video is paused; then it is open. With all video paused nothing is
// sent that brings feedback, and what was measured last must not be believed for good.
func TestPicturesComeBack(t *testing.T) {
	type phase struct {
		rate   int // bit/s
		length time.Duration
	}
	for _, c := range []struct {
		name    string
		cameras int
		red     bool // the viewer's sound is counted as well
		phases  []phase
	}{
		{"three cameras at 300 kbit/s", 3, false, []phase{{300_000, 15 * time.Second}}},
		{"three cameras at 300, then 40 kbit/s", 3, false, []phase{{300_000, 8 * time.Second}, {40_000, 8 * time.Second}}},
		{"three cameras at 300, then 40 kbit/s, with RED", 3, true, []phase{{300_000, 8 * time.Second}, {40_000, 8 * time.Second}}},
		{"one camera at 120 kbit/s", 1, false, []phase{{120_000, 15 * time.Second}}},
		{"400 kbit/s, then a tunnel of 3 s", 3, false, []phase{{400_000, 10 * time.Second}, {1_000, 3 * time.Second}}},
		{"400 kbit/s, then a tunnel of 3 s, with RED", 3, true, []phase{{400_000, 10 * time.Second}, {1_000, 3 * time.Second}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			scenario(t, sfutest.Options{Delay: 30 * time.Millisecond}, func(t *testing.T, w *sfutest.World) {
				people := []*sfutest.Person{}
				for _, name := range []string{"Ada", "Bob", "Cleo"}[:c.cameras] {
					p, _ := simulcaster(t, w, name)
					people = append(people, p)
				}
				link := sfutest.NewLink(5_000_000, 200*time.Millisecond)
				var dan *sfutest.Person
				if c.red {
					dan = w.JoinREDBehind(link, "demo", "Dan")
				} else {
					dan = w.JoinBehind(link, "demo", "Dan")
				}
				for _, p := range people {
					receives(t, dan, p, client.Camera)
				}
				all := func() bool {
					layers := spatial(t, w, dan)
					return len(layers) == c.cameras && min(layers[0], layers[len(layers)-1]) >= 0 && sum(layers) >= 2*c.cameras-1
				}
				dan.Await(8*time.Second, "full quality", all)
				for _, p := range c.phases {
					link.SetRate(p.rate)
					time.Sleep(p.length) // virtual
				}
				before := spatial(t, w, dan)
				link.SetRate(5_000_000)
				start := time.Now()
				defer func() {
					if t.Failed() {
						why, _ := json.Marshal(explain(t, w, dan))
						t.Logf("from %v to %v: %s", before, spatial(t, w, dan), why)
					}
				}()
				dan.Await(5*time.Second, "full quality again", all)
				t.Logf("from %v to %v after %v", before, spatial(t, w, dan), time.Since(start))
				for _, p := range people {
					p.Go()
				}
				dan.Go()
			})
		})
	}
}

// TestOutageIsNoCongestion: for some seconds nothing passes in either direction. That
// says nothing about what the path carries when it is back.
func TestOutageIsNoCongestion(t *testing.T) {
	for _, length := range []time.Duration{2 * time.Second, 5 * time.Second, 12 * time.Second} {
		t.Run(length.String(), func(t *testing.T) {
			scenario(t, sfutest.Options{Delay: 30 * time.Millisecond}, func(t *testing.T, w *sfutest.World) {
				ada, _ := simulcaster(t, w, "Ada")
				link := sfutest.NewLink(5_000_000, 200*time.Millisecond)
				dan := w.JoinBehind(link, "demo", "Dan")
				receives(t, dan, ada, client.Camera)
				full := func() bool { layers := spatial(t, w, dan); return len(layers) == 1 && layers[0] == 2 }
				dan.Await(8*time.Second, "full quality", full)
				time.Sleep(5 * time.Second) // virtual
				before := explain(t, w, dan).Downlink.Target

				w.Blackout(dan)
				time.Sleep(length - 100*time.Millisecond) // virtual
				away := explain(t, w, dan)
				if away.Downlink.Target != before {
					t.Errorf("the estimate went from %d to %d while nothing came", before, away.Downlink.Target)
				}
				for _, r := range away.Receives {
					if r.Kind == sfu.Video && r.Chosen != nil {
						t.Errorf("layer %v is sent to nobody", *r.Chosen)
					}
				}
				time.Sleep(100 * time.Millisecond) // virtual
				w.Return(dan)
				start := time.Now()
				dan.Await(1500*time.Millisecond, "full quality again", full)
				t.Logf("full after %v", time.Since(start))
				ada.Go()
				dan.Go()
			})
		})
	}
}
