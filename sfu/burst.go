package sfu

import (
	"time"

	"plenum/sfu/internal/wire"
)

const (
	// gatherViewers is how many viewers a track has at least for which a frame is
	// gathered: for one or two, the sends that it saves are worth no more than it costs.
	gatherViewers = 3
	// burstGap is the most between two packets of a frame that is sent at once.
	burstGap = time.Millisecond
	// pacedFor is how many packets of a layer pass ungathered after a longer gap, or a
	// frame without an end: its publisher paces, or sends no markers, and to wait for
	// the rest of a frame would only cost everyone time.
	pacedFor = 24
)

// burst tells whether a layer's frames come at once.
type burst struct {
	timestamp uint32
	at        time.Duration
	open      bool // the last packet wasn't its frame's last
	paced     int
}

// add takes a packet and reports whether the frame's next should come at once.
func (b *burst) add(now time.Duration, p *wire.Packet) bool {
	if b.open && (p.Timestamp != b.timestamp || now-b.at > burstGap) {
		b.paced = pacedFor
	} else if b.paced > 0 {
		b.paced--
	}
	b.timestamp, b.at, b.open = p.Timestamp, now, !p.Marker
	return b.open && b.paced == 0
}

// unfinished reports whether the rest of the packet's frame should come in a moment,
// and is worth waiting for.
func (l *Layer) unfinished(now time.Duration, p *wire.Packet) bool {
	if l.track.kind != Video {
		return false
	}
	return l.burst.add(now, p) && len(*l.track.subs.Load()) >= gatherViewers
}
