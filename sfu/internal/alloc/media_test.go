package alloc

import (
	"testing"
	"time"
)

const ms = time.Millisecond

// simulcast is what a browser publishes of a 720p camera: three sizes with
// three temporal layers each. Index 3*s+t is spatial layer s, temporal layer t.
func simulcast() []Layer {
	var layers []Layer
	for s, rate := range []uint64{150_000, 500_000, 1_500_000} {
		for t, share := range []uint64{40, 60, 100} {
			layers = append(layers, Layer{
				Spatial: uint8(s), Temporal: uint8(t), Bitrate: rate * share / 100,
				Width: 320 << s, Height: 180 << s, FPS: 7.5 * float64(int(1)<<t), Live: true,
			})
		}
	}
	return layers
}

func camera(id uint32) Track {
	return Track{ID: id, Enabled: true, MaxWidth: 1280, MaxHeight: 720, Layers: simulcast()}
}

// plain is a camera with the three sizes only.
func plain(id uint32) Track {
	t := camera(id)
	t.Layers = []Layer{t.Layers[2], t.Layers[5], t.Layers[8]}
	for i := range t.Layers {
		t.Layers[i].Temporal = 0
	}
	return t
}

func voice(id uint32) Track {
	return Track{ID: id, Audio: true, Enabled: true, Layers: []Layer{{Bitrate: 40_000, Live: true}}}
}

// share is a screen share with a small and a large layer.
func share(id uint32) Track {
	return Track{ID: id, Screen: true, Enabled: true, MaxWidth: 1920, MaxHeight: 1080, Layers: []Layer{
		{Bitrate: 200_000, Width: 960, Height: 540, FPS: 5, Live: true},
		{Spatial: 1, Bitrate: 1_500_000, Width: 1920, Height: 1080, FPS: 15, Live: true},
	}}
}

// with is t as changed by the functions.
func with(t Track, change ...func(*Track)) Track {
	for _, c := range change {
		c(&t)
	}
	return t
}

func tile(w, h uint16) func(*Track)        { return func(t *Track) { t.MaxWidth, t.MaxHeight = w, h } }
func rate(fps float64) func(*Track)        { return func(t *Track) { t.MaxFPS = fps } }
func priority(p int) func(*Track)          { return func(t *Track) { t.Priority = p } }
func speaking(t *Track)                    { t.Speaker = true }
func muted(t *Track)                       { t.Muted = true }
func off(t *Track)                         { t.Enabled = false }
func live(i int, l bool) func(*Track)      { return func(t *Track) { t.Layers[i].Live = l } }
func bitrate(i int, b uint64) func(*Track) { return func(t *Track) { t.Layers[i].Bitrate = b } }

func dead(t *Track) {
	for i := range t.Layers {
		t.Layers[i].Live = false
	}
}

// viewer drives an Allocator in virtual time.
type viewer struct {
	*Allocator
	now      time.Duration
	tracks   []Track
	choices  []Choice
	switches int // of layers, of tracks that were there before and are still wanted
}

func newViewer(tracks ...Track) *viewer {
	return &viewer{Allocator: New(Config{}), now: time.Hour, tracks: tracks}
}

// allocate allocates once.
func (v *viewer) allocate(budget uint64) []Choice {
	before := map[uint32]int{}
	for _, c := range v.choices {
		before[c.ID] = c.Layer
	}
	v.choices = v.Allocate(v.now, budget, v.tracks, v.choices[:0])
	for _, c := range v.choices {
		if was, ok := before[c.ID]; ok && was != c.Layer {
			v.switches++
		}
	}
	return v.choices
}

// run allocates every 100 ms, for the time that it returns after.
func (v *viewer) run(span time.Duration, budget uint64) []Choice {
	for end := v.now + span; v.now < end; v.now += 100 * ms {
		v.allocate(budget)
	}
	return v.choices
}

// layers are the choices' layers.
func (v *viewer) layers() []int {
	var layers []int
	for _, c := range v.choices {
		layers = append(layers, c.Layer)
	}
	return layers
}

func (v *viewer) reasons() []Reason {
	var reasons []Reason
	for _, c := range v.choices {
		reasons = append(reasons, c.Reason)
	}
	return reasons
}

// total is what the choices cost, by the bitrates that were passed in.
func total(tracks []Track, choices []Choice) (sum uint64) {
	for i, c := range choices {
		if c.Layer >= 0 {
			sum += tracks[i].Layers[c.Layer].Bitrate
		}
	}
	return sum
}

// sent is the layer chosen for a track.
func (v *viewer) sent(t *testing.T, id uint32) int {
	t.Helper()
	for _, c := range v.choices {
		if c.ID == id {
			return c.Layer
		}
	}
	t.Fatalf("no choice for %d", id)
	return 0
}
