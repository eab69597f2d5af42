package signaling

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

func TestJoined(t *testing.T) {
	s := newSite(t, Config{ICEServers: []ICEServer{{URLs: []string{"stun:stun.example"}, Username: "u", Credential: "c"}}})
	c, p, joined := s.enter("room=demo&name=Ada")
	if joined.ID != p.id || joined.Room != "demo" || joined.Resumed || len(joined.Session) < 22 {
		t.Error(joined.raw)
	}
	if !strings.Contains(joined.raw, `"iceServers":[{"urls":["stun:stun.example"],"username":"u","credential":"c"}],"participants":[]`) {
		t.Error(joined.raw)
	}
	if c.Subprotocol() != "" {
		t.Errorf("subprotocol %q was not asked for", c.Subprotocol())
	}
	if want := (sfu.JoinRequest{Room: "demo", Name: "Ada", Grants: sfu.AllGrants, Client: p.Client}); p.request != want {
		t.Errorf("%+v", p.request)
	}
	_, _, second := s.enter("room=demo")
	if second.Session == joined.Session {
		t.Error("two sessions have one secret")
	}
	stats := s.server.Stats()
	if stats.Joins[ok] != 2 || stats.Sent["joined"] != 2 || stats.Sessions != 2 || stats.Signaled.Count != 2 {
		t.Errorf("%+v", stats)
	}
}

func TestSubprotocol(t *testing.T) {
	s := newSite(t, Config{})
	if c := s.dial("room=demo", "plenum.v1", "token.x"); c.Subprotocol() != "plenum.v1" {
		t.Errorf("answered %q", c.Subprotocol())
	}
}

// Everything that a client may say reaches the engine as it was said.
func TestCommands(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	for _, step := range []struct {
		message string
		want    command
	}{
		{`{"type":"offer","sdp":"a"}`, offerCommand{"a"}},
		{`{"type":"answer","sdp":"b"}`, answerCommand{"b"}},
		{`{"type":"candidate","candidate":{"candidate":"c"}}`, candidateCommand{&sfu.CandidateInit{Candidate: "c"}}},
		{`{"type":"candidate","candidate":null}`, candidateCommand{}},
		{`{"type":"publish","tracks":[{"mid":"0","source":"screen"}]}`, publishCommand{[]sfu.PublishedTrack{{Mid: "0", Source: sfu.Screen}}}},
		{`{"type":"mute","mid":"0","muted":true}`, muteCommand{"0", true}},
		{`{"type":"subscribe","tracks":[{"id":"t","enabled":false},{"id":"u","width":640,"height":360}]}`, subscribeCommand{[]sfu.Wish{
			{ID: "t"}, {ID: "u", Enabled: true, Width: 640, Height: 360},
		}}},
		{`{"type":"message","to":"x","body":[1,2]}`, messageCommand{"x", json.RawMessage("[1,2]")}},
	} {
		c.send(step.message)
		if got := await(t, step.message, p.commands); !reflect.DeepEqual(got, step.want) {
			t.Errorf("%s: %#v", step.message, got)
		}
	}
	if received := s.server.Stats().Received; received["candidate"] != 2 || received["subscribe"] != 1 || received[invalid] != 0 {
		t.Errorf("%v", received)
	}
}

// A bug that one client's message meets ends that client's connection and nothing
// else: it resumes, and others never hear of it.
func TestPanicIsOneClientsOwn(t *testing.T) {
	s := newSite(t, Config{})
	other, p, _ := s.enter("room=demo")
	c, buggy, joined := s.enter("room=demo")
	buggy.buggy = true
	c.send(`{"type":"offer","sdp":"a"}`)
	if cause := await(t, "the end of the connection", s.ended); !strings.Contains(cause, "panic: a bug") || !strings.Contains(cause, "record") {
		t.Errorf("cause %q", cause)
	}
	other.send(`{"type":"offer","sdp":"b"}`)
	await(t, "the other's offer", p.commands)
	s.resume(joined.Session)
	await(t, "the session to be resumed", buggy.resumed)
}

