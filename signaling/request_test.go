package signaling

import (
	"net/http/httptest"
	"strings"
	"testing"

	"plenum/signaling/protocol"
)

func TestParseRequest(t *testing.T) {
	for _, c := range []struct {
		query, protocols string
		want             request
		fails            bool
	}{
		{query: "room=a&name=Ada&token=t&session=s", want: request{room: "a", name: "Ada", token: "t", session: "s"}},
		{query: "room=a&token=t&session=s", protocols: "plenum.v1, token.T.T.T, session.S", want: request{room: "a", token: "T.T.T", session: "S"}},
		{query: "room=a&early=1", want: request{room: "a", early: true}},
		{query: "room=a&early=2", want: request{room: "a"}},
		{query: "room=a", protocols: "token.T", want: request{room: "a", token: "T"}},
		{query: "room=a", protocols: "plenum.v2, plenum.v1", want: request{room: "a"}},
		{query: "room=a", protocols: "plenum.v2", fails: true},
		{query: "room=a", protocols: "chat, token.T", fails: true},
		{query: ""},
	} {
		r := httptest.NewRequest("GET", "/ws?"+c.query, nil)
		if c.protocols != "" {
			r.Header.Set("Sec-WebSocket-Protocol", c.protocols)
		}
		got, err := parseRequest(r)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s %s: %+v, %v", c.query, c.protocols, got, err)
		}
	}
}

func TestValidRoom(t *testing.T) {
	for room, want := range map[string]bool{
		"": false, "a": true, "Team_9-x.y": true, "a b": false, "a/b": false, "é": false, "a\x00": false,
		"@": false, "[": false, "`": false, "{": false, "AZaz09": true,
		strings.Repeat("r", 128): true, strings.Repeat("r", 129): false,
	} {
		if protocol.ValidRoom(room) != want {
			t.Errorf("protocol.ValidRoom(%q) is not %v", room, want)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"": true, "Ada Lovelace": true, "\xff": false,
		strings.Repeat("é", 64): true, strings.Repeat("é", 65): false,
	} {
		if protocol.ValidName(name) != want {
			t.Errorf("protocol.ValidName(%q) is not %v", name, want)
		}
	}
}

func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		allowed []string
		tokens  bool
		origin  string
		want    bool
	}{
		{origin: "", want: true}, // not a browser
		{origin: "https://sfu.example:8080", want: true},
		{origin: "https://SFU.example:8080", want: true},
		{origin: "https://sfu.example", want: false}, // another port
		{origin: "https://evil.example", want: false},
		{origin: "http://localhost:3000", want: true},
		{origin: "http://app.localhost", want: true},
		{origin: "http://127.0.0.1:5173", want: true},
		{origin: "http://[::1]:5173", want: true},
		{origin: "http://localhost.evil.example", want: false},
		{origin: "null", want: false},
		{origin: "http://%zz", want: false},
		{tokens: true, origin: "https://evil.example", want: true},
		{tokens: true, origin: "null", want: true},
		{allowed: []string{"*"}, origin: "https://evil.example", want: true},
		{allowed: []string{"https://App.example/"}, origin: "https://app.example", want: true},
		{allowed: []string{"https://app.example"}, origin: "http://app.example", want: false},
		{allowed: []string{"HTTPS://app.example:443"}, origin: "https://app.example", want: true},
		{allowed: []string{"http://app.example:80"}, origin: "http://app.example", want: true},
		{allowed: []string{"https://app.example:8443"}, origin: "https://app.example:8443", want: true},
		{allowed: []string{"https://app.example:80"}, origin: "https://app.example", want: false},
		{allowed: []string{"https://bücher.example"}, origin: "https://xn--bcher-kva.example", want: true},
		{allowed: []string{"https://bücher.example:8443"}, origin: "https://xn--bcher-kva.example:8443", want: true},
		{allowed: []string{"https://[2001:DB8::1]:443"}, origin: "https://[2001:db8::1]", want: true},
		{allowed: []string{"https://app.example"}, origin: "http://localhost", want: false},
		{allowed: []string{"https://app.example"}, tokens: true, origin: "https://evil.example", want: false},
		{allowed: []string{"https://app.example"}, origin: "http://sfu.example:8080", want: true},
	} {
		o, err := newOrigins(c.allowed, c.tokens)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest("GET", "http://sfu.example:8080/ws", nil)
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if o.allow(r) != c.want {
			t.Errorf("%+v", c)
		}
	}
	for _, bad := range []string{"", "example.com", "https://", "https://a/b", "https://a?b"} {
		if _, err := newOrigins([]string{bad}, false); err == nil {
			t.Errorf("origin %q is taken", bad)
		}
	}
}
