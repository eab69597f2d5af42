package signaling

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"plenum/sfu"
	"plenum/signaling/bucket"
	"plenum/signaling/protocol"
	"plenum/signaling/visitor"
)

// slow is a rate at which nothing comes back in time, and beside which patience is short.
const slow = 0.001

// behindProxy is a server that believes its peers, with a clock that the test moves.
func behindProxy(t *testing.T, a Authenticator, limits Limits) (*site, *atomic.Int64) {
	t.Helper()
	s := newSite(t, Config{Authenticator: a, Limits: limits, TrustedProxies: visitor.Proxies{netip.MustParsePrefix("127.0.0.0/8")}})
	clock := new(atomic.Int64)
	clock.Store(time.Unix(1e9, 0).UnixNano())
	s.server.now = func() time.Time { return time.Unix(0, clock.Load()) }
	return s, clock
}

// try opens a WebSocket for a client of the proxy; it returns nil where that is refused
// for too many, as it then must be.
func (s *site) try(from, query string) *client {
	s.t.Helper()
	d := websocket.Dialer{HandshakeTimeout: patience}
	ws, answer, err := d.Dial(s.url+"?"+query, http.Header{"X-Forwarded-For": {from}})
	if err == nil {
		s.t.Cleanup(func() { ws.Close() })
		return &client{s.t, ws}
	}
	if !errors.Is(err, websocket.ErrBadHandshake) {
		s.t.Fatal(err)
	}
	var told refusalMessage
	body, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(body, &told)
	}
	seconds, err2 := strconv.Atoi(answer.Header.Get("Retry-After"))
	if err != nil || err2 != nil || seconds < 1 || answer.StatusCode != http.StatusTooManyRequests || told.Code != protocol.RateLimited || told.Message == "" {
		s.t.Fatalf("%d, after %d s: %s", answer.StatusCode, seconds, body)
	}
	return nil
}

func (s *site) rejected(reason string, want uint64) {
	s.t.Helper()
	if got := s.server.Stats().Rejected[reason]; got != want {
		s.t.Errorf("%d rejected for %s, want %d", got, reason, want)
	}
}

func TestJoinsOfAddress(t *testing.T) {
	s, clock := behindProxy(t, nil, Limits{Joins: bucket.Limit{Rate: slow, Burst: 3}})
	for range 3 {
		s.try("192.0.2.1:4711", "room=demo").expect("joined")
	}
	if s.try("192.0.2.1:4712", "room=demo") != nil {
		t.Error("a fourth")
	}
	s.try("198.51.100.9, 192.0.2.2", "room=demo").expect("joined")
	if s.try("198.51.100.9, 192.0.2.1", "room=demo") != nil {
		t.Error("a fourth that forged the header")
	}
	for n := range 4 { // one /64
		if c := s.try(fmt.Sprintf("2001:db8:1:2::%d", n), "room=demo"); (c != nil) != (n < 3) {
			t.Errorf("number %d of a network: %v", n, c)
		}
	}
	s.rejected(rejectedJoins, 3)
	clock.Add(int64(1000 * time.Second))
	s.try("192.0.2.1", "room=demo").expect("joined")
}

// An office all of whose people come back at once gets in, in turns of the rate; an
// address that comes with more than that is told to wait.
func TestOfficeComesBack(t *testing.T) {
	s, _ := behindProxy(t, nil, Limits{Joins: bucket.Limit{Rate: 200, Burst: 20}})
	const people = 90 // as many as the fake engine holds
	done := make(chan *client, people)
	for n := range people {
		go func() { done <- s.try("192.0.2.1", "room=demo&session=of-the-server-before-"+strconv.Itoa(n)) }()
	}
	for range people {
		if c := await(t, "an answer", done); c == nil {
			t.Error("someone isn't let in")
		} else {
			c.expect("joined")
		}
	}
	s.rejected(rejectedJoins, 0)
}

// Those who go on with a session are neither held up by those who begin one nor endless.
func TestResumesOfAddress(t *testing.T) {
	s, _ := behindProxy(t, nil, Limits{Joins: bucket.Limit{Rate: slow, Burst: 1}, Resumes: bucket.Limit{Rate: slow, Burst: 2}})
	c := s.try("192.0.2.1", "room=demo")
	resume := "room=demo&session=" + url.QueryEscape(c.expect("joined").Session)
	if s.try("192.0.2.1", "room=demo") != nil || s.try("192.0.2.1", "room=demo&session=forged") != nil {
		t.Error("a second that joins")
	}
	for range 2 {
		c = s.try("192.0.2.1", resume)
		if !c.expect("joined").Resumed {
			t.Error("not resumed")
		}
	}
	if s.try("192.0.2.1", resume) != nil {
		t.Error("a third that resumes")
	}
	s.rejected(rejectedJoins, 2)
	s.rejected(rejectedResumes, 1)
}

