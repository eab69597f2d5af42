package sfu

import (
	"sync/atomic"
	"time"

	"plenum/sfu/internal/codec"
)

const (
	// maxSpatial and maxTemporal bound the layers within one stream, as the
	// payload formats do: three bits of each in VP9, and no browser sends more.
	maxSpatial, maxTemporal = 4, 4
	// packetOverhead is what a packet costs on the wire beside its payload, in
	// bytes: IP, UDP, RTP with extensions, and the tag.
	packetOverhead = 28 + 12 + 8 + 16
)

// meter counts what a layer's stream brings, by spatial and temporal layer.
// Whoever receives the packets writes it, the publisher's loop reads it.
type meter struct {
	cells [maxSpatial][maxTemporal]cell
	// separate: whoever follows a spatial layer gets no lower ones between keyframes.
	separate atomic.Bool
}

// cell is what one spatial and temporal layer brought, without those below.
type cell struct {
	bytes, frames atomic.Uint64
	last          atomic.Int64 // time.Duration; 0: never

	timestamp uint32 // of the newest frame; owned by the writer
}

// add counts one packet.
func (m *meter) add(now time.Duration, info *codec.Info, timestamp uint32, payload int) {
	c := &m.cells[min(info.Spatial, maxSpatial-1)][min(info.Temporal, maxTemporal-1)]
	c.bytes.Store(c.bytes.Load() + uint64(payload+packetOverhead)) //nolint:gosec // a packet's size
	if timestamp != c.timestamp || c.frames.Load() == 0 {
		c.timestamp = timestamp
		c.frames.Store(c.frames.Load() + 1)
	}
	c.last.Store(int64(now))
	if separate := info.Layering == codec.Separate; info.Layering != codec.LayeringUnknown && separate != m.separate.Load() {
		m.separate.Store(separate)
	}
}

// rates turns what a meter counted into rates over about a second. It belongs to
// the publisher's loop.
type rates struct {
	at    [rateSamples]time.Duration
	taken [rateSamples][maxSpatial][maxTemporal]counted
	next  int
	count int
}

type counted struct{ bytes, frames uint64 }

const (
	rateSamples  = 5
	rateInterval = 250 * time.Millisecond // between samples
)

// sample takes a sample of the meter, at most every rateInterval, and reports whether it did.
func (r *rates) sample(now time.Duration, m *meter) bool {
	if r.count > 0 && now-r.at[(r.next+rateSamples-1)%rateSamples] < rateInterval {
		return false
	}
	r.at[r.next] = now
	for s := range m.cells {
		for t := range m.cells[s] {
			c := &m.cells[s][t]
			r.taken[r.next][s][t] = counted{c.bytes.Load(), c.frames.Load()}
		}
	}
	r.next = (r.next + 1) % rateSamples
	r.count = min(r.count+1, rateSamples)
	return true
}

// of is the rate of one cell: bit/s and frames per second, 0 where it isn't known yet.
func (r *rates) of(spatial, temporal int) (bits, fps float64) {
	if r.count < 2 {
		return 0, 0
	}
	last := (r.next + rateSamples - 1) % rateSamples
	first := (r.next + rateSamples - r.count) % rateSamples
	span := (r.at[last] - r.at[first]).Seconds()
	from, to := r.taken[first][spatial][temporal], r.taken[last][spatial][temporal]
	return 8 * float64(to.bytes-from.bytes) / span, float64(to.frames-from.frames) / span
}