// Every event goes out in the protocol's words.
func TestEvents(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	bob := sfu.ParticipantInfo{ID: "b", Name: "Bob <b>", Tracks: []sfu.TrackInfo{{ID: "t", Kind: sfu.Video, Source: sfu.Camera, Muted: true, Codec: "VP8"}}}
	for _, step := range []struct {
		event sfu.Event
		want  string
	}{
		{sfu.ParticipantJoined{Participant: sfu.ParticipantInfo{ID: "b", Name: "Bob <b>"}}, `{"type":"participant","event":"joined","participant":{"id":"b","name":"Bob <b>","tracks":[]}}`},
		{sfu.ParticipantUpdated{Participant: bob}, `{"type":"participant","event":"updated","participant":{"id":"b","name":"Bob <b>","tracks":[{"id":"t","kind":"video","source":"camera","muted":true,"codec":"VP8"}]}}`},
		{sfu.Tracks{Tracks: []sfu.MappedTrack{
			{Mid: "3", ID: "t", Participant: "b", Kind: sfu.Audio, Source: sfu.Microphone},
			{ID: "u", Participant: "b", Kind: sfu.Video, Source: sfu.Screen, Unsupported: "AV1"},
		}}, `{"type":"tracks","tracks":[{"mid":"3","id":"t","participant":"b","kind":"audio","source":"microphone"},{"mid":null,"id":"u","participant":"b","kind":"video","source":"screen","unsupported":"AV1"}]}`},
		{sfu.Tracks{}, `{"type":"tracks","tracks":[]}`},
		{sfu.Offer{SDP: "v=0\r\n"}, `{"type":"offer","sdp":"v=0\r\n"}`},
		{sfu.Answer{SDP: "v=0"}, `{"type":"answer","sdp":"v=0"}`},
		{sfu.Speakers{Speakers: []sfu.Speaker{{ID: "b", Level: 0.5}}}, `{"type":"speakers","speakers":[{"id":"b","level":0.5}]}`},
		{sfu.Speakers{}, `{"type":"speakers","speakers":[]}`},
		{sfu.Quality{Downlink: 2_500_000, Tracks: []sfu.TrackQuality{
			{ID: "t", Layer: &sfu.LayerIndex{Spatial: 2, Temporal: 1}},
			{ID: "u", Layer: &sfu.LayerIndex{}, Reason: sfu.QualitySubscription},
			{ID: "v", Reason: sfu.QualityBandwidth},
		}}, `{"type":"quality","tracks":[{"id":"t","layer":{"spatial":2,"temporal":1}},{"id":"u","layer":{"spatial":0,"temporal":0},"reason":"subscription"},{"id":"v","layer":null,"reason":"bandwidth"}],"downlink":2500000}`},
		{sfu.Quality{}, `{"type":"quality","tracks":[]}`},
		{sfu.Layers{Mid: "1", Active: map[string]bool{"q": true, "h": false}}, `{"type":"layers","mid":"1","active":{"h":false,"q":true}}`},
		{sfu.Layers{Mid: "1"}, `{"type":"layers","mid":"1","active":{}}`},
		{sfu.Unreached{Mid: "1", Codec: "AV1", Viewers: []string{"b"}}, `{"type":"unreached","mid":"1","codec":"AV1","viewers":["b"]}`},
		{sfu.Unreached{Mid: "1", Codec: "AV1"}, `{"type":"unreached","mid":"1","codec":"AV1","viewers":[]}`},
		{sfu.Message{From: "b", Body: json.RawMessage(`{"html": "<b>&"}`)}, `{"type":"message","from":"b","body":{"html":"<b>&"}}`},
		{sfu.Problem{Code: sfu.ProblemForbidden, Text: "No."}, `{"type":"error","code":"forbidden","message":"No.","fatal":false}`},
		{sfu.ParticipantLeft{Participant: bob}, ""},
	} {
		p.Send(step.event)
		_, got, err := c.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if step.want != "" && string(got) != step.want {
			t.Errorf("got  %s\nwant %s", got, step.want)
		}
	}
}