// Who guesses tokens isn't answered any more, rightly or wrongly, for a while. Others
// are, and those whose session goes on.
func TestGuesses(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	mintAt := func(when time.Time) string {
		token, err := mint(keys, Claims{Room: "demo"}, when, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return "room=demo&token=" + url.QueryEscape(token)
	}
	good, expired := mintAt(time.Now()), mintAt(time.Now().Add(-time.Hour))
	s, clock := behindProxy(t, keys, Limits{Guesses: bucket.Limit{Rate: slow, Burst: 2}})
	session := s.try("192.0.2.1", good).expect("joined").Session
	for range 3 { // neither an expired token nor none is a guess
		s.try("192.0.2.1", expired).expectFatal(protocol.Unauthorized, 4001)
		s.try("192.0.2.1", "room=demo").expectFatal(protocol.Unauthorized, 4001)
	}
	for n := range 2 {
		s.try("192.0.2.1", fmt.Sprint("room=demo&token=x", n)).expectFatal(protocol.Unauthorized, 4001)
	}
	if s.try("192.0.2.1", "room=demo&token=x") != nil || s.try("192.0.2.1", good) != nil {
		t.Error("a guess too many is answered")
	}
	s.rejected(rejectedGuesses, 2)
	s.try("192.0.2.2", good).expect("joined")
	if !s.try("192.0.2.1", good+"&session="+url.QueryEscape(session)).expect("joined").Resumed {
		t.Error("the session does not go on")
	}
	lookup := s.rooms()
	from := http.Header{"X-Forwarded-For": {"192.0.2.1"}, "Authorization": {"Bearer x"}}
	if l := lookup("GET", "demo", from); l.status != 429 || l.Code != protocol.RateLimited || l.header.Get("Retry-After") == "" {
		t.Errorf("a guess by a look-up: %d", l.status)
	}
	clock.Add(int64(2000 * time.Second))
	if l := lookup("GET", "demo", from); l.status != 401 {
		t.Errorf("a guess by a look-up: %d", l.status)
	}
	s.try("192.0.2.1", good).expect("joined") // one guess is left
}

// A token that went round begins so many sessions, wherever its bearers are.
func TestJoinsOfToken(t *testing.T) {
	keys := parseTestKeys(t, testKeys)
	s, _ := behindProxy(t, keys, Limits{TokenJoins: bucket.Limit{Rate: slow, Burst: 2}})
	var queries []string
	for _, name := range []string{"Ada", "Bob"} {
		token, err := Mint(keys, Claims{Room: "demo", Name: name}, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		queries = append(queries, "room=demo&token="+url.QueryEscape(token))
	}
	for n := range 3 {
		if c := s.try(fmt.Sprintf("192.0.2.%d", n), queries[0]); (c != nil) != (n < 2) {
			t.Errorf("number %d: %v", n, c)
		}
	}
	s.try("192.0.2.9", queries[1]).expect("joined")
	s.rejected(rejectedTokenJoins, 1)
}

func TestLookupsOfAddress(t *testing.T) {
	s := newRealSite(t, sfu.Config{}, nil)
	s.server.allowances = newAllowances(Limits{Lookups: bucket.Limit{Rate: slow, Burst: 2}})
	ask := s.rooms()
	for n := range 3 {
		l := ask("GET", "demo", http.Header{"X-Forwarded-For": {fmt.Sprint("192.0.2.", n)}}) // which nobody believes
		if n < 2 && l.status != 200 || n == 2 && (l.status != 429 || l.Code != protocol.RateLimited || l.header.Get("Retry-After") == "") {
			t.Errorf("number %d: %d %v %s", n, l.status, l.header, l.body)
		}
	}
	s.rejected(rejectedLookups, 1)
	if lookups := s.server.Stats().Lookups; lookups["rate-limited"] != 1 || lookups[ok] != 2 {
		t.Errorf("%v", lookups)
	}
}

// A client that goes away while it waits for its turn is forgotten.
func TestTurnOfClientThatLeft(t *testing.T) {
	s, _ := behindProxy(t, nil, Limits{Joins: bucket.Limit{Rate: 0.5, Burst: 1}})
	s.try("192.0.2.1", "room=demo").expect("joined")
	await(t, "the first", s.engine.joined)
	d := websocket.Dialer{HandshakeTimeout: 10 * time.Millisecond} // its turn would be in 2 s
	if ws, _, err := d.Dial(s.url+"?room=demo", http.Header{"X-Forwarded-For": {"192.0.2.1"}}); err == nil {
		ws.Close()
		t.Fatal("it did not wait")
	}
	if s.try("192.0.2.1", "room=demo") != nil { // 4 s
		t.Error("its turn was not taken")
	}
	if n := len(s.engine.joined); n != 0 {
		t.Errorf("%d joined", n)
	}
}
