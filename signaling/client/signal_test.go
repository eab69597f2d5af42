package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"plenum/signaling/protocol"
)

func TestPipe(t *testing.T) {
	a, b := Pipe()
	check(t, a.Send(Message{Type: "x"}))
	check(t, a.Close())
	if m, err := b.Receive(t.Context()); err != nil || m.Type != "x" {
		t.Errorf("%v, %v", m, err)
	}
	if _, err := b.Receive(t.Context()); err != io.EOF {
		t.Error(err)
	}
	if err := b.Send(Message{}); err == nil {
		t.Error("sent into a closed pipe")
	}
	c, _ := Pipe()
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(ErrLeft)
	if _, err := c.Receive(gone); err != ErrLeft {
		t.Error(err)
	}
}

// script serves one WebSocket and does with it as told.
func script(t *testing.T, do func(r *http.Request, ws *websocket.Conn)) string {
	t.Helper()
	upgrader := websocket.Upgrader{Subprotocols: []string{subprotocol}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("room") == "" {
			http.Error(w, "no room", http.StatusBadRequest)
			return
		}
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.Close()
		do(r, ws)
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http") + "/ws"
}

func TestWebSocket(t *testing.T) {
	first, second := make(chan Message, 1), make(chan []string, 2)
	url := script(t, func(r *http.Request, ws *websocket.Conn) {
		second <- websocket.Subprotocols(r)
		if n := r.URL.Query().Get("name"); n != "Ada L" {
			t.Errorf("name %q", n)
		}
		check(t, ws.WriteMessage(websocket.TextMessage, []byte(
			`{"type":"joined","id":"a","session":"s3","room":"r","resumed":false,"participants":[{"id":"b","name":"Bo","tracks":[{"id":"t","kind":"audio","source":"microphone","muted":true}]}],`+
				`"iceServers":[{"urls":"stun:127.0.0.1:1"},{"urls":["turn:127.0.0.1:2"],"username":"u","credential":"c"}],"news":{"from":"the future"}}`)))
		var m Message
		for ws.ReadJSON(&m) == nil {
			if m.Type == protocol.TypeOffer {
				select {
				case first <- m:
				default:
				}
			}
		}
	})
	events := make(chan Event, 100)
	c, err := Join(t.Context(), Options{URL: url, Room: "r", Name: "Ada L", Token: "t0", On: func(e Event) { events <- e }})
	check(t, err)
	if got := <-second; !slices.Equal(got, []string{"plenum.v1", "token.t0"}) {
		t.Errorf("subprotocols %v", got)
	}
	joined := (<-events).(Joined)
	if joined.ID != "a" || c.Session() != "s3" || len(joined.Participants) != 1 || !joined.Participants[0].Tracks[0].Muted {
		t.Errorf("%+v", joined)
	}
	if m := <-first; !strings.HasPrefix(m.SDP, "v=0") {
		t.Errorf("%+v", m)
	}
	if s := c.PeerConnection().GetConfiguration().ICEServers; len(s) != 2 || s[0].URLs[0] != "stun:127.0.0.1:1" || s[1].Username != "u" {
		t.Errorf("%+v", s)
	}
	c.CutSignal()
	for e := range events {
		if _, ok := e.(SignalLost); ok {
			break
		}
	}
	check(t, c.Reconnect(t.Context()))
	if got := <-second; !slices.Equal(got, []string{"plenum.v1", "token.t0", "session.s3"}) {
		t.Errorf("subprotocols %v", got)
	}
	c.Close()
	c.Leave() // after the end
	if err := c.Reconnect(t.Context()); err == nil {
		t.Error("reconnected after the end")
	}
}

func TestRefusedJoins(t *testing.T) {
	say := func(text string) string {
		return script(t, func(_ *http.Request, ws *websocket.Conn) {
			_ = ws.WriteMessage(websocket.TextMessage, []byte(text))
			_, _, _ = ws.ReadMessage()
		})
	}
	for text, want := range map[string]string{
		`{"type":"error","code":"room-full","message":"Full.","fatal":true}`: "room-full: Full.",
		`{"type":"offer"}`: "first message",
		`nonsense`:         "message from server",
	} {
		_, err := Join(t.Context(), Options{URL: say(text), Room: "r"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	_, err := Join(t.Context(), Options{URL: say("")})
	if err == nil || !strings.Contains(err.Error(), "400") || !strings.Contains(err.Error(), "no room") {
		t.Error(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	silent := script(t, func(_ *http.Request, ws *websocket.Conn) {
		cancel()
		_, _, _ = ws.ReadMessage()
	})
	if _, err := Join(gone, Options{URL: silent, Room: "r"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Join(t.Context(), Options{URL: "://"}); err == nil {
		t.Error("joined nowhere")
	}
	if _, err := Join(t.Context(), Options{Publish: []Local{{}}}); err == nil {
		t.Error("published nothing")
	}
}

func TestICEServerJSON(t *testing.T) {
	in := ICEServer{URLs: []string{"turn:a"}, Username: "u", Credential: "c"}
	b, err := json.Marshal(in)
	check(t, err)
	var out ICEServer
	check(t, json.Unmarshal(b, &out))
	if !slices.Equal(out.URLs, in.URLs) || out.Username != "u" || out.Credential != "c" {
		t.Errorf("%s is %+v", b, out)
	}
	for _, bad := range []string{`{"urls":3}`, `[]`} {
		if json.Unmarshal([]byte(bad), &out) == nil {
			t.Errorf("%s is fine", bad)
		}
	}
}
