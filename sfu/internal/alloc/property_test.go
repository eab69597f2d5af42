package alloc

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// random is a call of up to n tracks, of all kinds, in all states.
func random(r *rand.Rand, n int) []Track {
	tracks := make([]Track, r.IntN(n)+1)
	for i := range tracks {
		t := Track{ID: uint32(i + 1), Enabled: r.IntN(12) > 0, Muted: r.IntN(12) == 0, Speaker: r.IntN(8) == 0}
		if r.IntN(4) == 0 {
			t.Priority = r.IntN(5) - 1
		}
		switch r.IntN(5) {
		case 0:
			t.Audio = true
			t.Layers = []Layer{{Bitrate: uint64(r.IntN(60_000)), Live: r.IntN(10) > 0}}
		case 1:
			t.Screen = true
			t.Layers = share(1).Layers
		default:
			t.Layers = simulcast()
			if r.IntN(2) == 0 {
				t.Layers = plain(1).Layers
			}
			if r.IntN(3) > 0 {
				w := uint16(r.IntN(1900) + 20)
				t.MaxWidth, t.MaxHeight = w, w*9/16
			}
			if r.IntN(5) == 0 {
				t.MaxFPS = float64(r.IntN(40))
			}
		}
		for j := range t.Layers {
			l := &t.Layers[j]
			l.Bitrate = uint64(float64(l.Bitrate) * (0.5 + r.Float64()))
			l.Live = l.Live && r.IntN(15) > 0
			if r.IntN(15) == 0 {
				l.Bitrate = 0
			}
			if r.IntN(15) == 0 {
				l.Width, l.FPS = 0, 0
			}
		}
		tracks[i] = t
	}
	return tracks
}

// check holds one allocation to the promises that need no history.
func check(t *testing.T, a *Allocator, budget uint64, tracks []Track, choices []Choice) {
	t.Helper()
	if len(choices) != len(tracks) {
		t.Fatalf("%d choices for %d tracks", len(choices), len(tracks))
	}
	for i := range choices {
		checkChoice(t, &tracks[i], choices[i])
	}
	var sum float64
	sent := 0
	audio := false
	for i := range a.plan.views {
		v := &a.plan.views[i]
		sum += a.plan.mean(v, v.pos)
		if v.pos >= 0 {
			sent++
			audio = audio || v.audio
		}
	}
	if sum > float64(budget)*(1+1e-9) && (sent != 1 || !audio) {
		t.Fatalf("sends %.0f of %d: %+v", sum, budget, choices)
	}
}

func checkChoice(t *testing.T, track *Track, c Choice) {
	t.Helper()
	switch {
	case c.ID != track.ID, c.Layer < -1, c.Layer >= len(track.Layers), c.Wanted >= len(track.Layers):
		t.Fatalf("%+v for %+v", c, track)
	case c.Layer == -1 && c.Reason == ReasonNone:
		t.Fatalf("paused for no reason: %+v", c)
	case c.Layer >= 0 && (!track.Enabled || track.Muted && !track.Audio || !track.Layers[c.Layer].Live && !track.Audio):
		t.Fatalf("%+v for %+v", c, track)
	case c.Layer >= 0 && (c.Wanted < 0 || c.Reason == ReasonSubscription):
		t.Fatalf("%+v is sent, but not wanted", c)
	}
}

// outcome is how good an allocation is: which audio and base layers are sent, in
// a given order, and the sum of the values above the base layers.
type outcome struct {
	first  []bool
	upward float64
}

func (v *viewer) outcome(order []uint32) outcome {
	var o outcome
	p := &v.plan
	byID := map[uint32]*view{}
	for i := range p.views {
		w := &p.views[i]
		byID[w.id] = w
		if w.pos > 0 {
			o.upward += p.value(w, w.pos) - p.value(w, 0)
		}
	}
	for _, id := range order {
		o.first = append(o.first, byID[id].pos >= 0)
	}
	return o
}

