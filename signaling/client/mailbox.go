package client

import "sync"

// mailboxLimit bounds what may wait for a client's loop. The loop only waits
// for its owner's On; one that stands still for so long is beyond help.
const mailboxLimit = 1 << 14

// mailbox holds what the loop is to do next. Posting never waits, so that pion's
// callbacks, the read pump and On itself may post.
type mailbox struct {
	mu    sync.Mutex
	items []func()
	wake  chan struct{} // holds a token if items were added
}

func newMailbox() *mailbox { return &mailbox{wake: make(chan struct{}, 1)} }

// post reports whether there was room.
func (b *mailbox) post(f func()) bool {
	b.mu.Lock()
	full := len(b.items) >= mailboxLimit
	if !full {
		b.items = append(b.items, f)
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return !full
}

// take empties the mailbox into spare's storage swapped for its own.
func (b *mailbox) take(spare []func()) []func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	clear(spare)
	b.items = spare[:0]
	return items
}
