package linksim

import (
	"container/heap"
	"time"
)

// Sim is one run.
type Sim struct {
	now    time.Duration
	events events
	order  uint64
	link   link
	chance chance
}

// New prepares a run over a path.
func New(p Path, seed uint64) *Sim {
	if p.Queue == 0 {
		p.Queue = 300 * time.Millisecond
	}
	if len(p.Capacity) == 0 {
		p.Capacity = []Step{{0, 1e9}}
	}
	s := &Sim{chance: chance{seed}}
	s.link = link{Path: p, chance: &s.chance, tokens: float64(p.Policer.Burst)}
	return s
}

// Now is the virtual time.
func (s *Sim) Now() time.Duration { return s.now }

// At has f called at a time.
func (s *Sim) At(at time.Duration, f func()) {
	s.order++
	heap.Push(&s.events, event{max(at, s.now), s.order, f})
}

// Run lets time pass until end.
func (s *Sim) Run(end time.Duration) {
	for len(s.events) > 0 && s.events[0].at <= end {
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
	}
	s.now = end
}

// Change changes the path from now on.
func (s *Sim) Change(change func(*Path)) { change(&s.link.Path) }

// Capacity is the link's at a time, or the policer's where that is less.
func (s *Sim) Capacity(at time.Duration) float64 {
	rate, _ := s.link.rate(at)
	if p := s.link.Policer.Rate; p > 0 {
		rate = min(rate, float64(p))
	}
	return rate
}

type event struct {
	at    time.Duration
	order uint64 // of those at the same time
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
