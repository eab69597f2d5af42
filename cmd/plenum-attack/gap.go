package main

import (
	"sync"
	"time"
)

// gapMeter finds the longest time in which nothing came of a stream whose packets are
// sent at a steady interval. What the sender was late by does not count: it shares the
// machine with everything else. It may be used by several goroutines.
type gapMeter struct {
	interval time.Duration // between two sends

	mu      sync.Mutex // guards the fields below
	began   bool
	arrival time.Duration // of the latest packet
	number  uint64        // the highest so far
	sent    time.Duration // when the sender sent that one
	longest time.Duration
}

// packet takes one packet: its number, when it was sent, and when it arrived, by two
// clocks of which only differences count.
func (g *gapMeter) packet(number uint64, sent, arrival time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.began {
		g.began, g.arrival, g.number, g.sent = true, arrival, number, sent
		return
	}
	gap := arrival - g.arrival
	if number > g.number {
		late := sent - g.sent - time.Duration(number-g.number)*g.interval
		gap -= max(late, 0)
		g.number, g.sent = number, sent
	}
	g.longest = max(g.longest, gap)
	g.arrival = max(g.arrival, arrival)
}

// cut ends a window and begins the next. It returns the longest gap of the one that
// ends, with what is still open of the last; that one counts from its beginning in the
// next window.
func (g *gapMeter) cut(now time.Duration) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	longest := g.longest
	if g.began {
		longest = max(longest, now-g.arrival)
	}
	g.longest = 0
	return longest
}

// heard reports whether any packet came.
func (g *gapMeter) heard() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.began
}
