package client

import (
	"math/rand/v2"
	"testing"
	"time"
)

// packetAt is one packet as it comes: k begins a key frame, the digits are the
// frames' numbers in order of the packets; upper case would be too clever.
type packetAt struct {
	ms     int
	number int64
	key    bool
	marker bool
}

func TestFrames(t *testing.T) {
	// Frames of two packets every 10 ms from number 0 on; 0 and 8 begin key frames.
	whole := func(skip ...int64) (list []packetAt) {
		for n := range int64(12) {
			here := true
			for _, s := range skip {
				here = here && n != s
			}
			if here {
				list = append(list, packetAt{int(n / 2 * 10), n, n%8 == 0, n%2 == 1})
			}
		}
		return list
	}
	tests := []struct {
		name    string
		packets []packetAt
		shown   uint64
		longest time.Duration
	}{
		{"nothing", nil, 0, 0},
		{"all", whole(), 6, 10 * time.Millisecond},
		{"no key frame at first", whole(0), 2, 10 * time.Millisecond},
		{"one lost, until the next key frame", whole(2), 3, 40 * time.Millisecond},
		{"repaired", append(whole(2), packetAt{100, 2, false, false}), 3, 40 * time.Millisecond},
		{"repaired before the next key frame", append(whole(2)[:5], append([]packetAt{{35, 2, false, false}}, whole(2)[6:]...)...), 5, 35 * time.Millisecond},
		{"a key frame that isn't whole", whole(2, 9), 1, 0},
		{"reordered", []packetAt{{0, 1, false, true}, {5, 0, true, false}, {15, 3, false, true}, {25, 2, false, false}}, 2, 20 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f frames
			for _, p := range tt.packets {
				f.add(time.Duration(p.ms)*time.Millisecond, p.number, p.key, p.marker)
			}
			if f.shown != tt.shown || f.longest != tt.longest {
				t.Errorf("%d frames, longest freeze %v; want %d, %v", f.shown, f.longest, tt.shown, tt.longest)
			}
		})
	}
}

// TestFramesInAnyOrder: whatever comes in whatever order, no more is shown than
// there is, and once a whole key frame comes in order it goes on.
func TestFramesInAnyOrder(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable
		var f frames
		at, number, ends := time.Duration(0), int64(r.IntN(1<<16)), uint64(0)
		for range 200 {
			jump := int64(r.IntN(8))
			if r.IntN(20) == 0 {
				jump = int64(r.IntN(3 * reorderWindow))
			}
			list := r.Perm(1 + r.IntN(40))
			for _, i := range list {
				if r.IntN(5) == 0 {
					continue
				}
				at += time.Millisecond
				marker := i%3 == 2
				if marker {
					ends++
				}
				f.add(at, number+int64(i), i%9 == 0, marker)
			}
			number += int64(len(list)) + jump
		}
		if f.shown > ends {
			t.Fatalf("seed %d: %d frames shown of %d", seed, f.shown, ends)
		}
		before := f.shown
		for i := range int64(30) {
			at += time.Millisecond
			f.add(at, number+i, i == 0, i%3 == 2)
		}
		if f.shown < before+10 {
			t.Fatalf("seed %d: %d frames of 10 after a key frame", seed, f.shown-before)
		}
	}
}
