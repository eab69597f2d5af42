package repair

import (
	"cmp"
	"slices"
	"time"
)

// How missing packets are asked for. The first request waits a little, because
// packets also overtake each other; from then on a request has a round trip
// and a quarter to be answered.
const (
	firstAskAfter   = 15 * time.Millisecond
	firstAskPackets = 2
	minAskInterval  = 20 * time.Millisecond
	unknownRTT      = 100 * time.Millisecond
	maxTries        = 8
	giveUpAfter     = time.Second

	maxMissing = 256
	maxJump    = 512
	window     = 1024 // numbers behind the highest of which arrival is remembered
)

// Arrival says what a packet is to the layer's order.
type Arrival uint8

// The kinds of arrival. All but Duplicate and Old are new to the layer.
const (
	// InOrder is a packet ahead of all before it, or the first.
	InOrder Arrival = iota
	// Reordered came late, before it was asked for.
	Reordered
	// Recovered was missing and had been asked for.
	Recovered
	// Duplicate arrived before.
	Duplicate
	// Old was given up, or is further behind than the tracker remembers.
	Old
)

// Tracker finds what is missing of one layer. The zero value is ready.
//
// Sequence numbers are extended (see wire.Unwrapper); a packet restored from a
// retransmission counts under its original number.
type Tracker struct {
	started  bool
	gap      bool
	gaveUp   bool
	first    int64
	highest  int64
	advances uint64 // packets that moved highest
	missing  []missing
	received [window / 64]uint64 // a bit per number in (highest-window, highest]

	asked, recovered, lost uint64
}

type missing struct {
	ext      int64
	seen     time.Duration // when the gap was noticed
	next     time.Duration // when to ask, or ask again, or give up
	advances uint64        // the tracker's, at the last packet before the gap
	tries    uint8
}

// Receive notes the arrival of packet ext and says what it is.
func (t *Tracker) Receive(now time.Duration, ext int64) Arrival {
	switch {
	case !t.started:
		t.started, t.first, t.highest = true, ext, ext
		t.mark(ext)
		return InOrder
	case ext > t.highest:
		t.advance(now, ext)
		return InOrder
	case ext <= t.highest-window:
		return Old
	case t.marked(ext):
		return Duplicate
	}
	t.mark(ext)
	i, found := t.find(ext)
	switch {
	case found && t.missing[i].tries > 0:
		t.missing = slices.Delete(t.missing, i, i+1)
		t.recovered++
		return Recovered
	case found:
		t.missing = slices.Delete(t.missing, i, i+1)
		return Reordered
	case ext < t.first:
		// The very first packets of a layer may arrive in any order.
		return Reordered
	default:
		return Old
	}
}

// Lacks reports whether packet ext would be new and of use: it is ahead of all others,
// or missing and not given up.
func (t *Tracker) Lacks(ext int64) bool {
	if !t.started || ext > t.highest {
		return t.started
	}
	_, found := t.find(ext)
	return found
}

func (t *Tracker) find(ext int64) (int, bool) {
	return slices.BinarySearchFunc(t.missing, ext, func(m missing, ext int64) int {
		return cmp.Compare(m.ext, ext)
	})
}

// advance moves highest to ext and takes the numbers in between as missing.
func (t *Tracker) advance(now time.Duration, ext int64) {
	from := t.highest + 1
	if ext-t.highest > maxJump {
		t.forget(len(t.missing))
		t.gap = true
		for n := max(from, ext-window+1); n < ext; n++ {
			t.unmark(n)
		}
	} else {
		for n := from; n < ext; n++ {
			t.unmark(n)
			t.missing = append(t.missing, missing{ext: n, seen: now, next: now + firstAskAfter, advances: t.advances})
		}
		if over := len(t.missing) - maxMissing; over > 0 {
			t.forget(over)
			t.gap = true
		}
	}
	t.highest = ext
	t.advances++
	t.mark(ext)
}

// forget gives up the oldest n missing packets.
func (t *Tracker) forget(n int) {
	t.missing = slices.Delete(t.missing, 0, n)
	t.lost += uint64(n)
}

// Gap reports, once each time, that packets were given up because too many
// were missing at once: the numbers jumped by more than 512, or over 256 were
// outstanding. No repair will make up for that; video wants a keyframe.
func (t *Tracker) Gap() bool {
	gap := t.gap
	t.gap = false
	return gap
}

// GaveUp reports, once each time, that Due gave up a packet. Nobody who missed its
// frame can be sent it; video that refers to it wants a keyframe.
func (t *Tracker) GaveUp() bool {
	gaveUp := t.gaveUp
	t.gaveUp = false
	return gaveUp
}

// Due appends to dst the numbers to ask for now, in order, and takes them as
// asked. What was asked for 8 times or is missing for a second is given up.
// rtt is the round-trip time to the publisher, 0 where unknown.
func (t *Tracker) Due(now, rtt time.Duration, dst []uint16) []uint16 {
	if rtt <= 0 {
		rtt = unknownRTT
	}
	interval := max(minAskInterval, rtt+rtt/4)
	kept := t.missing[:0]
	for _, m := range t.missing {
		due := m.next <= now || m.tries == 0 && t.overtaken(&m)
		if now-m.seen >= giveUpAfter || due && m.tries == maxTries {
			t.lost++
			t.gaveUp = true
			continue
		}
		if due {
			m.tries++
			m.next = now + interval
			t.asked++
			dst = append(dst, uint16(m.ext))
		}
		kept = append(kept, m)
	}
	t.missing = kept
	return dst
}

// Next is when Due has something to do next, now at the earliest; ok is false
// while nothing is missing. Any Receive may bring that forward.
func (t *Tracker) Next(now time.Duration) (at time.Duration, ok bool) {
	if len(t.missing) == 0 {
		return 0, false
	}
	at = t.missing[0].seen + giveUpAfter
	for i := range t.missing {
		m := &t.missing[i]
		if m.tries == 0 && t.overtaken(m) {
			return now, true
		}
		at = min(at, m.next, m.seen+giveUpAfter)
	}
	return max(at, now), true
}

// Stats are totals: sequence numbers asked for, each time counted; packets
// that arrived after they were asked for; packets given up.
func (t *Tracker) Stats() (asked, recovered, lost uint64) {
	return t.asked, t.recovered, t.lost
}

// overtaken reports whether enough later packets have arrived to take m as
// lost rather than late.
func (t *Tracker) overtaken(m *missing) bool {
	return t.advances-m.advances >= firstAskPackets
}

func (t *Tracker) mark(ext int64) {
	word, bit := place(ext)
	t.received[word] |= bit
}

func (t *Tracker) unmark(ext int64) {
	word, bit := place(ext)
	t.received[word] &^= bit
}

func (t *Tracker) marked(ext int64) bool {
	word, bit := place(ext)
	return t.received[word]&bit != 0
}

// place is where received has ext. Numbers a window apart share their place,
// so advance clears those that it passes over.
func place(ext int64) (word int, bit uint64) {
	i := uint64(ext) % window
	return int(i / 64), 1 << (i % 64)
}
