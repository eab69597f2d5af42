package sfu

import (
	"math"
	"time"

	"plenum/sfu/internal/alloc"
)

// need is what the viewer's subscriptions take, in bit/s.
type need struct {
	// counted is the sound that the estimate includes, and uncounted the one that it knows
	// nothing of: without RED sound has no transport-wide numbers. Where nothing can
	// carry padding, no probe shows that there is room for more, and all sound counts as
	// such: a call of sound alone is never thinned out.
	counted, uncounted uint64
	// least is the budget for the least of each video, and begun for the least of those
	// that are sent already: key frames that many ask for at the start make a layer look
	// larger than it is, and are no reason to pause it.
	least, begun uint64
}

// gather describes the viewer's subscriptions to the allocation.
func (p *Participant) gather(now time.Duration) (n need) {
	v := &p.viewing
	probes := p.padded(now) != nil
	v.forget()
	speakers := *p.room.speakers.Load()
	for t, sub := range p.subs {
		seen := t.view.Load()
		if seen == nil || !sub.started {
			continue
		}
		wish := p.wish(t)
		v.tracks = append(v.tracks, alloc.Track{
			ID: t.number, Audio: t.kind == Audio, Screen: t.source == Screen, Speaker: speaks(speakers, t.publisher.id),
			Priority: wish.Priority, Enabled: wish.Enabled && !sub.paused, Muted: t.muted.Load(),
			MaxWidth: pixels(wish.Width), MaxHeight: pixels(wish.Height), MaxFPS: wish.FPS, Layers: seen.layers,
		})
		v.subs, v.views = append(v.subs, sub), append(v.views, seen)
		switch last := len(seen.layers) - 1; {
		case last < 0:
		case t.kind == Audio && probes && sub.numbers.Load().counted():
			n.counted += seen.layers[last].Bitrate
		case t.kind == Audio:
			n.uncounted += seen.layers[last].Bitrate
		case wish.Enabled && !sub.paused:
			least := uint64(startHeadroom * float64(seen.layers[0].Bitrate))
			n.least += least
			if sub.chosen && sub.choice.Layer >= 0 {
				n.begun += least
			}
		}
	}
	return n
}

func speaks(speakers []Speaker, id string) bool {
	for i := range speakers {
		if speakers[i].ID == id {
			return true
		}
	}
	return false
}

func pixels(n int) uint16 { return uint16(min(max(n, 0), math.MaxUint16)) } //nolint:gosec // bounded

// soundPatience is how long the budget may be less than what the sound takes before
// voices are left out: the estimate dips for a moment while a queue empties.
const soundPatience = 400 * time.Millisecond

// patient reports whether all sound is to be sent though the budget doesn't carry it.
func (p *Participant) patient(now time.Duration, sound, budget uint64) bool {
	v := &p.viewing
	switch {
	case budget >= sound:
		v.short = 0
	case v.short == 0:
		v.short = now
	}
	return v.short != 0 && now-v.short < soundPatience
}
