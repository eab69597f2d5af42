package alloc

import (
	"math"
	mathbits "math/bits"
	"time"
)

// Weights of tracks, by which the square root of their tile's area is multiplied.
const (
	screenWeight   = 6
	speakerWeight  = 2
	priorityWeight = 4 // for each level
	mostPriority   = 6 // beyond, upgrades no longer see a difference; base layers do
)

// plan is what one round works on. Its slices are used again in the next.
type plan struct {
	views  []view
	verts  []vertex
	cands  []candidate
	steps  []step
	peaks  float64 // how much of a peak raises count, 0 to 1
	modest float64 // bit/s: up to this total nothing is paused for long
	gone   []int32 // steps taken back, on trial
	sorted bool    // steps are those of views, sorted
}

// view is a track in one round. Positions are on its path, -1 for nothing.
type view struct {
	id         uint32
	state      *track
	audio      bool
	muted      bool
	fresh      bool   // wasn't wanted or possible in the last round
	ideal      int32  // index of the layer that the subscription wants, be it live or not
	available  bool   // ideal can be chosen
	idle       Reason // why there is no path
	first, n   int32  // its path in verts
	cur        int32  // position that is sent
	pos        int32  // position decided
	weight     float64
	importance uint64
}

// vertex is a layer on the path of a track. Rates are in bit/s.
type vertex struct {
	layer int32
	mean  float64 // for keeping
	up    float64 // for raising
	value float64
}

func (p *plan) reset(peaks float64) {
	p.views, p.verts = p.views[:0], p.verts[:0]
	p.peaks = peaks
	p.sorted = false
}

// mean is the mean rate of v at a position, likewise up and value.
func (p *plan) mean(v *view, pos int32) float64 {
	if pos < 0 {
		return 0
	}
	return p.verts[v.first+pos].mean
}

func (p *plan) up(v *view, pos int32) float64 {
	if pos < 0 {
		return 0
	}
	return p.verts[v.first+pos].up
}

func (p *plan) value(v *view, pos int32) float64 {
	if pos < 0 {
		return 0
	}
	return p.verts[v.first+pos].value
}

// layer is the index in the track's layers at a position.
func (p *plan) layer(v *view, pos int32) int {
	if pos < 0 {
		return -1
	}
	return int(p.verts[v.first+pos].layer)
}

// add makes the view of a track; s, its memory, may be nil.
func (p *plan) add(t *Track, s *track, c *Config, now time.Duration) {
	v := view{
		id: t.ID, state: s, audio: t.Audio, muted: t.Muted, fresh: s == nil || !s.active,
		ideal: -1, first: int32(len(p.verts)), cur: -1, pos: -1,
	}
	switch {
	case !t.Enabled:
		v.idle = ReasonSubscription
	case len(t.Layers) == 0:
		v.idle = ReasonPublisher
	case t.Audio:
		p.addAudio(&v, t, s)
	case t.Muted:
		v.idle = ReasonMuted
	default:
		p.addVideo(&v, t, s, c, now)
	}
	v.n = int32(len(p.verts)) - v.first
	v.importance = importance(t, v.cur >= 0)
	p.views = append(p.views, v)
}

// addAudio gives v its best live layer, or its best if none is: it stays open.
func (p *plan) addAudio(v *view, t *Track, s *track) {
	best := len(t.Layers) - 1
	v.ideal = int32(best)
	for i := best; i >= 0; i-- {
		if t.Layers[i].Live {
			best, v.available = i, i == int(v.ideal)
			break
		}
	}
	rate := nominalAudio
	up := rate
	if l := s.layer(t, best); l != nil && l.mean > 0 {
		rate, up = l.mean, l.mean+p.peaks*(l.peak-l.mean)
	} else if t.Layers[best].Bitrate > 0 {
		rate = min(float64(t.Layers[best].Bitrate), mostRate)
		up = rate
	}
	p.verts = append(p.verts, vertex{layer: int32(best), mean: rate, up: up, value: 1})
	if s != nil && s.sent >= 0 {
		v.cur = 0
	}
}

func (p *plan) addVideo(v *view, t *Track, s *track, c *Config, now time.Duration) {
	v.weight = p.judge(t, s, c.Tolerance, now)
	v.ideal = int32(p.best())
	p.choose(t, s, now)
	if v.available = p.cands[v.ideal].ok; !v.available && !p.any() {
		v.idle = ReasonPublisher
		return
	}
	sent := -1
	if s != nil && s.sent < len(t.Layers) {
		sent = s.sent
	}
	p.walk(sent)
	if sent < 0 {
		return
	}
	path := p.verts[v.first:]
	for i := range path {
		if int(path[i].layer) <= sent || path[i].mean <= p.cands[sent].mean {
			v.cur = int32(i)
		}
	}
}

// importance sorts base layers and audio: the higher the earlier. Who is
// sent goes ahead of equals. Sizes count by octaves.
func importance(t *Track, sent bool) uint64 {
	key := uint64(min(max(t.Priority, math.MinInt16), math.MaxInt16)-math.MinInt16) << 9
	flag := func(bit int, set bool) {
		if set {
			key |= 1 << bit
		}
	}
	flag(8, t.Screen)
	flag(7, t.Speaker)
	area := uint64(math.MaxUint32) // no limit is larger than all
	if t.MaxWidth > 0 || t.MaxHeight > 0 {
		area = uint64(tileArea(t))
	}
	key |= uint64(mathbits.Len64(area)) << 1 // at most 32
	flag(0, sent)
	return key
}

// weight is what the value of a track's picture is multiplied by; area is in pixels.
func weight(t *Track, area float64) float64 {
	w := math.Sqrt(max(area, 1)) * math.Pow(priorityWeight, float64(min(max(t.Priority, -mostPriority), mostPriority)))
	if t.Screen {
		w *= screenWeight
	}
	if t.Speaker {
		w *= speakerWeight
	}
	return w
}

// tileArea is the area of the tile in pixels, 0 without a limit; where only one
// side is limited, as for a picture of 16:9.
func tileArea(t *Track) float64 {
	w, h := float64(t.MaxWidth), float64(t.MaxHeight)
	switch {
	case w == 0:
		w = h * 16 / 9
	case h == 0:
		h = w * 9 / 16
	}
	return w * h
}

// reason is why v isn't sent as wanted.
func (v *view) reason(p *plan) Reason {
	switch {
	case v.n == 0:
		return v.idle
	case v.pos < v.n-1:
		return ReasonBandwidth
	case v.muted:
		return ReasonMuted
	case !v.available:
		return ReasonPublisher
	}
	return ReasonNone
}
