package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"
)

// badLuck is nobody's fault.
var badLuck = []attack{
	{name: "log", about: "nobody reads the log, and people come and go", stall: true, nearby: true, strike: churn, check: joinsOver(false)},
	{
		name: "full", about: "a full server turns newcomers away and is ready for its own",
		variant: variant{flags: []string{"--max-participants", "8"}}, noJoins: true, strike: fill, check: fullAndReady,
	},
	{name: "busy", about: "two busy loops beside the server", pressing: true, strike: busyLoops},
}

// fill takes all seats and asks for more.
func fill(ctx context.Context, s *striker) error {
	return together(8, func(attacker int) error {
		for ctx.Err() == nil {
			if c := s.accomplice(ctx, attacker, nil, nil); c != nil {
				s.count("joins", 1)
				select {
				case <-ctx.Done():
				case <-c.Done():
				}
				c.Close()
			}
			pause(ctx, 100*time.Millisecond)
		}
		return nil
	})
}

// fullAndReady fills the server with the honest and asks whether it is ready.
func fullAndReady(ctx context.Context, t *trial) error {
	deadline := time.Now().Add(2 * resumeTimeout)
	for i := 0; ; i++ {
		c, err := enter(ctx, t.server, nearRoom, fmt.Sprintf("Guest %d", i), true, false)
		if err == nil {
			t.near = append(t.near, c)
			continue
		}
		if !strings.Contains(err.Error(), "full") {
			return err
		}
		if len(t.near) > 0 || time.Now().After(deadline) {
			break
		}
		pause(ctx, 200*time.Millisecond)
	}
	page := t.target.page("/readyz")
	code, err := status(ctx, page)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("a full server answers /readyz with %d", code)
	}
	return err
}

// busyLoops keep two processors busy, at the priority of the server.
func busyLoops(ctx context.Context, s *striker) error {
	runtime.GOMAXPROCS(3)
	var loops sync.WaitGroup
	for range 2 {
		loops.Go(func() {
			turns := 0
			for ctx.Err() == nil {
				for range 1 << 20 {
					turns++
				}
			}
			s.count("million turns", turns>>20)
		})
	}
	loops.Wait()
	return nil
}
