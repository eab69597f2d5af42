package forward

import (
	"math/bits"
	"time"

	"plenum/sfu/internal/wire"
)

const (
	maxMemory = 1 << 15 // half of the numbers there are
	// maxAnswers is how often one packet is repeated for a viewer that keeps asking.
	maxAnswers = 3
	// minAgain is the least time between two repeats of a packet, whatever the
	// round trip: viewers repeat their requests about this often.
	minAgain = 20 * time.Millisecond
)

// LookupResult is the outcome of Lookup.
type LookupResult uint8

// The outcomes of Lookup.
const (
	Hit      LookupResult = iota
	Unknown               // never sent, or too long ago
	TooSoon               // a repeat may still be on its way
	TooOften              // repeated three times already
	NumLookupResults
)

// String is the result's name in metrics.
func (r LookupResult) String() string {
	names := [NumLookupResults]string{"hit", "unknown", "too_soon", "too_often"}
	if r >= NumLookupResults {
		return "invalid"
	}
	return names[r]
}

// Found is a packet sent before: where its bytes come from and the edit that it went out with.
type Found struct {
	Layer int8
	Ext   int64
	Edit  wire.Edit
}

// sent is one remembered packet, in 32 bytes: there are many of them.
type sent struct {
	ext       int64
	out       uint32 // low bits of the outgoing number; they tell it from those that shared its slot
	timestamp uint32
	answered  uint32 // time of the newest answer, in milliseconds
	frame     uint16
	patch     [wire.MaxPatch]byte
	patchLen  uint8
	layer     int8 // noLayer: nothing here
	answers   uint8
	flags     sentFlags
}

// sentFlags are the yes-or-no fields of an edit.
type sentFlags uint8

const (
	sentMarker sentFlags = 1 << iota
	sentEmpty
	sentRenumber
)

// edit is the edit with which the packet went out as that number.
func (e *sent) edit(sequence uint16) wire.Edit {
	return wire.Edit{
		Sequence: sequence, Timestamp: e.timestamp, PatchLen: e.patchLen, Patch: e.patch, Frame: e.frame,
		Marker: e.flags&sentMarker != 0, Empty: e.flags&sentEmpty != 0, Renumber: e.flags&sentRenumber != 0,
	}
}

// memory is a ring of what was sent, by outgoing number.
type memory struct{ ring []sent }

func newMemory(size int) memory {
	size = min(max(size, 1), maxMemory)
	m := memory{ring: make([]sent, 1<<bits.Len(uint(size-1)))}
	for i := range m.ring {
		m.ring[i].layer = noLayer
	}
	return m
}

func (m *memory) size() int64 { return int64(len(m.ring)) }

func (m *memory) slot(out int64) *sent { return &m.ring[out&int64(len(m.ring)-1)] }

func (m *memory) holds(out int64) bool {
	e := m.slot(out)
	return e.layer != noLayer && e.out == uint32(out)
}

func (m *memory) put(out int64, layer int8, ext int64, edit *wire.Edit) {
	var flags sentFlags
	if edit.Marker {
		flags |= sentMarker
	}
	if edit.Empty {
		flags |= sentEmpty
	}
	if edit.Renumber {
		flags |= sentRenumber
	}
	*m.slot(out) = sent{
		ext: ext, out: uint32(out), layer: layer, flags: flags, frame: edit.Frame,
		timestamp: edit.Timestamp, patch: edit.Patch, patchLen: edit.PatchLen,
	}
}

// forget drops everything sent of a layer.
func (m *memory) forget(layer int8) {
	for i := range m.ring {
		if m.ring[i].layer == layer {
			m.ring[i].layer = noLayer
		}
	}
}

// Lookup answers a viewer that misses an outgoing number, at now, rtt being the
// round trip to it. A Hit counts as an answer: the packet is to be sent again.
func (s *Stream) Lookup(now, rtt time.Duration, sequence uint16) (Found, LookupResult) {
	behind := uint16(s.numbers.top) - sequence
	out := s.numbers.top - int64(behind)
	if !s.memory.holds(out) {
		return Found{}, Unknown
	}
	e := s.memory.slot(out)
	if e.answers >= maxAnswers {
		return Found{}, TooOften
	}
	ms := uint32(now.Milliseconds())
	since := time.Duration(int32(ms-e.answered)) * time.Millisecond
	if e.answers > 0 && since < max(rtt, minAgain) {
		return Found{}, TooSoon
	}
	e.answers++
	e.answered = ms
	return Found{Layer: e.layer, Ext: e.ext, Edit: e.edit(sequence)}, Hit
}

// Recent is the packet that went out under the i-th newest number, 0 being the
// newest. Unlike Lookup it counts as no answer: it is for those who repeat packets
// as padding. There is none where the number is still a hole, was only filled,
// or is forgotten; then others may still be further back, up to Config.Memory.
func (s *Stream) Recent(i int) (Found, bool) {
	if i < 0 || int64(i) >= s.memory.size() {
		return Found{}, false
	}
	out := s.numbers.top - int64(i)
	e := s.memory.slot(out)
	if !s.memory.holds(out) || e.flags&sentEmpty != 0 {
		return Found{}, false
	}
	return Found{Layer: e.layer, Ext: e.ext, Edit: e.edit(uint16(out))}, true
}
