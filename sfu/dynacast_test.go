package sfu

import "testing"

// A layer that nobody's tile asks for is worth its encoder where a viewer's
// bandwidth is short: it may be the best that can be had.
func TestWantedLayers(t *testing.T) {
	const low, middle, high = 0, 1, 2
	type viewer struct {
		layer int8
		short bool
	}
	for name, c := range map[string]struct {
		viewers []viewer
		want    [maxLayers]bool
	}{
		"nobody watches":              {nil, [maxLayers]bool{low: true}},
		"a large tile":                {[]viewer{{high, false}}, [maxLayers]bool{low: true, high: true}},
		"a small tile":                {[]viewer{{low, false}}, [maxLayers]bool{low: true}},
		"a large tile on a thin link": {[]viewer{{high, true}}, [maxLayers]bool{low: true, middle: true, high: true}},
		"a middling tile likewise":    {[]viewer{{middle, true}}, [maxLayers]bool{low: true, middle: true}},
		"turned off":                  {[]viewer{{nothing.layer, false}}, [maxLayers]bool{low: true}},
		"two": {
			[]viewer{{high, false}, {middle, false}}, [maxLayers]bool{low: true, middle: true, high: true},
		},
	} {
		track := &Track{}
		for i := range track.layers[:3] {
			track.layers[i].Store(&Layer{track: track, index: int8(i)}) //nolint:gosec // small
		}
		var subs []*Subscription
		for _, v := range c.viewers {
			sub := &Subscription{}
			sub.want(wanted{target{layer: v.layer}, v.short})
			subs = append(subs, sub)
		}
		track.subs.Store(&subs)
		if got := track.wantedLayers(3); got != c.want {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}
