package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"plenum/sfu"
)

const testAdminToken = "0123456789abcdef"

// ask makes one request with more headers; Host is one of them.
func ask(t *testing.T, url string, header map[string]string) (int, http.Header, string) {
	t.Helper()
	return get(t, &http.Client{Transport: headers(header)}, url)
}

type headers map[string]string

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range h {
		r.Header.Set(name, value)
	}
	if host := h["Host"]; host != "" {
		r.Host = host
	}
	return http.DefaultTransport.RoundTrip(r)
}

// meet joins a room and returns the participant's id.
func meet(t *testing.T, address, query string) string {
	t.Helper()
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+address+"/ws?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	var joined struct{ Type, ID string }
	if err := ws.ReadJSON(&joined); err != nil || joined.Type != "joined" {
		t.Fatalf("%+v, %v", joined, err)
	}
	return joined.ID
}

func TestDebugParticipants(t *testing.T) {
	p := start(t, "--metrics-listen", "127.0.0.1:0")
	zoe := meet(t, p.addr, "room=zebra&name=Zoe")
	ada := meet(t, p.addr, "room=demo&name=Ada+%3Cb%3E")
	// A proxy on this machine that adds no header looks just like this request.
	if status, _, body := get(t, http.DefaultClient, "http://"+p.addr+"/debug/participants"); status != 403 || strings.Contains(body, "demo") {
		t.Errorf("on --listen, without a token: %d %s", status, body)
	}
	for _, address := range []string{p.metrics} {
		base := "http://" + address + "/debug/participants"
		status, header, body := get(t, http.DefaultClient, base)
		want := `{
  "participants": [
    {
      "id": "` + ada + `",
      "name": "Ada <b>",
      "room": "demo"
    },
    {
      "id": "` + zoe + `",
      "name": "Zoe",
      "room": "zebra"
    }
  ]
}
`
		if status != 200 || body != want || header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v %s", status, header, body)
		}
		status, header, body = get(t, http.DefaultClient, base+"/"+ada)
		var e sfu.Explanation
		if err := json.Unmarshal([]byte(body), &e); err != nil {
			t.Fatal(err)
		}
		if status != 200 || e.ID != ada || e.Name != "Ada <b>" || e.Room != "demo" || e.Time.IsZero() || header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v %s", status, header, body)
		}
		if !strings.Contains(body, "\n  \"room\": \"demo\",\n") {
			t.Errorf("not for reading:\n%s", body)
		}
		for _, id := range []string{"nobody", "%2e%2e", ada + "x"} {
			if status, header, body := get(t, http.DefaultClient, base+"/"+id); status != 404 || header.Get("Cache-Control") != "no-store" || strings.Contains(body, ada) {
				t.Errorf("%s: %d %s", id, status, body)
			}
		}
	}
}

