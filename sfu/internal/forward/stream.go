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
	NumVerdicts
)

// String is the verdict's name in metrics.
func (v Verdict) String() string {
	names := [NumVerdicts]string{"forward", "paused", "layer", "keyframe", "late", "duplicate", "empty"}
	if v >= NumVerdicts {
		return "unknown"
	}
	return names[v]
}

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

	target, current int8
	flow            flow
	layers          [MaxLayers]source

	numbers numbers
	clock   clock
	vp8     vp8
	memory  memory

	packets, octets uint32
}

// NewStream returns a Stream that is paused: SetTarget starts it.
func NewStream(c Config) *Stream {
	s := &Stream{
		codec:   c.Codec,
		video:   c.Codec.IsVideo(),
		target:  noLayer,
		current: noLayer,
		numbers: newNumbers(c.FirstSequence),
		memory:  newMemory(c.Memory),
	}
	s.clock = newClock(c.ClockRate, c.FirstTimestamp, s.video)
	return s
}

// SetTarget says which layer the viewer should get; -1 pauses. Video switches
// within Push at the next keyframe of that layer, until which the current layer
// flows on; audio switches at its next packet. A layer that a Stream can't have pauses.
func (s *Stream) SetTarget(layer int8) {
	if !valid(layer) {
		layer = noLayer
	}
	s.target = layer
}

// Target is the layer that the viewer should get, -1 while paused.
func (s *Stream) Target() int8 { return s.target }

// Current is the layer that flows or flowed last, -1 before anything flowed.
func (s *Stream) Current() int8 { return s.current }

// Timestamp is the newest outgoing one, for padding.
func (s *Stream) Timestamp() uint32 { return uint32(s.clock.top) } //nolint:gosec // cut to the wire's width

// WantsKeyframe tells the layer whose keyframe the Stream waits for.
func (s *Stream) WantsKeyframe() (layer int8, ok bool) {
	if !s.video || s.target == noLayer || s.onTarget() {
		return noLayer, false
	}
	return s.target, true
}

// onTarget: the target layer is what flows.
func (s *Stream) onTarget() bool { return s.flow == running && s.target == s.current }

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
