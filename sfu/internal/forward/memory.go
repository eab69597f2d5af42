package forward

import (
	"math"
	"math/bits"
	"time"

	"plenum/sfu/internal/wire"
)

const (
	maxMemory = 1 << 15 // half of the numbers there are
	// maxAsks is how often a viewer may ask for one packet, and how often it is repeated
	// at most: browsers ask ten times and then wait seconds for a keyframe to come.
	maxAsks = 10
	// minAgain is the least time between two repeats of a packet, whatever the
	// round trip: viewers repeat their requests about this often.
	minAgain = 20 * time.Millisecond
)

// LookupResult is the outcome of Lookup.
type LookupResult uint8

// The outcomes of Lookup.
const (
	Hit       LookupResult = iota
	Unknown                // never sent
	TooSoon                // a repeat may still be on its way
	TooOften               // asked for, or repeated, ten times already
	Passed                 // sent before the newest keyframe, with which the viewer goes on
	Hole                   // lost on its way from the publisher; it may still come
	Forgotten              // sent too long ago
	NumLookupResults
)

// String is the result's name in metrics.
func (r LookupResult) String() string {
	names := [NumLookupResults]string{"hit", "unknown", "too_soon", "too_often", "passed", "hole", "forgotten"}
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
	Upper bool // of a temporal layer that no lower one refers to
	Again bool // it was repeated before
}

// sent is one remembered packet, in 32 bytes: there are many of them.
type sent struct {
	ext       int64
	out       uint32 // low bits of the outgoing number; they tell it from those that shared its slot
	timestamp uint32
	answered  uint32 // time of the newest answer, in milliseconds; it wraps
	frame     uint16
	patch     [wire.MaxPatch]byte
	patchLen  uint8
	layer     int8  // noLayer: nothing here
	asks      uint8 // the low half counts repeats, the high half requests
	flags     sentFlags
}

// sentFlags are the yes-or-no fields of an edit and, in the upper half, its redundancy.
type sentFlags uint8

const (
	sentMarker sentFlags = 1 << iota
	sentEmpty
	sentRenumber
	sentUpper

	sentRedundancy = 8 - MaxRedundancy // the shift
)

// asked counts a request and reports how many there were, repeated how many repeats.
func (e *sent) asked() int {
	if e.asks>>4 < 15 {
		e.asks += 1 << 4
	}
	return int(e.asks >> 4)
}

func (e *sent) repeated() int { return int(e.asks & 15) }

// edit is the edit with which the packet went out as that number.
func (e *sent) edit(sequence uint16) wire.Edit {
	return wire.Edit{
		Sequence: sequence, Timestamp: e.timestamp, PatchLen: e.patchLen, Patch: e.patch, Frame: e.frame,
		Marker: e.flags&sentMarker != 0, Empty: e.flags&sentEmpty != 0, Renumber: e.flags&sentRenumber != 0,
		Redundant: uint8(e.flags >> sentRedundancy),
	}
}

// memory is a ring of what was sent, by outgoing number. It begins small and
// grows, up to most, rather than forget what went out within the time remembered:
// most subscriptions are to sound and small pictures, whose packets are few.
type memory struct {
	ring  []sent
	most  int
	floor int64 // numbers up to this are forgotten, whatever the ring has room for
	// first is the number that the quarter of the ring began with which is being
	// filled, began when that and the quarters before did.
	first int64
	began [quarters]time.Duration
}

const (
	// firstMemory is the size of a ring that may grow.
	firstMemory = 64
	// remembered is for how long what was sent is held, if there is room for it:
	// two round trips around the world, and more of any other.
	remembered = 750 * time.Millisecond
	quarters   = 4
	longAgo    = math.MinInt64 / 2
)

func newMemory(most int) memory {
	most = min(max(most, 1), maxMemory)
	most = 1 << bits.Len(uint(most-1))
	return memory{ring: newRing(min(most, firstMemory)), most: most}
}

func newRing(size int) []sent {
	ring := make([]sent, size)
	for i := range ring {
		ring[i].layer = noLayer
	}
	return ring
}

func (m *memory) size() int64 { return int64(len(m.ring)) }

// reaches reports whether a number up to top is still remembered, or remembered as a hole.
func (m *memory) reaches(out, top int64) bool { return out > max(top-m.size(), m.floor) }

