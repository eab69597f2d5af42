package gate

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

func TestTurns(t *testing.T) {
	many, few, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	type ticket struct {
		peer netip.Addr
		turn chan struct{}
	}
	var waiting []ticket
	queue := newTurns(1)
	ask := func(peer netip.Addr) {
		waiting = append(waiting, ticket{peer, queue.take(peer)})
	}
	next := func() string { // whose turn came last
		for i, w := range waiting {
			select {
			case <-w.turn:
				waiting = slices.Delete(waiting, i, i+1)
				return fmt.Sprint(w.peer.As4()[3])
			default:
			}
		}
		return "nobody"
	}
	if queue.take(many) != nil {
		t.Fatal("a free place has to be waited for")
	}
	for range 4 {
		ask(many)
	}
	ask(few)
	ask(other)
	queue.leave(other, waiting[5].turn)
	ask(few)
	var got []string
	for range 7 {
		queue.give()
		got = append(got, next())
	}
	if want := []string{"1", "2", "1", "2", "1", "1", "nobody"}; !slices.Equal(got, want) {
		t.Errorf("turns of %q, want %q", got, want)
	}
	if len(queue.waiting)+len(queue.order) > 0 || queue.free != 1 {
		t.Errorf("afterwards %+v", queue)
	}
}

// Who leaves when the turn has just come passes it on.
func TestTurnThatNobodyTakes(t *testing.T) {
	peer := netip.MustParseAddr("192.0.2.1")
	queue := newTurns(1)
	queue.take(peer)
	late, next := queue.take(peer), queue.take(peer)
	queue.give()
	queue.leave(peer, late)
	select {
	case <-next:
	default:
		t.Error("the place is lost")
	}
}