// What can't be encoded must not break the connection.
func TestUnencodableBody(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	p.Send(sfu.Message{From: "b", Body: json.RawMessage("{")})
	p.Send(sfu.Message{From: "b", Body: json.RawMessage("1")})
	if m := c.expect("message"); string(m.Body) != "1" {
		t.Error(m.raw)
	}
}

// The engine's problems are errors that the session survives.
func TestProblemsAreNotFatal(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	for _, code := range []sfu.ProblemCode{sfu.ProblemBadSDP, sfu.ProblemBadCandidate, sfu.ProblemForbidden, sfu.ProblemBadMessage} {
		p.Send(sfu.Problem{Code: code, Text: "No."})
		if m := c.expect("error"); m.Code != string(code) || m.Fatal || m.Message != "No." {
			t.Error(m.raw)
		}
		if n := s.server.Stats().Errors[string(code)]; n != 1 {
			t.Errorf("%s was counted %d times", code, n)
		}
	}
}

// Requests that get no session are told why on the WebSocket.
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, query string
		refuse      error
		code        protocol.Code
		close       int
	}{
		{"no room", "", nil, protocol.BadRoom, 1008},
		{"bad room", "room=a%20b", nil, protocol.BadRoom, 1008},
		{"bad name", "room=a&name=" + strings.Repeat("x", 65), nil, protocol.BadName, 1008},
		{"room full", "room=a", sfu.ErrRoomFull, protocol.RoomFull, 4002},
		{"server full", "room=a", sfu.ErrServerFull, protocol.ServerFull, 4002},
		{"engine closed", "room=a", sfu.ErrClosed, protocol.Draining, 1012},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, Config{})
			s.engine.refuse = c.refuse
			client := s.dial(c.query)
			client.expectFatal(c.code, c.close)
			stats := s.server.Stats()
			if stats.Joins[string(c.code)] != 1 || stats.Errors[string(c.code)] != 1 || stats.Sessions != 0 {
				t.Errorf("%+v", stats)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	s := newSite(t, Config{Authenticator: keys})
	token, err := Mint(keys, Claims{Room: "demo", Name: "Ada", Grants: sfu.Grants{Subscribe: true}}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	c := s.dial("room=demo&name=Eve", "plenum.v1", "token."+token)
	c.expect("joined")
	if r := await(t, "join", s.engine.joined).request; r.Name != "Ada" || r.Grants != (sfu.Grants{Subscribe: true}) {
		t.Errorf("%+v", r)
	}
	s.enter("room=demo&token=" + token)
	for _, query := range []string{"room=demo", "room=other&token=" + token, "room=demo&token=x" + token} {
		s.dial(query).expectFatal(protocol.Unauthorized, 4001)
	}
}

// A token's name is held to the same limit.
func TestTokenWithBadName(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	s := newSite(t, Config{Authenticator: keys})
	token := signed(t, jwt.SigningMethodHS256, keys.keys[0].secret, "new", map[string]any{
		"room": "demo", "name": strings.Repeat("x", 65), "exp": time.Now().Add(time.Minute).Unix(),
	})
	s.dial("room=demo&token="+token).expectFatal(protocol.BadName, 1008)
}

// What is no WebSocket, or must not become one, gets an HTTP answer.
func TestHTTPAnswers(t *testing.T) {
	s := newSite(t, Config{})
	for _, c := range []struct {
		name   string
		header http.Header
		status int
	}{
		{"plain request", nil, http.StatusBadRequest},
		{"foreign origin", http.Header{"Origin": {"https://evil.example"}}, http.StatusForbidden},
		{"unknown subprotocol", http.Header{"Sec-Websocket-Protocol": {"plenum.v9"}}, http.StatusBadRequest},
	} {
		r := httptest.NewRequest("GET", "/ws?room=demo", nil)
		for name := range c.header {
			r.Header.Set(name, c.header.Get(name))
		}
		w := httptest.NewRecorder()
		s.server.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d", c.name, w.Code)
		}
	}
	s.dialWith(http.Header{"Origin": {"http://localhost:3000"}}, "room=demo").expect("joined")
}

