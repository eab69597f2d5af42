package gate

import (
	"net/netip"
	"slices"
)

// turns hands out a number of places. Where more want one than there are, addresses take
// turns: an address that sends a thousand waits behind its own, not in front of the others. It is not
// safe for concurrent use.
type turns struct {
	free    int
	waiting map[netip.Addr][]chan struct{} // no empty ones
	order   []netip.Addr                   // the keys of waiting; the first is next
}

func newTurns(places int) *turns {
	return &turns{free: places, waiting: map[netip.Addr][]chan struct{}{}}
}

// take returns nil if there is a place, else what is closed once there is.
func (t *turns) take(peer netip.Addr) (turn chan struct{}) {
	if t.free > 0 {
		t.free--
		return nil
	}
	turn = make(chan struct{})
	if len(t.waiting[peer]) == 0 {
		t.order = append(t.order, peer)
	}
	t.waiting[peer] = append(t.waiting[peer], turn)
	return turn
}

// give passes a place on.
func (t *turns) give() {
	if len(t.order) == 0 {
		t.free++
		return
	}
	peer := t.order[0]
	t.order = t.order[1:]
	turn := t.waiting[peer][0]
	if t.waiting[peer] = t.waiting[peer][1:]; len(t.waiting[peer]) > 0 {
		t.order = append(t.order, peer)
	} else {
		delete(t.waiting, peer)
	}
	close(turn)
}

// leave ends the wait for a turn. It passes on the place of one that had come.
func (t *turns) leave(peer netip.Addr, turn chan struct{}) {
	i := slices.Index(t.waiting[peer], turn)
	if i < 0 {
		t.give()
		return
	}
	if t.waiting[peer] = slices.Delete(t.waiting[peer], i, i+1); len(t.waiting[peer]) == 0 {
		delete(t.waiting, peer)
		t.order = slices.DeleteFunc(t.order, func(a netip.Addr) bool { return a == peer })
	}
}
