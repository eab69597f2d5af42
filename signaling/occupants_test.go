package signaling

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

// lookup is one answer to a request for a room's occupants.
type lookup struct {
	status int
	header http.Header
	body   string
	occupantsMessage
	refusalMessage
}

// rooms serves the occupants of a site's rooms and returns how to ask.
func (s *site) rooms() func(method, path string, header http.Header) lookup {
	s.t.Helper()
	routes := http.NewServeMux()
	routes.HandleFunc("/rooms/{room}", s.server.ServeOccupants)
	h := httptest.NewServer(routes)
	s.t.Cleanup(h.Close)
	return func(method, path string, header http.Header) lookup {
		s.t.Helper()
		request, err := http.NewRequestWithContext(s.t.Context(), method, h.URL+"/rooms/"+path, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if header != nil {
			request.Header = header
		}
		response, err := h.Client().Do(request)
		if err != nil {
			s.t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			s.t.Fatal(err)
		}
		l := lookup{status: response.StatusCode, header: response.Header, body: string(body)}
		if strings.HasPrefix(l.header.Get("Content-Type"), "application/json") && method != http.MethodHead {
			if err := json.Unmarshal(body, &l.occupantsMessage); err != nil {
				s.t.Fatal(err)
			}
			if err := json.Unmarshal(body, &l.refusalMessage); err != nil {
				s.t.Fatal(err)
			}
		}
		return l
	}
}

// leave ends a session and waits until the engine has let it go.
func (c *client) leave() {
	c.t.Helper()
	c.send(`{"type":"leave"}`)
	c.expectClose()
}

func TestOccupants(t *testing.T) {
	s := newRealSite(t, sfu.Config{MaxRoomParticipants: 2, MaxParticipants: 3}, nil)
	ask := s.rooms()
	check := func(room, want string) {
		t.Helper()
		l := ask("GET", room, nil)
		if l.status != 200 || l.body != want+"\n" {
			t.Errorf("%d %s, want %s", l.status, l.body, want)
		}
	}
	check("demo", `{"participants":[],"count":0,"full":false}`)
	ada := s.dial("room=demo&name=Ada+%3Cb%3E")
	a := ada.expect("joined")
	check("demo", `{"participants":[{"name":"Ada \u003cb\u003e"}],"count":1,"full":false}`)
	bob := s.dial("room=demo&name=Bob")
	bob.expect("joined")
	check("demo", `{"participants":[{"name":"Ada \u003cb\u003e"},{"name":"Bob"}],"count":2,"full":true}`)
	check("other", `{"participants":[],"count":0,"full":false}`)
	s.dial("room=other").expect("joined")
	check("third", `{"participants":[],"count":0,"full":true}`) // the server is full
	bob.leave()
	check("demo", `{"participants":[{"name":"Ada \u003cb\u003e"}],"count":1,"full":false}`)

	l := ask("GET", "demo", nil)
	if strings.Contains(l.body, a.ID) || strings.Contains(l.body, a.Session) {
		t.Errorf("it tells an id or a secret: %s", l.body)
	}
	if got := l.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if l := ask("HEAD", "demo", nil); l.status != 200 || l.body != "" {
		t.Errorf("HEAD: %d %q", l.status, l.body)
	}
	if l := ask("POST", "demo", nil); l.status != 405 || l.header.Get("Allow") == "" {
		t.Errorf("POST: %d", l.status)
	}
	if l := ask("GET", "no%20room", nil); l.status != 400 || l.Code != protocol.BadRoom || l.Message == "" {
		t.Errorf("a room that can't be: %d %s", l.status, l.body)
	}
	if lookups := s.server.Stats().Lookups; lookups[ok] != 8 || lookups["bad-room"] != 1 {
		t.Errorf("%v", lookups)
	}
}

// In a crowd not everyone is named, but everyone counts.
func TestOccupantsOfCrowd(t *testing.T) {
	s := newRealSite(t, sfu.Config{}, nil)
	for n := range maxNames + 1 {
		s.dial(fmt.Sprint("room=demo&name=", n)).expect("joined")
	}
	l := s.rooms()("GET", "demo", nil)
	if len(l.Participants) != maxNames || l.Count != maxNames+1 || l.Participants[0].Name != "0" {
		t.Errorf("%d names, %d in all", len(l.Participants), l.Count)
	}
}

// Where tokens are required, who asks needs one that would let it in.
func TestOccupantsNeedToken(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	s := newRealSite(t, sfu.Config{}, keys)
	ask := s.rooms()
	mintFor := func(room string) string {
		token, err := Mint(keys, Claims{Room: room, Name: "Ada"}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	expired, err := mint(keys, Claims{Room: "demo"}, time.Now().Add(-time.Hour), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	s.dial("room=demo&token=" + mintFor("demo")).expect("joined")
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"bearer " + token}} }
	for name, step := range map[string]struct {
		path   string
		header http.Header
		status int
	}{
		"none":            {"demo", nil, 401},
		"in the header":   {"demo", bearer(mintFor("demo")), 200},
		"in the query":    {"demo?token=" + url.QueryEscape(mintFor("demo")), nil, 200},
		"for all rooms":   {"demo", bearer(mintFor("*")), 200},
		"of another room": {"demo", bearer(mintFor("other")), 401},
		"expired":         {"demo", bearer(expired), 401},
		"no token":        {"demo", bearer("x"), 401},
		"empty":           {"demo", bearer(""), 401},
		"another scheme":  {"demo", http.Header{"Authorization": {"Basic " + mintFor("demo")}}, 401},
		"header first":    {"demo?token=" + url.QueryEscape(mintFor("demo")), bearer("x"), 401},
	} {
		l := ask("GET", step.path, step.header)
		if l.status != step.status {
			t.Errorf("%s: %d %s", name, l.status, l.body)
		}
		if refused := step.status != 200; refused && (l.Code != protocol.Unauthorized || l.header.Get("WWW-Authenticate") != "Bearer" || strings.Contains(l.body, "Ada")) ||
			!refused && (l.Count != 1 || l.Participants[0].Name != "Ada") {
			t.Errorf("%s: %v %s", name, l.header, l.body)
		}
	}
}

// Pages that may connect may ask, as browsers want to be told.
func TestOccupantsOrigins(t *testing.T) {
	s := newRealSite(t, sfu.Config{}, nil) // open rooms: the same host and localhost
	ask := s.rooms()
	for origin, allowed := range map[string]bool{"http://localhost:3000": true, "https://evil.example": false, "null": false} {
		for method, status := range map[string]int{"GET": 200, "OPTIONS": 204} {
			l := ask(method, "demo", http.Header{"Origin": {origin}})
			if !allowed {
				status = 403
			}
			want := ""
			if allowed {
				want = origin
			}
			if got := l.header.Get("Access-Control-Allow-Origin"); l.status != status || got != want || l.header.Get("Vary") != "Origin" {
				t.Errorf("%s from %s: %d, allows %q", method, origin, l.status, got)
			}
			if method == "OPTIONS" && allowed && l.header.Get("Access-Control-Allow-Headers") != "Authorization" {
				t.Errorf("a page at %s may send no token: %v", origin, l.header)
			}
		}
	}
	if lookups := s.server.Stats().Lookups; lookups[originRefused] != 4 || lookups[ok] != 1 {
		t.Errorf("%v", lookups)
	}
}
