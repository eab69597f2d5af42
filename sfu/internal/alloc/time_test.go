package alloc

import (
	"math"
	"slices"
	"testing"
	"time"
)

// TestLowering is at once, and takes what matters least.
func TestLowering(t *testing.T) {
	tests := []struct {
		name   string
		budget uint64
		want   []int
	}{
		{"still fits", 3_040_000, []int{0, 2, 2}},
		{"one step", 3_000_000, []int{0, 2, 1}},
		{"two", 1_200_000, []int{0, 1, 1}},
		{"leaving a little for upgrades", 1_050_000, []int{0, 1, 0}},
		{"but not for base layers", 340_000, []int{0, 0, 0}},
		{"pausing", 339_000, []int{0, 0, -1}},
		{"all but the audio", 10_000, []int{0, -1, -1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newViewer(voice(1), with(plain(2), speaking), plain(3))
			v.run(10*time.Second, 4_000_000)
			if got := v.layers(); !slices.Equal(got, []int{0, 2, 2}) {
				t.Fatalf("begins with %v", got)
			}
			v.allocate(tt.budget)
			if got := v.layers(); !slices.Equal(got, tt.want) {
				t.Errorf("layers %v, want %v", got, tt.want)
			}
		})
	}
}

// rises is how long after now the layer of a track rises, at a constant budget;
// allocating when Next says.
func (v *viewer) rises(t *testing.T, id uint32, budget uint64) time.Duration {
	t.Helper()
	begin := v.now
	v.allocate(budget)
	before := v.sent(t, id)
	for v.now < begin+2*time.Minute {
		if v.sent(t, id) > before {
			return v.now - begin
		}
		at, ok := v.Next(v.now)
		if !ok {
			t.Fatal("nothing will ever happen")
		}
		if at <= v.now {
			t.Fatalf("next at %v, but now is %v and all is decided", at, v.now)
		}
		v.now = at
		v.allocate(budget)
	}
	t.Fatal("doesn't rise")
	return 0
}

func TestRaisingTakesTime(t *testing.T) {
	v := newViewer(plain(1))
	v.run(time.Second, 200_000)
	if got := v.rises(t, 1, 600_000); got != DefaultStartHold {
		t.Errorf("in the first seconds after %v", got)
	}
	v.run(10*time.Second, 600_000)
	if got := v.rises(t, 1, 2_000_000); got != DefaultHold {
		t.Errorf("later after %v", got)
	}
	if v.switches != 2 {
		t.Errorf("%d switches", v.switches)
	}
}

func TestRaisingNeedsHeadroom(t *testing.T) {
	for budget, want := range map[uint64]int{1_640_000: 1, 1_660_000: 2} {
		v := newViewer(plain(1))
		v.run(10*time.Second, 600_000)
		v.run(30*time.Second, budget)
		if got := v.sent(t, 1); got != want {
			t.Errorf("%d: layer %d, want %d", budget, got, want)
		}
	}
}

// A dip in the budget begins the wait anew.
func TestRaisingNeedsAllOfTheTime(t *testing.T) {
	v := newViewer(plain(1))
	v.run(10*time.Second, 600_000)
	for range 20 {
		v.run(600*ms, 2_000_000)
		v.run(100*ms, 1_600_000)
	}
	if v.switches != 0 {
		t.Errorf("%d switches, layer %d", v.switches, v.sent(t, 1))
	}
	if got := v.rises(t, 1, 2_000_000); got < DefaultHold-100*ms || got > DefaultHold {
		t.Errorf("rises after %v", got)
	}
}

// Peaks of a layer's bitrate count when raising, but they don't lower anything.
func TestPeaks(t *testing.T) {
	burst := func(v *viewer, budget uint64) {
		for range 60 {
			v.tracks[0].Layers[2].Bitrate = 1_900_000
			v.run(300*ms, budget)
			v.tracks[0].Layers[2].Bitrate = 1_300_000
			v.run(700*ms, budget)
		}
	}
	v := newViewer(plain(1))
	v.run(6*time.Second, 600_000)
	burst(v, 1_700_000) // 1.1 times the mean, but not half-way to the peaks
	if got := v.sent(t, 1); got != 1 {
		t.Errorf("raised to %d", got)
	}
	burst(v, 2_100_000)
	if got := v.sent(t, 1); got != 2 {
		t.Errorf("layer %d with a budget for the peaks", got)
	}
	v.switches = 0
	burst(v, 1_700_000)
	if v.switches != 0 {
		t.Errorf("lowered by peaks")
	}
}

