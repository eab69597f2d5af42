package sfu

import (
	"runtime"
	"sync"
	"time"

	"plenum/sfu/internal/turn"
)

// holdLimit is how long one negotiation may keep others from theirs: it takes some
// milliseconds, unless its participant's loop waits for something else, as for an
// address to be found.
const holdLimit = 100 * time.Millisecond

// heavy bounds how many sessions' descriptions are worked on at once, so that
// media always finds a processor. Rooms take turns.
type heavy struct {
	mu    sync.Mutex // a leaf
	queue *turn.Queue[*Room]
	wakes map[turn.Ticket]chan struct{}
}

func newHeavy() *heavy {
	return &heavy{queue: turn.New[*Room](runtime.GOMAXPROCS(0) / 2), wakes: map[turn.Ticket]chan struct{}{}}
}

// enter waits for the room's turn; false means that gone was closed first.
func (h *heavy) enter(room *Room, gone <-chan struct{}) bool {
	h.mu.Lock()
	ticket, granted := h.queue.Request(room)
	if granted {
		h.mu.Unlock()
		return true
	}
	wake := make(chan struct{})
	h.wakes[ticket] = wake
	h.mu.Unlock()
	select {
	case <-wake:
		return true
	case <-gone:
	}
	h.mu.Lock()
	waits := h.queue.Cancel(ticket)
	delete(h.wakes, ticket)
	h.mu.Unlock()
	if !waits {
		h.leave() // the turn came meanwhile
	}
	return false
}

// leave ends a turn that enter gave.
func (h *heavy) leave() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if next, granted := h.queue.Release(); granted {
		if wake := h.wakes[next]; wake != nil {
			close(wake)
			delete(h.wakes, next)
		}
	}
}

// negotiation carries out a command that reads and writes descriptions: when it is the
// room's turn, on the participant's loop. It waits until that is done.
func (p *Participant) negotiation(command func()) {
	if !p.server.heavy.enter(p.room, p.ctx.Done()) {
		return
	}
	defer p.server.heavy.leave()
	done := make(chan struct{})
	if !p.command(func() { defer close(done); command() }) {
		return
	}
	limit := time.NewTimer(holdLimit)
	defer limit.Stop()
	select {
	case <-done:
	case <-limit.C:
	case <-p.ctx.Done():
	}
}
