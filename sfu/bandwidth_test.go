package sfu_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"plenum/sfu"
	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// simulcaster joins with a camera of three layers and a microphone.
func simulcaster(t *testing.T, w *sfutest.World, name string) (*sfutest.Person, *client.Video) {
	t.Helper()
	v, a := video(t, client.VideoConfig{Layers: client.SimulcastLayers()}), audio(t)
	p := w.Join("demo", name, v.Local(client.Camera), a.Local(client.Microphone))
	p.Send(v.Run)
	p.Send(a.Run)
	return p, v
}

// explain asks the server why p sees what it sees.
func explain(t *testing.T, w *sfutest.World, p *sfutest.Person) *sfu.Explanation {
	t.Helper()
	e, err := w.Server.Explain(t.Context(), p.ID())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// spatial lists the spatial layers of the videos that p is sent, -1 for one that
// is paused, in the order of track ids.
func spatial(t *testing.T, w *sfutest.World, p *sfutest.Person) (layers []int) {
	t.Helper()
	for _, r := range explain(t, w, p).Receives {
		if r.Kind != sfu.Video {
			continue
		}
		if r.Chosen == nil || r.Sent == nil {
			layers = append(layers, -1)
		} else {
			layers = append(layers, r.Sent.Spatial)
		}
	}
	return layers
}

func sum(layers []int) (total int) {
	for _, l := range layers {
		total += l
	}
	return total
}

// TestBandwidthFallsAndReturns: three simulcast publishers, one viewer whose
// downlink goes from 5 Mbit/s to 700 kbit/s and back, and one whom that must not
// touch.
func TestBandwidthFallsAndReturns(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		people := []*sfutest.Person{}
		for _, name := range []string{"Ada", "Bob", "Cleo"} {
			p, _ := simulcaster(t, w, name)
			people = append(people, p)
		}
		link := sfutest.NewLink(5_000_000, 200*time.Millisecond)
		dan := w.JoinBehind(link, "demo", "Dan")
		eve := w.Join("demo", "Eve")
		audio := map[string]*client.Receiver{}
		for _, p := range people {
			for _, viewer := range []*sfutest.Person{dan, eve} {
				receives(t, viewer, p, client.Camera)
				audio[viewer.Name+p.Name] = receives(t, viewer, p, client.Microphone)
			}
		}
		why := func() string {
			e := explain(t, w, dan)
			b, _ := json.Marshal(e)
			return string(b)
		}
		start := time.Now()
		full := func() bool { return sum(spatial(t, w, dan)) >= 5 } // 2 × 1.5 Mbit/s and 0.5 at least
		dan.Await(6*time.Second, "full quality", full)
		t.Logf("at %v after %v", spatial(t, w, dan), time.Since(start))
		time.Sleep(10 * time.Second) // virtual
		if !full() {
			t.Errorf("layers %v on a steady link: %s", spatial(t, w, dan), why())
		}

		link.SetRate(700_000)
		start = time.Now()
		low := func() bool { return sum(spatial(t, w, dan)) <= 0 }
		dan.Await(3*time.Second, "less to be sent", low)
		fell := time.Since(start)
		t.Logf("down to %v after %v", spatial(t, w, dan), fell)
		if fell > 1500*time.Millisecond {
			t.Errorf("it took %v to send less: %s", fell, why())
		}
		time.Sleep(15 * time.Second) // virtual
		if layers := spatial(t, w, dan); sum(layers) > 0 || max(layers[0], layers[1], layers[2]) < 0 {
			t.Errorf("layers %v at 700 kbit/s: %s", layers, why())
		}
		t.Logf("at the bottom %v, estimate %d", spatial(t, w, dan), explain(t, w, dan).Downlink.Target)

		link.SetRate(5_000_000)
		start = time.Now()
		dan.Await(15*time.Second, "full quality again", full)
		rose := time.Since(start)
		t.Logf("up to %v after %v", spatial(t, w, dan), rose)
		if rose > 8*time.Second {
			t.Errorf("it took %v to send more: %s", rose, why())
		}
		time.Sleep(2 * time.Second) // virtual

		if layers := spatial(t, w, eve); sum(layers) != 6 {
			t.Errorf("on the open link layers %v", layers)
		}
		for key, r := range audio {
			report := r.Report()
			if share := float64(report.Lost) / float64(report.Packets); share > 0.01 {
				t.Errorf("%s: %.1f %% of the audio was lost", key, 100*share)
			}
		}
		for _, p := range people {
			sound(t, "Eve's view of "+p.Name, eve.From(p, client.Camera).Report())
			p.Go()
		}
		dan.Go()
		eve.Go()
	})
}

// TestRandomLossCostsNoQuality: losses that have nothing to do with the rate.
func TestRandomLossCostsNoQuality(t *testing.T) {
	scenario(t, sfutest.Options{Delay: 20 * time.Millisecond}, func(t *testing.T, w *sfutest.World) {
		ada, _ := simulcaster(t, w, "Ada")
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Camera)
		top := func() bool { return sum(spatial(t, w, bob)) == 2 }
		bob.Await(5*time.Second, "the top layer", top)
		w.SetLoss(0.05)
		for i := range 20 {
			time.Sleep(time.Second) // virtual
			if !top() {
				t.Fatalf("layers %v after %d s of 5 %% loss", spatial(t, w, bob), i+1)
			}
		}
		w.SetLoss(0)
		ada.Go()
		bob.Go()
	})
}

