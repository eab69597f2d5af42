package client

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"

	"plenum/signaling/protocol"
)

// watch collects a client's events and reads its remote tracks.
type watch struct {
	mu        sync.Mutex
	events    []Event
	receivers map[string]*Receiver // by mid and kind
	reading   sync.WaitGroup
	changed   chan struct{} // holds a token after an event or a packet
}

func newWatch() *watch {
	return &watch{receivers: map[string]*Receiver{}, changed: make(chan struct{}, 1)}
}

func (w *watch) change() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *watch) on(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.change()
	w.events = append(w.events, e)
	if t, ok := e.(Track); ok {
		r := NewReceiver(t)
		r.options.Packet = func([]byte, uint32, bool) { w.change() }
		w.receivers[t.Mid+t.Remote.Kind().String()] = r
		w.reading.Go(func() { _ = r.Run() })
	}
}

func (w *watch) tracks() (tracks []Track) {
	return all[Track](w)
}

func all[T Event](w *watch) (found []T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if f, ok := e.(T); ok {
			found = append(found, f)
		}
	}
	return found
}

func (w *watch) receiver(t *testing.T, kind webrtc.RTPCodecType) Report {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, r := range w.receivers {
		if len(key) > 5 && key[len(key)-5:] == kind.String() {
			return r.Report()
		}
	}
	t.Fatalf("no %s track among %d", kind, len(w.receivers))
	return Report{}
}

// packets counts those of all tracks of a kind: a packet that arrives after its track
// was removed from the session opens another track in pion.
func (w *watch) packets(kind webrtc.RTPCodecType) (total uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, r := range w.receivers {
		if strings.HasSuffix(key, kind.String()) {
			total += r.Report().Packets
		}
	}
	return total
}

// stage is a fake server and its clients, inside a bubble.
type stage struct {
	t       *testing.T
	server  *fakeServer
	clients []*Client
	watches []*watch
	stop    context.CancelFunc
	ctx     context.Context
	playing sync.WaitGroup
}

func play(t *testing.T, scene func(t *testing.T, s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, server: newFakeServer(t)}
		s.ctx, s.stop = context.WithCancel(t.Context())
		scene(t, s)
		s.stop()
		s.playing.Wait()
		for i, c := range s.clients {
			c.Close()
			s.watches[i].reading.Wait()
		}
		s.server.close()
	})
}

func (s *stage) join(o ...func(*Options)) (*Client, *watch) {
	s.t.Helper()
	w := newWatch()
	options := s.server.options(w.on)
	for _, f := range o {
		f(&options)
	}
	c, err := Join(s.ctx, options)
	check(s.t, err)
	s.clients, s.watches = append(s.clients, c), append(s.watches, w)
	return c, w
}

func (s *stage) run(f func(context.Context)) { s.playing.Go(func() { f(s.ctx) }) }

func (s *stage) camera() *Video {
	v, err := NewVideo(VideoConfig{})
	check(s.t, err)
	s.run(v.Run)
	return v
}

func (s *stage) microphone() *Audio {
	a, err := NewAudio(AudioConfig{})
	check(s.t, err)
	s.run(a.Run)
	return a
}

func publishing(l ...Local) func(*Options) { return func(o *Options) { o.Publish = l } }

func clean(t *testing.T, r Report, least uint64) {
	t.Helper()
	if r.Packets < least || r.Lost != 0 || r.Duplicates != 0 || r.Malformed != 0 || r.TimestampErrors != 0 || r.PictureIDErrors != 0 {
		t.Errorf("report: %d packets of at least %d, %+v", r.Packets, least, r)
	}
}

func TestPublishAndView(t *testing.T) {
	for _, data := range []bool{false, true} {
		play(t, func(t *testing.T, s *stage) {
			video, audio := s.camera(), s.microphone()
			_, sent := s.join(publishing(video.Local(Camera), audio.Local(Microphone)))
			_, seen := s.join(func(o *Options) { o.DataChannel = data })
			time.Sleep(2 * time.Second)
			video.Tracks()[0].(KeyframeRequester).RequestKeyframe()
			time.Sleep(3 * time.Second)
			synctest.Wait()

			if n := len(seen.tracks()); n != 2 {
				t.Fatalf("%d tracks", n)
			}
			for _, track := range seen.tracks() {
				if track.Info.Participant != "m0" || track.Info.Kind != track.Remote.Kind().String() {
					t.Errorf("track info %+v", track.Info)
				}
			}
			v := seen.receiver(t, webrtc.RTPCodecTypeVideo)
			clean(t, v, 270)
			if v.Width != 640 || v.Height != 360 || v.Keyframes == 0 || v.Frames < 130 {
				t.Errorf("video: %+v", v)
			}
			clean(t, seen.receiver(t, webrtc.RTPCodecTypeAudio), 230)
			if p := v.Latency.Percentile(0.5); p < 20*time.Millisecond || p > 25*time.Millisecond {
				t.Errorf("median latency %v over two links of 10 ms", p)
			}
			if st := all[State](sent); len(st) == 0 || st[len(st)-1].State != webrtc.PeerConnectionStateConnected {
				t.Errorf("states %v", st)
			}
			if kinds := s.server.members[0].kinds; kinds["p0"] != Camera || kinds["p1"] != Microphone {
				t.Errorf("published as %v", kinds)
			}
		})
	}
}

