package client

import "time"

// reorderWindow is how many packets a frame may wait for one that is missing. It is
// a power of two.
const reorderWindow = 2048

const (
	packetHere = 1 << iota
	packetEnds // a frame: the RTP marker
)

// frames follows which frames of a video a decoder could show and when: each needs
// all packets since the last key frame that it could begin with. It is told of
// packets with unwrapped numbers and keeps no time of its own.
type frames struct {
	seen    [reorderWindow]uint8 // of the last numbers up to highest
	highest int64
	started bool  // a packet came
	playing bool  // next means something
	next    int64 // number that is to come next
	hasKey  bool
	key     int64 // first packet of the newest key frame beyond next
	shown   uint64
	shownAt time.Duration // the last
	longest time.Duration // between two
}

// add takes a packet, each number once. begins is true for the first packet of a
// key frame, ends for the last of any frame. skipped is true where a key frame made
// what is missing before next needless.
func (f *frames) add(at time.Duration, number int64, begins, ends bool) (skipped bool) {
	if !f.started {
		f.started, f.highest = true, number-1
	}
	if number <= f.highest-reorderWindow || f.playing && number < f.next {
		return false
	}
	for f.highest < number {
		f.highest++
		f.seen[f.highest%reorderWindow] = 0
		if f.highest-f.next >= reorderWindow {
			f.playing = false // what is missing was forgotten
		}
		if f.highest-f.key >= reorderWindow {
			f.hasKey = false
		}
	}
	mark := uint8(packetHere)
	if ends {
		mark |= packetEnds
	}
	if begins && (!f.hasKey || number > f.key) {
		f.hasKey, f.key = true, number
	}
	f.seen[number%reorderWindow] = mark
	if f.playing {
		f.next, _ = f.through(at, f.next)
	}
	if f.hasKey && (!f.playing || f.key > f.next) {
		if next, whole := f.through(at, f.key); whole {
			f.next, f.playing, skipped = next, true, true
		}
	}
	if f.playing && f.hasKey && f.key < f.next {
		f.hasKey = false
	}
	return skipped
}

// through goes on from a number as far as packets are here, and shows the frames
// that end on the way; whole is true where one did.
func (f *frames) through(at time.Duration, from int64) (next int64, whole bool) {
	for next = from; next <= f.highest && f.seen[next%reorderWindow]&packetHere != 0; next++ {
		if f.seen[next%reorderWindow]&packetEnds != 0 {
			whole = true
			f.show(at)
		}
	}
	return next, whole
}

func (f *frames) show(at time.Duration) {
	if f.shown > 0 {
		f.longest = max(f.longest, at-f.shownAt)
	}
	f.shown++
	f.shownAt = at
}