// TestTilesAreFollowed: the size, visibility and priority of tiles decide what
// is sent, and publishers are told what nobody wants.
func TestTilesAreFollowed(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, v := simulcaster(t, w, "Ada")
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Camera)
		layer := func(want int) func() bool {
			return func() bool { l := spatial(t, w, bob); return len(l) == 1 && l[0] == want }
		}
		bob.Await(5*time.Second, "the top layer", layer(2))
		id := ""
		for _, r := range explain(t, w, bob).Receives {
			if r.Kind == sfu.Video {
				id = r.Track
			}
		}
		wish := func(wish client.Wish) {
			t.Helper()
			if err := bob.Subscribe(map[string]client.Wish{id: wish}); err != nil {
				t.Fatal(err)
			}
		}
		told := func(q, h, f bool) func() bool {
			return func() bool {
				events := ada.Events()
				for i := len(events) - 1; i >= 0; i-- {
					if l, ok := events[i].(client.Layers); ok {
						return fmt.Sprint(l.Active) == fmt.Sprint(map[string]bool{"q": q, "h": h, "f": f})
					}
				}
				return false
			}
		}
		start := time.Now()
		wish(client.Wish{Enabled: true, Width: 200, Height: 112})
		bob.Await(time.Second, "the low layer", layer(0))
		t.Logf("a thumbnail after %v", time.Since(start))
		ada.Await(4*time.Second, "to hear that only the low layer is wanted", told(true, false, false))
		v.SetLayer(1, false)
		v.SetLayer(2, false)
		time.Sleep(3 * time.Second) // virtual: the layers die

		wish(client.Wish{Enabled: true, Width: 1280, Height: 720})
		start = time.Now()
		ada.Await(time.Second, "to hear that all is wanted", told(true, false, true))
		v.SetLayer(2, true)
		bob.Await(3*time.Second, "the top layer again", layer(2))
		t.Logf("large again after %v", time.Since(start))

		wish(client.Wish{Enabled: false})
		bob.Await(time.Second, "nothing", layer(-1))
		before := bob.From(ada, client.Camera).Report().Packets
		time.Sleep(2 * time.Second) // virtual
		if got := bob.From(ada, client.Camera).Report().Packets - before; got > 2 {
			t.Errorf("%d packets of what is turned off", got)
		}
		wish(client.Wish{Enabled: true})
		bob.Await(3*time.Second, "the top layer at last", layer(2))
		sound(t, "the view", bob.From(ada, client.Camera).Report())
		ada.Go()
		bob.Go()
	})
}

// TestLateLayersAreNotRefused: a publisher's upper layers may come later than the
// first viewer's wish for a small picture. If they were refused before they were ever
// seen, no viewer could ask for them.
func TestLateLayersAreNotRefused(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, v := simulcaster(t, w, "Ada")
		v.SetLayer(1, false)
		v.SetLayer(2, false)
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Camera)
		layer := func(want int) func() bool {
			return func() bool { l := spatial(t, w, bob); return len(l) == 1 && l[0] == want }
		}
		bob.Await(5*time.Second, "the only layer", layer(0))
		id := ""
		for _, r := range explain(t, w, bob).Receives {
			if r.Kind == sfu.Video {
				id = r.Track
			}
		}
		wish := func(width, height int) {
			t.Helper()
			if err := bob.Subscribe(map[string]client.Wish{id: {Enabled: true, Width: width, Height: height}}); err != nil {
				t.Fatal(err)
			}
		}
		wish(160, 90)
		time.Sleep(5 * time.Second) // virtual
		for _, e := range ada.Events() {
			if l, ok := e.(client.Layers); ok {
				t.Errorf("the publisher was told %v", l.Active)
			}
		}
		v.SetLayer(1, true)
		v.SetLayer(2, true)
		wish(1280, 720)
		bob.Await(5*time.Second, "the top layer", layer(2))
		ada.Go()
		bob.Go()
	})
}

// TestFullQualitySoon: on a good network a viewer is at full quality within two
// seconds of joining.
func TestFullQualitySoon(t *testing.T) {
	scenario(t, sfutest.Options{Delay: 25 * time.Millisecond}, func(t *testing.T, w *sfutest.World) {
		people := []*sfutest.Person{}
		for _, name := range []string{"Ada", "Bob", "Cleo"} {
			p, _ := simulcaster(t, w, name)
			people = append(people, p)
		}
		people[2].Await(10*time.Second, "the others' top layers", func() bool { return sum(spatial(t, w, people[2])) == 4 })
		start := time.Now()
		dan := w.JoinBehind(sfutest.NewLink(20_000_000, 100*time.Millisecond), "demo", "Dan")
		dan.Await(2*time.Second, "full quality", func() bool {
			l := spatial(t, w, dan)
			return len(l) == 3 && sum(l) == 6
		})
		t.Logf("full quality %v after joining", time.Since(start))
		for _, p := range append(people, dan) {
			p.Go()
		}
	})
}

