package sfu_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"

	"plenum/sfu"
	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// patience is how long a scenario waits for something, in virtual time.
const patience = 10 * time.Second

// scenario runs a call in virtual time. The bubble fails if a goroutine survives.
func scenario(t *testing.T, o sfutest.Options, call func(t *testing.T, w *sfutest.World)) {
	t.Helper()
	if o.Delay == 0 {
		o.Delay = 10 * time.Millisecond
	}
	synctest.Test(t, func(t *testing.T) {
		w := sfutest.New(t, o)
		call(t, w)
		w.Close()
	})
}

func video(t testing.TB, c client.VideoConfig) *client.Video {
	t.Helper()
	v, err := client.NewVideo(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func audio(t testing.TB) *client.Audio {
	t.Helper()
	a, err := client.NewAudio(client.AudioConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// publisher joins with a camera and a microphone.
func publisher(t *testing.T, w *sfutest.World, room, name string) (*sfutest.Person, *client.Video, *client.Audio) {
	t.Helper()
	v, a := video(t, client.VideoConfig{}), audio(t)
	p := w.Join(room, name, v.Local(client.Camera), a.Local(client.Microphone))
	p.Send(v.Run)
	p.Send(a.Run)
	return p, v, a
}

// receives waits until p gets packets of that source of other, and of video a
// keyframe.
func receives(t *testing.T, p, other *sfutest.Person, source client.Source) *client.Receiver {
	t.Helper()
	p.Await(patience, fmt.Sprintf("%s's %s", other.Name, source), func() bool {
		r := p.From(other, source)
		if r == nil {
			return false
		}
		report := r.Report()
		return report.Packets > 0 && (source != client.Camera || report.Keyframes > 0)
	})
	return p.From(other, source)
}

// sound fails if what came through is not one unbroken stream.
func sound(t *testing.T, what string, r client.Report) {
	t.Helper()
	if r.Lost != 0 || r.Duplicates != 0 || r.Malformed != 0 || r.TimestampErrors != 0 || r.PictureIDErrors != 0 {
		t.Errorf("%s: lost %d, duplicates %d, malformed %d, timestamps wrong %d, picture ids wrong %d of %d packets",
			what, r.Lost, r.Duplicates, r.Malformed, r.TimestampErrors, r.PictureIDErrors, r.Packets)
	}
}

func TestThreePeopleSeeAndHearEachOther(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		var people []*sfutest.Person
		for _, name := range []string{"Ada", "Bob", "Cleo"} {
			p, _, _ := publisher(t, w, "demo", name)
			people = append(people, p)
		}
		for _, p := range people {
			for _, other := range people {
				if p != other {
					receives(t, p, other, client.Camera)
					receives(t, p, other, client.Microphone)
				}
			}
		}
		time.Sleep(5 * time.Second) // virtual
		for _, p := range people {
			receivers, infos := p.Receivers()
			if len(receivers) != 4 {
				t.Errorf("%s gets %d tracks, want 4", p.Name, len(receivers))
			}
			for id, r := range receivers {
				report := r.Report()
				sound(t, fmt.Sprintf("%s's view of %s", p.Name, infos[id].Source), report)
				if report.Packets < 200 {
					t.Errorf("%s got %d packets of %s in 5 s", p.Name, report.Packets, infos[id].Source)
				}
			}
		}
		for _, p := range people {
			p.Go()
		}
	})
}

func TestLateJoinerSeesAtOnce(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, v, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Camera)
		time.Sleep(3 * time.Second) // virtual
		before := v.Stats(0).Keyframes
		start := time.Now()
		cleo := w.Join("demo", "Cleo")
		receives(t, cleo, ada, client.Camera)
		if waited := time.Since(start); waited > time.Second {
			t.Errorf("the first keyframe came after %v", waited)
		}
		if extra := v.Stats(0).Keyframes - before; extra != 1 {
			t.Errorf("a late joiner cost %d keyframes", extra)
		}
		ada.Go()
		bob.Go()
		cleo.Go()
	})
}

