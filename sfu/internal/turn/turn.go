// Package turn shares a few slots for heavy work among groups of people who want one:
// whoever is in a group that waits gets no less than who is in a larger one. It is pure:
// the caller holds the lock, and wakes up whose turn it is.
package turn

import "slices"

// Ticket names one request for a slot. It is not 0.
type Ticket uint64

// Queue gives the slots to the groups in turn, and within a group to who came first.
// A group has no more slots than another that waits has, unless nobody else wants them.
type Queue[G comparable] struct {
	free   int
	last   Ticket
	groups []*group[G] // those that wait; the next slot is for the first
}

type group[G comparable] struct {
	key     G
	tickets []Ticket // in order of their requests, never empty
}

// New makes a queue for so many slots, 1 or more.
func New[G comparable](slots int) *Queue[G] { return &Queue[G]{free: max(slots, 1)} }

// Request asks for a slot for a member of key. If granted, the slot is the caller's until
// it calls Release; else the ticket waits for its turn.
func (q *Queue[G]) Request(key G) (t Ticket, granted bool) {
	q.last++
	if q.free > 0 { // then nobody waits
		q.free--
		return q.last, true
	}
	i := slices.IndexFunc(q.groups, func(g *group[G]) bool { return g.key == key })
	if i < 0 {
		q.groups = append(q.groups, &group[G]{key: key, tickets: []Ticket{q.last}})
	} else {
		q.groups[i].tickets = append(q.groups[i].tickets, q.last)
	}
	return q.last, false
}

// Release gives a slot back. If somebody waits, the slot is at once that ticket's.
func (q *Queue[G]) Release() (next Ticket, granted bool) {
	if len(q.groups) == 0 {
		q.free++
		return 0, false
	}
	g := q.groups[0]
	q.groups = append(q.groups[:0], q.groups[1:]...)
	next, g.tickets = g.tickets[0], g.tickets[1:]
	if len(g.tickets) > 0 {
		q.groups = append(q.groups, g)
	}
	return next, true
}

// Cancel forgets a ticket that waits; false means that it does not, so that it may have
// got a slot meanwhile.
func (q *Queue[G]) Cancel(t Ticket) bool {
	for i, g := range q.groups {
		j := slices.Index(g.tickets, t)
		if j < 0 {
			continue
		}
		if g.tickets = slices.Delete(g.tickets, j, j+1); len(g.tickets) == 0 {
			q.groups = slices.Delete(q.groups, i, i+1)
		}
		return true
	}
	return false
}