// How the engine ends a participant decides how its WebSocket is closed.
func TestEnded(t *testing.T) {
	for _, c := range []struct {
		cause error
		code  protocol.Code // none: no error precedes the close
		close int
	}{
		{sfu.ErrLeft, "", 1000},
		{sfu.ErrMediaLost, "", 1011},
		{sfu.ErrNoMedia, protocol.NoMedia, 4005},
		{sfu.ErrClosed, "", 1012},
		{errors.New("anything else"), "", 1011},
		{sfu.ErrTooSlow, protocol.RateLimited, 1008},
		{ErrKicked, protocol.Kicked, 4003},
	} {
		s := newSite(t, Config{})
		client, p, _ := s.enter("room=demo")
		p.Leave(c.cause)
		if c.code != "" {
			client.expectFatal(c.code, c.close)
		} else if got := client.expectClose(); got != c.close {
			t.Errorf("%v: %d, want %d", c.cause, got, c.close)
		}
		if n := s.server.Stats().Sessions; n != 0 {
			t.Errorf("%v: %d sessions", c.cause, n)
		}
	}
}

// All who get a message share its bytes; no other message does.
func TestMessageIsEncodedOnce(t *testing.T) {
	var s Server
	first := chat(1)
	f := s.encodeMessage(first)
	if allocated := testing.AllocsPerRun(100, func() { s.encodeMessage(first) }); allocated != 0 {
		t.Errorf("%v allocations for one more recipient", allocated)
	}
	if again := s.encodeMessage(first); !same(again.data, f.data) {
		t.Error("encoded twice")
	}
	for _, other := range []sfu.Message{
		chat(1), {From: "c", Body: first.Body}, {From: "b", Body: json.RawMessage("2")}, {From: "b"},
	} {
		got, want := s.encodeMessage(other), encodeEvent(other)
		if string(got.data) != string(want.data) || same(got.data, f.data) {
			t.Errorf("got %s, want %s", got.data, want.data)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, c := range map[string]Config{
		"a burst under a body": {MaxBodyBytes: 2000, BodyBurstBytes: 1999},
		"negative body rate":   {MaxBodyBytesPerSecond: -1},
		"negative limit":       {MaxQueueBytes: -1},
		"lazy ping":            {PingInterval: time.Minute},
		"empty server":         {ICEServers: []ICEServer{{}}},
		"bad origin":           {AllowOrigins: []string{"example.com"}},
	} {
		if _, err := newServer(c, nil); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if _, err := New(Config{}); err == nil {
		t.Error("no engine is taken")
	}
}

// Dead peers are to be found within 15 s.
func TestDefaultsFindDeadPeers(t *testing.T) {
	c := Config{}.withDefaults()
	if c.PingTimeout > 15*time.Second || c.PingTimeout < 2*c.PingInterval {
		t.Errorf("pings every %v, timeout %v", c.PingInterval, c.PingTimeout)
	}
}

// The table of the protocol, once more in full.
func TestCloseCodes(t *testing.T) {
	want := map[protocol.Code]int{
		protocol.BadMessage: 0, protocol.BadSDP: 0, protocol.BadCandidate: 0, protocol.Forbidden: 0,
		protocol.TooLarge: websocket.CloseMessageTooBig, protocol.RateLimited: websocket.ClosePolicyViolation,
		protocol.BadRoom: websocket.ClosePolicyViolation, protocol.BadName: websocket.ClosePolicyViolation,
		protocol.Unauthorized: 4001, protocol.RoomFull: 4002, protocol.ServerFull: 4002, protocol.Kicked: 4003,
		protocol.Replaced: 4004, protocol.NoMedia: 4005, protocol.Draining: websocket.CloseServiceRestart,
	}
	if len(protocol.Codes()) != len(want) {
		t.Errorf("%d codes, want %d", len(protocol.Codes()), len(want))
	}
	for _, c := range protocol.Codes() {
		if c.Close() != want[c] {
			t.Errorf("%s closes with %d, want %d", c, c.Close(), want[c])
		}
	}
}