func TestHundredViewersAskAtOnce(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, v, _ := publisher(t, w, "demo", "Ada")
		var viewers []*sfutest.Person
		for i := range 100 {
			viewers = append(viewers, w.Join("demo", fmt.Sprint("viewer ", i)))
		}
		for _, p := range viewers {
			receives(t, p, ada, client.Camera)
		}
		time.Sleep(2 * time.Second) // virtual
		before := v.Stats(0)
		for _, p := range viewers {
			receiver := p.PeerConnection().GetReceivers()
			for _, r := range receiver {
				if track := r.Track(); track != nil && track.Kind().String() == "video" {
					if err := p.PeerConnection().WriteRTCP([]rtcp.Packet{
						&rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())},
					}); err != nil {
						t.Error(err)
					}
				}
			}
		}
		time.Sleep(2 * time.Second) // virtual
		after := v.Stats(0)
		if made := after.Keyframes - before.Keyframes; made != 1 {
			t.Errorf("100 requests at once cost %d keyframes", made)
		}
		if asked := after.KeyframeRequests - before.KeyframeRequests; asked > 2 {
			t.Errorf("the publisher was asked %d times", asked)
		}
		ada.Go()
		for _, p := range viewers {
			p.Go()
		}
	})
}

func TestStormOfJoinsAndLeaves(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		order := rand.New(rand.NewPCG(7, 7))
		var people []*sfutest.Person
		join := func(i int) {
			a := audio(t)
			p := w.Join("storm", fmt.Sprint("person ", i), a.Local(client.Microphone))
			p.Send(a.Run)
			people = append(people, p)
		}
		for i := range 50 {
			join(i)
			if order.IntN(4) == 0 {
				time.Sleep(time.Duration(order.IntN(300)) * time.Millisecond) // virtual
			}
			if order.IntN(3) == 0 {
				gone := order.IntN(len(people))
				if order.IntN(2) == 0 {
					people[gone].Go()
				} else {
					people[gone].Vanish()
				}
				people = append(people[:gone], people[gone+1:]...)
			}
		}
		for _, p := range people {
			for _, other := range people {
				if p != other {
					receives(t, p, other, client.Microphone)
				}
			}
		}
		stats := w.Server.Stats()
		if stats.Participants != len(people) {
			t.Errorf("%d participants, want %d", stats.Participants, len(people))
		}
		order.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
		for _, p := range people {
			p.Go()
		}
		if stats := w.Server.Stats(); stats.Rooms != 0 || stats.Participants != 0 {
			t.Errorf("after everyone left there are %d rooms and %d participants", stats.Rooms, stats.Participants)
		}
	})
}

func TestLossIsRepaired(t *testing.T) {
	scenario(t, sfutest.Options{Delay: 20 * time.Millisecond}, func(t *testing.T, w *sfutest.World) {
		ada, v, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		r := receives(t, bob, ada, client.Camera)
		before := r.Report()
		w.SetLoss(0.05)
		time.Sleep(20 * time.Second) // virtual
		w.SetLoss(0)
		time.Sleep(2 * time.Second) // virtual: the last repairs
		report := r.Report()
		packets := report.Packets - before.Packets
		if lost := report.Lost - before.Lost; float64(lost) > 0.01*float64(packets) {
			t.Errorf("%d of %d packets stayed lost", lost, packets)
		}
		if report.TimestampErrors != 0 || report.PictureIDErrors != 0 {
			t.Errorf("timestamps wrong %d, picture ids wrong %d", report.TimestampErrors, report.PictureIDErrors)
		}
		if report.Repaired == 0 {
			t.Error("nothing came over RTX")
		}
		sent := v.Stats(0).Packets
		var repaired, asked uint64
		for _, s := range w.Server.Stats().Retransmissions {
			if s.Labels[0] == "in" {
				repaired = s.Value
			}
		}
		for _, s := range w.Server.Stats().NACKs {
			if s.Labels[0] == "out" && s.Labels[1] == "asked" {
				asked = s.Value
			}
		}
		t.Logf("sent %d, lost on the way %d, server asked %d, got %d repairs", sent, w.Dropped(), asked, repaired)
		if repaired == 0 || float64(repaired) > 0.1*float64(sent) {
			t.Errorf("the publisher sent %d repairs for some %d losses", repaired, sent/20)
		}
		ada.Go()
		bob.Go()
	})
}

