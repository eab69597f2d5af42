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
	if got := v.rises(t, 1, 5_000_000); got != DefaultHold || v.sent(t, 1) != 1 {
		t.Errorf("the middle after %v: %d", got, v.sent(t, 1))
	}
	if got := v.rises(t, 1, 5_000_000); got != firstBackoff-DefaultHold || v.sent(t, 1) != 2 {
		t.Errorf("the top %v later: %d", got, v.sent(t, 1))
	}
}

// A link that breaks in by half says nothing about the last raise.
func TestCollapseIsNoFailure(t *testing.T) {
	v := newViewer(plain(1))
	v.run(30*time.Second, 600_000)
	v.rises(t, 1, 1_800_000)
	v.run(10*time.Second, 200_000)
	if got := v.rises(t, 1, 1_800_000); got != DefaultHold || v.sent(t, 1) != 2 {
		t.Errorf("%d after %v", v.sent(t, 1), got)
	}
}

// After failures near a total more headroom is needed there, and Wanted says so.
func TestCaution(t *testing.T) {
	v := newViewer(plain(1))
	v.run(30*time.Second, 600_000)
	for failures := range mostFailures + 2 {
		want := uint64(1_500_000 * (DefaultHeadroom + moreHeadroom*float64(min(failures, mostFailures))) / DefaultHeadroom)
		if _, next := v.Wanted(v.tracks); next < want || next > want+2 {
			t.Errorf("after %d failures next is %d, want %d", failures, next, want)
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

// Bitrates that aren't known yet are guessed well enough.
func TestGuesses(t *testing.T) {
	full := simulcast()
	for missing := range full {
		track := camera(1)
		track.Layers[missing].Bitrate = 0
		var p plan
		p.add(&track, nil, &Config{Tolerance: DefaultTolerance}, 0)
		want := float64(full[missing].Bitrate)
		if got := p.cands[missing].mean; got < want*0.6 || got > want*1.6 {
			t.Errorf("layer %d: %.0f, measured %.0f", missing, got, want)
		}
	}
	track := camera(1)
	for i := range track.Layers {
		track.Layers[i] = Layer{Spatial: track.Layers[i].Spatial, Temporal: track.Layers[i].Temporal, Live: true}
	}
	var p plan
	p.add(&track, nil, &Config{Tolerance: DefaultTolerance}, 0)
	for i, c := range p.cands {
		if want := float64(full[i].Bitrate); c.mean < want*0.6 || c.mean > want*1.6 {
			t.Errorf("layer %d, nothing known: %.0f, really %.0f", i, c.mean, want)
		}
		if c.w != float64(full[i].Width) || c.h != float64(full[i].Height) || c.fps != full[i].FPS {
			t.Errorf("layer %d, nothing known: %v x %v, %v fps", i, c.w, c.h, c.fps)
		}
	}
}

// A layer that has just begun looks cheap.
func TestColdLayer(t *testing.T) {
	v := newViewer(with(plain(1), live(2, false)))
	v.run(time.Minute, 1_200_000)
	v.tracks[0].Layers[2].Live, v.tracks[0].Layers[2].Bitrate = true, 200_000
	v.run(time.Second, 1_200_000)
	if got := v.sent(t, 1); got != 1 {
		t.Errorf("layer %d after its first packets", got)
	}
}

func TestWanted(t *testing.T) {
	tests := []struct {
		name        string
		budget      uint64
		tracks      []Track
		total, next uint64
	}{
		{"nothing", 0, nil, 0, 0},
		{"all sent", plenty, []Track{voice(1), plain(2), with(plain(3), off)}, 1_540_000, 0},
		{"the cheapest step", 850_000, []Track{voice(1), plain(2), with(share(3), tile(1280, 720))}, 3_040_000, 1_740_001},
		{"a paused base", 100_000, []Track{voice(1), plain(2)}, 1_540_000, 190_001},
		{"tiles count", 160_000, []Track{with(plain(1), tile(640, 360))}, 500_000, 500_001},
	}
	for _, tt := range tests {
		v := newViewer(tt.tracks...)
		v.allocate(tt.budget)
		total, next := v.Wanted(v.tracks)
		if total != max(tt.total, tt.next) || next != tt.next {
			t.Errorf("%s: %d, %d; want %d, %d (layers %v)", tt.name, total, next, tt.total, tt.next, v.layers())
		}
	}
	if total, next := New(Config{}).Wanted([]Track{plain(1)}); total != 1_500_000 || next != 150_001 {
		t.Errorf("before anything is sent: %d, %d", total, next)
	}
}

// Following what Wanted says must lead to the top.
func TestWantedIsEnough(t *testing.T) {
	v := newViewer(voice(1), camera(2), with(camera(3), tile(640, 360)), share(4))
	for steps := 0; ; steps++ {
		_, next := v.Wanted(v.tracks)
		if next == 0 {
			if got := v.layers(); !slices.Equal(got, []int{0, 8, 5, 1}) {
				t.Errorf("ends with %v", got)
			}
			return
		}
		if steps > 30 {
			t.Fatalf("stuck at %v, wants %d", v.layers(), next)
		}
		before := slices.Clone(v.choices)
		v.run(2*time.Second, uint64(math.Ceil(float64(next)*DefaultHeadroom)))
		if slices.Equal(before, v.choices) {
			t.Fatalf("with %d nothing was raised: %v", next, v.layers())
		}
	}
}

func TestState(t *testing.T) {
	v := newViewer(voice(1), plain(2), with(plain(3), off))
	if s := v.State(); s.Tracks != nil || s.Raise != 0 {
		t.Errorf("before anything: %+v", s)
	}
	v.run(10*time.Second, 700_000)
	v.run(400*ms, 2_000_000)
	s := v.State()
	if s.At != v.now-100*ms || s.Budget != 2_000_000 || s.Raise != 636_363 || s.Total != 540_000 || s.Hold != DefaultHold || s.Raised != 2 || s.Lowered != 0 {
		t.Errorf("%+v", s)
	}
	want := []TrackState{
		{ID: 1, Bits: 40_000, Cause: CauseStart, ChangedAt: time.Hour},
		{ID: 2, Wanted: 2, Allowed: 2, Sent: 1, Bits: 500_000, Reason: ReasonBandwidth, Cause: CauseStart, ChangedAt: time.Hour},
		{ID: 3, Wanted: -1, Allowed: -1, Sent: -1, Reason: ReasonSubscription, ChangedAt: time.Hour},
	}
	if !slices.Equal(s.Tracks, want) {
		t.Errorf("%+v", s.Tracks)
	}
}

func TestCauses(t *testing.T) {
	v := newViewer(plain(1), plain(2))
	v.run(20*time.Second, 10_000_000)
	steps := []struct {
		name   string
		change func()
		span   time.Duration
		budget uint64
		want   Cause // of track 1
	}{
		{"joined", func() {}, time.Second, 10_000_000, CauseStart},
		{"smaller tile", func() { v.tracks[0].MaxWidth, v.tracks[0].MaxHeight = 640, 360 }, time.Second, 10_000_000, CauseSubscription},
		{"larger tile", func() { v.tracks[0].MaxWidth, v.tracks[0].MaxHeight = 1280, 720 }, time.Second, 10_000_000, CauseSubscription},
		{"top died", func() { v.tracks[0].Layers[2].Live = false }, time.Second, 10_000_000, CausePublisher},
		{"top lives", func() { v.tracks[0].Layers[2].Live = true }, 2 * time.Second, 10_000_000, CausePublisher},
		{"muted", func() { v.tracks[0].Muted = true }, time.Second, 10_000_000, CauseMuted},
		{"unmuted", func() { v.tracks[0].Muted = false }, time.Second, 10_000_000, CauseStart},
		{"other pinned", func() { v.tracks[1].Priority = 1 }, 2 * time.Second, 2_100_000, CauseBudget},
		{"more", func() {}, 30 * time.Second, 10_000_000, CauseRoom},
		{"off", func() { v.tracks[0].Enabled = false }, time.Second, 10_000_000, CauseSubscription},
		{"on", func() { v.tracks[0].Enabled = true }, time.Second, 10_000_000, CauseStart},
		{"equal again", func() { v.tracks[1].Priority = 0; v.tracks[0].Priority = 1 }, 30 * time.Second, 2_400_000, CauseStart},
		{"displaced", func() { v.tracks[1].Priority = 3 }, time.Second, 2_400_000, CauseDisplaced},
	}
	for _, s := range steps {
		s.change()
		v.run(s.span, s.budget)
		if got := v.State().Tracks[0]; got.Cause != s.want {
			t.Errorf("%s: %v, want %v (%+v)", s.name, got.Cause, s.want, got)
		}
	}
	for c := CauseNone; c <= CauseMuted; c++ {
		if c.String() == "" {
			t.Errorf("cause %d has no name", c)
		}
	}
	for r, want := range []string{"", "bandwidth", "subscription", "publisher", "muted"} {
		if got := Reason(r).String(); got != want {
			t.Errorf("reason %d is %q", r, got)
		}
	}
}
