package repair

import "time"

const (
	watched = 1024 // packets of which a Watch remembers what they were: 2 s of 5 Mbit/s
	maxLost = 256
	// minUnasked is how long a loss may go without being asked for, where the round trip
	// is short: a request is lost as well at times, and repeated a round trip later.
	minUnasked = 200 * time.Millisecond
)

// Left is a packet that left for a viewer: when, the stream, and the number that it has, or
// repeats.
type Left struct {
	At     time.Duration
	SSRC   uint32
	Number uint16
}

// Watch finds, in a viewer's transport-wide feedback, losses that may go unasked: of the
// last packet before a pause, which no later one betrays; or of a repeat after which
// the viewer stopped asking. The caller knows what was asked for. The zero value is ready.
type Watch struct {
	sent []watchedPacket // by transport-wide number, modulo its size; made with the first
	lost []lostPacket    // oldest first
}

type watchedPacket struct {
	Left
	sequence uint16
	waits    bool // for feedback
	arrived  bool
}

type lostPacket struct {
	Left
	at time.Duration
}

// Sent notes what left under a transport-wide number.
func (w *Watch) Sent(sequence uint16, what Left) {
	if w.sent == nil {
		w.sent = make([]watchedPacket, watched)
	}
	w.sent[sequence%watched] = watchedPacket{what, sequence, true, false}
}

// Feedback notes whether the packet with that transport-wide number arrived. It returns
// when the packet left; ok is false where that isn't known, or feedback came before.
func (w *Watch) Feedback(now time.Duration, sequence uint16, arrived bool) (left time.Duration, ok bool) {
	if w.sent == nil {
		return 0, false
	}
	p := &w.sent[sequence%watched]
	if !p.waits || p.sequence != sequence {
		return 0, false
	}
	p.waits, p.arrived = false, arrived
	if !arrived && len(w.lost) < maxLost && !w.twin(p, sequence-1) && !w.twin(p, sequence+1) {
		w.lost = append(w.lost, lostPacket{p.Left, now})
	}
	return p.At, true
}

// twin reports whether the packet with a number beside p's is a copy of p that arrived, or
// may have.
func (w *Watch) twin(p *watchedPacket, sequence uint16) bool {
	other := &w.sent[sequence%watched]
	return other.sequence == sequence && other.Left == p.Left && (other.waits || other.arrived)
}

// Due appends to dst the losses that the viewer had the time to ask for, oldest first.
// Each is told once.
func (w *Watch) Due(now, rtt time.Duration, dst []Left) []Left {
	n := 0
	for n < len(w.lost) && now-w.lost[n].at >= max(minUnasked, 2*rtt) {
		dst = append(dst, w.lost[n].Left)
		n++
	}
	w.lost = w.lost[:copy(w.lost, w.lost[n:])]
	return dst
}
