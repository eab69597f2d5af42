package forward

import (
	"math"
	"time"

	"plenum/sfu/internal/wire"
)

// report is a publisher's sender report (RFC 3550 §6.4.1): the wall clock at an
// RTP timestamp of one layer.
type report struct {
	known   bool
	ntp     wire.NTP
	rtp     uint32
	arrived time.Duration
}

// clock maps the timestamps of a run to outgoing ones.
type clock struct {
	rate    int64 // ticks per second
	audio   bool
	started bool

	offset uint32 // outgoing less source timestamp
	linked bool   // offset holds for the current layer's source
	frame  int64  // ticks of one frame

	top   int64         // the highest timestamp sent
	topAt time.Duration // when it first was
	lead  int64         // ticks that a run was pushed ahead of its due time

	lastExt       int64 // the newest packet of the run
	lastTimestamp uint32

	// The publisher's wall clock ntp was out on the outgoing clock; both at arrived.
	known   bool
	ntp     wire.NTP
	out     int64
	arrived time.Duration
}

// A frame is taken to last 1/30 s (video) or, until told otherwise, 20 ms (audio).
const (
	videoFrames = 30
	audioFrames = 50
)

// strayLimit is how far a run's first timestamp may be from the time that has
// passed, and how far a source may step back before that counts as a new beginning.
// Half of a timestamp's range passed in silence looks like a step back as well.
const strayLimit = 2 * time.Second

// maxLead bounds what a later run takes back; more than this is no matter of a
// frame pushed aside but a mapping that was wrong.
const maxLead = 100 * time.Millisecond

// maxPacketTime is the longest audio packet (Opus: RFC 7587 §7). A longer step is silence.
const maxPacketTime = 120 * time.Millisecond

func newClock(rate, first uint32, video bool) clock {
	c := clock{rate: int64(rate), audio: !video, top: int64(first)}
	if video {
		c.frame = max(1, c.rate/videoFrames)
	} else {
		c.frame = max(1, c.rate/audioFrames)
	}
	return c
}

// ticks is d in ticks; whole seconds apart, so that no span of time overflows.
func (c *clock) ticks(d time.Duration) int64 {
	return int64(d/time.Second)*c.rate + int64(d%time.Second)*c.rate/int64(time.Second)
}

// due is the timestamp of something captured now, by the time passed since the top.
func (c *clock) due(now time.Duration) int64 { return c.top + c.ticks(elapsed(c.topAt, now)) }

// near widens a 32-bit timestamp to the value closest to another.
func near(to int64, timestamp uint32) int64 { return to + int64(int32(timestamp-uint32(to))) }

// begin sets the offset for a run that begins with timestamp. r is its layer's
// report; same says that the run before was of that layer too.
func (c *clock) begin(now time.Duration, timestamp uint32, r *report, same bool) {
	first := c.top
	if c.started {
		first = c.align(now, timestamp, r, same)
	}
	c.started, c.linked = true, true
	c.offset = uint32(first) - timestamp
	c.lastExt = math.MinInt64
	c.top, c.topAt = first, now
	if r.known {
		c.ntp, c.out, c.arrived = r.ntp, first+int64(int32(r.rtp-timestamp)), r.arrived
		c.known = true
	}
}

// align is the outgoing timestamp of a run's first packet.
func (c *clock) align(now time.Duration, timestamp uint32, r *report, same bool) int64 {
	due := c.due(now)
	first, aligned := due, true
	switch {
	case same && c.linked:
		first = near(due, timestamp+c.offset)
	case c.known && r.known:
		first = c.out + c.ticks(r.ntp.Sub(c.ntp)) + int64(int32(timestamp-r.rtp))
	default:
		aligned = false
	}
	if limit := c.ticks(strayLimit); first < due-limit || first > due+limit {
		first, aligned = due, false
	}
	first -= c.lead
	least := c.top + c.step(aligned)
	c.lead = min(max(0, least-first), c.ticks(maxLead))
	return max(first, least)
}

// step is the least distance of a run's beginning from what was sent before it.
// Audio packets must not overlap. A video frame may follow closely where it is
// known to be the same picture in another layer; where it is only guessed it gets
// its time, but not so often that guesses add up.
func (c *clock) step(aligned bool) int64 {
	if !c.audio && (aligned || c.lead >= c.frame) {
		return max(1, c.rate/1000)
	}
	return c.frame
}

// stamp is the outgoing timestamp of a packet of the run.
func (c *clock) stamp(now time.Duration, timestamp uint32, ext int64, newest bool) uint32 {
	out32 := timestamp + c.offset
	if !newest {
		return out32
	}
	if c.audio {
		c.measure(timestamp, ext)
	}
	if out := near(c.top, out32); out > c.top || out < c.top-c.ticks(strayLimit) {
		c.top, c.topAt = out, now
	}
	return out32
}

// measure learns how long audio packets are from two in a row.
func (c *clock) measure(timestamp uint32, ext int64) {
	step := int64(int32(timestamp - c.lastTimestamp))
	if ext == c.lastExt+1 && step > 0 && step <= c.ticks(maxPacketTime) {
		c.frame = step
	}
	c.lastExt, c.lastTimestamp = ext, timestamp
}

// unlink says that the current layer's source has a new clock.
func (c *clock) unlink() { c.linked, c.known = false, false }

// SenderReport takes a sender report of one layer: the publisher's wall clock was
// ntp at timestamp rtp; it arrived at arrived. It aligns later switches and is
// what Report passes on.
func (s *Stream) SenderReport(layer int8, ntp wire.NTP, rtp uint32, arrived time.Duration) {
	if !valid(layer) || ntp == 0 { // 0: the source has no wall clock (RFC 3550 §6.4.1)
		return
	}
	s.layers[layer].report = report{known: true, ntp: ntp, rtp: rtp, arrived: arrived}
	if c := &s.clock; layer == s.current && c.linked {
		c.known, c.ntp, c.arrived = true, ntp, arrived
		c.out = near(c.due(arrived), rtp+c.offset)
	}
}

// Report is what a sender report to the viewer says.
type Report struct {
	NTP     wire.NTP // the publisher's wall clock
	RTP     uint32   // the outgoing timestamp at that time
	Packets uint32   // sent so far, without repeats
	Octets  uint32   // payload octets of those
}

// Report is the sender report for the viewer as of now, on the publisher's clock,
// so that streams of one publisher stay in sync. There is none before the
// publisher's own.
func (s *Stream) Report(now time.Duration) (Report, bool) {
	c := &s.clock
	if !c.known || !c.started {
		return Report{}, false
	}
	passed := now - c.arrived
	return Report{
		NTP:     c.ntp.Add(passed),
		RTP:     uint32(c.out + c.ticks(passed)),
		Packets: s.packets,
		Octets:  s.octets,
	}, true
}
