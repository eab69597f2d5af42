package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// strangersPort make the media port work for nothing: for others, or to its limits.
var strangersPort = []attack{
	{
		name: "candidates", about: "offers with 100 candidates of others' addresses (rooms are open)",
		variant: variant{open: true}, strike: candidatesAnywhere,
	},
	{
		// With as few descriptors nobody can join while the attack lasts, whatever the server does.
		name: "ice-tcp", about: "more connections to the media port than the server has descriptors for",
		variant: variant{descriptors: 400}, noJoins: true, strike: iceTCP, check: joinsOver(true),
	},
	{name: "ice-tcp-churn", about: "connections to the media port that open, send noise and close", strike: iceTCPChurn, check: joinsOver(true)},
}

// candidatesAnywhere makes offers whose candidates are sockets of ours on loopback, and
// counts what arrives there: what the server sends to people who never asked for it.
func candidatesAnywhere(ctx context.Context, s *striker) error {
	const victims = 100
	var arrived atomic.Int64
	var listening sync.WaitGroup
	var sinks []*net.UDPConn
	defer func() {
		for _, c := range sinks {
			_ = c.Close()
		}
		listening.Wait()
	}()
	var candidates []string
	for i := range victims {
		at := net.UDPAddr{IP: net.IPv4(127, 1, 0, byte(1+i))}
		c, err := net.ListenUDP("udp4", &at)
		if err != nil {
			return err
		}
		sinks = append(sinks, c)
		listening.Go(func() {
			b := make([]byte, 1500)
			for {
				if _, err := c.Read(b); err != nil {
					return
				}
				arrived.Add(1)
			}
		})
		port := c.LocalAddr().(*net.UDPAddr).Port
		candidates = append(candidates, fmt.Sprintf("candidate:%d 1 udp %d %s %d typ host", i, 2130706431-i, at.IP, port))
	}
	offers := 0
	err := every(ctx, 10, func(i int) error {
		c, err := s.dial(ctx, strangerAddress(0), s.Room, s.Token, "")
		if err != nil {
			return nil // counted
		}
		offers++
		go func() {
			defer func() { _ = c.ws.Close() }()
			go c.drain(nil)
			if c.send(sketch{lines: 1, kind: "audio", direction: "recvonly", candidates: candidates}.offer()) == nil {
				pause(ctx, 3*time.Second)
			}
		}()
		return nil
	})
	s.count("offers", offers)
	s.count("packets to others", int(arrived.Load()))
	return err
}

// iceTCP holds connections from several addresses.
func iceTCP(ctx context.Context, s *striker) error {
	var held []net.Conn
	defer func() {
		for _, c := range held {
			_ = c.Close()
		}
	}()
	err := every(ctx, 500, func(i int) error {
		if len(held) >= 1500 {
			return nil
		}
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: strangerAddress(i % 16)}, Timeout: time.Second}
		c, err := d.DialContext(ctx, "tcp4", s.Media.String())
		if err != nil {
			s.count("connections refused", 1)
			return nil
		}
		held = append(held, c)
		return nil
	})
	s.count("connections", len(held))
	return err
}

func iceTCPChurn(ctx context.Context, s *striker) error {
	return together(8, func(attacker int) error {
		done := 0
		defer func() { s.count("connections", done) }()
		return every(ctx, 100, func(i int) error {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: strangerAddress(attacker)}, Timeout: time.Second}
			c, err := d.DialContext(ctx, "tcp4", s.Media.String())
			if err != nil {
				s.count("connections refused", 1)
				return nil
			}
			done++
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			if frame := stunAtRandom(0); i%2 == 0 { // framed as RFC 4571 says
				_, _ = c.Write(append([]byte{byte(len(frame) >> 8), byte(len(frame))}, frame...))
			} else {
				_, _ = c.Write(bytesOf(2000))
			}
			return c.Close()
		})
	})
}
