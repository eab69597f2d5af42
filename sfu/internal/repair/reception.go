package repair

import "time"

// Reception keeps what a receiver report tells a publisher of one of its
// streams (RFC 3550 §6.4.1 and appendix A.3, A.8). The zero value is ready
// once ClockRate is set.
type Reception struct {
	ClockRate uint32 // Hz

	started                        bool
	base, highest                  int64
	received                       int64
	expectedBefore, receivedBefore int64
	transit                        int64
	jitter                         float64 // RTP ticks
	lastReport                     uint32
	lastReportAt                   time.Duration
}

// ReceptionReport is one report block.
type ReceptionReport struct {
	FractionLost uint8 // of 256, since the last report
	TotalLost    uint32
	HighestSeq   uint32
	Jitter       uint32
	LastReport   uint32
	Delay        uint32 // 1/65536 s
	// Expected and Lost are those of this interval, for counters.
	Expected, Lost uint64
}

// Receive notes a packet with unwrapped sequence number ext. Repairs count as
// received, as RFC 4588 §7.2 has it for retransmissions that arrive.
func (r *Reception) Receive(now time.Duration, ext int64, timestamp uint32, repaired bool) {
	if !r.started {
		r.started = true
		r.base, r.highest = ext, ext
		r.transit = r.arrival(now) - int64(timestamp)
	}
	r.received++
	r.highest = max(r.highest, ext)
	if repaired {
		return // its delay says nothing of the network's jitter
	}
	transit := r.arrival(now) - int64(timestamp)
	d := int64(int32(transit - r.transit)) // timestamps wrap
	r.transit = transit
	if d < 0 {
		d = -d
	}
	r.jitter += (float64(d) - r.jitter) / 16
}

func (r *Reception) arrival(now time.Duration) int64 {
	return int64(now.Seconds() * float64(r.ClockRate))
}

// SenderReport notes the publisher's report, of which middle are the middle 32
// bits of its NTP time.
func (r *Reception) SenderReport(now time.Duration, middle uint32) {
	r.lastReport, r.lastReportAt = middle, now
}

// Report returns the next report block; false before the first packet.
func (r *Reception) Report(now time.Duration) (ReceptionReport, bool) {
	if !r.started {
		return ReceptionReport{}, false
	}
	expected := r.highest - r.base + 1
	out := ReceptionReport{
		HighestSeq: uint32(r.highest), //nolint:gosec // the low 32 bits are what the report carries
		Jitter:     uint32(r.jitter),
		LastReport: r.lastReport,
	}
	if lost := expected - r.received; lost > 0 {
		out.TotalLost = uint32(min(lost, 0x7fffff))
	}
	interval := expected - r.expectedBefore
	lost := interval - (r.received - r.receivedBefore)
	if interval > 0 {
		out.Expected = uint64(interval)
		if lost > 0 {
			out.Lost = uint64(lost)
			out.FractionLost = uint8(min(lost*256/interval, 255))
		}
	}
	r.expectedBefore, r.receivedBefore = expected, r.received
	if r.lastReport != 0 {
		out.Delay = uint32((now - r.lastReportAt).Seconds() * 65536)
	}
	return out, true
}