// A scrolled page costs for a moment more than there is; that says little.
func TestScreenBursts(t *testing.T) {
	v := newViewer(with(share(1), bitrate(1, 300_000)), with(plain(2), tile(320, 180)))
	v.run(30*time.Second, 1_500_000)
	v.switches = 0
	for range 10 {
		v.tracks[0].Layers[1].Bitrate = 4_000_000
		v.run(time.Second, 1_500_000)
		v.tracks[0].Layers[1].Bitrate = 300_000
		v.run(10*time.Second, 1_500_000)
	}
	if got := v.layers(); v.switches != 0 || !slices.Equal(got, []int{1, 0}) {
		t.Errorf("%d switches, layers %v", v.switches, got)
	}
}

func TestBackoff(t *testing.T) {
	v := newViewer(plain(1))
	v.run(30*time.Second, 700_000)
	var waits []time.Duration
	for range 6 {
		v.rises(t, 1, 2_200_000)
		v.now += 500 * ms
		v.allocate(1_400_000) // a link that can't do it after all
		waits = append(waits, v.rises(t, 1, 2_200_000).Round(100*ms))
		v.now += 500 * ms
		v.allocate(1_400_000)
		v.run(2*time.Second, 1_400_000)
	}
	for i := 1; i < len(waits); i++ {
		if waits[i] < waits[i-1] || waits[i] > DefaultMaxBackoff {
			t.Errorf("waits %v", waits)
		}
	}
	if waits[0] != firstBackoff || waits[5] != DefaultMaxBackoff {
		t.Errorf("waits %v", waits)
	}
	v.run(7*time.Minute, 1_400_000)
	if s := v.State(); s.Backoff != 0 {
		t.Errorf("backoff %v long after", s.Backoff)
	}
	if got := v.rises(t, 1, 1_700_000); got != DefaultHold {
		t.Errorf("rises after %v when all is forgotten", got)
	}
}

// What lies well below the failure doesn't wait.
func TestBackoffIsAboutTheTotalThatFailed(t *testing.T) {
	v := newViewer(plain(1))
	v.run(30*time.Second, 400_000)
	v.rises(t, 1, 600_000)
	v.rises(t, 1, 1_800_000)
	v.allocate(1_400_000)
	if s := v.State(); s.Backoff != firstBackoff || s.Failed != 1_500_000 || !s.Quiet {
		t.Fatalf("state %+v", s)
	}
	v.run(time.Second, 200_000)
	if got := v.rises(t, 1, 2_000_000); got != DefaultHold || v.sent(t, 1) != 1 {
		t.Errorf("the middle after %v: %d", got, v.sent(t, 1))
	}
	if got := v.rises(t, 1, 2_000_000); got != firstBackoff-DefaultHold || v.sent(t, 1) != 2 {
		t.Errorf("the top %v later: %d", got, v.sent(t, 1))
	}
}

// Nor does what was cut matter on a link that has become better; but it must have.
func TestLimitIsLifted(t *testing.T) {
	v := newViewer(plain(1))
	v.run(30*time.Second, 300_000)
	v.rises(t, 1, 600_000)
	v.run(2*time.Second, 400_000)
	if got := v.rises(t, 1, 800_000); got != DefaultHold {
		t.Errorf("rises after %v", got)
	}
	v.run(2*time.Second, 400_000)
	if got := v.rises(t, 1, 800_000); got <= firstBackoff {
		t.Errorf("rises after %v, misled once", got)
	}
}

// A link that breaks in by half says nothing about the last raise.
// TestLimitIsLiftedThoughItSeemedSoBefore: an estimate that showed a better link and
// was wrong has the next show more, and then it is believed.
func TestLimitIsLiftedThoughItSeemedSoBefore(t *testing.T) {
	v := newViewer(plain(1))
	v.run(10*time.Second, 1_900_000)
	v.run(time.Second, 1_200_000) // the top layer failed at 1.5 Mbit/s
	for fooled := 1; fooled <= 3; fooled++ {
		shown := uint64(1_500_000 * math.Pow(farAbove, float64(fooled)))
		if got := v.rises(t, 1, shown); got > time.Second {
			t.Fatalf("after %d disappointments it takes %v at %d bit/s", fooled-1, got, shown)
		}
		v.run(time.Second, 1_200_000)
		if got := v.sent(t, 1); got != 1 {
			t.Fatalf("layer %d, though it doesn't fit", got)
		}
		v.run(2*time.Second, shown)
		if got := v.sent(t, 1); fooled < 3 && got != 1 {
			t.Errorf("%d bit/s were believed after %d disappointments", shown, fooled)
		}
		v.run(time.Second, 1_200_000)
	}
}