// order is that of the first steps of the tracks.
func (v *viewer) order() (ids []uint32) {
	v.plan.sort()
	for _, s := range v.plan.steps {
		if s.phase() != upgrade && s.pos == 0 {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// worse reports whether o is worse than before.
func (o outcome) worse(before outcome) bool {
	for i := range o.first {
		if o.first[i] != before.first[i] {
			return before.first[i]
		}
	}
	return o.upward < before.upward*(1-1e-9)
}

func budgetFor(r *rand.Rand, tracks []Track) uint64 {
	total, _ := New(Config{}).Wanted(tracks)
	return uint64(float64(total) * 1.3 * r.Float64() * r.Float64())
}

// More budget is never worse, neither for one who begins with it nor after less.
func TestMoreBudgetIsNeverWorse(t *testing.T) {
	for seed := range uint64(250) {
		r := rand.New(rand.NewPCG(seed, 1))
		tracks := random(r, 12)
		less := budgetFor(r, tracks)
		more := less + uint64(float64(less)*r.Float64()*r.Float64())

		a, b := newViewer(tracks...), newViewer(tracks...)
		check(t, a.Allocator, less, tracks, a.allocate(less))
		check(t, b.Allocator, more, tracks, b.allocate(more))
		order := a.order()
		if x, y := a.outcome(order), b.outcome(order); y.worse(x) {
			t.Fatalf("seed %d: %d gives %v, %d gives %v:\n%v\n%v", seed, less, x, more, y, a.layers(), b.layers())
		}
		a.run(10*time.Second, less)
		order = a.order()
		before, layers := a.outcome(order), a.layers()
		a.run(40*time.Second, more)
		if after := a.outcome(order); after.worse(before) {
			t.Fatalf("seed %d: %d gave %v, then %d gives %v:\n%v\n%v", seed, less, before, more, after, layers, a.layers())
		}
	}
}

// A higher priority, being the speaker, or a larger tile never makes a track worse.
func TestImportanceIsNeverWorse(t *testing.T) {
	for seed := range uint64(1500) {
		r := rand.New(rand.NewPCG(seed, 2))
		tracks := random(r, 12)
		budget := budgetFor(r, tracks)
		a := newViewer(tracks...)
		before := a.allocate(budget)

		i := r.IntN(len(tracks))
		promoted := slices.Clone(tracks)
		if r.IntN(2) == 0 {
			promoted[i].Speaker = true
		} else {
			promoted[i].Priority += 1 + r.IntN(8)
		}
		b := newViewer(promoted...)
		after := b.allocate(budget)
		if was, is := a.plan.views[i].pos, b.plan.views[i].pos; is < was {
			t.Fatalf("seed %d: track %d fell from %d to %d:\n%+v\n%+v", seed, i, was, is, before, after)
		}
	}
}

// The same call again, or with the tracks in another order, decides the same.
func TestDeterministic(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 3))
		tracks := random(r, 12)
		shuffled := slices.Clone(tracks)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		a, b := newViewer(tracks...), newViewer(shuffled...)
		for range 30 {
			budget := budgetFor(r, tracks)
			for range r.IntN(20) {
				a.now += 100 * ms
				b.now = a.now
				got := slices.Clone(a.allocate(budget))
				check(t, a.Allocator, budget, tracks, got)
				if again := a.allocate(budget); !slices.Equal(got, again) {
					t.Fatalf("seed %d: %+v, and again: %+v", seed, got, again)
				}
				for _, c := range b.allocate(budget) {
					if c != got[c.ID-1] {
						t.Fatalf("seed %d: %+v, in another order %+v", seed, got[c.ID-1], c)
					}
				}
			}
		}
	}
}

// With constant inputs everything comes to rest; then nobody is paused whose base
// layer could be sent in place of others' upgrades, and Next agrees that nothing happens.
func TestSettles(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 4))
		tracks := random(r, 20)
		v := newViewer(tracks...)
		v.run(20*time.Second, budgetFor(r, tracks))
		budget := budgetFor(r, tracks)
		for end := v.now + 8*time.Minute; v.now < end; v.now += time.Second { // until failures are forgotten
			v.allocate(budget)
		}
		v.switches = 0
		v.run(10*time.Second, budget)
		if v.switches > 0 {
			t.Fatalf("seed %d: %d switches after minutes", seed, v.switches)
		}
		v.checkBases(t, seed)
	}
}

