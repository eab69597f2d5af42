package alloc

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// noise is a disturbance of ±1: white, slow, or periodic.
type noise struct {
	kind  int
	r     *rand.Rand
	value float64
	phase float64
}

func newNoise(r *rand.Rand, kind int) *noise {
	return &noise{kind: kind, r: r, phase: r.Float64() * 2 * math.Pi}
}

func (n *noise) at(now time.Duration) float64 {
	switch n.kind {
	case 0:
		return 2*n.r.Float64() - 1
	case 1: // wanders, with a time constant of some seconds
		n.value = min(max(0.98*n.value+0.25*(2*n.r.Float64()-1), -1), 1)
		return n.value
	}
	return math.Sin(n.phase + now.Seconds()*2*math.Pi/15)
}

// call is a simulated call: the capacity is as given by a function, the estimate within
// ±10 % of it, measured bitrates within ±20 % of what encoders send on average.
type call struct {
	*viewer
	truth    []Track
	estimate *noise
	encoders []*noise
	capacity func(at time.Duration) float64
}

func newCall(seed uint64, kind int, capacity func(time.Duration) float64, tracks ...Track) *call {
	r := rand.New(rand.NewPCG(seed, 6))
	c := &call{viewer: newViewer(tracks...), estimate: newNoise(r, kind), capacity: capacity}
	for i := range c.tracks {
		t := c.tracks[i]
		t.Layers = append([]Layer(nil), t.Layers...)
		c.truth = append(c.truth, t)
		for range int(t.Layers[len(t.Layers)-1].Spatial) + 1 {
			c.encoders = append(c.encoders, newNoise(r, kind))
		}
	}
	return c
}

// play runs the call for some time and returns the mean share of the capacity
// that is used.
func (c *call) play(span time.Duration) (use float64) {
	n := 0
	for end := c.now + span; c.now < end; c.now += 100 * ms {
		at := c.now - time.Hour
		if at%(500*ms) == 0 {
			c.measure()
		}
		capacity := c.capacity(at)
		c.allocate(uint64(capacity * (1 + 0.1*c.estimate.at(at))))
		use += float64(total(c.truth, c.choices)) / capacity
		n++
	}
	return use / float64(n)
}

func (c *call) measure() {
	k := -1
	var noise float64
	for i := range c.truth {
		for j, l := range c.truth[i].Layers {
			if l.Temporal == 0 || j == 0 { // temporal layers are of one encoder
				k++
				noise = c.encoders[k].at(c.now - time.Hour)
			}
			c.tracks[i].Layers[j].Bitrate = uint64(float64(l.Bitrate) * (1 + 0.2*noise))
		}
	}
}

func constant(c float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return c }
}

// TestSwitchesOnConstantLinks counts switches of all tracks together. White noise,
// of the size promised, may cause two a minute; waves as high, which are more than
// noise, two on average.
func TestSwitchesOnConstantLinks(t *testing.T) {
	calls := []struct {
		name   string
		tracks func() []Track
		most   int // in a minute of white noise
	}{
		{"one camera", func() []Track { return []Track{voice(1), camera(2)} }, 2},
		{"three", func() []Track { return []Track{voice(1), voice(2), voice(3), plain(4), plain(5), plain(6)} }, 2},
		{"three with temporal layers", func() []Track { return []Track{voice(1), camera(2), camera(3), camera(4)} }, 2},
		{"a screen and a grid", screenAndGrid, 9},
	}
	for _, call := range calls {
		for kind, kindName := range []string{"white", "wandering", "periodic"} {
			t.Run(call.name+", "+kindName, func(t *testing.T) {
				var r switchReport
				for _, capacity := range []float64{0.3e6, 0.5e6, 0.7e6, 1e6, 1.5e6, 2e6, 2.5e6, 3.3e6, 4.2e6, 5e6} {
					for seed := range uint64(2) {
						r.observe(newCall(seed, kind, constant(capacity), call.tracks()...), capacity)
					}
				}
				t.Log(r)
				if r.mean() > 2 || kind == 0 && r.most > call.most {
					t.Errorf("%v", r)
				}
				if r.used() < 0.6 {
					t.Errorf("%v", r)
				}
			})
		}
	}
}

