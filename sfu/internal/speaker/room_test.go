package speaker

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const (
	packet = 20 * time.Millisecond  // one per track
	period = 100 * time.Millisecond // of Update
)

// room plays tracks into a Detector in virtual time. A voice gives a track's
// level at a time; ok is false where it sends nothing.
type room struct {
	t        *testing.T
	d        *Detector
	now      time.Duration
	voices   map[uint32]func(time.Duration) (level uint8, ok bool)
	speakers []Speaker
	changes  []change
}

// change is one update worth telling.
type change struct {
	at  time.Duration
	ids []uint32
}

func newRoom(t *testing.T) *room {
	return &room{t: t, d: New(), voices: make(map[uint32]func(time.Duration) (uint8, bool))}
}

// run plays until the given time and checks every update.
func (r *room) run(until time.Duration) {
	r.t.Helper()
	for ; r.now < until; r.now += packet {
		for id, voice := range r.voices {
			if level, ok := voice(r.now); ok {
				r.d.Level(id, level, r.now)
			}
		}
		if r.now%period == 0 {
			r.update()
		}
	}
}

func (r *room) update() {
	r.t.Helper()
	before := slices.Clone(r.speakers)
	old := r.speakers
	speakers, changed := r.d.Update(r.now)
	if !slices.Equal(before, old) {
		r.t.Errorf("%v: speakers told earlier were changed to %v", r.now, old)
	}
	if !changed && !slices.Equal(speakers, before) {
		r.t.Errorf("%v: unchanged, but %v became %v", r.now, before, speakers)
	}
	for i, s := range speakers {
		if !(s.Level >= 0 && s.Level <= 1) {
			r.t.Errorf("%v: level %v", r.now, s.Level)
		}
		if slices.ContainsFunc(speakers[:i], func(o Speaker) bool { return o.ID == s.ID }) {
			r.t.Errorf("%v: %d twice", r.now, s.ID)
		}
	}
	r.speakers = speakers
	if changed {
		r.changes = append(r.changes, change{r.now, r.ids()})
	}
}

func (r *room) ids() []uint32 {
	var ids []uint32
	for _, s := range r.speakers {
		ids = append(ids, s.ID)
	}
	return ids
}

// want fails unless these are speaking now, in this order.
func (r *room) want(ids ...uint32) {
	r.t.Helper()
	if !slices.Equal(r.ids(), ids) {
		r.t.Errorf("%v: speaking %v, want %v", r.now, r.ids(), ids)
	}
}

// orders returns the distinct sets and orders in which speakers were told.
func (r *room) orders() [][]uint32 {
	var all [][]uint32
	for _, c := range r.changes {
		all = append(all, c.ids)
	}
	return slices.CompactFunc(all, func(a, b []uint32) bool { return slices.Equal(a, b) })
}

// first returns when id was first told, or -1.
func (r *room) first(id uint32) time.Duration {
	for _, c := range r.changes {
		if slices.Contains(c.ids, id) {
			return c.at
		}
	}
	return -1
}

// steady is a track with one level.
func steady(level uint8) func(time.Duration) (uint8, bool) {
	return func(time.Duration) (uint8, bool) { return level, true }
}

// noise is a level with a spread to both sides.
func noise(seed uint64, level, spread int) func(time.Duration) (uint8, bool) {
	r := rand.New(rand.NewPCG(seed, 1))
	return func(time.Duration) (uint8, bool) {
		return uint8(level - spread + r.IntN(2*spread+1)), true
	}
}

// speech is talk at about a level while on says so, with the pauses of speech:
// syllables of 160 ms and 60 ms in between, and after every twelfth a breath.
// Else there is a quiet room.
func speech(seed uint64, level int, on func(time.Duration) bool) func(time.Duration) (uint8, bool) {
	loud, quiet := noise(seed, level, 5), noise(seed+1000, 65, 4)
	return func(now time.Duration) (uint8, bool) {
		const syllable, breath = 220 * time.Millisecond, 500 * time.Millisecond
		phrase := now % (12*syllable + breath)
		if !on(now) || phrase >= 12*syllable || phrase%syllable >= 160*time.Millisecond {
			return quiet(now)
		}
		return loud(now)
	}
}

func always(time.Duration) bool { return true }

func between(from, to time.Duration) func(time.Duration) bool {
	return func(now time.Duration) bool { return now >= from && now < to }
}

// sending limits a voice to a time; outside it sends nothing.
func sending(from, to time.Duration, voice func(time.Duration) (uint8, bool)) func(time.Duration) (uint8, bool) {
	return func(now time.Duration) (uint8, bool) {
		if now < from || now >= to {
			return 0, false
		}
		return voice(now)
	}
}

// sound is a loud sound that comes back, over a quiet room.
func sound(length, every time.Duration) func(time.Duration) (uint8, bool) {
	return func(now time.Duration) (uint8, bool) {
		if now%every < length {
			return 12, true
		}
		return 70, true
	}
}