func (v *viewer) checkBases(t *testing.T, seed uint64) {
	t.Helper()
	p := &v.plan
	allowed, firsts := v.hold.allowed(v.now), 0.0
	for i := range p.views {
		if w := &p.views[i]; w.pos >= 0 {
			firsts += p.up(w, 0)
		}
	}
	for i := range p.views {
		if w := &p.views[i]; w.pos < 0 && w.n > 0 && firsts+p.up(w, 0) <= allowed {
			t.Fatalf("seed %d: %d is paused, needs %.0f, but base layers take %.0f of %.0f: %+v", seed, w.id, p.up(w, 0), firsts, allowed, v.choices)
		}
	}
}

func FuzzAllocate(f *testing.F) {
	f.Add(uint64(1), []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
	f.Add(uint64(1<<63), []byte{255, 0, 255, 0, 1, 1, 1, 200, 100, 50, 25, 12, 6, 3, 1})
	f.Fuzz(fuzzAllocate)
}

// fuzzAllocate changes everything at each step in ways no caller should.
func fuzzAllocate(t *testing.T, seed uint64, data []byte) {
	r := rand.New(rand.NewPCG(seed, 5))
	a := New(Config{Headroom: float64(seed%3) * 0.6, Tolerance: float64(seed%5) * 0.4, Hold: time.Duration(seed % 2e9)})
	var now time.Duration
	tracks := random(r, 6)
	var choices []Choice
	for _, b := range data[:min(len(data), 200)] {
		i := r.IntN(len(tracks))
		tr := &tracks[i]
		budget := r.Uint64() >> (b % 64)
		switch b % 9 {
		case 0:
			tracks = random(r, 6)
		case 1:
			tr.Layers = tr.Layers[:r.IntN(len(tr.Layers)+1)]
		case 2:
			tr.ID = uint32(r.IntN(4))
		case 3:
			tr.MaxWidth, tr.MaxHeight, tr.MaxFPS = uint16(r.Uint32()), uint16(r.Uint32()>>(b&31)), extremes[r.IntN(len(extremes))]
		case 4:
			tr.Priority = int(r.Uint64())
			tr.Audio, tr.Screen = b&16 > 0, b&32 > 0
		default:
			wild(r, tr.Layers)
		}
		now += time.Duration(r.Int64N(4e9)) - 1e9
		choices = a.Allocate(now, budget, tracks, choices[:0])
		check(t, a, budget, distinct(tracks), distinctChoices(tracks, choices))
		if total, next := a.Wanted(tracks); total < next {
			t.Fatalf("wants %d, next %d", total, next)
		}
		if at, ok := a.Next(now); ok && at < now {
			t.Fatalf("next at %v, before %v", at, now)
		}
		if s := a.State(); len(s.Tracks) != len(tracks) {
			t.Fatalf("state of %d tracks of %d", len(s.Tracks), len(tracks))
		}
	}
}

// extremes are frame rates that a division may yield.
var extremes = []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64, math.MaxFloat64, 1e-3, 30, 999}

// wild makes layers of what no encoder sends.
func wild(r *rand.Rand, layers []Layer) {
	for j := range layers {
		l := &layers[j]
		l.Bitrate = r.Uint64() >> r.IntN(64)
		l.Live = r.IntN(3) > 0
		l.Spatial, l.Temporal = uint8(r.Uint32()>>r.IntN(32)), uint8(r.Uint32()>>r.IntN(32))
		l.Width, l.Height, l.FPS = uint16(r.Uint32()), uint16(r.Uint32()>>r.IntN(32)), extremes[r.IntN(len(extremes))]
	}
}

// distinct leaves out the tracks whose ids were there before.
func distinct(tracks []Track) (first []Track) {
	for i := range tracks {
		if isFirst(tracks, i) {
			first = append(first, tracks[i])
		}
	}
	return first
}

func distinctChoices(tracks []Track, choices []Choice) (first []Choice) {
	for i := range choices {
		if isFirst(tracks, i) {
			first = append(first, choices[i])
		}
	}
	return first
}

func isFirst(tracks []Track, i int) bool {
	return !slices.ContainsFunc(tracks[:i], func(t Track) bool { return t.ID == tracks[i].ID })
}
