package sfu_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"plenum/sfu"
	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

func labelled(t *testing.T, values []sfu.Labelled, labels ...string) uint64 {
	t.Helper()
	for _, v := range values {
		if strings.Join(v.Labels, " ") == strings.Join(labels, " ") {
			return v.Value
		}
	}
	t.Fatalf("no value with labels %v", labels)
	return 0
}

// videoSSRC is the SSRC of the first video that p gets.
func videoSSRC(t *testing.T, p *sfutest.Person) uint32 {
	t.Helper()
	for _, r := range p.PeerConnection().GetReceivers() {
		if track := r.Track(); track != nil && track.Kind() == webrtc.RTPCodecTypeVideo && track.SSRC() != 0 {
			return uint32(track.SSRC())
		}
	}
	t.Fatal("no video")
	return 0
}

func TestLateAndRepeatedNACKs(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Camera)
		time.Sleep(10 * time.Second) // virtual: far more than the history holds
		ssrc := videoSSRC(t, bob)
		var highest uint16
		for _, s := range bob.PeerConnection().GetStats() {
			if in, ok := s.(webrtc.InboundRTPStreamStats); ok && uint32(in.SSRC) == ssrc {
				t.Logf("%d packets received", in.PacketsReceived)
			}
		}
		highest = bob.Newest(ssrc)
		nack := func(sequence uint16) {
			if err := bob.PeerConnection().WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{
				MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers([]uint16{sequence}),
			}}); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * time.Millisecond) // virtual: shorter than a round trip
		}
		nacks := func(result string) uint64 { return labelled(t, w.Server.Stats().NACKs, "in", result) }
		for range 3 {
			nack(highest - 5)
		}
		time.Sleep(time.Second) // virtual
		if answered, soon := nacks("answered"), nacks("too_soon"); answered != 1 || soon != 2 {
			t.Errorf("of three NACKs within a round trip %d were answered and %d were too soon", answered, soon)
		}
		nack(highest + 5000) // never sent
		nack(highest - 20000)
		time.Sleep(time.Second) // virtual
		if unknown := nacks("unknown"); unknown != 2 {
			t.Errorf("%d NACKs were unknown, want 2", unknown)
		}
		if out := labelled(t, w.Server.Stats().Retransmissions, "out"); out != 1 {
			t.Errorf("%d packets were sent again, want 1", out)
		}
		ada.Go()
		bob.Go()
	})
}

// TestForgedReportsAreClamped: a viewer may say of what it lost whatever it likes; more
// than was sent is not believed.
func TestForgedReportsAreClamped(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Camera)
		time.Sleep(2 * time.Second) // virtual
		ssrc := videoSSRC(t, bob)
		for i := range 20 {
			if err := bob.PeerConnection().WriteRTCP([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{
				SSRC: ssrc, FractionLost: 255, TotalLost: 0x7fffff - uint32(i%2)*1000, LastSequenceNumber: 0xffffffff, LastSenderReport: 1, Delay: 1,
			}}}}); err != nil {
				t.Error(err)
			}
			time.Sleep(20 * time.Millisecond) // virtual
		}
		stats := w.Server.Stats()
		lost, sent := labelled(t, stats.Lost, "out", "video"), labelled(t, stats.Packets, "out", "video")
		if lost > sent {
			t.Errorf("%d packets lost of %d that were sent", lost, sent)
		}
		ada.Go()
		bob.Go()
	})
}

// TestKeyframeStorm: four viewers who ask for keyframes all the time get about one a
// second between them, and one who comes meanwhile sees at once.
func TestKeyframeStorm(t *testing.T) {
	scenario(t, sfutest.Options{Delay: 20 * time.Millisecond}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		var viewers []*sfutest.Person
		var ssrcs []uint32
		for _, name := range []string{"Bob", "Cleo", "Dan", "Eve"} {
			v := w.Join("demo", name)
			receives(t, v, ada, client.Camera)
			viewers = append(viewers, v)
		}
		time.Sleep(3 * time.Second) // virtual
		for _, v := range viewers {
			ssrcs = append(ssrcs, videoSSRC(t, v))
		}
		requests := func() uint64 { return labelled(t, w.Server.Stats().KeyframeRequests, "out", "sent") }
		before := requests()
		const seconds = 10
		for range seconds * 20 {
			for i, v := range viewers {
				if err := v.PeerConnection().WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: ssrcs[i]}}); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(50 * time.Millisecond) // virtual
		}
		if n := requests() - before; n > seconds+2 || n < 2 {
			t.Errorf("%d keyframes were requested in %d s", n, seconds)
		}
		late := w.Join("demo", "Finn")
		start := time.Now()
		receives(t, late, ada, client.Camera)
		if wait := time.Since(start); wait > 500*time.Millisecond {
			t.Errorf("a newcomer saw nothing for %v", wait)
		}
		for _, p := range append(viewers, ada, late) {
			p.Go()
		}
	})
}