// An offer that meets one of the server is made again after it.
func TestCollidingOffers(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		_, _ = s.join(publishing(s.microphone().Local(Microphone)))
		c, seen := s.join()
		time.Sleep(time.Second)
		m := s.server.members[1]
		m.hold.Lock()
		video := s.camera()
		_, err := c.Publish(video.Tracks()[0], Camera)
		check(t, err)
		c.RestartICE() // waits its turn behind the publication
		synctest.Wait()
		s.server.mu.Lock()
		m.dirty = true
		m.offer()
		s.server.mu.Unlock()
		m.hold.Unlock()
		time.Sleep(3 * time.Second)
		synctest.Wait()

		if m.ignored != 1 {
			t.Errorf("%d offers were ignored", m.ignored)
		}
		clean(t, s.watches[0].receiver(t, webrtc.RTPCodecTypeVideo), 100)
		if r := seen.receiver(t, webrtc.RTPCodecTypeAudio); r.LongestGap > time.Second || r.Packets < 150 {
			t.Errorf("audio to the one who renegotiates: %+v", r)
		}
		for _, w := range s.watches {
			if e := all[Error](w); len(e) != 0 {
				t.Errorf("errors: %v", e)
			}
		}
	})
}

func TestRestartICE(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a, _ := s.join(publishing(s.camera().Local(Camera)))
		_, seen := s.join()
		time.Sleep(2 * time.Second)
		ufrag := func() string { return a.PeerConnection().LocalDescription().SDP }
		before := ufrag()
		a.RestartICE()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if ufrag() == before {
			t.Error("the description did not change")
		}
		r := seen.receiver(t, webrtc.RTPCodecTypeVideo)
		clean(t, r, 250)
		if r.LongestGap > 500*time.Millisecond {
			t.Errorf("media stopped for %v", r.LongestGap)
		}
	})
}

func TestResumeLeavesMediaAlone(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a, sent := s.join(publishing(s.camera().Local(Camera)))
		_, seen := s.join()
		time.Sleep(2 * time.Second)
		pc, id := a.PeerConnection(), a.ID()
		a.CutSignal()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(all[SignalLost](sent)) != 1 {
			t.Errorf("events: %v", sent.events)
		}
		if err := a.Mute("p0", true); !errors.Is(err, ErrNoSignal) {
			t.Errorf("mute without signal: %v", err)
		}
		check(t, a.Reconnect(t.Context()))
		time.Sleep(time.Second)
		synctest.Wait()
		joins := all[Joined](sent)
		if len(joins) != 2 || !joins[1].Resumed || a.ID() != id || a.PeerConnection() != pc {
			t.Errorf("joins: %+v", joins)
		}
		last := s.server.members[0].log[len(s.server.members[0].log)-1]
		if last.Type != protocol.TypePublish || !last.Tracks[0].Muted {
			t.Errorf("the mute was not made up for: %+v", last)
		}
		r := seen.receiver(t, webrtc.RTPCodecTypeVideo)
		clean(t, r, 400)
		if r.LongestGap > 100*time.Millisecond {
			t.Errorf("media stopped for %v", r.LongestGap)
		}
	})
}

// A server that lost the session gets a new one, with everything published.
func TestForgottenSessionBeginsAnew(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a, sent := s.join(publishing(s.camera().Local(Camera)))
		_, seen := s.join()
		time.Sleep(2 * time.Second)
		s.server.forget = true
		check(t, a.Reconnect(t.Context()))
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if joins := all[Joined](sent); len(joins) != 2 || joins[1].Resumed || a.ID() != "m2" {
			t.Errorf("joins: %+v", joins)
		}
		if n := len(seen.tracks()); n != 2 {
			t.Fatalf("%d tracks", n)
		}
		if tr := seen.tracks()[1]; tr.Info.Participant != "m2" {
			t.Errorf("second track: %+v", tr.Info)
		}
	})
}

