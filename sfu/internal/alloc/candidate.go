package alloc

import (
	"math"
	"time"
)

// What to expect of a layer that tells nothing: rates of browsers' encoders.
const (
	nominalAudio  = 32e3
	nominalVideo  = 1.7e6 // of nominalWidth × nominalHeight at nominalFPS
	nominalWidth  = 1280.0
	nominalHeight = 720.0
	nominalFPS    = 30.0
	areaPower     = 0.75 // of the bitrate by the area
	fpsPower      = 0.6  // and by the frame rate
	mostDoublings = 8
	mostRate      = 1e12 // bit/s: nothing is dearer, so that sums stay exact
)

// candidate is a layer as judged for its tile.
type candidate struct {
	w, h, fps        float64 // known or guessed
	live, ok         bool    // ok: may be chosen
	covers, smooth   bool    // it is large, or fast, enough for the tile
	mean, up         float64 // bit/s
	value            float64
	known, uncertain bool // its rate was measured; but only now
}

// judge fills in cands from the layers of t, and returns the weight of t. s may be nil.
func (p *plan) judge(t *Track, s *track, tolerance float64, now time.Duration) float64 {
	p.cands = p.cands[:0]
	for i := range t.Layers {
		p.cands = append(p.cands, candidate{live: t.Layers[i].Live})
	}
	p.sizes(t)
	p.rates(t, s, now)

	var refW, refH, refFPS float64
	for i := range p.cands {
		c := &p.cands[i]
		refW, refH, refFPS = max(refW, c.w), max(refH, c.h), max(refFPS, c.fps)
	}
	area := tileArea(t)
	if area == 0 {
		area = refW * refH
	} else {
		refW, refH = float64(t.MaxWidth), float64(t.MaxHeight)
	}
	limited := t.MaxFPS > 0 && !math.IsInf(t.MaxFPS, 1)
	if limited {
		refFPS = t.MaxFPS
	}
	weight := weight(t, area)
	for i := range p.cands {
		c := &p.cands[i]
		scale := fill(c.w, c.h, refW, refH, t.Screen)
		c.covers = (t.MaxWidth > 0 || t.MaxHeight > 0) && scale*tolerance >= 1
		c.smooth = limited && c.fps*tolerance >= refFPS
		c.value = weight * quality(min(scale, 1), min(c.fps/refFPS, 1), t.Screen)
	}
	return weight
}

// fill is the size of a picture by that of its tile: whole for a screen, cropped
// for a camera. A side of 0 has no limit.
func fill(w, h, tileW, tileH float64, whole bool) float64 {
	switch {
	case tileW == 0:
		return h / tileH
	case tileH == 0:
		return w / tileW
	case whole:
		return max(w/tileW, h/tileH)
	}
	return min(w/tileW, h/tileH)
}

// quality is how good a picture is, up to 1, by its sharpness (width over what the
// tile could show) and smoothness (frame rate likewise). Of a camera, a quarter of
// the pixels and a quarter of the frames each hurt alike, and three 30 fps steps of a
// simulcast gain about the same for each doubling of the width. A screen is about detail.
func quality(sharp, smooth float64, screen bool) float64 {
	if screen {
		return sharp * math.Sqrt(math.Sqrt(math.Sqrt(smooth)))
	}
	return math.Sqrt(sharp * math.Sqrt(smooth))
}

// sizes fills in sizes and frame rates; unknown ones by the nearest layer that
// is known, for encoders halve.
func (p *plan) sizes(t *Track) {
	var spatial, temporal uint8
	for i := range t.Layers {
		spatial, temporal = max(spatial, t.Layers[i].Spatial), max(temporal, t.Layers[i].Temporal)
	}
	for i := range t.Layers {
		c, l := &p.cands[i], &t.Layers[i]
		j := nearest(len(t.Layers), i, func(j int) bool { return t.Layers[j].Width > 0 && t.Layers[j].Height > 0 })
		switch {
		case j == i:
			c.w, c.h = float64(l.Width), float64(l.Height)
		case j >= 0:
			by := doublings(l.Spatial, t.Layers[j].Spatial)
			c.w, c.h = float64(t.Layers[j].Width)*by, float64(t.Layers[j].Height)*by
		default:
			by := doublings(l.Spatial, spatial)
			c.w, c.h = nominalWidth*by, nominalHeight*by
		}
		j = nearest(len(t.Layers), i, func(j int) bool { return plausible(t.Layers[j].FPS) })
		switch {
		case j == i:
			c.fps = l.FPS
		case j >= 0:
			c.fps = t.Layers[j].FPS * doublings(l.Temporal, t.Layers[j].Temporal)
		default:
			c.fps = nominalFPS * doublings(l.Temporal, temporal)
		}
	}
}