func TestPauseAndResumeOfAPublisher(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, v, a := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		camera, microphone := receives(t, bob, ada, client.Camera), receives(t, bob, ada, client.Microphone)
		for range 3 {
			v.SetPaused(true)
			a.SetPaused(true)
			time.Sleep(5 * time.Second) // virtual
			v.SetPaused(false)
			a.SetPaused(false)
			before := camera.Report().Keyframes
			bob.Await(time.Second, "a picture after the pause", func() bool { return camera.Report().Keyframes > before })
		}
		time.Sleep(time.Second) // virtual
		sound(t, "video over pauses", camera.Report())
		sound(t, "audio over pauses", microphone.Report())
		ada.Go()
		bob.Go()
	})
}

func TestMuteIsTold(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		receives(t, bob, ada, client.Microphone)
		mid := ada.Publications()[1].Mid
		for _, muted := range []bool{true, false} {
			if err := ada.Mute(mid, muted); err != nil {
				t.Fatal(err)
			}
			bob.Await(time.Second, "word of it", func() bool {
				for _, e := range bob.Events() {
					p, ok := e.(client.Participant)
					if ok && p.Event == "updated" && len(p.Participant.Tracks) == 2 && p.Participant.Tracks[1].Muted == muted {
						return true
					}
				}
				return false
			})
		}
		ada.Go()
		bob.Go()
	})
}

func TestCodecThatAViewerLacksIsNamed(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		media := &webrtc.MediaEngine{}
		if err := media.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: client.Opus, PayloadType: 111,
		}, webrtc.RTPCodecTypeAudio); err != nil {
			t.Fatal(err)
		}
		if err := media.RegisterCodec(webrtc.RTPCodecParameters{
			RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeAV1, ClockRate: 90000}, PayloadType: 45,
		}, webrtc.RTPCodecTypeVideo); err != nil {
			t.Fatal(err)
		}
		bob := w.JoinWith("demo", "Bob", media)
		receives(t, bob, ada, client.Microphone)
		bob.Await(patience, "the name of the codec", func() bool {
			for _, e := range bob.Events() {
				if m, ok := e.(client.Tracks); ok {
					for _, track := range m.Tracks {
						if track.Unsupported == "VP8" && track.Mid == "" && track.Participant == ada.ID() {
							return true
						}
					}
				}
			}
			return false
		})

		// And the publisher is told whom it doesn't reach, until that one has left.
		unreached := func() (told []client.Unreached) {
			for _, e := range ada.Events() {
				if u, ok := e.(client.Unreached); ok {
					told = append(told, u)
				}
			}
			return told
		}
		ada.Await(patience, "the name of the viewer", func() bool { return len(unreached()) == 1 })
		if u := unreached()[0]; u.Codec != "VP8" || u.Mid != ada.Publications()[0].Mid || len(u.Viewers) != 1 || u.Viewers[0] != bob.ID() {
			t.Errorf("told %+v", u)
		}
		bob.Go()
		ada.Await(patience, "word that nobody is left out", func() bool { return len(unreached()) == 2 })
		if u := unreached()[1]; len(u.Viewers) != 0 {
			t.Errorf("told %+v", u)
		}
		ada.Go()
	})
}

