package signaling

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

func chat(n int) sfu.Message {
	return sfu.Message{From: "b", Body: json.RawMessage(fmt.Sprint(n))}
}

func (c *client) expectChat(want int) {
	c.t.Helper()
	if m := c.expect("message"); string(m.Body) != fmt.Sprint(want) {
		c.t.Fatalf("got %s, want %d", m.raw, want)
	}
}

// largeChat is a message with the largest body that there is.
func largeChat(n int) sfu.Message {
	return sfu.Message{From: "b", Body: json.RawMessage(fmt.Sprintf(`"%-*d"`, 16<<10-2, n))}
}

func (c *client) expectLargeChat(want int) {
	c.t.Helper()
	if m := c.expect("message"); string(m.Body) != string(largeChat(want).Body) {
		c.t.Fatalf("got %.80s, want %d", m.raw, want)
	}
}

func TestResume(t *testing.T) {
	s := newSite(t, Config{})
	c, p, joined := s.enter("room=demo")
	s.cut(c)
	if stats := s.server.Stats(); stats.Detached != 1 || stats.Sessions != 1 {
		t.Errorf("%+v", stats)
	}
	p.Send(chat(1))
	p.Send(sfu.ParticipantJoined{}) // state: `joined` has it
	p.Send(chat(2))

	p.silent = true
	c = s.resume(joined.Session)
	await(t, "resume", p.resumed)
	p.Send(sfu.Speakers{}) // comes before Joined: state again
	p.Send(chat(3))
	p.welcomeBack(sfu.ParticipantInfo{ID: "b", Name: "Bob"})
	p.Send(sfu.Offer{SDP: "pending"})

	again := c.expect("joined")
	if again.ID != joined.ID || again.Session != joined.Session || !again.Resumed || len(again.Participants) != 1 {
		t.Error(again.raw)
	}
	c.expectChat(1)
	c.expectChat(2)
	c.expectChat(3)
	c.expect("offer")
	c.send(`{"type":"answer","sdp":"a"}`)
	await(t, "answer", p.commands)
	if stats := s.server.Stats(); stats.Resumes[ok] != 1 || stats.Joins[ok] != 1 || stats.Detached != 0 || stats.Signaled.Count != 1 {
		t.Errorf("%+v", stats)
	}
	if len(p.left) != 0 {
		t.Error("the participant was made to leave")
	}
}

func TestResumeBySubprotocol(t *testing.T) {
	s := newSite(t, Config{})
	c, _, joined := s.enter("room=demo")
	s.cut(c)
	if again := s.dial("room=demo", "plenum.v1", "session."+joined.Session).expect("joined"); !again.Resumed {
		t.Error(again.raw)
	}
}

// The oldest of the messages for an absent client give way.
func TestKeptMessagesAreBounded(t *testing.T) {
	s := newSite(t, Config{MaxKeptMessages: 3})
	c, p, joined := s.enter("room=demo")
	s.cut(c)
	for n := range 5 {
		p.Send(chat(n))
	}
	c = s.resume(joined.Session)
	c.expect("joined")
	for n := 2; n < 5; n++ {
		c.expectChat(n)
	}
}

// What was said to an absent client does not keep it from coming back.
func TestResumeAfterMuchChat(t *testing.T) {
	s := newSite(t, Config{})
	c, p, joined := s.enter("room=demo")
	s.cut(c)
	const count = 100 // 1.6 MB: more than a queue takes
	for n := range count {
		p.Send(largeChat(n))
	}
	c = s.resume(joined.Session)
	if m := c.expect("joined"); !m.Resumed {
		t.Fatal(m.raw)
	}
	dropped := int(s.server.Stats().DroppedMessages)
	if dropped < count*3/4 || dropped > count*9/10 {
		t.Fatalf("%d messages are dropped", dropped)
	}
	for n := dropped; n < count; n++ {
		c.expectLargeChat(n)
	}
	p.Send(sfu.Speakers{})
	c.expect("speakers")
}

