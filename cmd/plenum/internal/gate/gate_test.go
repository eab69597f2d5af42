package gate

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"time"

	"plenum/signaling/bucket"
	"plenum/signaling/visitor"
)

// waitTime bounds every wait for something that is sure to come.
const waitTime = 20 * time.Second

// serve is an HTTP server behind a Listener on a loopback address.
func serve(t *testing.T, limits Limits, handler http.Handler) (address string, rejected *Rejections) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rejected = NewRejections()
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = Limit(inner, limits, rejected)
	server.Start()
	t.Cleanup(server.Close)
	return inner.Addr().String(), rejected
}

// open makes a connection and reports whether a request on it is answered.
func open(t *testing.T, address string) (net.Conn, bool) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if errors.Is(err, syscall.ECONNRESET) { // refused before the dialer saw that it was taken
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(waitTime))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return c, false
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return c, false
	}
	answer.Body.Close()
	return c, true
}

func TestConnections(t *testing.T) {
	loopback := visitor.Proxies{netip.MustParsePrefix("127.0.0.0/8")}
	for _, c := range []struct {
		limits Limits
		want   int
		reason Reason
	}{
		{Limits{Connections: 3}, 3, Connections},
		{Limits{Connections: 9, AddressConnections: 4}, 4, AddressConnections},
		{Limits{Rate: bucket.Limit{Rate: 1e-6, Burst: 5}}, 5, ConnectionRate},
		{Limits{Connections: 6, AddressConnections: 4, Rate: bucket.Limit{Rate: 1e-6, Burst: 5}, Proxies: loopback}, 6, Connections},
		{Limits{}, 10, ""},
	} {
		address, rejected := serve(t, c.limits, http.NotFoundHandler())
		var all []net.Conn
		for range 10 {
			if conn, ok := open(t, address); ok {
				all = append(all, conn)
			}
		}
		if len(all) != c.want {
			t.Errorf("%+v: %d connections, want %d", c.limits, len(all), c.want)
		}
		for reason, n := range rejected.Counts() {
			if want := uint64(10 - c.want); reason != string(c.reason) && n != 0 || reason == string(c.reason) && n != want {
				t.Errorf("%+v: %d for %s", c.limits, n, reason)
			}
		}
		if c.limits.Rate.Rate > 0 || c.want == 10 {
			continue
		}
		// The place of one that ends is another's.
		all[0].Close()
		for deadline := time.Now().Add(waitTime); ; {
			if _, ok := open(t, address); ok {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%+v: no place becomes free", c.limits)
			}
		}
	}
}

// A connection that is taken over, as a WebSocket's is, keeps its place until it ends.
func TestHijackedConnectionCounts(t *testing.T) {
	taken := make(chan net.Conn, 1)
	address, _ := serve(t, Limits{Connections: 1}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		taken <- c
	}))
	if _, ok := open(t, address); !ok {
		t.Fatal("not taken over")
	}
	if _, ok := open(t, address); ok {
		t.Error("a second one")
	}
	(<-taken).Close()
	if _, ok := open(t, address); !ok {
		t.Error("the place is not free")
	}
}

// stuck is a handler whose requests wait for the test.
type stuck struct{ entered, free chan struct{} }

func newStuck() stuck { return stuck{make(chan struct{}, 100), make(chan struct{})} }

func (s stuck) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.entered <- struct{}{}
	<-s.free
}

// ask makes a request as a client and gives its status to the channel.
func ask(url, client string, status chan<- int) {
	r, _ := http.NewRequest("GET", url, nil)
	r.Header.Set("X-Client", client)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		status <- 0
		return
	}
	response.Body.Close()
	if (response.StatusCode == 429 || response.StatusCode == 503) && response.Header.Get("Retry-After") == "" {
		status <- -1
		return
	}
	status <- response.StatusCode
}

func named(r *http.Request) netip.Addr { return netip.MustParseAddr(r.Header.Get("X-Client")) }

