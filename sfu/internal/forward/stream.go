package forward

import (
	"time"

	"plenum/sfu/internal/codec"
)

// MaxLayers is the number of layers that a Stream tells apart: 0 to MaxLayers-1.
const MaxLayers = 4

// noLayer is no layer: paused as a target, nothing yet as the current one.
const noLayer = -1

// maxHole is the widest hole, in packets, that a run survives. A viewer asks for
// no more than about a thousand lost packets before it wants a keyframe instead,
// and jumps near 2^15 would make it lose count of SRTP's rollovers (RFC 3711 §3.3.1).
const maxHole = 1024

// Verdict is what Push decided about a packet.
type Verdict uint8

// The verdicts of Push.
const (
	Forward       Verdict = iota
	DropPaused            // the viewer gets nothing of this track now
	DropLayer             // of another layer than the one that flows
	DropKeyframe          // of the target layer, which waits for a keyframe
	DropLate              // older than what is remembered
	DropDuplicate         // seen before
	DropEmpty             // padding only
	DropTemporal          // of a temporal layer that the viewer doesn't get
	DropSpatial           // of a spatial layer within the stream that the viewer doesn't get
	NumVerdicts
)

// String is the verdict's name in metrics.
func (v Verdict) String() string {
	names := [NumVerdicts]string{"forward", "paused", "layer", "keyframe", "late", "duplicate", "empty", "temporal", "spatial"}
	if v >= NumVerdicts {
		return "unknown"
	}
	return names[v]
}

// Target is a choice of what a viewer gets of a track.
type Target struct {
	// Layer is the simulcast layer, -1 for none.
	Layer int8
	// Spatial and Temporal are the highest layers within that layer's stream, from 0;
	// what is beyond those that the stream has, such as AllLayers, means all of them.
	Spatial, Temporal int8
}

// AllLayers, as Target.Spatial or Target.Temporal, are all that there are.
const AllLayers = codec.MaxSelection

// Config is what a Stream is made of.
type Config struct {
	Codec     codec.Codec
	ClockRate uint32 // RTP ticks per second
	// FirstSequence and FirstTimestamp are the first packet's numbers. They should
	// be random (RFC 3550 §5.1).
	FirstSequence  uint16
	FirstTimestamp uint32
	// Memory is how many of the newest outgoing numbers Lookup remembers: a power of
	// two up to 32768. Another value is rounded up to one.
	Memory int
}

// Input is one received packet of one layer.
type Input struct {
	Layer     int8
	Ext       int64 // sequence number within the layer, unwrapped
	Timestamp uint32
	Marker    bool
	Payload   []byte // without padding
	Info      codec.Info
	// Earlier tells which packets before this one are at hand as redundancy, bit 0
	// being the one with the number before.
	Earlier uint8
}

// source is what a Stream knows of one layer, whether it flows or not.
type source struct {
	seen     bool
	newest   int64 // the highest Ext pushed
	hasKey   bool
	keyframe uint32 // timestamp of the newest keyframe
	report   report
}

// flow is what happens to packets of the current layer.
type flow uint8

const (
	idle    flow = iota // never began, or paused: only the target may begin a run
	broken              // lost its thread: a keyframe of the current layer also will do
	running             // they pass
)

// Stream is one subscription to one track. It is not safe for concurrent use.
type Stream struct {
	codec codec.Codec
	video bool

	target  Target
	current int8 // layer
	flow    flow
	layers  [MaxLayers]source

	numbers  numbers
	selector selector
	clock    clock
	pictures pictures
	memory   memory

	redundancy uint8 // what SetRedundancy said

	first int64 // the first number sent, 0 before that
	key   int64 // the number with which the newest keyframe that was sent begins

	packets, octets uint32
}

// NewStream returns a Stream that is paused: SetTarget starts it.
func NewStream(c Config) *Stream {
	s := &Stream{
		codec:    c.Codec,
		video:    c.Codec.IsVideo(),
		target:   Target{Layer: noLayer},
		current:  noLayer,
		numbers:  newNumbers(c.FirstSequence),
		pictures: pictures{codec: c.Codec},
		memory:   newMemory(c.Memory),
	}
	s.clock = newClock(c.ClockRate, c.FirstTimestamp, s.video)
	return s
}

