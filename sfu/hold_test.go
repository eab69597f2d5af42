package sfu_test

import (
	"strings"
	"testing"
	"time"

	"plenum/sfu"
	"plenum/sfu/sfutest"
	"plenum/signaling/client"
)

// viewerOffer is the first offer of a viewer that nobody runs.
const viewerOffer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=setup:actpass\r\n" +
	"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=sctp-port:5000\r\n" +
	"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"

// told is a Client that writes down when it got which kind of SDP.
type told struct {
	start           time.Time
	answer, offered chan time.Duration
}

func (c *told) Send(e sfu.Event) {
	switch e.(type) {
	case sfu.Answer:
		c.answer <- time.Since(c.start)
	case sfu.Offer:
		c.offered <- time.Since(c.start)
	}
}

// The server's first offer waits until the client's ICE agent runs: a pion client
// that gets it sooner takes it for an ICE restart.
func TestFirstOfferWaitsForICE(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob, _, _ := publisher(t, w, "demo", "Bob")
		receives(t, bob, ada, client.Camera) // so that the tracks are there for all who come

		c := &told{start: time.Now(), answer: make(chan time.Duration, 10), offered: make(chan time.Duration, 10)}
		p, err := w.Server.Join(sfu.JoinRequest{Room: "demo", Grants: sfu.AllGrants, Client: c})
		if err != nil {
			t.Fatal(err)
		}
		p.Offer(viewerOffer) // and no agent of its ever sends a check
		if answered, offered := <-c.answer, <-c.offered; offered-answered < time.Second/2 || offered-answered > 2*time.Second {
			t.Errorf("the answer came after %v, our offer after %v", answered, offered)
		}
		p.Leave(sfu.ErrLeft)
		<-p.Done()

		// Where ICE connects, nobody waits for the timer.
		began := time.Now()
		cleo := w.JoinSilent("demo", "Cleo")
		receives(t, cleo, ada, client.Camera)
		if waited := time.Since(began); waited > time.Second {
			t.Errorf("the first picture took %v", waited)
		}
		for _, p := range []*sfutest.Person{ada, bob, cleo} {
			p.Go()
		}
	})
}

// eager is a Client that keeps what it is told of SDP and transport, in order.
type eager struct{ events chan sfu.Event }

func (c *eager) Send(e sfu.Event) {
	switch e.(type) {
	case sfu.Joined, sfu.Answer, sfu.Offer:
		c.events <- e
	}
}

// A client that says it can is told the transport before it offers anything, and offered
// the tracks of others right after its answer.
func TestEagerClientWaitsForNothing(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		bob, _, _ := publisher(t, w, "demo", "Bob")
		receives(t, bob, ada, client.Camera)

		for _, offers := range [][]string{{viewerOffer}, {"nonsense", viewerOffer}, nil} {
			c := &eager{make(chan sfu.Event, 10)}
			p, err := w.Server.Join(sfu.JoinRequest{Room: "demo", Grants: sfu.AllGrants, Client: c, Early: true})
			if err != nil {
				t.Fatal(err)
			}
			transport := (<-c.events).(sfu.Joined).Transport
			if transport == nil || len(transport.Candidates) == 0 || transport.Ufrag == "" || transport.Pwd == "" || transport.Fingerprint == "" {
				t.Fatalf("told %+v", transport)
			}
			began := time.Now()
			for _, sdp := range offers {
				p.Offer(sdp)
			}
			if offers != nil {
				answer := (<-c.events).(sfu.Answer).SDP
				for _, want := range append([]string{
					"a=ice-ufrag:" + transport.Ufrag, "a=ice-pwd:" + transport.Pwd, "a=fingerprint:" + transport.Fingerprint, "a=setup:passive",
				}, transport.Candidates...) {
					if !strings.Contains(answer, want) {
						t.Errorf("%q is not in the answer", want)
					}
				}
				_ = (<-c.events).(sfu.Offer)
			}
			if waited := time.Since(began); waited > 0 { // virtual
				t.Errorf("the offer came after %v", waited)
			}
			p.Leave(sfu.ErrLeft)
			<-p.Done()
		}
		ada.Go()
		bob.Go()
	})
}

// No join of a burst is lost.
func TestBurstOfJoinsConnects(t *testing.T) {
	scenario(t, sfutest.Options{}, func(t *testing.T, w *sfutest.World) {
		ada, _, _ := publisher(t, w, "demo", "Ada")
		for range 4 {
			var burst []*sfutest.Person
			for range 15 {
				burst = append(burst, w.JoinSilent("demo", "viewer"))
			}
			for _, p := range burst {
				receives(t, p, ada, client.Microphone)
			}
			for _, p := range burst {
				p.Go()
			}
		}
		ada.Go()
	})
}