func TestInFlight(t *testing.T) {
	handler, rejected := newStuck(), NewRejections()
	server := httptest.NewServer(NewInFlight(3, 2, named, rejected).Wrap(handler))
	defer server.Close()
	free := sync.OnceFunc(func() { close(handler.free) })
	defer free()
	status, waiting := make(chan int, 10), make(chan int, 10)
	for range 2 {
		go ask(server.URL, "192.0.2.1", status)
		<-handler.entered
	}
	ask(server.URL, "192.0.2.1", waiting)
	if got := <-waiting; got != http.StatusTooManyRequests {
		t.Errorf("the third of a client gets %d", got)
	}
	go ask(server.URL, "192.0.2.2", status)
	<-handler.entered
	ask(server.URL, "192.0.2.3", waiting)
	if got := <-waiting; got != http.StatusServiceUnavailable {
		t.Errorf("one too many gets %d", got)
	}
	go ask(server.URL, "192.0.2.3", status) // this one finds a slot, now or in a moment
	free()
	for range 4 {
		if got := <-status; got != http.StatusOK {
			t.Errorf("answered %d", got)
		}
	}
	if counts := rejected.Counts(); counts["address_requests"] != 1 || counts["requests"] != 1 {
		t.Error(counts)
	}
}

// Those who collect wait for each other, and those who don't read for nobody.
func TestScrape(t *testing.T) {
	handler, rejected := newStuck(), NewRejections()
	server := httptest.NewServer(Scrape(handler, 2, rejected))
	defer server.Close()
	status := make(chan int, 10)
	for range 2 {
		go ask(server.URL, "", status)
		<-handler.entered
	}
	third := make(chan int, 1)
	ask(server.URL, "", third)
	if got := <-third; got != http.StatusServiceUnavailable || rejected.Counts()["scrapes"] != 1 {
		t.Errorf("the third gets %d", got)
	}
	close(handler.free)
	for range 2 {
		if got := <-status; got != http.StatusOK {
			t.Errorf("answered %d", got)
		}
	}
}

func TestScrapeOfDeafClient(t *testing.T) {
	large := make([]byte, 64<<20) // no socket buffer holds it
	server := httptest.NewServer(Scrape(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Kept", "yes")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(large)
	}), 1, NewRejections()))
	defer server.Close()
	for range 3 { // each would hold the only slot
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if _, err := c.Read(make([]byte, 1)); err != nil { // it is being answered
			t.Fatal(err)
		}
	}
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusTeapot || response.Header.Get("X-Kept") != "yes" || len(body) != len(large) {
		t.Errorf("%d, %d bytes: %v", response.StatusCode, len(body), err)
	}
}

func TestHandshaking(t *testing.T) {
	rejected := NewRejections()
	h := NewHandshaking(1, rejected)
	h.share, h.patience = time.Hour, time.Millisecond
	ended, end := context.WithCancel(t.Context())
	begin := func(ctx context.Context) error {
		_, err := h.Begin(hello(t, ctx))
		return err
	}
	if err := begin(ended); err != nil {
		t.Fatal(err)
	}
	if err := begin(t.Context()); err == nil || rejected.Counts()["handshakes"] != 1 {
		t.Errorf("a second one at once: %v", err)
	}
	h.patience = waitTime
	end()
	if err := begin(t.Context()); err != nil {
		t.Errorf("the place of one that ended: %v", err)
	}
	h = NewHandshaking(1, rejected) // in which nobody keeps it for long
	h.patience = waitTime
	for range 3 {
		if err := begin(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// hello is what a tls.Config gets of a handshake with that context: only the package
// itself can make one.
func hello(t *testing.T, ctx context.Context) *tls.ClientHelloInfo {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close(); server.Close() })
	got := make(chan *tls.ClientHelloInfo, 1)
	go func() {
		_ = tls.Client(client, &tls.Config{ServerName: "x"}).HandshakeContext(t.Context())
	}()
	go func() {
		_ = tls.Server(server, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			got <- h
			<-h.Context().Done() // it goes on for as long as the test wants
			return nil, h.Context().Err()
		}}).HandshakeContext(ctx)
	}()
	select {
	case h := <-got:
		return h
	case <-time.After(waitTime):
		t.Fatal("no hello")
		return nil
	}
}
