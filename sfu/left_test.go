package sfu

import (
	"testing"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/forward"
)

// What a viewer lost of a layer is repaired until it is switched away from it.
func TestRepairsEndWithTheLayer(t *testing.T) {
	stream := forward.NewStream(forward.Config{Codec: codec.VP8, ClockRate: 90000, Memory: videoMemory})
	current := stream.Current().Layer
	sub := &Subscription{stream: stream, target: target{layer: current + 2}}
	if sub.left(current) || sub.left(current+1) {
		t.Error("a pending switch ends repairs")
	}
	sub.target = nothing
	if !sub.left(0) {
		t.Error("a paused track is repaired")
	}
}
