package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// strangersWeb reach the pages.
var strangersWeb = []attack{
	{
		name: "unread-metrics", about: "1,000 connections that ask for /metrics and never read (rooms are open)",
		variant: variant{open: true}, strike: unread("/metrics"),
	},
	{name: "unread-pages", about: "1,000 connections that ask for pages and never read", strike: unread("/plenum.js")},
	{name: "pages", about: "pages, rooms and secrets of operators asked for as fast as can be", strike: pages},
	{name: "slowloris", about: "2,000 connections that send a header of a request, a byte at a time", strike: slowloris},
	{name: "headers", about: "headers of a megabyte", strike: hugeHeaders},
	{
		name: "handshakes", about: "TLS handshakes as fast as can be",
		variant: variant{flags: []string{"--tls-self-signed"}}, strike: handshakes,
	},
	{
		name: "half-handshakes", about: "TLS handshakes that stop after the first message",
		variant: variant{flags: []string{"--tls-self-signed"}}, strike: halfHandshakes,
	},
}

// connect opens a connection to the server's HTTP port, as often as it takes.
func (s *striker) connect(ctx context.Context, i int) (net.Conn, bool) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: strangerAddress(i)}, Timeout: 2 * time.Second}
	c, err := d.DialContext(ctx, "tcp4", s.host())
	if err != nil {
		if ctx.Err() == nil {
			s.count("connections refused", 1)
		}
		return nil, false
	}
	s.count("connections", 1)
	return c, true
}

// closed closes the connections that were kept until the end.
func closeAll(held []net.Conn) {
	for _, c := range held {
		_ = c.Close()
	}
}

// unread asks for a page on each of a thousand connections, again and again, and reads
// no answer.
func unread(path string) func(context.Context, *striker) error {
	return func(ctx context.Context, s *striker) error {
		var held []net.Conn
		defer func() { closeAll(held) }()
		request := []byte("GET " + path + " HTTP/1.1\r\nHost: " + s.host() + "\r\nAccept-Encoding: identity\r\n\r\n")
		return every(ctx, 5000, func(i int) error {
			if len(held) < 1000 {
				c, ok := s.connect(ctx, 0)
				if !ok {
					return nil
				}
				_ = c.(*net.TCPConn).SetReadBuffer(4 << 10)
				held = append(held, c)
			}
			c := held[i%len(held)]
			_ = c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
			if _, err := c.Write(request); err == nil {
				s.count("requests", 1)
			}
			return nil
		})
	}
}

// pages asks for everything, and reads the answers.
func pages(ctx context.Context, s *striker) error {
	paths := []string{"/", "/plenum.js", "/rooms/victims", "/rooms/" + letters(8), "/debug/participants", "/metrics", "/healthz", "/readyz", "/" + letters(2000)}
	return together(32, func(attacker int) error {
		client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
			DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: strangerAddress(attacker % 4)}}).DialContext,
		}}
		defer client.CloseIdleConnections()
		for i := 0; ctx.Err() == nil; i++ {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.page(paths[i%len(paths)]), nil)
			if err != nil {
				return err
			}
			request.Header.Set("Authorization", "Bearer "+letters(20))
			request.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", attacker, i>>8&0xff, i&0xff))
			response, err := client.Do(request)
			if err != nil {
				s.count("requests failed", 1)
				pause(ctx, 10*time.Millisecond)
				continue
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			s.count(fmt.Sprintf("× %d", response.StatusCode), 1)
		}
		return nil
	})
}

func slowloris(ctx context.Context, s *striker) error {
	const most = 2000
	var held []net.Conn
	defer func() { closeAll(held) }()
	return every(ctx, 2000, func(i int) error {
		if len(held) < most {
			c, ok := s.connect(ctx, i%2)
			if !ok {
				return nil
			}
			held = append(held, c)
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n")
		}
		_, _ = io.WriteString(held[i%len(held)], "X")
		return nil
	})
}

func hugeHeaders(ctx context.Context, s *striker) error {
	header := "GET /ws HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Long: "+strings.Repeat("x", 1000)+"\r\n", 1000)
	return together(16, func(attacker int) error {
		return every(ctx, 20, func(i int) error {
			c, ok := s.connect(ctx, attacker%4)
			if !ok {
				return nil
			}
			_ = c.SetDeadline(time.Now().Add(2 * time.Second))
			_, _ = io.WriteString(c, header)
			return c.Close()
		})
	})
}

func handshakes(ctx context.Context, s *striker) error {
	config := &tls.Config{InsecureSkipVerify: true} // loopback alone
	return together(32, func(attacker int) error {
		for ctx.Err() == nil {
			c, ok := s.connect(ctx, attacker%4)
			if !ok {
				pause(ctx, 20*time.Millisecond)
				continue
			}
			_ = c.SetDeadline(time.Now().Add(6 * time.Second))
			if tls.Client(c, config).HandshakeContext(ctx) == nil {
				s.count("handshakes", 1)
			}
			_ = c.Close()
		}
		return nil
	})
}

// firstMessage keeps what a TLS client says first, and answers nothing.
type firstMessage struct {
	net.Conn
	said []byte
}

func (f *firstMessage) Write(b []byte) (int, error) {
	f.said = append(f.said, b...)
	return len(b), nil
}

func (f *firstMessage) Read([]byte) (int, error) { return 0, io.EOF }

func halfHandshakes(ctx context.Context, s *striker) error {
	var mu sync.Mutex
	var held []net.Conn
	defer func() { closeAll(held) }()
	hello := &firstMessage{}
	_ = tls.Client(hello, &tls.Config{InsecureSkipVerify: true}).Handshake() // it finds no server
	return together(8, func(attacker int) error {
		return every(ctx, 200, func(i int) error {
			c, ok := s.connect(ctx, attacker%4)
			if !ok {
				return nil
			}
			_, _ = c.Write(hello.said)
			mu.Lock()
			defer mu.Unlock()
			if held = append(held, c); len(held) > 3000 {
				_ = held[0].Close()
				held = held[1:]
			}
			return nil
		})
	})
}
