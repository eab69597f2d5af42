package signaling

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

// newRealSite is a Server on the real engine, with open rooms if a is nil.
func newRealSite(t *testing.T, limits sfu.Config, a Authenticator) *site {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	limits.MediaAddresses, limits.Log = []netip.Addr{netip.MustParseAddr("127.0.0.1")}, log
	engine, err := sfu.New(limits)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, ended: make(chan string, 200)}
	s.server, err = New(Config{Engine: engine, Authenticator: a, Log: slog.New(endLog{slog.DiscardHandler, s.ended})})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s.server)
	s.url = "ws" + strings.TrimPrefix(h.URL, "http") + "/ws"
	t.Cleanup(func() {
		s.server.Close()
		h.Close()
		if err := engine.Close(errors.New("test over")); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Two people meet on the real engine, without media.
func TestTwoMeet(t *testing.T) {
	s := newRealSite(t, sfu.Config{}, nil)
	ada := s.dial("room=demo&name=Ada")
	a := ada.expect("joined")
	bob := s.dial("room=demo&name=Bob")
	b := bob.expect("joined")
	if len(b.Participants) != 1 || b.Participants[0].ID != a.ID || b.Participants[0].Name != "Ada" {
		t.Error(b.raw)
	}
	if m := ada.expect("participant"); m.Event != "joined" || m.Participant.ID != b.ID || m.Participant.Name != "Bob" {
		t.Error(m.raw)
	}
	ada.send(`{"type":"message","body":{"text":"hello, all"}}`)
	if m := bob.expect("message"); m.From != a.ID || string(m.Body) != `{"text":"hello, all"}` {
		t.Error(m.raw)
	}
	bob.send(`{"type":"message","to":"` + a.ID + `","body":"hello, Ada"}`)
	if m := ada.expect("message"); m.From != b.ID || string(m.Body) != `"hello, Ada"` {
		t.Error(m.raw)
	}
	bob.send(`{"type":"message","to":"nobody","body":1}`)
	if m := bob.expect("error"); m.Code != "bad-message" || m.Fatal {
		t.Error(m.raw)
	}
	bob.send(`{"type":"offer","sdp":"nonsense"}`)
	if m := bob.expect("error"); m.Code != "bad-sdp" || m.Fatal {
		t.Error(m.raw)
	}
	bob.send(`{"type":"leave"}`)
	if got := bob.expectClose(); got != 1000 {
		t.Errorf("closed with %d", got)
	}
	if m := ada.expect("participant"); m.Event != "left" || m.Participant.ID != b.ID {
		t.Error(m.raw)
	}
}

// A client that asks for it is told the server's end of the transport with a new session,
// so that nothing but its own offer is between `joined` and its first ICE check.
func TestJoinedTellsTheTransport(t *testing.T) {
	s := newRealSite(t, sfu.Config{}, nil)
	if m := s.dial("room=demo").expect("joined"); m.Transport != nil {
		t.Error(m.raw)
	}
	c := s.dial("room=demo&early=1")
	m := c.expect("joined")
	if m.Transport == nil || len(m.Transport.Candidates) == 0 || strings.HasPrefix(m.Transport.Candidates[0], "candidate:") {
		t.Fatal(m.raw)
	}
	c.send(`{"type":"offer","sdp":` + strconv.Quote(viewerOffer) + `}`)
	answer := c.expect("answer").SDP
	for _, want := range []string{"ice-ufrag:" + m.Transport.Ufrag, "ice-pwd:" + m.Transport.Pwd, "fingerprint:" + m.Transport.Fingerprint, "candidate:" + m.Transport.Candidates[0]} {
		if !strings.Contains(answer, "a="+want+"\r\n") {
			t.Errorf("%q is not in %q", want, answer)
		}
	}
	s.cut(c)
	if m := s.resume(m.Session).expect("joined"); !m.Resumed || m.Transport != nil {
		t.Error(m.raw)
	}
}

// viewerOffer is the first offer of a viewer that has no agent.
const viewerOffer = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
	"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=setup:actpass\r\n" +
	"a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=sctp-port:5000\r\n" +
	"a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"

// Nobody sees someone whose WebSocket breaks and comes back leave.
func TestResumeOnRealEngine(t *testing.T) {
	s := newRealSite(t, sfu.Config{}, nil)
	ada := s.dial("room=demo&name=Ada")
	ada.expect("joined")
	bob := s.dial("room=demo&name=Bob")
	b := bob.expect("joined")
	ada.expect("participant")
	s.cut(bob)
	ada.send(`{"type":"message","body":"are you there?"}`)
	ada.send(`{"type":"message","to":"nobody","body":1}`)
	ada.expect("error") // so the message has passed
	bob = s.resume(b.Session)
	if m := bob.expect("joined"); !m.Resumed || m.ID != b.ID || len(m.Participants) != 1 {
		t.Error(m.raw)
	}
	bob.expect("message")
	bob.expect("speakers")
	bob.send(`{"type":"message","body":"yes"}`)
	ada.expect("message") // and no `participant` before
}

func TestLimitsOfRealEngine(t *testing.T) {
	s := newRealSite(t, sfu.Config{MaxRoomParticipants: 1, MaxParticipants: 2}, nil)
	s.dial("room=a").expect("joined")
	s.dial("room=a").expectFatal(protocol.RoomFull, 4002)
	s.dial("room=b").expect("joined")
	s.dial("room=c").expectFatal(protocol.ServerFull, 4002)
}

// What a token doesn't grant is refused, and the session goes on.
func TestForbidden(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	s := newRealSite(t, sfu.Config{}, keys)
	token, err := Mint(keys, Claims{Room: "demo"}, time.Minute) // grants nothing
	if err != nil {
		t.Fatal(err)
	}
	c := s.dial("room=demo&token=" + token)
	c.expect("joined")
	for _, message := range []string{
		`{"type":"subscribe","tracks":[{"id":"t","enabled":false}]}`, `{"type":"message","body":1}`,
	} {
		c.send(message)
		if m := c.expect("error"); m.Code != "forbidden" || m.Fatal {
			t.Errorf("%s: %s", message, m.raw)
		}
	}
}
