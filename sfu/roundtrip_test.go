package sfu

import (
	"testing"
	"time"
)

func TestRoundTrips(t *testing.T) {
	var trips roundTrips
	trips.note(time.Second, 7)
	trips.note(2*time.Second, 8)
	const unit = 65536
	for _, test := range []struct {
		now         time.Duration
		last, delay uint32
		want        time.Duration
	}{
		{2100 * time.Millisecond, 0, 0, 0},                                 // it has had no report
		{2100 * time.Millisecond, 9, 0, 0},                                 // of ours
		{2100 * time.Millisecond, 8, unit, 0},                              // it took longer than there was time
		{2100 * time.Millisecond, 8, 1<<32 - 1, 0},                         // far longer
		{2100 * time.Millisecond, 8, 0, 100 * time.Millisecond},            // as it should be
		{2200 * time.Millisecond, 8, 0, 0},                                 // and again at once
		{2350 * time.Millisecond, 7, unit, 350 * time.Millisecond},         // an older one
		{13 * time.Second, 7, 0, 0},                                        // nobody is so far away
		{13 * time.Second, 8, 10 * unit, time.Second},                      // it was held for long
		{14 * time.Second, 7, 13*unit - unit/16, 62500 * time.Microsecond}, // likewise
	} {
		if got, ok := trips.measure(test.now, test.last, test.delay); got != test.want || ok != (test.want > 0) {
			t.Errorf("at %v, LSR %d, DLSR %d: %v, want %v", test.now, test.last, test.delay, got, test.want)
		}
	}
}

// However many reports come, a second has a few measurements.
func TestRoundTripsOfAFlood(t *testing.T) {
	var trips roundTrips
	trips.note(0, 1)
	n := 0
	for at := time.Duration(0); at < 10*time.Second; at += time.Millisecond {
		if _, ok := trips.measure(at, 1, 0); ok {
			n++
		}
	}
	if n > 50 {
		t.Errorf("%d measurements in 10 s", n)
	}
}
