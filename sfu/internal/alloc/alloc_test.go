package alloc

import (
	"slices"
	"testing"
)

const plenty = 100_000_000

// TestFirst is what a viewer gets at once, for each rule on its own.
func TestFirst(t *testing.T) {
	const none, bandwidth, subscription, publisher, silent = ReasonNone, ReasonBandwidth, ReasonSubscription, ReasonPublisher, ReasonMuted
	small := tile(320, 180)
	tests := []struct {
		name    string
		budget  uint64
		tracks  []Track
		layers  []int
		reasons []Reason
	}{
		{"nothing", plenty, nil, nil, nil},
		{"all of it", plenty, []Track{voice(1), camera(2), share(3)}, []int{0, 8, 1}, []Reason{none, none, none}},
		{"turned off", plenty, []Track{with(voice(1), off), with(camera(2), off)}, []int{-1, -1}, []Reason{subscription, subscription}},
		{"muted: audio stays open", plenty, []Track{with(voice(1), muted), with(camera(2), muted)}, []int{0, -1}, []Reason{silent, silent}},
		{"dead: audio stays open", plenty, []Track{with(voice(1), dead), with(camera(2), dead)}, []int{0, -1}, []Reason{publisher, publisher}},
		{"no layers", plenty, []Track{{ID: 1, Enabled: true}, {ID: 2, Enabled: true, Audio: true}}, []int{-1, -1}, []Reason{publisher, publisher}},
		{"dead top", plenty, []Track{with(plain(1), live(2, false))}, []int{1}, []Reason{publisher}},
		{"dead base", plenty, []Track{with(plain(1), live(0, false))}, []int{2}, []Reason{none}},
		{"a dead layer that isn't wanted", plenty, []Track{with(plain(1), live(2, false), small)}, []int{0}, []Reason{none}},
		{"a dead layer that is, its better one serves", plenty, []Track{with(plain(1), live(0, false), small)}, []int{1}, []Reason{publisher}},
		{"the same id twice", plenty, []Track{plain(1), plain(1)}, []int{2, -1}, []Reason{none, subscription}},

		{"audio first", 150_000, []Track{plain(1), voice(2), voice(3)}, []int{-1, 0, 0}, []Reason{bandwidth, none, none}},
		{"audio that doesn't fit, least priority last", 100_000, []Track{voice(1), voice(2), with(voice(3), priority(1))},
			[]int{0, -1, 0}, []Reason{none, bandwidth, none}},
		{"the speaker's audio", 50_000, []Track{voice(1), with(voice(2), speaking)}, []int{-1, 0}, []Reason{bandwidth, none}},
		{"one audio whatever the budget", 0, []Track{plain(1), voice(2), voice(3)}, []int{-1, 0, -1}, []Reason{bandwidth, none, bandwidth}},

		{"base layers before more", 500_000, []Track{plain(1), plain(2), plain(3)}, []int{0, 0, 0}, []Reason{bandwidth, bandwidth, bandwidth}},
		{"even of the pinned", 700_000, []Track{with(plain(1), priority(9)), plain(2), plain(3)}, []int{0, 0, 0}, []Reason{bandwidth, bandwidth, bandwidth}},
		{"the last is paused", 310_000, []Track{plain(1), plain(2), plain(3)}, []int{0, 0, -1}, []Reason{bandwidth, bandwidth, bandwidth}},
		{"the smallest is paused", 310_000, []Track{with(plain(1), tile(640, 360)), plain(2), plain(3)}, []int{-1, 0, 0}, []Reason{bandwidth, bandwidth, bandwidth}},
		{"not the speaker", 310_000, []Track{plain(1), plain(2), with(plain(3), speaking)}, []int{0, -1, 0}, []Reason{bandwidth, bandwidth, bandwidth}},
		{"not the pinned", 160_000, []Track{with(plain(1), speaking), with(plain(2), priority(1))}, []int{-1, 0}, []Reason{bandwidth, bandwidth}},
		{"not the screen", 210_000, []Track{with(plain(1), speaking), share(2)}, []int{-1, 0}, []Reason{bandwidth, bandwidth}},

		{"upwards: one after the other", 1_300_000, []Track{plain(1), plain(2), plain(3)}, []int{1, 1, 0}, []Reason{bandwidth, bandwidth, bandwidth}},
		{"upwards: the larger", 850_000, []Track{with(plain(1), tile(640, 360)), plain(2)}, []int{0, 1}, []Reason{bandwidth, bandwidth}},
		{"upwards: the speaker", 850_000, []Track{plain(1), with(plain(2), speaking)}, []int{0, 1}, []Reason{bandwidth, bandwidth}},
		{"upwards: the screen", 2_100_000, []Track{with(plain(1), speaking), with(share(2), tile(1280, 720))}, []int{0, 1}, []Reason{bandwidth, none}},
		{"upwards: the pinned", 1_950_000, []Track{plain(1), with(plain(2), priority(1))}, []int{0, 2}, []Reason{bandwidth, none}},
		{"a step too big leaves room for others", 1_400_000, []Track{with(plain(1), priority(6)), plain(2)}, []int{1, 1}, []Reason{bandwidth, bandwidth}},

		{"a tile", plenty, []Track{with(camera(1), tile(640, 360)), with(camera(2), small)}, []int{5, 2}, []Reason{none, none}},
		{"a tile within tolerance", plenty, []Track{with(camera(1), tile(790, 440)), with(camera(2), tile(810, 440))}, []int{5, 8}, []Reason{none, none}},
		{"a tile that crops", plenty, []Track{with(camera(1), tile(180, 320)), with(camera(2), tile(360, 360))}, []int{5, 5}, []Reason{none, none}},
		{"a tile that doesn't", plenty, []Track{with(share(1), tile(600, 1000))}, []int{0}, []Reason{none}},
		{"a tile of one side", plenty, []Track{with(camera(1), tile(640, 0)), with(camera(2), tile(0, 180))}, []int{5, 2}, []Reason{none, none}},
		{"no tile", plenty, []Track{with(camera(1), tile(0, 0))}, []int{8}, []Reason{none}},
		{"a huge tile", plenty, []Track{with(camera(1), tile(3840, 2160))}, []int{8}, []Reason{none}},
		{"a frame rate", plenty, []Track{with(camera(1), rate(15)), with(camera(2), rate(5), small), with(camera(3), rate(24))}, []int{7, 0, 8}, []Reason{none, none, none}},
		{"a frame rate nobody has", plenty, []Track{with(camera(1), rate(60))}, []int{8}, []Reason{none}},
		{"a dead temporal layer", plenty, []Track{with(camera(1), live(8, false))}, []int{7}, []Reason{publisher}},

		{"temporal layers are steps", 400_000, []Track{camera(1), camera(2)}, []int{2, 2}, []Reason{bandwidth, bandwidth}},
		{"a base is its lowest temporal layer", 130_000, []Track{camera(1), camera(2)}, []int{0, 0}, []Reason{bandwidth, bandwidth}},
		{"fewer frames rather than a small picture", 1_000_000, []Track{camera(1)}, []int{7}, []Reason{bandwidth}},
		{"a larger layer that is cheaper", 800_000, []Track{with(plain(1), bitrate(1, 900_000), bitrate(2, 600_000))}, []int{2}, []Reason{none}},
		{"a base dearer than the rest", 300_000, []Track{with(plain(1), bitrate(0, 900_000), bitrate(1, 250_000))}, []int{1}, []Reason{bandwidth}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := newViewer(tt.tracks...)
			for range 2 { // and it stays so
				v.allocate(tt.budget)
				if got := v.layers(); !slices.Equal(got, tt.layers) {
					t.Errorf("layers %v, want %v", got, tt.layers)
				}
				if got := v.reasons(); !slices.Equal(got, tt.reasons) {
					t.Errorf("reasons %v, want %v", got, tt.reasons)
				}
			}
		})
	}
}