// Who is no operator gets the same answer for everything.
func TestDebugIsForOperators(t *testing.T) {
	p := start(t, "--admin-token", testAdminToken)
	id := meet(t, p.addr, "room=demo&name=Ada")
	bearer := "Bearer " + testAdminToken
	for name, step := range map[string]struct {
		header  map[string]string
		allowed bool
	}{
		"on this machine":          {nil, false},
		"by name":                  {map[string]string{"Host": "localhost:8080"}, false},
		"on this machine, token":   {map[string]string{"Authorization": bearer}, true},
		"scheme in another case":   {map[string]string{"Authorization": "bearer " + testAdminToken}, true},
		"rebound":                  {map[string]string{"Host": "evil.example:8080"}, false},
		"through a proxy":          {map[string]string{"X-Forwarded-For": "192.0.2.1"}, false},
		"by loopback, forwarded":   {map[string]string{"X-Forwarded-For": "127.0.0.1"}, false},
		"through a newer proxy":    {map[string]string{"Forwarded": "for=192.0.2.1"}, false},
		"through another proxy":    {map[string]string{"X-Real-IP": "192.0.2.1"}, false},
		"proxy, token":             {map[string]string{"X-Forwarded-For": "192.0.2.1", "Authorization": bearer}, true},
		"host, token":              {map[string]string{"Host": "calls.example.org", "Authorization": bearer}, true},
		"proxy, wrong token":       {map[string]string{"X-Forwarded-For": "192.0.2.1", "Authorization": bearer + "0"}, false},
		"proxy, part of the token": {map[string]string{"X-Forwarded-For": "192.0.2.1", "Authorization": bearer[:len(bearer)-1]}, false},
		"proxy, empty token":       {map[string]string{"X-Forwarded-For": "192.0.2.1", "Authorization": "Bearer "}, false},
		"proxy, another scheme":    {map[string]string{"X-Forwarded-For": "192.0.2.1", "Authorization": "Basic " + testAdminToken}, false},
		"here, but a wrong token":  {map[string]string{"Authorization": "Bearer x"}, false},
	} {
		var refusals []string
		for path, found := range map[string]int{"": 200, "/" + id: 200, "/nobody": 404} {
			status, header, body := ask(t, "http://"+p.addr+"/debug/participants"+path, step.header)
			if step.allowed && status != found || !step.allowed && status != 403 || header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %q answers %d", name, path, status)
			}
			if !step.allowed {
				refusals = append(refusals, body)
			}
		}
		for _, body := range refusals {
			if body != "forbidden\n" {
				t.Errorf("%s: %q", name, body)
			}
		}
	}
}

// Without a token there is none to show, not even an empty one.
func TestDebugWithoutAdminToken(t *testing.T) {
	p := start(t)
	for _, authorization := range []string{"Bearer ", "Bearer " + testAdminToken} {
		status, _, _ := ask(t, "http://"+p.addr+"/debug/participants", map[string]string{"X-Forwarded-For": "192.0.2.1", "Authorization": authorization})
		if status != 403 {
			t.Errorf("%q: %d", authorization, status)
		}
	}
}

func TestOperatorAddresses(t *testing.T) {
	for _, c := range []struct {
		remote, host string
		want         bool
	}{
		{"127.0.0.1:9", "127.0.0.1:8080", true}, {"127.9.9.9:9", "localhost", true}, {"[::1]:9", "[::1]:8080", true},
		{"[::1]:9", "[::1]", true}, {"[::ffff:127.0.0.1]:9", "LOCALHOST:1", true},
		{"192.0.2.1:9", "localhost:8080", false}, {"10.0.0.1:9", "127.0.0.1", false}, {"[::ffff:192.0.2.1]:9", "localhost", false},
		{"127.0.0.1:9", "localhost.evil.example", false}, {"127.0.0.1:9", "", false}, {"", "localhost", false},
	} {
		r := httptest.NewRequest("GET", "/debug/participants", nil)
		r.RemoteAddr, r.Host = c.remote, c.host
		if got := operator(r, "", true); got != c.want {
			t.Errorf("from %q for %q: %v", c.remote, c.host, got)
		}
		if operator(r, "", false) {
			t.Errorf("from %q for %q on a listener that others reach", c.remote, c.host)
		}
	}
}

// A participant that left can't be explained any more.
func TestDebugAfterLeaving(t *testing.T) {
	p := start(t, "--metrics-listen", "127.0.0.1:0")
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+p.addr+"/ws?room=demo", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	var joined struct{ ID string }
	if err := ws.ReadJSON(&joined); err != nil {
		t.Fatal(err)
	}
	if err := ws.WriteJSON(map[string]string{"type": "leave"}); err != nil {
		t.Fatal(err)
	}
	_ = ws.SetReadDeadline(time.Now().Add(startTimeout))
	for err == nil {
		_, _, err = ws.ReadMessage() // until the server closes: it has let go then
	}
	if status, _, body := get(t, http.DefaultClient, "http://"+p.metrics+"/debug/participants/"+joined.ID); status != 404 {
		t.Errorf("%d %s", status, body)
	}
}