func (m *memory) slot(out int64) *sent { return &m.ring[out&int64(len(m.ring)-1)] }

func (m *memory) holds(out int64) bool {
	e := m.slot(out)
	return e.layer != noLayer && e.out == uint32(out)
}

// advance makes room for out, which is above top, the highest number before.
func (m *memory) advance(now time.Duration, top, out int64) {
	if m.first == 0 {
		m.first, m.began = out, [quarters]time.Duration{now, longAgo, longAgo, longAgo}
	}
	for out-m.first >= m.quarter() {
		// The quarter that begins overwrites the oldest, whose last number went
		// out before the one after it began.
		if now-m.began[2] < remembered && len(m.ring) < m.most {
			m.grow(top)
			continue
		}
		m.first += m.quarter()
		m.began = [quarters]time.Duration{now, m.began[0], m.began[1], m.began[2]}
	}
}

func (m *memory) quarter() int64 { return max(m.size()/quarters, 1) }

// grow doubles the ring, in which the numbers up to top are.
func (m *memory) grow(top int64) {
	m.floor = max(m.floor, top-m.size())
	m.first -= m.quarter()
	m.began = [quarters]time.Duration{m.began[1], m.began[3], longAgo, longAgo}
	old := m.ring
	m.ring = newRing(2 * len(old))
	for i := range old {
		if e := &old[i]; e.layer != noLayer {
			*m.slot(int64(e.out)) = *e
		}
	}
}

func (m *memory) put(out int64, layer int8, ext int64, edit *wire.Edit, upper bool) {
	flags := sentFlags(edit.Redundant << sentRedundancy)
	if upper {
		flags |= sentUpper
	}
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
// round trip to it. A Hit counts as an answer: the packet is to be sent again. Of what
// is TooOften, Found still says whether it is Upper.
func (s *Stream) Lookup(now, rtt time.Duration, sequence uint16) (Found, LookupResult) {
	e, result := s.remembered(sequence)
	if result != Hit {
		return Found{}, result
	}
	if e.asked() > maxAsks || e.repeated() >= maxAsks {
		return Found{Upper: e.flags&sentUpper != 0}, TooOften
	}
	ms := uint32(now.Milliseconds())
	since := time.Duration(int32(ms-e.answered)) * time.Millisecond
	if e.repeated() > 0 && since < max(rtt, minAgain) {
		return Found{}, TooSoon
	}
	e.asks++
	e.answered = ms
	return Found{
		Layer: e.layer, Ext: e.ext, Edit: e.edit(sequence),
		Upper: e.flags&sentUpper != 0, Again: e.repeated() > 1,
	}, Hit
}

// Refuse notes that a request for a number is not answered though it could be. It is
// TooOften when the viewer won't ask for it again, TooSoon before.
func (s *Stream) Refuse(sequence uint16) (Found, LookupResult) {
	e, result := s.remembered(sequence)
	if result != Hit {
		return Found{}, result
	}
	if e.asked() >= maxAsks {
		return Found{Upper: e.flags&sentUpper != 0}, TooOften
	}
	return Found{}, TooSoon
}

// Find tells what Lookup would find under a number, Hit where it is remembered, and
// counts as no request.
func (s *Stream) Find(sequence uint16) LookupResult {
	_, result := s.remembered(sequence)
	return result
}

// Repeated reports whether a number was repeated after at, give or take what batches take;
// the result is as Find's.
func (s *Stream) Repeated(at time.Duration, sequence uint16) (bool, LookupResult) {
	e, result := s.remembered(sequence)
	if result != Hit {
		return false, result
	}
	since := time.Duration(int32(e.answered-uint32(at.Milliseconds()))) * time.Millisecond
	return e.repeated() > 0 && since > minAgain/2, Hit
}

// remembered finds what went out under a number; the result is Hit where there is any
// use in that.
func (s *Stream) remembered(sequence uint16) (*sent, LookupResult) {
	behind := uint16(s.numbers.top) - sequence
	out := s.numbers.top - int64(behind)
	switch {
	case s.first == 0 || behind >= maxMemory || out < s.first:
		return nil, Unknown
	case s.video && out < s.key:
		return nil, Passed
	case s.memory.holds(out):
		return s.memory.slot(out), Hit
	case s.memory.reaches(out, s.numbers.top):
		return nil, Hole
	}
	return nil, Forgotten
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
