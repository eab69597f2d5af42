package client

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"plenum/sfu"
	"plenum/signaling"
	"plenum/signaling/protocol"
)

// patience bounds every wait on the real server; a busy machine needs some.
const patience = 20 * time.Second

// call is a real server on loopback and its clients.
type call struct {
	t       *testing.T
	engine  *sfu.Server
	url     string
	ctx     context.Context
	playing sync.WaitGroup
}

// caller is one client, what it saw and what it sends.
type caller struct {
	*Client
	*watch
	call  *call
	video *Video // of talk
	audio *Audio
}

func newCall(t *testing.T) *call {
	t.Helper()
	return newCallOn(t, "127.0.0.1")
}

// newCallOn serves media on the addresses.
func newCallOn(t *testing.T, addresses ...string) *call {
	t.Helper()
	return newCallWith(t, signaling.Config{}, addresses...)
}

func newCallWith(t *testing.T, config signaling.Config, addresses ...string) *call {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	media := sfu.Config{Log: log}
	for _, a := range addresses {
		media.MediaAddresses = append(media.MediaAddresses, netip.MustParseAddr(a))
	}
	engine, err := sfu.New(media)
	check(t, err)
	config.Engine, config.Log = engine, log
	server, err := signaling.New(config)
	check(t, err)
	h := httptest.NewServer(server)
	c := &call{t: t, engine: engine, url: "ws" + strings.TrimPrefix(h.URL, "http") + "/ws"}
	var stop context.CancelFunc
	c.ctx, stop = context.WithCancel(context.Background())
	t.Cleanup(func() {
		stop()
		c.playing.Wait()
		server.Close()
		h.Close()
		if err := engine.Close(errors.New("test over")); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *call) join(o Options) *caller {
	c.t.Helper()
	w := newWatch()
	o.URL, o.Room, o.On = c.url, "room", w.on
	client, err := Join(c.ctx, o)
	check(c.t, err)
	c.t.Cleanup(func() {
		client.Close()
		w.reading.Wait()
	})
	return &caller{Client: client, watch: w, call: c}
}

// talk joins with a scripted camera and microphone.
func (c *call) talk(name string) *caller {
	c.t.Helper()
	video, err := NewVideo(VideoConfig{StreamID: name})
	check(c.t, err)
	audio, err := NewAudio(AudioConfig{StreamID: name})
	check(c.t, err)
	c.run(video.Run)
	c.run(audio.Run)
	p := c.join(Options{Name: name, Publish: []Local{video.Local(Camera), audio.Local(Microphone)}})
	p.video, p.audio = video, audio
	return p
}

// overload is how many packets the server dropped because it could not keep up.
func (c *call) overload() (n uint64) {
	for _, dropped := range c.engine.Stats().Dropped {
		if reason := dropped.Labels[0]; reason == "overload" || reason == "socket_full" {
			n += dropped.Value
		}
	}
	return n
}

func (c *call) run(f func(context.Context)) { c.playing.Go(func() { f(c.ctx) }) }

// until waits for a condition, which is looked at after each event and packet.
func (p *caller) until(what string, condition func() bool) {
	p.call.t.Helper()
	if !p.eventually(condition) {
		p.call.t.Fatalf("%s: not within %v; errors %v", what, patience, all[Error](p.watch))
	}
}

func (p *caller) eventually(condition func() bool) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	for !condition() {
		select {
		case <-p.changed:
		case <-late.C:
			return false
		}
	}
	return true
}

// from is the report on someone's track.
func (p *caller) from(id string, source Source) (Report, bool) {
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	for i := len(p.events) - 1; i >= 0; i-- {
		t, ok := p.events[i].(Track)
		if ok && t.Info.Participant == id && t.Info.Source == source {
			return p.receivers[t.Mid+t.Remote.Kind().String()].Report(), true
		}
	}
	return Report{}, false
}

// hears waits for n packets of someone's camera, with its key frame, and n
// of the microphone.
func (p *caller) hears(id string, n uint64) {
	p.call.t.Helper()
	for _, source := range []Source{Camera, Microphone} {
		p.until("media of "+id, func() bool {
			r, ok := p.from(id, source)
			return ok && r.Packets >= n && (source == Microphone || r.Keyframes > 0)
		})
	}
}

// unspoilt checks that a report has no fault that a lossless path explains.
func (p *caller) unspoilt(id string) {
	p.call.t.Helper()
	p.unspoiltBut(id, span{})
}

// unspoiltBut allows that some of what was sent never reached the other side.
// What is being repaired is waited for.
func (p *caller) unspoiltBut(id string, missing span) {
	p.call.t.Helper()
	p.unspoiltTrack(id, Camera, missing.video)
	p.unspoiltTrack(id, Microphone, missing.audio)
}

func (p *caller) unspoiltTrack(id string, source Source, missing uint64) {
	p.call.t.Helper()
	var r Report
	repaired := p.eventually(func() bool {
		r, _ = p.from(id, source)
		return r.Lost <= missing+p.call.overload()
	})
	// What is asked for twice may come twice.
	if !repaired || r.Duplicates > r.Asked-min(r.Asked, r.Repaired) || r.Malformed+r.TimestampErrors+r.PictureIDErrors != 0 {
		r.Latency = Latencies{} // long, and beside the point
		p.call.t.Errorf("%s of %s, %d lost allowed: %+v", source, id, missing, &r)
	}
}

// span is how many packets someone sent in a time.
type span struct{ video, audio uint64 }

func (p *caller) sent() span { return span{p.video.Stats(0).Packets, p.audio.Packets()} }

// since is what was sent after an earlier count, and perhaps one that was being sent.
func (p *caller) since(before span) span {
	now := p.sent()
	return span{now.video - before.video + 1, now.audio - before.audio + 1}
}

// restartICE restarts ICE and waits until the checks are over. It returns what
// others sent meanwhile, each in their order.
func (p *caller) restartICE(others ...*caller) []span {
	p.call.t.Helper()
	var checking, over atomic.Bool
	p.PeerConnection().OnICEConnectionStateChange(func(s webrtc.ICEConnectionState) {
		switch s {
		case webrtc.ICEConnectionStateChecking:
			checking.Store(true)
		case webrtc.ICEConnectionStateConnected:
			over.Store(checking.Load())
		}
	})
	spans := make([]span, len(others))
	for i, other := range others {
		spans[i] = other.sent()
	}
	p.RestartICE()
	p.until("restarted", over.Load)
	for i, other := range others {
		spans[i] = other.since(spans[i])
	}
	return spans
}

func TestInteropThreePeopleAndALateOne(t *testing.T) {
	c := newCall(t)
	people := []*caller{c.talk("ada"), c.talk("bob"), c.talk("cyd")}
	for _, p := range people {
		for _, other := range people {
			if p != other {
				p.hears(other.ID(), 100)
			}
		}
	}
	late := c.join(Options{Name: "dee"})
	for _, p := range people {
		late.hears(p.ID(), 20)
		r, _ := late.from(p.ID(), Camera)
		t.Logf("first picture of %s after %v", p.ID(), r.FirstKeyframe.Sub(r.FirstPacket))
		if r.Width != 640 {
			t.Errorf("the first picture of %s is %d wide", p.ID(), r.Width)
		}
	}
	if n := len(late.tracks()); n != 6 {
		t.Errorf("the late one got %d tracks", n)
	}
	people[0].until("speakers", func() bool { return len(all[Speakers](people[0].watch)) > 0 })

	people[2].Leave()
	<-people[2].Done()
	gone := people[2].ID()
	people[0].until("leaving seen", func() bool {
		for _, e := range all[Participant](people[0].watch) {
			if e.Event == "left" && e.Participant.ID == gone {
				return true
			}
		}
		return false
	})
	before, _ := people[0].from(people[1].ID(), Camera)
	people[0].hears(people[1].ID(), before.Packets+50)
	people[0].unspoilt(people[1].ID())
	people[1].unspoilt(people[0].ID())
	for _, p := range append(people, late) {
		if e := all[Error](p.watch); len(e) != 0 {
			t.Errorf("errors: %v", e)
		}
	}
}

func TestInteropMuteChatAndDataChannel(t *testing.T) {
	c := newCall(t)
	ada := c.talk("ada")
	dee := c.join(Options{Name: "dee", DataChannel: true})
	dee.hears(ada.ID(), 20)
	check(t, ada.Mute("p0", true))
	dee.until("mute", func() bool {
		for _, e := range all[Participant](dee.watch) {
			for _, track := range e.Participant.Tracks {
				if e.Event == "updated" && track.Source == Camera && track.Muted {
					return true
				}
			}
		}
		return false
	})
	check(t, ada.SendMessage("", "hello"))
	dee.until("chat", func() bool { return len(all[Chat](dee.watch)) == 1 })
	if chat := all[Chat](dee.watch)[0]; chat.From != ada.ID() || string(chat.Body) != `"hello"` {
		t.Errorf("%s", chat.Body)
	}
	// Someone who only watched begins to send.
	audio, err := NewAudio(AudioConfig{})
	check(t, err)
	c.run(audio.Run)
	_, err = dee.Publish(audio, Microphone)
	check(t, err)
	ada.until("a new voice", func() bool {
		r, ok := ada.from(dee.ID(), Microphone)
		return ok && r.Packets > 20
	})
}

func TestInteropResumeAndRestart(t *testing.T) {
	c := newCall(t)
	ada, bob := c.talk("ada"), c.talk("bob")
	ada.hears(bob.ID(), 50)
	bob.hears(ada.ID(), 50)

	id := ada.ID()
	ada.CutSignal()
	ada.until("the cut", func() bool { return len(all[SignalLost](ada.watch)) == 1 })
	before, _ := bob.from(id, Camera)
	bob.hears(id, before.Packets+30) // media goes on without signaling
	check(t, ada.Reconnect(c.ctx))
	ada.until("resumed", func() bool {
		j := all[Joined](ada.watch)
		return len(j) == 2 && j[1].Resumed && j[1].ID == id
	})

	bob.unspoilt(id)
	// A pion client forgets its pair at once and closes the socket, where browsers
	// keep them until there is a new pair: both ways, what is sent until the checks
	// are over goes nowhere. The microphone's packets are gone then; of what the
	// server sent it remembers a second and sends it again.
	spans := ada.restartICE(ada, bob)
	own, others := span{audio: spans[0].audio}, spans[1]
	if others.video < 50 && others.audio < 50 {
		others = span{}
	}
	before, _ = bob.from(id, Camera)
	bob.hears(id, before.Packets+60)
	again, _ := ada.from(bob.ID(), Camera)
	ada.hears(bob.ID(), again.Packets+60)

	for _, e := range all[Participant](bob.watch) {
		if e.Event == "left" {
			t.Errorf("bob saw %s leave", e.Participant.ID)
		}
	}
	ada.unspoiltBut(bob.ID(), others)
	bob.unspoiltBut(id, own)
	if n := len(bob.tracks()); n != 2 {
		t.Errorf("bob got %d tracks", n)
	}
	if ada.PeerConnection().ConnectionState() != webrtc.PeerConnectionStateConnected {
		t.Error("not connected")
	}
}

// A server that no longer knows the session begins a new one.
func TestInteropSessionGone(t *testing.T) {
	c := newCall(t)
	ada, bob := c.talk("ada"), c.talk("bob")
	bob.hears(ada.ID(), 20)
	check(t, ada.Send(Message{Type: protocol.TypeLeave}))
	ada.until("the end of the session", func() bool { return len(all[SignalLost](ada.watch)) == 1 })
	old := ada.ID()
	check(t, ada.Reconnect(c.ctx))
	ada.until("a new session", func() bool { return len(all[Joined](ada.watch)) == 2 })
	if ada.ID() == old {
		t.Error("the same id in a new session")
	}
	bob.hears(ada.ID(), 20)
	ada.hears(bob.ID(), 20)
}

// A viewer gets a simulcast publisher's best live layer in one unbroken stream.
func TestInteropSimulcast(t *testing.T) {
	c := newCall(t)
	video, err := NewVideo(VideoConfig{Layers: SimulcastLayers()})
	check(t, err)
	c.run(video.Run)
	ada := c.join(Options{Name: "ada", Publish: []Local{video.Local(Camera)}})
	bob := c.join(Options{Name: "bob"})
	width := func(want int) {
		t.Helper()
		bob.until("the width", func() bool {
			r, ok := bob.from(ada.ID(), Camera)
			return ok && r.Width == want
		})
	}
	width(1280)
	video.SetLayer(2, false)
	width(640)
	video.SetLayer(2, true)
	width(1280)
	r, _ := bob.from(ada.ID(), Camera)
	bob.until("more frames", func() bool {
		now, _ := bob.from(ada.ID(), Camera)
		return now.Frames > r.Frames+30
	})
	bob.unspoiltTrack(ada.ID(), Camera, 0)
}

// Five percent of the datagrams vanish both ways between everyone and the
// server: what is lost comes back over RTX, asked for about once.
func TestInteropLoss(t *testing.T) {
	c := newCall(t)
	video, err := NewVideo(VideoConfig{Layers: []VideoLayer{{Width: 1280, Height: 720, Bitrate: 2_000_000}}})
	check(t, err)
	c.run(video.Run)
	ada := c.join(Options{Name: "ada", Publish: []Local{video.Local(Camera)}, Dial: newProxy(t, c, 20).dial})
	bob := c.join(Options{Name: "bob", Dial: newProxy(t, c, 20).dial})
	var r Report
	repaired := bob.eventually(func() bool { // at any moment some are on their way
		r, _ = bob.from(ada.ID(), Camera)
		return r.Packets > 1000 && r.Repaired >= 10 && float64(r.Lost) <= 0.01*float64(r.Packets)
	})
	if !repaired {
		t.Errorf("%d of %d lost, %d repaired, %d late, %d asked for", r.Lost, r.Packets, r.Repaired, r.Reordered, r.Asked)
	}
	if sent := video.Stats(0); r.TimestampErrors+r.PictureIDErrors != 0 || sent.Packets < r.Packets {
		t.Errorf("%+v of %+v", &r, sent)
	}
}
