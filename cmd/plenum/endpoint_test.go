package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"plenum/cmd/plenum/internal/gate"
	"plenum/web"
)

// slowEndpoint is one with short timeouts, which tells of connections that it closed.
func slowEndpoint(t *testing.T, handler http.Handler, shorten func(*http.Server)) (address string, closed <-chan struct{}) {
	t.Helper()
	server := newHTTPServer(handler, nil, slog.New(slog.DiscardHandler))
	if server.ReadHeaderTimeout == 0 || server.ReadTimeout == 0 || server.WriteTimeout == 0 || server.IdleTimeout == 0 || server.MaxHeaderBytes == 0 {
		t.Errorf("something has no limit: %+v", server)
	}
	shorten(server)
	gone := make(chan struct{}, 1)
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			gone <- struct{}{}
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(gate.Limit(listener, gate.Limits{}, gate.NewRejections())) }()
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String(), gone
}

func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(startTimeout):
		t.Fatalf("waited in vain: %s", what)
	}
}

// A client that asks and reads nothing is gone after the write timeout.
func TestDeafClientIsCutOff(t *testing.T) {
	large := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, 64<<20)) // no socket buffer holds it
	})
	address, closed := slowEndpoint(t, large, func(s *http.Server) { s.WriteTimeout = 50 * time.Millisecond })
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	wait(t, "the end of a client that does not read", closed)
}

func TestMuteClientIsCutOff(t *testing.T) {
	for name, sent := range map[string]string{"nothing": "", "half a header": "GET / HTTP/1.1\r\nHost", "half a body": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx", "no more": "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"} {
		address, closed := slowEndpoint(t, web.Handler(), func(s *http.Server) {
			s.ReadHeaderTimeout, s.ReadTimeout, s.IdleTimeout = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
		})
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = io.WriteString(c, sent)
		wait(t, "the end of a client that sent "+name, closed)
	}
}

func TestHugeHeaderIsRefused(t *testing.T) {
	p := start(t)
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		_, _ = fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 2*maxHeaderBytes))
	}()
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%+v, %v", answer, err)
	}
}

// What one address may have at once counts WebSockets too, and what is refused is told.
func TestConnectionLimits(t *testing.T) {
	p := start(t, "--max-address-connections", "3", "--metrics-listen", "127.0.0.1:0")
	for range 3 {
		join(t, "ws://"+p.addr+"/ws?room=demo")
	}
	if ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+p.addr+"/ws?room=demo", nil); err == nil {
		ws.Close()
		t.Error("a fourth connection")
	}
	if _, _, metrics := get(t, http.DefaultClient, "http://"+p.metrics+"/metrics"); !strings.Contains(metrics, "\nplenum_rejected_total{reason=\"address_connections\"} 1\n") {
		t.Error("the metrics don't tell")
	}
	p = start(t, "--max-address-connections", "3", "--trusted-proxy", "127.0.0.1")
	for range 5 {
		join(t, "ws://"+p.addr+"/ws?room=demo")
	}
}

// An office of 200 that comes back after a restart, each with a session that nobody knows
// any more, gets in with the limits that there are by default; a client that opens
// WebSockets in a loop is told to wait.
func TestOfficeAfterRestart(t *testing.T) {
	p := start(t, "--metrics-listen", "127.0.0.1:0")
	const people = 200
	done := make(chan error, people)
	for n := range people {
		go func() {
			url := fmt.Sprintf("ws://%s/ws?room=demo%d&session=of-before-%d", p.addr, n%20, n)
			ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), url, nil)
			if err == nil {
				defer ws.Close()
				_, _, err = ws.ReadMessage()
			}
			done <- err
		}()
	}
	for range people {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	p = start(t, "--metrics-listen", "127.0.0.1:0", "--limit-joins", "0.01:3")
	refused := 0
	for range 5 {
		ws, answer, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+p.addr+"/ws?room=demo", nil)
		if err == nil {
			ws.Close()
		} else if answer != nil && answer.StatusCode == http.StatusTooManyRequests && answer.Header.Get("Retry-After") != "" {
			refused++
		}
	}
	if _, _, metrics := get(t, http.DefaultClient, "http://"+p.metrics+"/metrics"); refused != 2 || !strings.Contains(metrics, "\nplenum_rejected_total{reason=\"joins\"} 2\n") {
		t.Errorf("%d refused", refused)
	}
}

// Many handshakes that come together wait for each other, and all come through.
func TestHandshakesTogether(t *testing.T) {
	p := start(t, "--tls-self-signed")
	const clients = 200
	done := make(chan error, clients)
	for range clients {
		go func() {
			c, err := tls.DialWithDialer(&net.Dialer{Timeout: startTimeout}, "tcp", p.addr, insecure)
			if err == nil {
				c.Close()
			}
			done <- err
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// A WebSocket that joins and does nothing more doesn't keep its place.
func TestIdleWebSocketsLoseTheirSeats(t *testing.T) {
	p := start(t, "--max-participants", "3", "--seat-timeout", "100ms", "--metrics-listen", "127.0.0.1:0")
	for range 2 { // each time all places
		var all []*websocket.Conn
		for range 3 {
			all = append(all, join(t, "ws://"+p.addr+"/ws?room=demo"))
		}
		for _, ws := range all {
			receive(t, ws, "error")
			if _, _, err := ws.ReadMessage(); !websocket.IsCloseError(err, 4005) {
				t.Errorf("it ends with %v", err)
			}
		}
	}
	if _, _, metrics := get(t, http.DefaultClient, "http://"+p.metrics+"/metrics"); !strings.Contains(metrics, "\nplenum_rejected_total{reason=\"seats\"} 6\n") {
		t.Error("the metrics don't tell")
	}
}
