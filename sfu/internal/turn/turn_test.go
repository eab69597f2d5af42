package turn

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A room of many waits for its turn as a room of one does.
func TestGroupsTakeTurns(t *testing.T) {
	q := New[string](1)
	who := map[Ticket]string{}
	request := func(group, name string) bool {
		ticket, granted := q.Request(group)
		who[ticket] = name
		return granted
	}
	if !request("large", "a1") {
		t.Fatal("a free slot is not granted")
	}
	for _, name := range []string{"a2", "a3", "a4"} {
		if request("large", name) {
			t.Fatal("a slot that is taken is granted")
		}
	}
	request("small", "b1")
	request("other", "c1")
	request("small", "b2")
	var order []string
	for {
		next, granted := q.Release()
		if !granted {
			break
		}
		order = append(order, who[next])
	}
	if want := []string{"a2", "b1", "c1", "a3", "b2", "a4"}; !slices.Equal(order, want) {
		t.Errorf("turns %v, want %v", order, want)
	}
	if !request("large", "a5") {
		t.Error("the slot was not given back")
	}
}

func TestCancel(t *testing.T) {
	q := New[int](1)
	q.Request(1)
	waits, _ := q.Request(1)
	next, _ := q.Request(2)
	if !q.Cancel(waits) || q.Cancel(waits) {
		t.Error("a ticket that waits can be cancelled once")
	}
	if got, granted := q.Release(); got != next || !granted {
		t.Errorf("then it is the turn of %d", got)
	}
	if q.Cancel(next) {
		t.Error("a ticket that has its slot does not wait")
	}
}

// However requests, releases and cancellations come: no slot is lost, none is given twice,
// and everyone who waits gets one.
func TestNoSlotIsLost(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		slots := 1 + random.IntN(3)
		q := New[int](slots)
		var held, waiting []Ticket
		grant := func(t Ticket) { held = append(held, t) }
		release := func() {
			held = held[:len(held)-1]
			if next, granted := q.Release(); granted {
				i := slices.Index(waiting, next)
				if i < 0 {
					t.Fatalf("seed %d: ticket %d did not wait", seed, next)
				}
				waiting = slices.Delete(waiting, i, i+1)
				grant(next)
			}
		}
		for range 300 {
			switch n := random.IntN(10); {
			case n < 5:
				if ticket, granted := q.Request(random.IntN(4)); granted {
					grant(ticket)
				} else {
					waiting = append(waiting, ticket)
				}
			case n < 8 && len(held) > 0:
				release()
			case len(waiting) > 0:
				i := random.IntN(len(waiting))
				if !q.Cancel(waiting[i]) {
					t.Fatalf("seed %d: ticket %d does not wait", seed, waiting[i])
				}
				waiting = slices.Delete(waiting, i, i+1)
			}
			if len(held) > slots || len(waiting) > 0 && len(held) < slots {
				t.Fatalf("seed %d: %d of %d slots are held, %d wait", seed, len(held), slots, len(waiting))
			}
		}
		for len(held) > 0 {
			release()
		}
		if len(waiting) > 0 || q.free != slots {
			t.Fatalf("seed %d: %d wait for ever, %d of %d slots are free", seed, len(waiting), q.free, slots)
		}
	}
}