// In the answers to publishers comes first what everybody there decodes.
func TestAnswersSuitTheRoom(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		offer := func(formats string) string {
			return strings.Replace(viewerOffer, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n",
				"m=video 9 UDP/TLS/RTP/SAVPF "+formats+"\r\na=rtpmap:45 AV1/90000\r\na=rtpmap:96 VP8/90000\r\n", 1)
		}
		join := func(formats string, g sfu.Grants) (*sfu.Participant, string) {
			c := &flooded{}
			p, err := w.Server.Join(sfu.JoinRequest{Room: "demo", Grants: g, Client: c})
			if err != nil {
				t.Fatal(err)
			}
			p.Offer(offer(formats))
			time.Sleep(100 * time.Millisecond) // virtual
			for _, e := range c.all() {
				if a, ok := e.(sfu.Answer); ok {
					line := a.SDP[strings.Index(a.SDP, "m=video"):]
					return p, strings.TrimSpace(line[:strings.Index(line, "\r")])
				}
			}
			t.Fatalf("no answer: %+v", c.all())
			return nil, ""
		}
		const first, second = "m=video 9 UDP/TLS/RTP/SAVPF 45 96", "m=video 9 UDP/TLS/RTP/SAVPF 96 45"
		deaf, alone := join("96", sfu.Grants{Publish: true}) // sees nobody, so need not decode
		ada, pair := join("45 96", sfu.AllGrants)
		bob, three := join("96", sfu.AllGrants)
		cleo, four := join("45 96", sfu.AllGrants)
		if alone != "m=video 9 UDP/TLS/RTP/SAVPF 96" || pair != first || three != alone || four != second {
			t.Errorf("%q, %q, %q, %q", alone, pair, three, four)
		}
		for _, p := range []*sfu.Participant{deaf, ada, bob, cleo} {
			p.Leave(sfu.ErrLeft)
			<-p.Done()
		}
	})
}

// flooded is a client that notes what it is told.
type flooded struct {
	mu     sync.Mutex
	events []sfu.Event
}

func (f *flooded) Send(e sfu.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, e)
}

func (f *flooded) all() []sfu.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]sfu.Event(nil), f.events...)
}

// A client that sends more than the loop can do waits, and loses nothing: not even its
// place in the room.
func TestFloodSlowsTheFlooderAlone(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob := w.Join("demo", "Bob")
		camera := receives(t, bob, ada, client.Camera)
		mallory := &flooded{}
		p, err := w.Server.Join(sfu.JoinRequest{Room: "demo", Name: "Mallory", Grants: sfu.AllGrants, Client: mallory})
		if err != nil {
			t.Fatal(err)
		}
		const floods = 2000
		for range floods {
			p.Offer(strings.Repeat("nonsense ", 20))
			p.Publish([]sfu.PublishedTrack{{Mid: "0", Source: sfu.Camera}})
			p.Mute("0", true)
		}
		problems := 0
		for _, e := range mallory.all() {
			switch e := e.(type) {
			case sfu.Problem:
				problems++
			case sfu.Ended:
				t.Fatalf("the flooder's session has ended: %v", e.Cause)
			}
		}
		if problems != floods {
			t.Errorf("%d of %d bad offers were answered", problems, floods)
		}
		time.Sleep(time.Second) // virtual
		sound(t, "a view beside a flood", camera.Report())
		p.Leave(sfu.ErrLeft)
		<-p.Done()
		p.Offer("v=0") // after the end it returns
		p.Mute("0", true)
		ada.Go()
		bob.Go()
	})
}

// A room where many negotiate is no longer in the way of another's than a room of one.
func TestRoomsTakeTurnsNegotiating(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "quiet", "Ada")
		hostile := strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", 1000)
		var all []*sfu.Participant
		stop := make(chan struct{})
		var flooding sync.WaitGroup
		for range 8 {
			p, err := w.Server.Join(sfu.JoinRequest{Room: "loud", Grants: sfu.AllGrants, Client: discard{}})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, p)
			flooding.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						p.Offer("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + hostile)
						time.Sleep(time.Millisecond) // virtual, so that time goes on
					}
				}
			})
		}
		bob := w.Join("quiet", "Bob")
		receives(t, bob, ada, client.Camera)
		close(stop)
		flooding.Wait()
		for _, p := range all {
			p.Leave(sfu.ErrLeft)
		}
		ada.Go()
		bob.Go()
	})
}

// discard is a client that listens to nothing.
type discard struct{}

func (discard) Send(sfu.Event) {}

