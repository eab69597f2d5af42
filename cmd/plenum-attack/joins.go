package main

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// joins lets somebody new join a room each second, hear those who are there, and leave.
type joins struct {
	server *server
	room   string
	stop   context.CancelFunc
	under  sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	begun   map[int]time.Duration
	longest time.Duration
	count   int
	refused []string
	ignored time.Duration // joins that began before do not count
}

const joinInterval = time.Second

// startJoins begins. Someone who sends must be in the room.
func startJoins(ctx context.Context, s *server, room string) *joins {
	ctx, stop := context.WithCancel(ctx)
	j := &joins{server: s, room: room, stop: stop, begun: make(map[int]time.Duration)}
	j.under.Go(func() {
		tick := time.NewTicker(joinInterval)
		defer tick.Stop()
		for i := 0; ; i++ {
			j.under.Go(func() { j.join(ctx, i) })
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return j
}

// join is one of them, from the first packet to the first sound.
func (j *joins) join(ctx context.Context, i int) {
	began := now()
	j.mu.Lock()
	j.begun[i] = began
	j.mu.Unlock()
	c, err := enter(ctx, j.server, j.room, fmt.Sprintf("newcomer %d", i), false, false)
	if err == nil {
		defer c.leave()
		late := time.NewTimer(joinTimeout)
		defer late.Stop()
		select {
		case <-c.firstTone:
		case <-late.C:
			err = fmt.Errorf("no sound within %v", joinTimeout)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	took := now() - began
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.begun, i)
	switch {
	case ctx.Err() != nil || began < j.ignored:
	case err != nil:
		j.count++
		j.refused = append(j.refused, err.Error())
	default:
		j.count++
		j.longest = max(j.longest, took)
	}
}

// ignoreUntil leaves out the joins that begin before a time.
func (j *joins) ignoreUntil(t time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ignored = t
}

// cut returns what happened since the last cut. A join that is under way counts as
// long as it takes so far.
func (j *joins) cut() (longest time.Duration, count int, refused []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	longest, count, refused = j.longest, j.count, j.refused
	for _, began := range j.begun {
		if began >= j.ignored {
			longest = max(longest, now()-began)
		}
	}
	j.longest, j.count, j.refused = 0, 0, nil
	return longest, count, refused
}

// end waits for the last of them.
func (j *joins) end() {
	j.stop()
	j.under.Wait()
}
