package alloc

import (
	"fmt"
	"testing"
	"time"
)

// meeting is a room of n tracks as one viewer sees it: half audio, one speaker, one
// screen, and cameras in tiles of three sizes.
func meeting(n int) []Track {
	tracks := []Track{share(1)}
	for id := uint32(2); len(tracks) < n; id++ {
		switch {
		case id%2 == 0:
			tracks = append(tracks, voice(id))
		case id == 3:
			tracks = append(tracks, with(camera(id), speaking))
		default:
			tracks = append(tracks, with(camera(id), tile(320<<(id%3), 180<<(id%3))))
		}
	}
	return tracks
}

// steady allocates with a budget for part of what is wanted, and bitrates and
// estimates that move.
type steady struct {
	a       *Allocator
	tracks  []Track
	choices []Choice
	now     time.Duration
	budget  uint64
}

func newSteady(n int, share float64) *steady {
	s := &steady{a: New(Config{}), tracks: meeting(n)}
	total, _ := s.a.Wanted(s.tracks)
	s.budget = uint64(float64(total) * share)
	for range 200 {
		s.allocate()
	}
	return s
}

func (s *steady) allocate() {
	s.now += 100 * ms
	wave := uint64(s.now/(100*ms)) % 16
	for i := range s.tracks {
		l := &s.tracks[i].Layers[0]
		l.Bitrate = l.Bitrate&^0xfff | wave<<8
	}
	s.choices = s.a.Allocate(s.now, s.budget+s.budget*wave/256, s.tracks, s.choices[:0])
}

var shares = []struct {
	name string
	of   float64
}{{"plenty", 2}, {"short", 0.3}}

func BenchmarkAllocate(b *testing.B) {
	for _, n := range []int{10, 50, 300} {
		for _, share := range shares {
			b.Run(fmt.Sprintf("%d tracks, %s", n, share.name), func(b *testing.B) {
				s := newSteady(n, share.of)
				b.ReportAllocs()
				for b.Loop() {
					s.allocate()
				}
			})
		}
	}
}

func TestSteadyStateAllocatesNoMemory(t *testing.T) {
	for _, share := range shares {
		s := newSteady(50, share.of)
		if n := testing.AllocsPerRun(200, s.allocate); n > 0 {
			t.Errorf("%s: %v allocations", share.name, n)
		}
		s.a.Wanted(s.tracks)
		if n := testing.AllocsPerRun(200, func() { s.a.Wanted(s.tracks); s.a.Next(s.now) }); n > 0 {
			t.Errorf("%s: %v allocations for Wanted", share.name, n)
		}
	}
}
