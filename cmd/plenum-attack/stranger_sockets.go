package main

import (
	"context"
	"sync"
	"time"
)

// strangersSockets open WebSockets.
var strangersSockets = []attack{
	{
		name: "sockets", about: "2,000 WebSockets from one address, as fast as can be (rooms are open)",
		variant: variant{open: true}, strike: sockets(2000, false),
	},
	{
		name: "socket-churn", about: "WebSockets that join and break, as fast as can be (rooms are open)",
		variant: variant{open: true}, strike: socketChurn,
	},
	{
		// Seats of those who bring no media are free again after a while.
		name: "seats", about: "idle WebSockets that take all of 50 seats (rooms are open)",
		variant: variant{open: true, flags: []string{"--max-participants", "50"}}, forgive: 25 * time.Second, strike: sockets(60, true),
	},
	{name: "secrets", about: "secrets of sessions and tokens guessed as fast as can be", strike: guesses},
}

// sockets opens many WebSockets and keeps them. Who is thrown out comes back only if
// that is wished.
func sockets(n int, once bool) func(context.Context, *striker) error {
	return func(ctx context.Context, s *striker) error {
		var held sync.WaitGroup
		defer held.Wait()
		tickets := make(chan struct{}, n)
		for range n {
			tickets <- struct{}{}
		}
		return together(32, func(int) error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-tickets:
				}
				c, err := s.dial(ctx, strangerAddress(0), "idle-"+letters(2), "", "")
				if err != nil {
					pause(ctx, 20*time.Millisecond)
					tickets <- struct{}{}
					continue
				}
				held.Go(func() {
					go c.drain(nil)
					select {
					case <-c.gone:
						s.count("thrown out", 1)
						if !once {
							pause(ctx, 100*time.Millisecond)
							tickets <- struct{}{}
						}
					case <-ctx.Done():
					}
					_ = c.ws.Close()
				})
			}
		})
	}
}

// socketChurn joins, says a little and breaks the connection: a session remains.
func socketChurn(ctx context.Context, s *striker) error {
	hello := sketch{lines: 2, kind: "video", direction: "sendrecv"}.offer()
	return together(16, func(int) error {
		for ctx.Err() == nil {
			c, err := s.dial(ctx, strangerAddress(0), "churn", "", "")
			if err != nil {
				pause(ctx, 10*time.Millisecond)
				continue
			}
			_ = c.send(hello)
			_, _, _ = c.ws.ReadMessage()
			_ = c.ws.NetConn().Close()
		}
		return nil
	})
}

// guesses shows wrong tokens, and wrong secrets with a right one.
func guesses(ctx context.Context, s *striker) error {
	return together(16, func(attacker int) error {
		for i := 0; ctx.Err() == nil; i++ {
			token, secret := s.Token, letters(43)
			if i%2 == 0 && len(token) > 10 {
				token = token[:len(token)-10] + letters(10)
			}
			c, err := s.dial(ctx, strangerAddress(attacker%2), s.Room, token, secret)
			if err != nil {
				continue
			}
			_, _, _ = c.ws.ReadMessage() // why it is refused
			_ = c.ws.Close()
		}
		return nil
	})
}
