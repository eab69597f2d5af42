package sfu

import (
	"testing"
	"time"

	"plenum/sfu/internal/wire"
)

// TestBurst: the rest of a frame is waited for where frames come at once, not where
// their packets are paced, and again once they no longer are.
func TestBurst(t *testing.T) {
	var b burst
	at, timestamp := time.Second, uint32(0)
	// frame sends one of six packets and counts those after which more were expected.
	frame := func(gap time.Duration) (expected int) {
		timestamp += 3000
		at += 33 * time.Millisecond
		for i := range 6 {
			if b.add(at, &wire.Packet{Timestamp: timestamp, Marker: i == 5}) {
				expected++
			}
			at += gap
		}
		return expected
	}
	for range 3 {
		if n := frame(100 * time.Microsecond); n != 5 {
			t.Errorf("of a burst's 5 packets before the last, more was expected after %d", n)
		}
	}
	if n := frame(4 * time.Millisecond); n != 1 {
		t.Errorf("of the first paced frame after %d", n)
	}
	for range 3 {
		if n := frame(4 * time.Millisecond); n != 0 {
			t.Errorf("of a paced frame after %d", n)
		}
	}
	again := func() {
		t.Helper()
		for range pacedFor/6 + 1 {
			frame(0)
		}
		if n := frame(0); n != 5 {
			t.Errorf("of bursts again, after %d", n)
		}
	}
	again()
	expected := 0
	for range 100 { // who sends no markers
		timestamp += 3000
		if at += 10 * time.Millisecond; b.add(at, &wire.Packet{Timestamp: timestamp}) {
			expected++
		}
	}
	if expected > 1 {
		t.Errorf("without markers, more was expected after %d packets of 100", expected)
	}
	again()
}
