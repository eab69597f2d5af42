package wire

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestNTP(t *testing.T) {
	if got := NTP(0x0123456789ABCDEF).Middle(); got != 0x456789AB {
		t.Errorf("Middle %#x", got)
	}
	tests := []struct {
		n    NTP
		d    time.Duration
		want NTP
	}{
		{0, 0, 0},
		{1 << 32, time.Second, 2 << 32},
		{1 << 32, -time.Second, 0},
		{1 << 32, time.Second / 2, 1<<32 | 1<<31},
		{1 << 32, -time.Second / 4, 1<<32 - 1<<30},
		{1<<64 - 1, time.Nanosecond, 3},  // 1 ns is 4.29 units; over the wrap of 2036
		{0, -time.Nanosecond, 1<<64 - 4}, // and back
		{5 << 32, -time.Hour, 1<<64 - 3595<<32},
	}
	for _, tt := range tests {
		if got := tt.n.Add(tt.d); got != tt.want {
			t.Errorf("%#x + %v = %#x, want %#x", uint64(tt.n), tt.d, uint64(got), uint64(tt.want))
		}
		if got := tt.want.Sub(tt.n); got != tt.d {
			t.Errorf("%#x - %#x = %v, want %v", uint64(tt.want), uint64(tt.n), got, tt.d)
		}
	}
}

// TestNTPRoundTrip: adding and subtracting loses no nanosecond, anywhere.
func TestNTPRoundTrip(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	const reach = int64(68 * 365 * 24 * time.Hour)
	for range 100000 {
		n := NTP(random.Uint64())
		d := time.Duration(random.Int64N(2*reach) - reach)
		if random.IntN(2) == 0 {
			d = time.Duration(random.Int64N(4e9) - 2e9)
		}
		if got := n.Add(d).Sub(n); got != d {
			t.Fatalf("%#x: %v became %v", uint64(n), d, got)
		}
		if got := n.Sub(n.Add(d)); got != -d {
			t.Fatalf("%#x: -%v became %v", uint64(n), d, got)
		}
	}
}