// Messages that a stuck connection did not take go to the next one.
func TestUnsentMessagesAreKept(t *testing.T) {
	s := newSite(t, Config{MaxQueueBytes: 64 << 20, MaxKeptMessages: 1 << 20})
	stuck, p, joined := s.enter("room=demo")
	if err := stuck.NetConn().(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	const count = 100
	padding := strings.Repeat("x", 100<<10) // 10 MB: more than the kernel holds
	for n := range count {
		p.Send(sfu.Message{From: "b", Body: json.RawMessage(fmt.Sprintf(`"%d %s"`, n, padding))})
	}
	c := s.resume(joined.Session)
	c.expect("joined")
	number := func() (n int) {
		if _, err := fmt.Sscanf(string(c.expect("message").Body), `"%d`, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := number()
	if first == 0 || first == count-1 {
		t.Errorf("the first that was kept is %d", first)
	}
	for n := first + 1; n < count; n++ {
		if got := number(); got != n {
			t.Fatalf("got %d, want %d", got, n)
		}
	}
}

func TestReplaced(t *testing.T) {
	s := newSite(t, Config{})
	first, p, joined := s.enter("room=demo")
	second := s.resume(joined.Session)
	if again := second.expect("joined"); !again.Resumed {
		t.Error(again.raw)
	}
	first.expectFatal(protocol.Replaced, 4004)
	p.Send(chat(1))
	second.expectChat(1)
	second.send(`{"type":"answer","sdp":"a"}`)
	await(t, "answer", p.commands)
	if stats := s.server.Stats(); stats.Errors["replaced"] != 1 || stats.Sessions != 1 {
		t.Errorf("%+v", stats)
	}
}

// Each connection gets one `joined`, and none before its own.
func TestReplacedBeforeWelcomed(t *testing.T) {
	s := newSite(t, Config{})
	_, p, joined := s.enter("room=demo")
	p.silent = true
	second := s.resume(joined.Session)
	await(t, "resume", p.resumed)
	third := s.resume(joined.Session)
	await(t, "resume", p.resumed)
	second.expectFatal(protocol.Replaced, 4004)
	p.welcomeBack()
	p.Send(sfu.Offer{SDP: "too early"})
	p.welcomeBack()
	p.Send(chat(1))
	third.expect("joined")
	third.expectChat(1)
}

func TestResumeExpires(t *testing.T) {
	s := newSite(t, Config{ResumeTimeout: 10 * time.Millisecond})
	c, p, joined := s.enter("room=demo")
	s.cut(c)
	if cause := await(t, "leave", p.left); cause != ErrSignalingLost {
		t.Errorf("cause %v", cause)
	}
	again := s.resume(joined.Session).expect("joined")
	if again.Resumed || again.Session == joined.Session || again.ID == joined.ID {
		t.Error(again.raw)
	}
	if stats := s.server.Stats(); stats.Resumes[unknown] != 1 || stats.Joins[ok] != 2 {
		t.Errorf("%+v", stats)
	}
}

// A timer that fires late, for an absence that is over, must do nothing.
func TestLateExpiry(t *testing.T) {
	s := newSite(t, Config{})
	c, p, joined := s.enter("room=demo")
	s.cut(c)
	session := s.server.lookup(joined.Session, "demo")
	c = s.resume(joined.Session)
	c.expect("joined")
	session.expire(1) // the epoch of the first absence
	s.cut(c)
	session.expire(1)
	if len(p.left) != 0 {
		t.Error("the participant was made to leave")
	}
}

// A secret is good for its room only.
func TestResumeInAnotherRoom(t *testing.T) {
	s := newSite(t, Config{})
	_, p, joined := s.enter("room=demo")
	again := s.dial("room=other&session=" + joined.Session).expect("joined")
	if again.Resumed || again.Room != "other" {
		t.Error(again.raw)
	}
	if len(p.resumed) != 0 {
		t.Error("the session was taken over")
	}
}

func TestResumeNeedsToken(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	s := newSite(t, Config{Authenticator: keys})
	token, err := Mint(keys, Claims{Room: "demo"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c, p, joined := s.enter("room=demo&token=" + token)
	s.cut(c)
	s.resume(joined.Session).expectFatal(protocol.Unauthorized, 4001)
	if n := s.server.Stats().Resumes[refused]; n != 1 {
		t.Errorf("%d resumes refused", n)
	}
	s.dial("room=demo&token=" + token + "&session=" + joined.Session).expect("joined")
	await(t, "resume", p.resumed)
}

// TestResumeOutlivesToken: a call goes on after the token that began it has expired, and
// so does what its session's secret is good for. A forged token still is refused.
func TestResumeOutlivesToken(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	s := newSite(t, Config{Authenticator: keys})
	token, err := Mint(keys, Claims{Room: "demo"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	expired, err := mint(keys, Claims{Room: "demo"}, time.Now().Add(-time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c, p, joined := s.enter("room=demo&token=" + token)
	s.cut(c)
	s.dial("room=demo&token="+expired+"x&session="+joined.Session).expectFatal(protocol.Unauthorized, 4001)
	s.dial("room=demo&token="+expired+"&session=unknown").expectFatal(protocol.Unauthorized, 4001)
	for name, other := range map[string]Claims{
		"another room": {Room: "other"}, "another name": {Room: "demo", Name: "Eve"}, "other grants": {Room: "demo", Grants: sfu.Grants{Subscribe: true}},
	} {
		token, err := mint(keys, other, time.Now().Add(-time.Hour), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(name)
		s.dial("room=demo&token="+token+"&session="+joined.Session).expectFatal(protocol.Unauthorized, 4001)
	}
	if again := s.dial("room=demo&token=" + expired + "&session=" + joined.Session).expect("joined"); !again.Resumed || again.ID != joined.ID {
		t.Error(again.raw)
	}
	await(t, "resume", p.resumed)
}

// A session is not what a token with other grants or another name allows: the
// resume begins a new one, and the old one ends.
func TestResumeWithChangedToken(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	mint := func(c Claims) string {
		token, err := Mint(keys, c, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	viewer := sfu.Grants{Subscribe: true}
	for name, step := range map[string]struct {
		before, after Claims
		resumed       bool
	}{
		"the same":       {Claims{Room: "demo", Grants: sfu.AllGrants}, Claims{Room: "demo", Grants: sfu.AllGrants}, true},
		"for all rooms":  {Claims{Room: "demo", Name: "Ada"}, Claims{Room: "*", Name: "Ada"}, true},
		"its own name":   {Claims{Room: "demo"}, Claims{Room: "demo", Name: "Bob"}, true},
		"no name":        {Claims{Room: "demo", Name: "Ada"}, Claims{Room: "demo"}, true},
		"another name":   {Claims{Room: "demo", Name: "Ada"}, Claims{Room: "demo", Name: "Eve"}, false},
		"a first name":   {Claims{Room: "demo"}, Claims{Room: "demo", Name: "Eve"}, false},
		"lowered grants": {Claims{Room: "demo", Grants: sfu.AllGrants}, Claims{Room: "demo", Grants: viewer}, false},
		"raised grants":  {Claims{Room: "demo", Grants: viewer}, Claims{Room: "demo", Grants: sfu.AllGrants}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, Config{Authenticator: keys})
			first, p, joined := s.enter("room=demo&name=Bob&token=" + mint(step.before))
			again := s.dial("room=demo&name=Dan&token=" + mint(step.after) + "&session=" + joined.Session).expect("joined")
			if again.Resumed != step.resumed || (again.ID == joined.ID) != step.resumed {
				t.Error(again.raw)
			}
			first.expectFatal(protocol.Replaced, 4004)
			resumes := s.server.Stats().Resumes
			if step.resumed {
				if len(p.left) != 0 || resumes[ok] != 1 {
					t.Errorf("%d left, %v", len(p.left), resumes)
				}
				return
			}
			await(t, "leave", p.left)
			next := await(t, "join", s.engine.joined)
			if want := cmp.Or(step.after.Name, "Dan"); next.request.Name != want || next.request.Grants != step.after.Grants {
				t.Errorf("joined as %+v", next.request)
			}
			if resumes[changed] != 1 || s.server.Stats().Sessions != 1 {
				t.Errorf("%v, %d sessions", resumes, s.server.Stats().Sessions)
			}
		})
	}
}

// A page that closes or reloads leaves no ghost behind; one whose connection
// ended in any other way may come back.
func TestCloseCodeDecides(t *testing.T) {
	for closeCode, leaves := range map[int]bool{
		websocket.CloseNormalClosure: true, websocket.CloseGoingAway: true,
		websocket.CloseNoStatusReceived: false, 4999: false, websocket.CloseServiceRestart: false,
	} {
		s := newSite(t, Config{})
		c, p, joined := s.enter("room=demo")
		frame := websocket.FormatCloseMessage(closeCode, "")
		if err := c.WriteControl(websocket.CloseMessage, frame, time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		await(t, "end of the connection", s.ended)
		if leaves {
			if cause := await(t, "leave", p.left); cause != sfu.ErrLeft {
				t.Errorf("close code %d: cause %v", closeCode, cause)
			}
		}
		if again := s.resume(joined.Session).expect("joined"); again.Resumed == leaves {
			t.Errorf("close code %d: resumed %v", closeCode, again.Resumed)
		}
	}
}

func TestLeave(t *testing.T) {
	s := newSite(t, Config{})
	c, p, joined := s.enter("room=demo")
	c.send(`{"type":"leave"}`)
	if got := c.expectClose(); got != 1000 {
		t.Errorf("closed with %d", got)
	}
	if cause := await(t, "leave", p.left); cause != sfu.ErrLeft {
		t.Errorf("cause %v", cause)
	}
	if again := s.resume(joined.Session).expect("joined"); again.Resumed {
		t.Error(again.raw)
	}
}

// The participant may end while its client is away.
func TestEndedWhileDetached(t *testing.T) {
	s := newSite(t, Config{})
	c, p, joined := s.enter("room=demo")
	s.cut(c)
	p.Leave(sfu.ErrMediaLost)
	if again := s.resume(joined.Session).expect("joined"); again.Resumed {
		t.Error(again.raw)
	}
}

// Neither a token nor a session's secret may be found in a log.
func TestLogHasNoSecrets(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	var log lockedBuffer
	engine := &fakeEngine{joined: make(chan *fakeParticipant, 10)}
	server, err := newServer(Config{
		Authenticator: keys, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, engine.join)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	defer h.Close()
	s := &site{t: t, engine: engine, server: server, url: "ws" + strings.TrimPrefix(h.URL, "http") + "/ws"}
	token, err := Mint(keys, Claims{Room: "demo"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c, _, joined := s.enter("room=demo&token=" + token)
	c.send(`{"type":"leave"}`)
	c.expectClose()
	s.dial("room=other&token="+token).expectFatal(protocol.Unauthorized, 4001)
	server.Close()
	for _, secret := range []string{token, joined.Session, string(keys.keys[0].secret)} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("%s is in the log:\n%s", secret, &log)
		}
	}
	if !strings.Contains(log.String(), "connection ended") || !strings.Contains(log.String(), "session refused") {
		t.Errorf("the log says only:\n%s", &log)
	}
}
