package history

import (
	"math/bits"
	"sync"
	"time"
)

const (
	// firstSlots are enough for a second of audio at 20 ms or some frames of
	// video; most layers never need to grow beyond a few times that.
	firstSlots = 64
	// sizeClass rounds buffer sizes up, so that packets a little larger than
	// the last one in a slot don't each cost an allocation.
	sizeClass = 64
)

// Ring holds the packets of about the last span of time, by extended sequence
// number. It starts small and doubles while packets would be overwritten that
// are younger than span, up to its largest size. Its methods may be called
// from any goroutine.
type Ring struct {
	span     time.Duration
	maxSlots int

	mu      sync.Mutex
	slots   []slot // a power of two of them; a packet is at its number modulo that
	highest int64  // of all put since the last Reset
	empty   bool
}

type slot struct {
	ext  int64
	at   time.Duration
	size int
	used bool
	buf  []byte // kept and reused when the slot's packet is replaced
}

// NewRing makes a Ring that aims to hold packets for span and never holds more
// than maxPackets, which is rounded up to a power of two.
func NewRing(span time.Duration, maxPackets int) *Ring {
	maxSlots := 1
	if maxPackets > 1 {
		maxSlots = 1 << bits.Len(uint(maxPackets-1))
	}
	return &Ring{
		span:     span,
		maxSlots: maxSlots,
		slots:    make([]slot, min(firstSlots, maxSlots)),
		empty:    true,
	}
}

// Put copies raw, the packet with extended sequence number ext that arrived at
// now. It is false, and nothing is stored, where that packet is held already
// or is older than all that the ring has room for.
func (r *Ring) Put(now time.Duration, ext int64, raw []byte) (fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.empty {
		r.empty, r.highest = false, ext
	}
	if ext <= r.highest-int64(len(r.slots)) {
		return false
	}
	s := r.at(ext)
	if s.used && s.ext == ext {
		return false
	}
	if ext > r.highest {
		if s.used && now-s.at < r.span && len(r.slots) < r.maxSlots {
			r.grow()
			s = r.at(ext)
		}
		r.highest = ext
	}
	if cap(s.buf) < len(raw) {
		s.buf = make([]byte, (len(raw)+sizeClass-1)/sizeClass*sizeClass)
	}
	s.size = copy(s.buf[:cap(s.buf)], raw)
	s.ext, s.at, s.used = ext, now, true
	return true
}

// Get appends the bytes of packet ext to dst. Where the packet isn't held, it
// returns dst as it is and false.
func (r *Ring) Get(ext int64, dst []byte) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.at(ext)
	if !s.used || s.ext != ext {
		return dst, false
	}
	return append(dst, s.buf[:s.size]...), true
}

// Since is the newest packet, and how many bytes are held from ext to there; false where
// ext isn't held.
func (r *Ring) Since(ext int64) (newest int64, bytes int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.at(ext); !s.used || s.ext != ext {
		return 0, 0, false
	}
	for e := ext; e <= r.highest; e++ {
		if s := r.at(e); s.used && s.ext == e {
			bytes += s.size
		}
	}
	return r.highest, bytes, true
}

// Reset forgets every packet, for a source whose numbering starts anew. The
// memory is kept.
func (r *Ring) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.slots {
		r.slots[i].used = false
	}
	r.empty = true
}

func (r *Ring) at(ext int64) *slot {
	return &r.slots[ext&int64(len(r.slots)-1)]
}

// grow doubles the slots. Two numbers that differ modulo the old size differ
// modulo the new one, so every packet keeps a slot of its own.
func (r *Ring) grow() {
	old := r.slots
	r.slots = make([]slot, 2*len(old))
	for i := range old {
		if old[i].used {
			*r.at(old[i].ext) = old[i]
		}
	}
}
