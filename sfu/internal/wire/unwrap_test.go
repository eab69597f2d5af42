package wire

import (
	"math/rand/v2"
	"testing"
)

func TestUnwrap(t *testing.T) {
	tests := []struct {
		name string
		in   []uint16
		want []int64
	}{
		{"in order", []uint16{0, 1, 2}, []int64{65536, 65537, 65538}},
		{"over the wrap", []uint16{65534, 65535, 0, 1}, []int64{131070, 131071, 131072, 131073}},
		{"late over the wrap", []uint16{65535, 1, 0, 65534}, []int64{131071, 131073, 131072, 131070}},
		{"before the first", []uint16{0, 65535}, []int64{65536, 65535}},
		{"the whole half before the first", []uint16{0, 32768}, []int64{65536, 32768}},
		{"furthest ahead", []uint16{0, 32767}, []int64{65536, 98303}},
		{"half is behind", []uint16{40000, 7232}, []int64{105536, 72768}},
		{"half is measured from the highest", []uint16{100, 20000, 50, 40000}, []int64{65636, 85536, 65586, 105536}},
		{"repeated", []uint16{9, 9}, []int64{65545, 65545}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var u Unwrapper
			for i, seq := range tt.in {
				if got := u.Peek(seq); got != tt.want[i] {
					t.Errorf("Peek(%d) = %d, want %d", seq, got, tt.want[i])
				}
				if got := u.Unwrap(seq); got != tt.want[i] {
					t.Errorf("Unwrap(%d) = %d, want %d", seq, got, tt.want[i])
				}
			}
		})
	}
}

func TestTimestampUnwrap(t *testing.T) {
	const round = int64(1) << 32
	var u TimestampUnwrapper
	for i, tt := range []struct {
		in   uint32
		want int64
	}{
		{1<<32 - 3000, 2*round - 3000},
		{0, 2 * round},
		{3000, 2*round + 3000},
		{1<<32 - 1, 2*round - 1},
		{3000 + 1<<31 - 1, 2*round + 3000 + 1<<31 - 1},
		{3000, 2*round + 3000},
		{2998, 3*round + 2998},
	} {
		if got := u.Peek(tt.in); got != tt.want {
			t.Errorf("%d: Peek(%d) = %d, want %d", i, tt.in, got, tt.want)
		}
		if got := u.Unwrap(tt.in); got != tt.want {
			t.Errorf("%d: Unwrap(%d) = %d, want %d", i, tt.in, got, tt.want)
		}
	}
}

// TestUnwrapWalk walks far with jumps both ways; while no jump leaves the half
// range around the highest, the true position is always found.
func TestUnwrapWalk(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var u Unwrapper
		var v TimestampUnwrapper
		start := int64(random.Uint32N(1 << 16))
		highest := start
		u.Unwrap(uint16(start))
		v.Unwrap(uint32(start) << 16)
		for range 2000 {
			next := highest + int64(random.IntN(65536)) - 32768
			if next < 0 {
				continue
			}
			if got := u.Unwrap(uint16(next)); got != next+65536 {
				t.Fatalf("highest %d, %d became %d", highest, next, got-65536)
			}
			if got := v.Unwrap(uint32(next) << 16); got != (next+65536)<<16 {
				t.Fatalf("timestamp: highest %d, %d became %d", highest, next, got>>16-65536)
			}
			highest = max(highest, next)
		}
	}
}