func TestLayersStartAndStop(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		v := video(t, client.VideoConfig{Layers: client.SimulcastLayers()})
		ada := w.Join("demo", "Ada", v.Local(client.Camera))
		ada.Send(v.Run)
		bob := w.Join("demo", "Bob")
		r := receives(t, bob, ada, client.Camera)
		width := func(want int) func() bool { return func() bool { return r.Report().Width == want } }
		bob.Await(patience, "the top layer", width(1280))
		v.SetLayer(2, false)
		bob.Await(patience, "the middle layer", width(640))
		v.SetLayer(1, false)
		bob.Await(patience, "the low layer", width(320))
		v.SetLayer(2, true)
		bob.Await(patience, "the top layer again", width(1280))
		time.Sleep(time.Second) // virtual
		sound(t, "a view over layer switches", r.Report())
		ada.Go()
		bob.Go()
	})
}

func TestSignalingBreaksAndResumes(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob, _, _ := publisher(t, w, "demo", "Bob")
		r := receives(t, bob, ada, client.Camera)
		receives(t, ada, bob, client.Camera)
		bob.CutSignal()
		before := r.Report().Packets
		cleo, _, _ := publisher(t, w, "demo", "Cleo") // meanwhile
		time.Sleep(10 * time.Second)                  // virtual
		if got := r.Report().Packets - before; got < 300 {
			t.Errorf("%d packets came while the signal was cut", got)
		}
		if err := bob.Reconnect(t.Context()); err != nil {
			t.Fatal(err)
		}
		receives(t, bob, cleo, client.Camera)
		sound(t, "a view over a broken signal", r.Report())
		for _, e := range ada.Events() {
			if p, ok := e.(client.Participant); ok && p.Event == "left" {
				t.Errorf("Ada saw %s leave", p.Participant.Name)
			}
		}
		ada.Go()
		bob.Go()
		cleo.Go()
	})
}

func TestICERestart(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		r := receives(t, bob, ada, client.Camera)
		for _, p := range []*sfutest.Person{ada, bob} {
			p.RestartICE()
			time.Sleep(3 * time.Second) // virtual
			before := r.Report().Packets
			time.Sleep(time.Second) // virtual
			if got := r.Report().Packets - before; got < 30 {
				t.Errorf("after %s's ICE restart %d packets came in a second", p.Name, got)
			}
		}
		if n := w.Server.Stats().ICERestarts; n != 2 {
			t.Errorf("%d ICE restarts were counted", n)
		}
		ada.Go()
		bob.Go()
	})
}

func TestSomeoneWhoVanishesIsNoticed(t *testing.T) {
	scenario(t, sfutest.Options{Config: sfu.Config{MediaTimeout: 10 * time.Second}}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob, _, _ := publisher(t, w, "demo", "Bob")
		receives(t, bob, ada, client.Camera)
		w.Blackout(ada)
		bob.Await(time.Minute, "Ada to be gone", func() bool {
			for _, e := range bob.Events() {
				if p, ok := e.(client.Participant); ok && p.Event == "left" && p.Participant.Name == "Ada" {
					return true
				}
			}
			return false
		})
		if cause := ada.Ended(); !errors.Is(cause, sfu.ErrMediaLost) {
			t.Errorf("Ada ended with %v", cause)
		}
		ada.Vanish()
		bob.Go()
	})
}
