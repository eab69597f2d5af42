package bwe

import "time"

// The history of sent packets starts small and grows as long as packets are
// overwritten before feedback can have come: most viewers get 100–500 packets a
// second and never need more than a few thousand.
const (
	minHistory  = 512
	maxHistory  = 1 << 13         // 128 KiB; 1.5 s at 50 Mbit/s
	wantHistory = 3 * time.Second // a full second of queue, a slow path, and feedback every 250 ms
)

// fate is what is known of a sent packet.
type fate uint8

const (
	unsent   fate = iota // a number that was never used, or has been forgotten
	inFlight             // nothing reported yet
	unknown              // the feedback that would have told got lost itself
	missing              // reported as not received; may still arrive
	received
)

const ownUnit = 2 * time.Microsecond // maxOwn fits

// packet is one sent packet; 16 bytes.
type packet struct {
	at      time.Duration
	own     uint16 // queue that our own bursts explain, at the estimated rate, in ownUnit
	size    uint16
	again   bool  // sent before: a repair
	cluster uint8 // sent while this probe cluster was; 0 = none
	fate    fate
}

// load is the size of a packet as far as it may have caused loss. Repairs follow
// loss: a rate that counted them would be higher wherever more was lost, just as a
// limit has it.
func (p *packet) load() int {
	if p.again {
		return 0
	}
	return int(p.size)
}

// history holds the last packets by transport-wide sequence number.
type history struct {
	ring    []packet // power of two
	newest  int64    // unwrapped
	started bool
}

// unwrap extends sequence to the number nearest to the newest.
func (h *history) unwrap(sequence uint16) int64 {
	return h.newest + int64(int16(sequence-uint16(h.newest)))
}

func (h *history) slot(n int64) *packet { return &h.ring[n&int64(len(h.ring)-1)] }

// put notes a packet as sent.
func (h *history) put(sequence uint16, p packet) {
	if !h.started {
		if h.ring == nil {
			h.ring = make([]packet, minHistory)
		}
		h.started, h.newest = true, 1<<16+int64(sequence)
		*h.slot(h.newest) = p
		return
	}
	n := h.unwrap(sequence)
	if n <= h.newest-int64(len(h.ring)) {
		return // older than all that is remembered
	}
	if n > h.newest {
		if old := h.slot(n); n == h.newest+1 && old.fate != unsent && p.at-old.at < wantHistory && len(h.ring) < maxHistory {
			h.grow()
		}
		for skipped := max(h.newest+1, n-int64(len(h.ring))+1); skipped < n; skipped++ {
			*h.slot(skipped) = packet{}
		}
		h.newest = n
	}
	*h.slot(n) = p
}

func (h *history) grow() {
	old := *h
	h.ring = make([]packet, 2*len(old.ring))
	for n := old.newest - int64(len(old.ring)) + 1; n <= old.newest; n++ {
		*h.slot(n) = *old.slot(n)
	}
}

// get returns the packet with an unwrapped number, nil where it isn't known.
func (h *history) get(n int64) *packet {
	if !h.started || n > h.newest || n <= h.newest-int64(len(h.ring)) {
		return nil
	}
	if p := h.slot(n); p.fate != unsent {
		return p
	}
	return nil
}
