package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// socket is an attacker's WebSocket, without a client behind it.
type socket struct {
	ws   *websocket.Conn
	s    *striker
	gone chan struct{} // closed when the server has closed it
}

// refusals are statuses with which a server turns someone away.
func refused(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable ||
		status == http.StatusUnauthorized || status == http.StatusForbidden
}

// dial opens a WebSocket from an address of loopback. Being refused is counted, and no
// error is anything else.
func (s *striker) dial(ctx context.Context, from net.IP, room, token, session string) (*socket, error) {
	d := dialer(from)
	d.HandshakeTimeout = 5 * time.Second
	d.Subprotocols = []string{"plenum.v1"}
	if token != "" {
		d.Subprotocols = append(d.Subprotocols, "token."+token)
	}
	if session != "" {
		d.Subprotocols = append(d.Subprotocols, "session."+session)
	}
	ws, response, err := d.DialContext(ctx, s.URL+"?name=Mallory&room="+url.QueryEscape(room), nil)
	if err != nil {
		switch {
		case response != nil && refused(response.StatusCode):
			s.count(fmt.Sprintf("refused with %d", response.StatusCode), 1)
		case response != nil:
			s.count(fmt.Sprintf("answered %d", response.StatusCode), 1)
		case ctx.Err() == nil:
			s.count("connections refused", 1)
		}
		return nil, err
	}
	s.count("sockets", 1)
	ws.SetReadLimit(64 << 20)
	context.AfterFunc(ctx, func() { _ = ws.NetConn().Close() }) // whatever waits for it
	return &socket{ws: ws, s: s, gone: make(chan struct{})}, nil
}

// drain reads what comes and counts the complaints, until the connection ends.
func (c *socket) drain(on func(kind string, message []byte)) {
	defer close(c.gone)
	for {
		_, b, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		var m struct{ Type, Code string }
		if json.Unmarshal(b, &m) != nil {
			continue
		}
		if m.Type == "error" {
			c.s.count("× "+m.Code, 1)
		}
		if on != nil {
			on(m.Type, b)
		}
	}
}

// send writes one message.
func (c *socket) send(message string) error {
	_ = c.ws.SetWriteDeadline(time.Now().Add(5 * time.Second))
	return c.ws.WriteMessage(websocket.TextMessage, []byte(message))
}

// persist joins a room again and again, and each time does f until that fails: who is
// thrown out comes back.
func (s *striker) persist(ctx context.Context, attacker int, room string, f func(ctx context.Context, c *socket) error) {
	for ctx.Err() == nil {
		c, err := s.dial(ctx, strangerAddress(attacker), room, s.Token, "")
		if err != nil {
			pause(ctx, 200*time.Millisecond)
			continue
		}
		var draining sync.WaitGroup
		draining.Go(func() { c.drain(nil) })
		here, stop := context.WithCancel(ctx)
		draining.Go(func() {
			select {
			case <-c.gone:
			case <-here.Done():
			}
			stop()
		})
		if err := f(here, c); err != nil && ctx.Err() == nil {
			s.count("thrown out", 1)
		}
		stop()
		_ = c.ws.Close()
		draining.Wait()
	}
}

// flood has n attackers in a room, each of whom sends messages at a rate.
func (s *striker) flood(ctx context.Context, n int, rate float64, message func(i int) string) error {
	return together(n, func(attacker int) error {
		s.persist(ctx, attacker, s.Room, func(ctx context.Context, c *socket) error {
			sent := 0
			defer func() { s.count("messages", sent) }()
			return every(ctx, rate, func(i int) error {
				sent++
				return c.send(message(i))
			})
		})
		return nil
	})
}

// sketch is an offer to be: what a browser would say, as often as wanted.
type sketch struct {
	lines      int      // m-lines
	kind       string   // of them
	direction  string   // of them
	padding    int      // bytes that mean nothing, at least
	codecs     int      // beside the one that counts, in each m-line
	candidates []string // in the first m-line
	version    int
}

// offer writes a sketch as a message of the protocol.
func (k sketch) offer() string {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- 4611731400430051336 %d IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE", 2+k.version)
	for i := range k.lines {
		fmt.Fprintf(&b, " %d", i)
	}
	b.WriteString("\r\na=msid-semantic: WMS\r\n")
	codec, payload := "VP8/90000", 96
	if k.kind == "audio" {
		codec, payload = "opus/48000/2", 111
	}
	for i := range k.lines {
		fmt.Fprintf(&b, "m=%s 9 UDP/TLS/RTP/SAVPF %d", k.kind, payload)
		for n := range k.codecs {
			fmt.Fprintf(&b, " %d", 1+n)
		}
		b.WriteString("\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n")
		b.WriteString("a=fingerprint:sha-256 " + strings.Repeat("AB:", 31) + "AB\r\na=setup:actpass\r\n")
		fmt.Fprintf(&b, "a=mid:%d\r\na=%s\r\na=rtcp-mux\r\na=rtpmap:%d %s\r\n", i, k.direction, payload, codec)
		for n := range k.codecs {
			fmt.Fprintf(&b, "a=rtpmap:%d H264/90000\r\na=fmtp:%d packetization-mode=1;profile-level-id=%06x\r\n", 1+n, 1+n, 0x420000+n)
		}
		if k.direction != "recvonly" {
			fmt.Fprintf(&b, "a=msid:stream%d track%d\r\na=ssrc:%d cname:x\r\n", i, i, 1000+i)
		}
		if i == 0 {
			for _, c := range k.candidates {
				b.WriteString("a=" + c + "\r\n")
			}
		}
	}
	for n := 0; b.Len() < k.padding; n++ {
		fmt.Fprintf(&b, "a=x-%d:%s\r\n", n, strings.Repeat("x", 80))
	}
	m, _ := json.Marshal(map[string]string{"type": "offer", "sdp": b.String()}) // strings
	return string(m)
}

// letters is text that nobody can have guessed.
func letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + rand.N(26))
	}
	return string(b)
}
