package sfu

import (
	"cmp"
	"slices"
	"time"

	"plenum/sfu/internal/alloc"
)

// target is what a subscription may be aimed at: a simulcast layer, and a spatial
// and temporal layer within its stream. A layer of -1 is nothing.
type target struct{ layer, spatial, temporal int8 }

var nothing = target{-1, 0, 0}

// view is everything that a track can be seen as, ascending in quality. It is
// immutable: the publisher's loop makes a new one when something changed, and
// every so often with fresh rates.
type view struct {
	layers  []alloc.Layer
	targets []target // what to aim at for each
}

// index finds how a layer of the allocation is told to clients and people, nil for
// one that there is not: spatial counts simulcast layers and those within a
// stream alike.
func (v *view) index(layer int) *LayerIndex {
	if v == nil || layer < 0 || layer >= len(v.layers) {
		return nil
	}
	return &LayerIndex{Spatial: int(v.layers[layer].Spatial), Temporal: int(v.layers[layer].Temporal)}
}

// find is the index of the layer aimed at, -1 where there is none.
func (v *view) find(t target) int {
	if v == nil {
		return -1
	}
	return slices.Index(v.targets, t)
}

// survey works out what the track can be seen as now. It runs on the publisher's
// loop and tells viewers' loops when layers came, went, or changed their size;
// rates they read when they look anyway.
func (t *Track) survey(now time.Duration) {
	fresh, resting := false, t.resting(now)
	for i := range t.layers {
		if l := t.layers[i].Load(); l != nil {
			if live := l.live(now); live && l.off {
				l.off, l.rates = false, rates{}
			} else if !live && !resting {
				l.off = true
			}
			fresh = l.rates.sample(now, &l.meter) || fresh
		}
	}
	before := t.view.Load()
	next := t.look(now, before)
	changed := before == nil || !slices.EqualFunc(before.layers, next.layers, alike)
	if !changed && !fresh {
		return
	}
	t.view.Store(next)
	if changed {
		for _, sub := range *t.subs.Load() {
			sub.viewer.nudgeLoop()
		}
	}
}

// alike reports whether two layers differ in nothing but rates.
func alike(a, b alloc.Layer) bool {
	a.Bitrate, a.FPS, b.Bitrate, b.FPS = 0, 0, 0, 0
	return a == b
}

func (t *Track) look(now time.Duration, before *view) *view {
	v := &view{}
	resting := t.resting(now)
	for rank, l := range t.ascending() {
		alive := l.alive(now)
		for s := range maxSpatial {
			for temporal := range maxTemporal {
				at := target{l.index, int8(s), int8(temporal)} //nolint:gosec // small
				made, seen := l.cellView(now, s, temporal, alive)
				if !seen {
					continue
				}
				made.Spatial, made.Temporal = uint8(rank+s), uint8(temporal) //nolint:gosec // small
				if i := before.find(at); resting && i >= 0 {
					made.Live = before.layers[i].Live // nothing at all comes: no layer stopped
				}
				v.layers, v.targets = append(v.layers, made), append(v.targets, at)
			}
		}
	}
	return v
}

// resting: the track sends nothing at all just now, as a screen that stands still.
func (t *Track) resting(now time.Duration) bool {
	for i := range t.layers {
		if l := t.layers[i].Load(); l != nil && l.live(now) {
			return false
		}
	}
	return true
}

// ascending are the track's layers by quality: by picture size where keyframes told
// it of all, else by their order in the SDP, which by custom goes upwards.
func (t *Track) ascending() []*Layer {
	var layers []*Layer
	for i := range t.layers {
		if l := t.layers[i].Load(); l != nil {
			layers = append(layers, l)
		}
	}
	if !slices.ContainsFunc(layers, func(l *Layer) bool { return l.pixels() == 0 }) {
		slices.SortStableFunc(layers, func(a, b *Layer) int { return cmp.Compare(a.pixels(), b.pixels()) })
	}
	return layers
}

// alive reports whether the layer counts as sent: packets have arrived lately, or
// no other of the track has flowed all the while that it did not.
func (l *Layer) alive(now time.Duration) bool {
	if l.live(now) {
		return true
	}
	for i := range l.track.layers {
		if other := l.track.layers[i].Load(); other != nil && other != l && other.live(now) && other.steady(now) {
			return false
		}
	}
	return l.lastPacket.Load() > 0
}

// upperTimeout is how long an upper layer within a live stream may be silent: its
// frames are the rarer ones, and a still picture has few.
const upperTimeout = 2 * time.Second

// cellView describes one spatial and temporal layer of the stream; seen is false
// where the stream never had it.
func (l *Layer) cellView(now time.Duration, spatial, temporal int, alive bool) (v alloc.Layer, seen bool) {
	last := time.Duration(l.meter.cells[spatial][temporal].last.Load())
	if last == 0 {
		return v, false
	}
	var bits, fps float64
	lowest := 0
	if l.meter.separate.Load() {
		lowest = spatial
	}
	for s := lowest; s <= spatial; s++ {
		for t := 0; t <= temporal; t++ {
			b, f := l.rates.of(s, t)
			bits += b
			if s == spatial {
				fps += f
			}
		}
	}
	v.Bitrate, v.FPS = uint64(bits), fps
	v.Width, v.Height = l.size(spatial)
	v.Live = alive && (spatial+temporal == 0 || now-last <= upperTimeout)
	return v, true
}
