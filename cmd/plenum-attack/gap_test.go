package main

import (
	"testing"
	"time"
)

const ms = time.Millisecond

func TestGapMeter(t *testing.T) {
	type packet struct{ number, sent, arrival int } // times in ms
	for _, c := range []struct {
		name    string
		packets []packet
		cut     int // ms
		want    int // ms
	}{
		{"nothing came yet", nil, 500, 0},
		{"a steady stream", []packet{{1, 0, 5}, {2, 20, 25}, {3, 40, 45}}, 50, 20},
		{"silence, then all at once", []packet{{1, 0, 5}, {2, 20, 305}, {3, 40, 305}}, 310, 300},
		{"packets lost", []packet{{1, 0, 5}, {20, 380, 385}}, 390, 380},
		{"a late sender", []packet{{1, 0, 5}, {2, 320, 325}}, 330, 20},
		{"a late sender and packets lost", []packet{{1, 0, 5}, {3, 340, 345}}, 350, 40},
		{"an open end", []packet{{1, 0, 5}, {2, 20, 25}}, 425, 400},
		{"reordered and repeated", []packet{{1, 0, 5}, {3, 40, 45}, {2, 20, 46}, {2, 20, 47}, {4, 60, 65}}, 70, 40},
	} {
		g := gapMeter{interval: 20 * ms}
		for _, p := range c.packets {
			g.packet(uint64(p.number), time.Duration(p.sent)*ms, time.Duration(p.arrival)*ms)
		}
		if got := g.cut(time.Duration(c.cut) * ms); got != time.Duration(c.want)*ms {
			t.Errorf("%s: %v, want %d ms", c.name, got, c.want)
		}
	}
}

// A gap that began before a window counts in it from its beginning.
func TestGapMeterWindows(t *testing.T) {
	g := gapMeter{interval: 20 * ms}
	g.packet(1, 0, 0)
	if got := g.cut(150 * ms); got != 150*ms {
		t.Errorf("first window: %v", got)
	}
	g.packet(2, 20*ms, 300*ms)
	if got := g.cut(310 * ms); got != 300*ms {
		t.Errorf("second window: %v", got)
	}
	g.packet(3, 40*ms, 320*ms)
	if got := g.cut(330 * ms); got != 20*ms {
		t.Errorf("third window: %v", got)
	}
}
