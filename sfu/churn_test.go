package sfu

import (
	"runtime"
	"testing"
	"time"

	"plenum/sfu/internal/alloc"
)

// TestViewerForgetsTracks: a viewer's lists are used again and again; what is behind
// their ends must not keep those who left.
func TestViewerForgetsTracks(t *testing.T) {
	v := newViewing()
	gone := make(chan struct{}, 8)
	for range cap(gone) {
		sub := &Subscription{track: &Track{}}
		runtime.AddCleanup(sub, func(gone chan struct{}) { gone <- struct{}{} }, gone)
		v.subs, v.tracks, v.views = append(v.subs, sub), append(v.tracks, alloc.Track{}), append(v.views, &view{})
	}
	v.forget()
	for collected := 0; collected < cap(gone); {
		runtime.GC()
		select {
		case <-gone:
			collected++
		case <-time.After(10 * time.Second):
			t.Fatalf("%d of %d subscriptions are kept", cap(gone)-collected, cap(gone))
		}
	}
	runtime.KeepAlive(&v)
}

func TestSSRCsNeverRepeat(t *testing.T) {
	s := ssrcs{last: 1, step: ^uint32(0)} // counts down through 0
	if a, b := s.next(), s.next(); a == 0 || b == 0 || a == b {
		t.Errorf("%d and %d", a, b)
	}
	s = newSSRCs()
	seen := map[uint32]bool{}
	for range 100_000 {
		n := s.next()
		if n == 0 || seen[n] {
			t.Fatalf("%d again", n)
		}
		seen[n] = true
	}
}

func TestAllowance(t *testing.T) {
	var a allowance
	taken := 0
	for now := time.Duration(0); now < 20*time.Second; now += 10 * time.Millisecond {
		if a.take(now) {
			taken++
		}
	}
	if taken < keyframeRequests+9 || taken > keyframeRequests+10 {
		t.Errorf("%d requests in 20 s", taken)
	}
}