// The answer to an offer was lost with the connection: it is made again.
func TestResumeRepeatsUnansweredOffer(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a, _ := s.join(publishing(s.microphone().Local(Microphone)))
		_, seen := s.join()
		time.Sleep(time.Second)
		a.CutSignal()
		synctest.Wait()
		_, err := a.Publish(s.camera().Tracks()[0], Camera)
		check(t, err)
		time.Sleep(time.Second)
		check(t, a.Reconnect(t.Context()))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		clean(t, seen.receiver(t, webrtc.RTPCodecTypeVideo), 50)
	})
}

func TestSpareReceivers(t *testing.T) {
	const (
		theirs = "m=audio 9 X\r\na=mid:s0\r\na=inactive\r\n"
		mine   = "m=audio 9 X\r\na=inactive\r\na=mid:p0\r\n"
		data   = "m=application 9 X\r\na=mid:1\r\na=inactive\r\n"
	)
	spared := strings.Replace(theirs, "inactive", "recvonly", 1)
	own := map[string]bool{"p0": true}
	if got := spareReceivers("v=0\r\n"+theirs+mine+data+theirs, own); got !=
		"v=0\r\n"+spared+mine+data+spared {
		t.Errorf("%q", got)
	}
	if got := spareReceivers("v=0\r\n", own); got != "v=0\r\n" {
		t.Errorf("%q", got)
	}
}

func TestUnpublish(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a, sent := s.join(publishing(s.camera().Local(Camera)))
		_, seen := s.join()
		time.Sleep(time.Second)
		a.Unpublish(a.Publications()[0])
		time.Sleep(time.Second)
		before := seen.packets(webrtc.RTPCodecTypeVideo)
		time.Sleep(time.Second)
		synctest.Wait()
		if after := seen.packets(webrtc.RTPCodecTypeVideo); after != before || before == 0 {
			t.Errorf("%d packets, then %d", before, after)
		}
		if len(a.Publications()) != 0 || len(all[Error](sent)) != 0 {
			t.Errorf("%v, %v", a.Publications(), all[Error](sent))
		}
	})
}

func TestChatAndLeave(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a, sent := s.join()
		_, seen := s.join()
		time.Sleep(time.Second)
		check(t, a.SendMessage("", map[string]string{"text": "hello"}))
		synctest.Wait()
		a.Leave()
		<-a.Done()
		synctest.Wait()
		if chats := all[Chat](seen); len(chats) != 1 || chats[0].From != "m0" || !json.Valid(chats[0].Body) {
			t.Errorf("chats %v", chats)
		}
		if last := sent.events[len(sent.events)-1]; last != (Closed{ErrLeft}) {
			t.Errorf("last event %v", last)
		}
		log := s.server.members[0].log
		if log[len(log)-1].Type != protocol.TypeLeave {
			t.Errorf("last message %v", log[len(log)-1])
		}
		if _, err := a.Publish(s.camera().Tracks()[0], Camera); err == nil {
			t.Error("published after the end")
		}
	})
}

func TestFatalErrorEndsTheClient(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a, sent := s.join()
		synctest.Wait()
		s.server.members[0].say(Message{Type: "never-heard-of"})
		s.server.members[0].say(Message{Type: protocol.TypeDrain, After: 1.5})
		s.server.members[0].say(Message{Type: protocol.TypeError, Code: "kicked", Text: "Out.", Fatal: true})
		<-a.Done()
		if d := all[Drain](sent); len(d) != 1 || d[0].After != 1500*time.Millisecond {
			t.Errorf("drain %v", d)
		}
		if last := sent.events[len(sent.events)-1]; last != (Closed{Error{"kicked", "Out.", true}}) {
			t.Errorf("last event %v", last)
		}
	})
}

// Five percent of the media packets are lost on every link; NACK and RTX bring
// them back.
func TestLossIsRepaired(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		n := 0
		s.server.router.AddChunkFilter(dropEvery(20, &n))
		video := s.camera()
		s.join(publishing(video.Local(Camera)))
		_, seen := s.join()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		r := seen.receiver(t, webrtc.RTPCodecTypeVideo)
		if r.Repaired < 10 || float64(r.Lost) > 0.005*float64(r.Packets)+3 {
			t.Errorf("%d of %d packets lost, %d asked for, %d repaired", r.Lost, r.Packets, r.Asked, r.Repaired)
		}
		// What the fake server lacks itself is asked for in vain until it has it.
		if r.Asked > 2*(r.Repaired+r.Reordered)+10 {
			t.Errorf("asked for %d; %d repaired, %d came late", r.Asked, r.Repaired, r.Reordered)
		}
	})
}