func TestGrantsAndProblems(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		bob := w.Join("demo", "Bob")
		c := &flooded{}
		p, err := w.Server.Join(sfu.JoinRequest{Room: "demo", Name: "Guest", Client: c})
		if err != nil {
			t.Fatal(err)
		}
		p.Message("", []byte(`"hello"`))
		p.Publish([]sfu.PublishedTrack{{Mid: "0", Source: sfu.Camera}})
		p.Offer("v=0")
		p.Answer("v=0") // to no offer: ignored
		p.Candidate(nil)
		p.Candidate(&sfu.CandidateInit{Candidate: "early"})
		p.Mute("7", true)
		p.Leave(sfu.ErrLeft)
		p.Leave(errors.New("again"))
		<-p.Done()
		var codes []sfu.ProblemCode
		for _, e := range c.all() {
			if problem, ok := e.(sfu.Problem); ok {
				codes = append(codes, problem.Code)
			}
		}
		if len(codes) < 1 || codes[0] != sfu.ProblemForbidden {
			t.Errorf("problems are %v", codes)
		}
		for _, e := range bob.Events() {
			if _, ok := e.(client.Chat); ok {
				t.Error("a message without the grant arrived")
			}
		}
		bob.Go()
	})
}

func TestLimits(t *testing.T) {
	scenario(t, sfutest.Options{Config: sfu.Config{MaxRoomParticipants: 2, MaxParticipants: 3}}, func(t *testing.T, w *sfutest.World) {
		join := func(room string) (*sfu.Participant, error) {
			return w.Server.Join(sfu.JoinRequest{Room: room, Client: &flooded{}})
		}
		var in []*sfu.Participant
		for _, room := range []string{"a", "a", "b"} {
			p, err := join(room)
			if err != nil {
				t.Fatal(err)
			}
			in = append(in, p)
		}
		if _, err := join("b"); !errors.Is(err, sfu.ErrServerFull) {
			t.Errorf("the fourth gets %v", err)
		}
		in[2].Leave(sfu.ErrLeft)
		<-in[2].Done()
		if _, err := join("a"); !errors.Is(err, sfu.ErrRoomFull) {
			t.Errorf("the third of a room gets %v", err)
		}
		for _, p := range in[:2] {
			p.Leave(sfu.ErrLeft)
		}
	})
}

// TestAnotherPeerConnection: a page that makes a new RTCPeerConnection and goes on with it in
// the old session is told that it can't, also while an offer of the server's is in
// flight, and the session goes on as it was.
func TestAnotherPeerConnection(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		c := &flooded{}
		p, err := w.Server.Join(sfu.JoinRequest{Room: "demo", Name: "Guest", Grants: sfu.AllGrants, Client: c})
		if err != nil {
			t.Fatal(err)
		}
		other := strings.NewReplacer("a=ice-ufrag:abcd", "a=ice-ufrag:efgh", "00:11:22", "AA:BB:CC").Replace(viewerOffer)
		count := func() (problems, answers, offers int) {
			for _, e := range c.all() {
				switch e := e.(type) {
				case sfu.Problem:
					if e.Code != sfu.ProblemBadSDP || !strings.Contains(e.Text, "another RTCPeerConnection") {
						t.Errorf("told %+v", e)
					}
					problems++
				case sfu.Answer:
					answers++
				case sfu.Offer:
					offers++
				}
			}
			return problems, answers, offers
		}
		p.Offer(viewerOffer)
		p.Offer(other)
		time.Sleep(time.Second) // virtual
		if problems, answers, _ := count(); problems != 1 || answers != 1 {
			t.Errorf("%d problems and %d answers after an offer of each", problems, answers)
		}
		ada, _, _ := publisher(t, w, "demo", "Ada")
		w.Await(patience, "an offer of the server's", func() bool { _, _, offers := count(); return offers > 0 })
		p.Offer(other)
		p.Answer(other)
		p.Offer(viewerOffer)    // a collision, of which nobody is told
		time.Sleep(time.Second) // virtual
		if problems, answers, offers := count(); problems != 3 || answers != 1 || offers != 2 {
			t.Errorf("%d problems, %d answers and %d offers in the end", problems, answers, offers)
		}
		p.Leave(sfu.ErrLeft)
		<-p.Done()
		ada.Go()
	})
}