func TestCollapseIsNoFailure(t *testing.T) {
	v := newViewer(plain(1))
	v.run(30*time.Second, 600_000)
	v.rises(t, 1, 1_800_000)
	v.run(10*time.Second, 200_000)
	if got := v.rises(t, 1, 1_800_000); got != DefaultHold || v.sent(t, 1) != 2 {
		t.Errorf("%d after %v", v.sent(t, 1), got)
	}
}

// Nor does what else has to go until the queue has drained that it left.
func TestCollapseInSteps(t *testing.T) {
	v := newViewer(plain(1), plain(2), plain(3))
	v.run(10*time.Second, 4_000_000)
	v.allocate(480_000)
	v.now += 300 * ms
	v.allocate(400_000)
	paused := slices.Index(v.layers(), -1)
	if paused < 0 {
		t.Fatalf("layers %v", v.layers())
	}
	if got := v.rises(t, uint32(paused+1), 520_000); got != DefaultHold {
		t.Errorf("comes back after %v", got)
	}
}

// After failures near a total more headroom is needed there, and Wanted says so.
func TestCaution(t *testing.T) {
	v := newViewer(plain(1))
	v.run(30*time.Second, 600_000)
	for failures := range mostFailures + 2 {
		want := uint64(1_500_000 * (DefaultHeadroom + moreHeadroom*float64(min(failures, mostFailures))) / DefaultHeadroom)
		probed := want
		if failures > 0 { // what would show that the limit is gone, which is more than the step takes
			probed = uint64(math.Ceil(farAbove * 1_500_000 / DefaultHeadroom))
		}
		if _, next := v.Wanted(v.tracks); next < probed || next > probed+2 {
			t.Errorf("after %d failures next is %d, want %d", failures, next, probed)
		}
		v.run(35*time.Second, uint64(DefaultHeadroom*float64(want)*0.99))
		if got := v.sent(t, 1); got != 1 {
			t.Errorf("after %d failures %d with too little headroom", failures, got)
		}
		v.rises(t, 1, uint64(DefaultHeadroom*float64(want)*1.01))
		v.now += time.Second
		v.allocate(1_400_000)
	}
}

func TestJoining(t *testing.T) {
	v := newViewer(plain(1), plain(2))
	v.run(time.Minute, 1_120_000)
	if got := v.layers(); !slices.Equal(got, []int{1, 1}) {
		t.Fatalf("layers %v", got)
	}
	v.tracks = append(v.tracks, plain(3))
	v.allocate(1_120_000)
	if got := v.layers(); !slices.Equal(got, []int{1, 0, 0}) {
		t.Errorf("layers %v: a newcomer's base layer goes before upgrades", got)
	}
	v.tracks = append(v.tracks, voice(4))
	v.allocate(1_120_000)
	if got := v.sent(t, 4); got != 0 {
		t.Errorf("a newcomer's audio is paused")
	}
	v.run(time.Minute, 10_000_000)
	v.tracks = append(v.tracks, plain(5))
	v.allocate(10_000_000)
	if got := v.sent(t, 5); got != 2 {
		t.Errorf("a newcomer gets %d where there is plenty", got)
	}
	v.tracks = v.tracks[4:]
	v.allocate(10_000_000)
	if len(v.Allocator.tracks) != 1 {
		t.Errorf("%d tracks are remembered", len(v.Allocator.tracks))
	}
}

// A pause for want of bandwidth ends by itself, and only with headroom.
func TestResuming(t *testing.T) {
	v := newViewer(plain(1), plain(2))
	v.run(10*time.Second, 310_000)
	v.allocate(250_000)
	if got := v.layers(); !slices.Equal(got, []int{0, -1}) {
		t.Fatalf("layers %v", got)
	}
	v.run(5*time.Second, 310_000)
	if got := v.sent(t, 2); got != -1 {
		t.Errorf("resumed without headroom")
	}
	if got := v.rises(t, 2, 370_000); got != firstBackoff {
		t.Errorf("resumed after %v", got)
	}
}