// TestSingleLayerBegins: a picture that has no small layer is more than a viewer is
// believed to carry at first. Nothing else is sent, so nothing but it, or probes, can
// show that he does.
func TestSingleLayerBegins(t *testing.T) {
	scenario(t, sfutest.Options{Delay: 25 * time.Millisecond}, func(t *testing.T, w *sfutest.World) {
		v := video(t, client.VideoConfig{Layers: []client.VideoLayer{{Width: 1280, Height: 720, Bitrate: 1_500_000}}})
		ada := w.Join("demo", "Ada", v.Local(client.Camera))
		ada.Send(v.Run)
		ada.Await(5*time.Second, "to be connected", func() bool { return v.Stats(0).Packets > 0 })
		time.Sleep(2 * time.Second) // virtual: its rate is known
		bob := w.Join("demo", "Bob")
		start := time.Now()
		receives(t, bob, ada, client.Camera)
		bob.Await(10*time.Second, "a picture", func() bool { return bob.From(ada, client.Camera).Report().Packets > 100 })
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("the picture came after %v: %+v", took, explain(t, w, bob).Downlink)
		} else {
			t.Logf("the picture came after %v", took)
		}
		before, sent := bob.From(ada, client.Camera).Report().Packets, v.Stats(0).Packets
		time.Sleep(10 * time.Second) // virtual
		got, of := bob.From(ada, client.Camera).Report().Packets-before, v.Stats(0).Packets-sent
		if float64(got) < 0.98*float64(of) {
			t.Errorf("then %d of %d packets came: %+v", got, of, explain(t, w, bob).Downlink)
		}
		ada.Go()
		bob.Go()
	})
}

// TestFreezeIsShort: when a link suddenly carries a seventh, pictures stand still for
// less than a second, whenever between two frames it happens and whatever its queue
// holds; but for one that is paused, if not all fit. A queue of 60 ms is filled by one
// large frame, or by a probe, so there only a picture that doesn't come back is a fault.
func TestFreezeIsShort(t *testing.T) {
	for _, c := range []struct{ queue, phase, most time.Duration }{
		{60 * time.Millisecond, 13 * time.Millisecond, 5 * time.Second},
		{200 * time.Millisecond, 0, time.Second},
		{200 * time.Millisecond, 26 * time.Millisecond, time.Second},
		{200 * time.Millisecond, 52 * time.Millisecond, time.Second},
		{600 * time.Millisecond, 39 * time.Millisecond, time.Second},
	} {
		t.Run(fmt.Sprint(c.queue, c.phase), func(t *testing.T) { freeze(t, c.queue, c.phase, c.most) })
	}
}

func freeze(t *testing.T, queue, phase, most time.Duration) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		people := []*sfutest.Person{}
		for i, name := range []string{"Ada", "Bob", "Cleo"} {
			v := video(t, client.VideoConfig{Layers: client.SimulcastLayers(), FPS: 15})
			a, err := client.NewAudio(client.AudioConfig{Bitrate: 12_000}) // else not all fits
			if err != nil {
				t.Fatal(err)
			}
			p := w.Join("demo", name, v.Local(client.Camera), a.Local(client.Microphone))
			time.Sleep(time.Duration(i) * 17 * time.Millisecond) // virtual: not in step
			p.Send(v.Run)
			p.Send(a.Run)
			people = append(people, p)
		}
		link := sfutest.NewLink(5_000_000, queue)
		dan := w.JoinBehind(link, "demo", "Dan")
		cameras, microphones := []*client.Receiver{}, []*client.Receiver{}
		for _, p := range people {
			cameras = append(cameras, receives(t, dan, p, client.Camera))
			microphones = append(microphones, receives(t, dan, p, client.Microphone))
		}
		dan.Await(6*time.Second, "full quality", func() bool { return sum(spatial(t, w, dan)) >= 5 })
		time.Sleep(5*time.Second + phase) // virtual
		start := time.Now()
		link.SetRate(700_000)
		low := func() bool { return sum(spatial(t, w, dan)) <= 0 }
		dan.Await(3*time.Second, "less to be sent", low)
		fell := time.Since(start)
		paused := map[string]bool{}
		for range 60 {
			time.Sleep(50 * time.Millisecond) // virtual
			for _, r := range explain(t, w, dan).Receives {
				if r.Chosen == nil {
					paused[r.Participant] = true
				}
			}
		}
		if len(paused) > 1 {
			t.Errorf("%d of 3 pictures were paused", len(paused))
		}
		for i, p := range people {
			froze := cameras[i].Report().LongestFreeze
			t.Logf("aimed low after %v; froze for %v (paused: %v), sound interrupted for %v", fell, froze, paused[p.ID()], microphones[i].Report().LongestGap)
			if froze > most && !paused[p.ID()] {
				b, _ := json.Marshal(explain(t, w, dan).Downlink)
				t.Errorf("a picture stood still for %v: %s", froze, b)
			}
		}
		for _, p := range people {
			p.Go()
		}
		dan.Go()
	})
}
