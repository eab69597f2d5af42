// Package speaker says who is speaking, from the audio levels that senders put
// into their packets (RFC 6464).
//
// A Detector is fed every audio packet's level and asked every 100 ms or so.
// Voice must last before it counts, and silence must last before it ends, so
// that a cough, a click or the pause between two sentences changes nothing. The
// package is pure: time comes in as an argument.
package speaker

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const (
	// threshold is the quietest level that counts as voice, in -dBov. Speech
	// with a browser's gain control lies at 15 to 35, with pauses; a room's
	// noise at 55 to 80.
	threshold = 45
	// attack is how much voice makes a speaker, release how much silence ends
	// one. In between, silence takes back what voice has added.
	attack  = 250 * time.Millisecond
	release = 800 * time.Millisecond
	// maxSpan is how much time one packet may speak for: Opus in WebRTC has up
	// to 60 ms per packet. What is longer is a pause in sending, thus silence.
	maxSpan = 60 * time.Millisecond
	// firstSpan is what a track's very first packet speaks for.
	firstSpan = 20 * time.Millisecond
	// overdue is how long a track may send nothing before Update takes it for
	// silent; it covers jitter and a few lost packets.
	overdue = 100 * time.Millisecond
	// smoothing is the time constant of a speaker's level.
	smoothing = 300 * time.Millisecond
	// loudest and quietest, in -dBov, are the ends of the scale of Speaker.Level.
	loudest, quietest = 10, 60
	// overtake is by how much of Level a speaker must exceed the one ahead to
	// change places (5 dB).
	overtake = 0.1
	// noticeable is the change of Level worth an update of its own, of which
	// there is at most one per levelInterval.
	noticeable    = 0.1
	levelInterval = 500 * time.Millisecond
)

// Speaker is one track in which someone is speaking.
type Speaker struct {
	ID uint32
	// Level is the loudness over the last third of a second, linear in decibels: 0
	// is -60 dBov or less, 1 is -10 dBov or more.
	Level float64
}

// Detector follows the tracks of one room. It is not safe for concurrent use.
type Detector struct {
	tracks   map[uint32]*track
	speaking []*track  // in the order of the last Update
	reported []Speaker // as last told; never changed once returned
	at       time.Duration
}

// track is what is known of one audio track.
type track struct {
	id       uint32
	at       time.Duration // up to when the rest is accounted
	activity float64       // 0 silent, rises to 1 with voice
	level    float64       // smoothed, on the scale of Speaker.Level
	speaking bool
	listed   bool // in Detector.speaking
}

// New returns a Detector without tracks.
func New() *Detector {
	return &Detector{tracks: make(map[uint32]*track)}
}

// Level folds in one packet of track id: its level is in -dBov, 0 the loudest
// and 127 silence. A track begins with its first packet.
func (d *Detector) Level(id uint32, level uint8, now time.Duration) {
	t := d.tracks[id]
	if t == nil {
		t = &track{id: id, at: now - firstSpan}
		d.tracks[id] = t
	}
	gap := now - t.at
	if gap <= 0 {
		return
	}
	span := min(gap, maxSpan)
	t.pass(gap-span, math.MaxUint8)
	t.pass(span, level)
	t.at = now
}

// Remove forgets a track. The next Update no longer has it.
func (d *Detector) Remove(id uint32) {
	if t := d.tracks[id]; t != nil {
		t.speaking = false
		delete(d.tracks, id)
	}
}

// Update returns who is speaking now, loudest first, and whether that is worth
// telling: the set or the order differs from what was last told, or a level
// has moved noticeably and not just after the last change. While nothing
// changed, the speakers are those last told. The caller may keep the slice but
// must not change it.
func (d *Detector) Update(now time.Duration) (speakers []Speaker, changed bool) {
	d.rank(now)
	if !d.differs(now) {
		return d.reported, false
	}
	d.reported = make([]Speaker, len(d.speaking))
	for i, t := range d.speaking {
		d.reported[i] = Speaker{ID: t.id, Level: t.level}
	}
	d.at = now
	return d.reported, true
}

// rank brings d.speaking up to date. Those who speak keep their places unless
// someone is clearly louder than the one ahead; who begins starts from behind.
func (d *Detector) rank(now time.Duration) {
	for _, t := range d.tracks {
		if gap := now - t.at; gap > overdue {
			t.pass(gap, math.MaxUint8)
			t.at = now
		}
	}
	d.speaking = slices.DeleteFunc(d.speaking, func(t *track) bool {
		t.listed = t.speaking
		return !t.speaking
	})
	old := len(d.speaking)
	for _, t := range d.tracks {
		if t.speaking && !t.listed {
			t.listed = true
			d.speaking = append(d.speaking, t)
		}
	}
	slices.SortFunc(d.speaking[old:], func(a, b *track) int {
		return cmp.Or(cmp.Compare(b.level, a.level), cmp.Compare(a.id, b.id))
	})
	for i, t := range d.speaking {
		ahead := slices.IndexFunc(d.speaking[:i], func(a *track) bool {
			return t.level > a.level+overtake
		})
		if ahead >= 0 {
			// All in between are quieter than t too, or they would be ahead already.
			copy(d.speaking[ahead+1:i+1], d.speaking[ahead:i])
			d.speaking[ahead] = t
		}
	}
}

// differs reports whether d.speaking is worth telling.
func (d *Detector) differs(now time.Duration) bool {
	if len(d.speaking) != len(d.reported) {
		return true
	}
	moved := false
	for i, t := range d.speaking {
		if t.id != d.reported[i].ID {
			return true
		}
		moved = moved || math.Abs(t.level-d.reported[i].Level) > noticeable
	}
	return moved && now-d.at >= levelInterval
}

// pass accounts for a span of time at one level.
func (t *track) pass(span time.Duration, level uint8) {
	if span <= 0 {
		return
	}
	if level <= threshold {
		t.activity = min(1, t.activity+float64(span)/float64(attack))
	} else {
		t.activity = max(0, t.activity-float64(span)/float64(release))
	}
	switch t.activity {
	case 1:
		t.speaking = true
	case 0:
		t.speaking = false
	}
	loud := (quietest - float64(level)) / (quietest - loudest)
	loud = min(1, max(0, loud))
	t.level += (loud - t.level) * float64(span) / float64(span+smoothing)
}
