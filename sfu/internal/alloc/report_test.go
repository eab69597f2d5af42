package alloc

import (
	"math"
	"slices"
	"testing"
	"time"
)

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