// plausible reports whether a frame rate is known.
func plausible(fps float64) bool { return fps >= 0.01 && fps <= 1000 }

// doublings is 2 to the power of a - b.
func doublings(a, b uint8) float64 {
	return math.Ldexp(1, min(max(int(a)-int(b), -mostDoublings), mostDoublings))
}

// nearest is the index closest to i that is known, the lower of two; -1 if none is.
func nearest(n, i int, known func(int) bool) int {
	for d := 0; d < n; d++ {
		if i-d >= 0 && known(i-d) {
			return i - d
		}
		if i+d < n && known(i+d) {
			return i + d
		}
	}
	return -1
}

// rates fills in bitrates, measured or guessed.
func (p *plan) rates(t *Track, s *track, now time.Duration) {
	for i := range t.Layers {
		c := &p.cands[i]
		if l := s.layer(t, i); l != nil && l.mean > 0 {
			c.mean, c.up = l.mean, l.mean+p.peaks*(l.peak-l.mean)
			c.known, c.uncertain = true, l.cold(now)
		} else if t.Layers[i].Bitrate > 0 {
			c.mean = min(float64(t.Layers[i].Bitrate), mostRate)
			c.up, c.known = c.mean, true
		}
	}
	for i := range p.cands {
		c := &p.cands[i]
		if c.known && !c.uncertain {
			continue
		}
		j := nearest(len(p.cands), i, func(j int) bool { return j != i && p.cands[j].known && !p.cands[j].uncertain })
		switch {
		case c.known && j >= 0:
			c.up = max(c.up, coldShare*p.guess(i, j))
		case !c.known && j < 0:
			j = nearest(len(p.cands), i, func(j int) bool { return p.cands[j].known })
			fallthrough
		case !c.known:
			c.mean = p.guess(i, j)
			c.up = c.mean
		}
	}
}

// guess is the bitrate of layer i if it is coded like layer j; by experience if j is -1.
func (p *plan) guess(i, j int) float64 {
	c := &p.cands[i]
	rate, area, fps := nominalVideo, nominalWidth*nominalHeight, nominalFPS
	if j >= 0 {
		k := &p.cands[j]
		rate, area, fps = k.mean, k.w*k.h, k.fps
	}
	return min(rate*math.Pow(c.w*c.h/area, areaPower)*math.Pow(c.fps/fps, fpsPower), mostRate)
}

// best is the layer that the subscription wants, were all alive.
func (p *plan) best() int {
	best := -1
	for i := range p.cands {
		if !p.needless(i, false) && (best < 0 || p.cands[i].value > p.cands[best].value) {
			best = i
		}
	}
	return max(best, 0)
}

// needless reports whether another layer, of the live ones only if so asked,
// serves the tile as well as layer i and is smaller or slower.
func (p *plan) needless(i int, live bool) bool {
	c := &p.cands[i]
	for j := range p.cands {
		d := &p.cands[j]
		switch {
		case j == i, live && !d.live:
		case d.covers && d.w <= c.w && d.h <= c.h && (d.w < c.w || d.h < c.h):
			return true
		case d.smooth && d.w == c.w && d.h == c.h && d.fps < c.fps:
			return true
		}
	}
	return false
}

// choose sets which candidates may be chosen. If all that are live are on
// probation, they may.
func (p *plan) choose(t *Track, s *track, now time.Duration) {
	for _, lenient := range [...]bool{false, true} {
		for i := range p.cands {
			c := &p.cands[i]
			c.ok = c.live && !p.needless(i, true) && (lenient || s.proven(i, now))
		}
		if p.any() {
			return
		}
	}
}

// any reports whether there is a candidate to choose.
func (p *plan) any() bool {
	for i := range p.cands {
		if p.cands[i].ok {
			return true
		}
	}
	return false
}