func screenAndGrid() []Track {
	tracks := []Track{voice(1), share(2)}
	for id := range uint32(8) {
		tracks = append(tracks, with(camera(3+id), tile(640, 360)))
	}
	return tracks
}

// switchReport sums up minutes of calls.
type switchReport struct {
	minutes, switches, most int
	limited, use            float64 // minutes with less capacity than is wanted, and how much of it was used
}

func (r *switchReport) observe(c *call, capacity float64) {
	c.play(20 * time.Second)
	for range 4 {
		c.switches = 0
		use := c.play(time.Minute)
		if wanted, _ := c.Wanted(c.truth); float64(wanted) > capacity {
			r.use += use
			r.limited++
		}
		r.minutes++
		r.switches += c.switches
		r.most = max(r.most, c.switches)
	}
}

func (r *switchReport) mean() float64 { return float64(r.switches) / float64(r.minutes) }
func (r *switchReport) used() float64 { return r.use / r.limited }

func (r switchReport) String() string {
	return fmt.Sprintf("%.2f switches a minute, at most %d; %.0f %% of capacity used", r.mean(), r.most, 100*r.used())
}

// TestSteps follows a link that breaks in and recovers.
func TestSteps(t *testing.T) {
	for kind := range 3 {
		for seed := range uint64(10) {
			t.Run(fmt.Sprint(kind, seed), func(t *testing.T) {
				capacity := 5e6
				c := newCall(seed, kind, func(time.Duration) float64 { return capacity }, voice(1), plain(2), plain(3), plain(4))
				c.play(40 * time.Second)
				high := total(c.truth, c.choices)
				if high < 2_500_000 {
					t.Errorf("%d of 5 Mbit/s at first", high)
				}
				capacity = 0.7e6
				c.play(time.Second)
				if got := total(c.truth, c.choices); got > 700_000 || c.sent(t, 1) != 0 {
					t.Errorf("%d of 0.7 Mbit/s, a second after: %v", got, c.layers())
				}
				c.switches = 0
				c.play(20 * time.Second)
				if c.switches > 2 {
					t.Errorf("%d switches at the bottom", c.switches)
				}
				capacity = 5e6
				c.switches = 0
				c.play(6 * time.Second)
				if got := total(c.truth, c.choices); got < high-1_000_000 || c.switches > 6 {
					t.Errorf("%d, before %d, with %d switches after six seconds", got, high, c.switches)
				}
			})
		}
	}
}

// TestRamp follows an estimate that falls and rises by and by, as estimators do.
func TestRamp(t *testing.T) {
	v := newViewer(voice(1), plain(2), plain(3), plain(4))
	v.run(time.Minute, 6_000_000)
	for b := 6e6; b > 0.7e6; b *= 0.85 {
		v.run(200*ms, uint64(b))
	}
	v.run(10*time.Second, 700_000)
	if got := total(v.tracks, v.choices); got > 700_000 {
		t.Errorf("%d at the bottom", got)
	}
	v.switches = 0
	begin, b := v.now, 0.7e6
	for v.sent(t, 2)+v.sent(t, 3)+v.sent(t, 4) < 6 && v.now < begin+time.Minute {
		b = min(b*1.08, 6e6)
		v.run(200*ms, uint64(b))
	}
	if took := v.now - begin; took > 7*time.Second || v.switches > 8 {
		t.Errorf("back after %v with %d switches", took, v.switches)
	}
}

// TestFooled is about an estimator that promises too much each time, and takes it
// back as soon as more is sent.
func TestFooled(t *testing.T) {
	v := newViewer(plain(1))
	v.run(30*time.Second, 700_000)
	var counts []int
	for range 6 {
		v.switches = 0
		for end := v.now + time.Minute; v.now < end; {
			if v.run(time.Second, 2_400_000); v.sent(t, 1) == 2 {
				v.run(2*time.Second, 1_000_000)
			}
		}
		counts = append(counts, v.switches)
	}
	for i, n := range counts {
		if n > 8 || i > 0 && n > 4 {
			t.Errorf("switches by the minute: %v", counts)
			break
		}
	}
}
