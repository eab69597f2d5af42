package alloc

import (
	"math"
	"time"
)

const (
	// meanSpan is the time constant of a layer's mean bitrate; a screen's is
	// slower, for it rests and then scrolls in a burst that says little.
	meanSpan       = 3 * time.Second
	screenMeanSpan = 8 * time.Second
	// peakSpan is the time constant with which peaks are forgotten; mostPeak bounds
	// them by the mean.
	peakSpan = 30 * time.Second
	mostPeak = 1.5
	// warmUp is how long a layer that has come to life counts as starting: its
	// bitrate is followed upwards without delay, and raises count at least
	// coldShare of what its neighbours let expect.
	warmUp    = 2 * time.Second
	coldShare = 0.7
	// A layer that its publisher stopped while it was watched must live for
	// firstProbation, doubled with each further time within forgive, at most
	// lastProbation.
	firstProbation = time.Second
	lastProbation  = 30 * time.Second
	forgive        = time.Minute
)

// track is what is remembered of one subscription.
type track struct {
	id     uint32
	round  uint64 // of Allocate that last met it
	layers []layer

	sent      int // index in the layers, as last chosen; -1 if paused
	ideal     int // as last chosen
	top       int // the best live layer wanted then
	active    bool
	reason    Reason
	cause     Cause
	changedAt time.Duration

	lost     int // the layer that was taken away while watched
	lostAt   time.Duration
	proving  time.Duration // how long it must live now
	hasProof bool          // the three above are set
}

// layer is what is remembered of one layer. Rates are in bit/s, 0 if not known.
type layer struct {
	spatial, temporal uint8
	live              bool
	liveAt            time.Duration
	mean, peak        float64
}

// fold brings the memory of a track up to date; elapsed is the time since the
// last round.
func (s *track) fold(t *Track, now, elapsed time.Duration) {
	s.align(t)
	if s.sent >= 0 && s.layers[s.sent].live && !t.Layers[s.sent].Live {
		s.lose(t, now)
	}
	span := meanSpan
	if t.Screen {
		span = screenMeanSpan
	}
	gain := elapsed.Seconds() / (elapsed + span).Seconds()
	decay := elapsed.Seconds() / (elapsed + peakSpan).Seconds()
	for i := range t.Layers {
		s.layers[i].fold(&t.Layers[i], now, gain, decay)
	}
}

func (l *layer) fold(in *Layer, now time.Duration, gain, decay float64) {
	if in.Live && !l.live {
		l.liveAt = now
	}
	l.live = in.Live
	rate := min(float64(in.Bitrate), mostRate)
	switch {
	case rate == 0:
		return
	case l.mean == 0:
		l.mean, l.peak = rate, rate
	case rate > l.mean && l.cold(now):
		l.mean = rate
	default:
		l.mean += (rate - l.mean) * gain
	}
	l.peak -= (l.peak - l.mean) * decay
	l.peak = min(max(l.peak, rate, l.mean), mostPeak*l.mean)
}

// cold reports whether the layer has just come to life.
func (l *layer) cold(now time.Duration) bool { return l.live && now-l.liveAt < warmUp }

// align makes the remembered layers those of t, keeping what is known.
func (s *track) align(t *Track) {
	same := len(s.layers) == len(t.Layers)
	for i := 0; same && i < len(t.Layers); i++ {
		same = s.layers[i].is(&t.Layers[i])
	}
	if same {
		return
	}
	old := s.layers
	s.layers = make([]layer, len(t.Layers))
	sent := -1
	for i := range t.Layers {
		in := &t.Layers[i]
		s.layers[i] = layer{spatial: in.Spatial, temporal: in.Temporal}
		if l := find(old, in); l != nil {
			s.layers[i] = *l
		}
		if s.sent >= 0 && !s.layers[i].above(&old[s.sent]) {
			sent = i
		}
	}
	if sent < 0 && s.sent >= 0 && len(t.Layers) > 0 {
		sent = 0
	}
	s.sent, s.hasProof = sent, false
}

// find is the layer among layers that in continues.
func find(layers []layer, in *Layer) *layer {
	for i := range layers {
		if layers[i].is(in) {
			return &layers[i]
		}
	}
	return nil
}

func (l *layer) is(in *Layer) bool { return l.spatial == in.Spatial && l.temporal == in.Temporal }

// above reports whether l is a higher layer than m.
func (l *layer) above(m *layer) bool {
	return l.spatial > m.spatial || l.spatial == m.spatial && l.temporal > m.temporal
}

// lose notes that the publisher stopped the layer that is sent. If all have
// stopped, that says nothing about this one.
func (s *track) lose(t *Track, now time.Duration) {
	first, living := s.sent, false
	for i := range t.Layers {
		living = living || t.Layers[i].Live
		if t.Layers[i].Spatial == t.Layers[s.sent].Spatial {
			first = min(first, i)
		}
	}
	if !living {
		return
	}
	if s.hasProof && now-s.lostAt < forgive {
		s.proving = min(2*s.proving, lastProbation)
	} else {
		s.proving = firstProbation
	}
	s.lost, s.lostAt, s.hasProof = first, now, true
}

// proven reports whether layer i may be chosen, as far as its liveness goes.
func (s *track) proven(i int, now time.Duration) bool {
	return s == nil || !s.hasProof || i < s.lost || i >= len(s.layers) || now-s.layers[i].liveAt >= s.proving
}

// probation is when the next layer comes out of its probation.
func (s *track) probation(t *Track, now time.Duration) (at time.Duration, ok bool) {
	at = math.MaxInt64
	for i := range t.Layers {
		if t.Layers[i].Live && !s.proven(i, now) {
			at, ok = min(at, s.layers[i].liveAt+s.proving), true
		}
	}
	return at, ok
}

// layer is what is known of layer i of t, nil if nothing is.
func (s *track) layer(t *Track, i int) *layer {
	if s == nil {
		return nil
	}
	if i < len(s.layers) && s.layers[i].is(&t.Layers[i]) {
		return &s.layers[i]
	}
	return find(s.layers, &t.Layers[i])
}
