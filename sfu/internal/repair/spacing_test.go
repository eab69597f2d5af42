package repair

import "testing"

func TestSpacing(t *testing.T) {
	type packet struct {
		ext       int64
		timestamp uint32
	}
	for _, c := range []struct {
		name   string
		before []packet
		at     packet
		offset uint32
		want   int64 // 0: not known
	}{
		{"nothing known", nil, packet{10, 9600}, 960, 0},
		{"one packet says no distance", []packet{{8, 7680}}, packet{10, 9600}, 960, 0},
		{"the one before", []packet{{7, 6720}, {8, 7680}}, packet{10, 9600}, 960, 9},
		{"the one before that", []packet{{7, 6720}, {8, 7680}}, packet{11, 10560}, 1920, 9},
		{"already here", []packet{{7, 6720}, {8, 7680}}, packet{9, 8640}, 960, 8},
		{"older than the newest", []packet{{7, 6720}, {8, 7680}, {10, 9600}}, packet{11, 10560}, 1920, 9},
		{"the timestamp wraps", []packet{{7, 1<<32 - 1920}, {8, 1<<32 - 960}}, packet{10, 960}, 960, 9},
		{"packets of 60 ms", []packet{{7, 0}, {8, 2880}}, packet{10, 8640}, 2880, 9},
		{"no multiple", []packet{{7, 6720}, {8, 7680}}, packet{10, 9600}, 900, 0},
		{"no age", []packet{{7, 6720}, {8, 7680}}, packet{10, 9600}, 0, 0},
		// Silence: the numbers go on, the time jumps.
		{"after a pause", []packet{{7, 6720}, {8, 7680}, {9, 100_000}}, packet{11, 101_920}, 960, 10},
		{"across a pause", []packet{{7, 6720}, {8, 7680}}, packet{10, 100_000}, 960, 9},
		{"no room for it", []packet{{7, 6720}, {8, 7680}}, packet{12, 9600}, 960, 0},
		{"a late packet says nothing", []packet{{7, 6720}, {8, 7680}, {6, 0}}, packet{10, 9600}, 960, 9},
	} {
		var s Spacing
		for _, p := range c.before {
			s.Receive(p.ext, p.timestamp)
		}
		got, ok := s.Number(c.at.ext, c.at.timestamp, c.offset)
		if ok != (c.want != 0) || ok && got != c.want {
			t.Errorf("%s: %d, %v; want %d", c.name, got, ok, c.want)
		}
	}
}