// SetTarget says what the viewer should get; layer -1, or one that a Stream can't
// have, pauses. It takes effect within Push, at the first packet where it may:
//
// Another layer begins at its next keyframe, until which the current one flows
// on, and at once with the wanted layers within it; audio switches at the next packet.
//
// Within a layer's stream fewer temporal layers count from the next picture on, more
// from the next switch point. Fewer spatial layers count from the next picture on,
// except with layers that are independent between keyframes (K-SVC), which
// change at a keyframe; more of them count at a keyframe, or at a switch
// point where the stream has any.
func (s *Stream) SetTarget(t Target) {
	if !valid(t.Layer) {
		t.Layer = noLayer
	}
	t.Spatial, t.Temporal = clamp(t.Spatial), clamp(t.Temporal)
	s.target = t
	s.selector.target = codec.Select(uint8(t.Spatial), uint8(t.Temporal)) //nolint:gosec // 0 to AllLayers
}

// MaxRedundancy is how many packets back redundancy may reach.
const MaxRedundancy = 4

// SetRedundancy says which packets before it each packet of sound carries once more, if
// they are at hand and were sent: bit 0 is the one before, and so on up to MaxRedundancy.
func (s *Stream) SetRedundancy(mask uint8) {
	if !s.video {
		s.redundancy = mask & (1<<MaxRedundancy - 1)
	}
}

// redundant is what of the redundancy packet in can carry: what the viewer was sent, or
// should have been, in this run.
func (s *Stream) redundant(in *Input) uint8 {
	mask := s.redundancy & in.Earlier
	for back := int64(1); mask>>(back-1) != 0; back++ {
		if _, place := s.numbers.find(in.Ext - back); place != within {
			mask &^= 1 << (back - 1)
		}
	}
	return mask
}

// clamp is a layer index that makes sense.
func clamp(layer int8) int8 { return min(max(layer, 0), AllLayers) }

// Target is what the viewer should get; its layer is -1 while paused.
func (s *Stream) Target() Target { return s.target }

// Current is what flows or flowed last; its layer is -1 before anything flowed.
// Its Spatial and Temporal are those of the packets, never beyond what the
// publisher sends.
func (s *Stream) Current() Target {
	if s.current == noLayer {
		return Target{Layer: noLayer}
	}
	spatial, temporal := s.selector.flowing()
	return Target{Layer: s.current, Spatial: spatial, Temporal: temporal}
}

// Sent is how many packets were forwarded; it wraps.
func (s *Stream) Sent() uint32 { return s.packets }

// Timestamp is the newest outgoing one, for padding.
func (s *Stream) Timestamp() uint32 { return uint32(s.clock.top) } //nolint:gosec // cut to the wire's width

// WantsKeyframe tells the layer whose keyframe the Stream waits for: to begin with
// that layer, or to change to other spatial layers within it.
func (s *Stream) WantsKeyframe() (layer int8, ok bool) {
	if !s.video || s.target.Layer == noLayer || s.onTarget() && !s.selector.wantsKeyframe() {
		return noLayer, false
	}
	return s.target.Layer, true
}

// onTarget: the target layer is what flows.
func (s *Stream) onTarget() bool { return s.flow == running && s.target.Layer == s.current }

// Restart says that the layer's source began anew: its sequence numbers,
// timestamps and sender reports have nothing to do with those before. What was
// sent of it can't be looked up any more, since its numbers may now name other packets.
func (s *Stream) Restart(layer int8) {
	if !valid(layer) {
		return
	}
	s.layers[layer] = source{}
	s.memory.forget(layer)
	if layer != s.current {
		return
	}
	if s.flow == running {
		s.flow = broken
	}
	s.clock.unlink()
}

func valid(layer int8) bool { return layer >= 0 && layer < MaxLayers }

// elapsed is the time from then to now, never negative: callers read their
// clocks before they take their locks.
func elapsed(then, now time.Duration) time.Duration { return max(0, now-then) }