// Importance that changes moves bandwidth at once.
func TestDisplacing(t *testing.T) {
	v := newViewer(with(plain(1), speaking), plain(2), plain(3))
	v.run(time.Minute, 2_800_000)
	if got := v.layers(); !slices.Equal(got, []int{2, 1, 1}) {
		t.Fatalf("layers %v", got)
	}
	v.tracks[0].Speaker, v.tracks[2].Speaker = false, true
	v.allocate(2_800_000)
	if got := v.layers(); !slices.Equal(got, []int{1, 1, 2}) {
		t.Errorf("layers %v after the speaker has changed", got)
	}
	v.tracks[1].Priority = 2
	v.allocate(2_800_000)
	if got := v.layers(); !slices.Equal(got, []int{1, 2, 1}) {
		t.Errorf("layers %v after pinning", got)
	}
	v.run(5*time.Second, 200_000)
	if got := v.layers(); !slices.Equal(got, []int{-1, 0, -1}) {
		t.Fatalf("layers %v", got)
	}
	v.tracks[1].Priority = 0
	v.tracks[0].Priority = 1
	v.allocate(200_000)
	if got := v.layers(); !slices.Equal(got, []int{0, -1, -1}) {
		t.Errorf("layers %v after pinning the paused one", got)
	}
}

// A tile's size and a mute take effect at once in both directions.
func TestTileChanges(t *testing.T) {
	v := newViewer(plain(1))
	v.run(time.Minute, 10_000_000)
	for _, step := range []struct {
		change func(*Track)
		want   int
	}{
		{tile(320, 180), 0}, {tile(640, 360), 1}, {tile(1280, 720), 2}, {tile(320, 180), 0}, {tile(1280, 720), 2},
		{off, -1}, {func(t *Track) { t.Enabled = true }, 2},
		{muted, -1}, {func(t *Track) { t.Muted = false }, 2},
		{dead, -1}, {func(t *Track) { t.Layers = simulcast()[2:3] }, 0},
	} {
		step.change(&v.tracks[0])
		v.now += 100 * ms
		v.allocate(10_000_000)
		if got := v.sent(t, 1); got != step.want {
			t.Fatalf("layer %d, want %d", got, step.want)
		}
	}
}

// A layer that its publisher keeps dropping isn't followed each time.
func TestFlappingLayer(t *testing.T) {
	v := newViewer(plain(1))
	v.run(time.Minute, 10_000_000)
	v.switches = 0
	for range 30 {
		v.tracks[0].Layers[2].Live = false
		v.run(time.Second, 10_000_000)
		if got := v.choices[0]; got.Layer != 1 || got.Reason != ReasonPublisher {
			t.Fatalf("%+v while the top is dead", got)
		}
		v.tracks[0].Layers[2].Live = true
		v.run(3*time.Second, 10_000_000)
	}
	if v.switches > 8 {
		t.Errorf("%d switches in two minutes", v.switches)
	}
	for range 31 { // Next knows when
		at, ok := v.Next(v.now)
		if !ok {
			break
		}
		v.now = at
		v.allocate(10_000_000)
	}
	if got := v.choices[0]; got.Layer != 2 || got.Reason != ReasonNone {
		t.Errorf("%+v in the end", got)
	}
}

// Layers may be given in other numbers than before; what is known stays with them.
func TestLayersChange(t *testing.T) {
	v := newViewer(plain(1))
	v.run(time.Minute, 10_000_000)
	v.tracks[0].Layers = v.tracks[0].Layers[1:]
	v.tracks[0].Layers[1].Bitrate = 0
	v.allocate(1_000_000)
	if got := v.sent(t, 1); got != 0 {
		t.Errorf("layer %d", got)
	}
	if s := v.State(); s.Tracks[0].Bits != 500_000 {
		t.Errorf("%+v", s.Tracks[0])
	}
	v.tracks[0].Layers = nil
	v.allocate(1_000_000)
	v.tracks[0].Layers = simulcast()
	v.allocate(1_000_000)
	if got := v.sent(t, 1); got < 0 {
		t.Errorf("layer %d", got)
	}
}
