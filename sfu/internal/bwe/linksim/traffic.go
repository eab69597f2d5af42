package linksim

import "time"

const otherPacket = 1200 // bytes, of other traffic

// Constant sends other traffic at a constant rate between two times.
func (s *Sim) Constant(rate uint64, from, to time.Duration) {
	interval := time.Duration(otherPacket * 8 * float64(time.Second) / float64(rate))
	var tick func()
	tick = func() {
		if s.now >= to {
			return
		}
		s.link.send(s.now, otherPacket)
		s.At(s.now+interval, tick)
	}
	s.At(from, tick)
}

// Greedy is a flow that, like TCP Reno, fills the queue until it loses
// something and then halves what it has under way.
type Greedy struct {
	sim      *Sim
	to       time.Duration
	window   float64 // packets
	flying   float64
	slow     bool // slow start
	lossUpTo uint64
	sent     uint64
	Received uint64 // bytes
}

// Greedy adds such a flow between two times.
func (s *Sim) Greedy(from, to time.Duration) *Greedy {
	g := &Greedy{sim: s, to: to, window: 10, slow: true}
	s.At(from, g.fill)
	return g
}

// fill sends as much as the window allows.
func (g *Greedy) fill() {
	for g.flying < g.window && g.sim.now < g.to {
		g.flying++
		g.sent++
		number := g.sent
		arrival, _, ok := g.sim.link.send(g.sim.now, otherPacket)
		if !ok { // noticed about a round trip later
			arrival = max(g.sim.now, g.sim.link.busy) + g.sim.link.Delay
		}
		g.sim.At(arrival+g.sim.link.Back, func() { g.answered(number, ok) })
	}
}

func (g *Greedy) answered(number uint64, ok bool) {
	g.flying--
	switch {
	case ok && g.slow:
		g.window++
	case ok:
		g.window += 1 / g.window
	case number > g.lossUpTo:
		g.slow = false
		g.window = max(2, g.window/2)
		g.lossUpTo = g.sent
	}
	if ok {
		g.Received += otherPacket
	}
	g.fill()
}
