package transport

import "time"

// What RTCP costs, in units of about 50 ns: a few bytes of it can ask for a lot, and no
// limit on media is in its way. A viewer of two hundred tracks at 50 Mbit/s on a lossy path
// takes a third of what there is.
const (
	rtcpPerSecond = 60_000
	rtcpBurst     = 60_000

	costPacket  = 20 // to take it apart, beside
	costBytes   = 8  // so many for one unit
	costArrival = 1  // of transport-wide feedback
	costNACK    = 2  // for each sequence number
	costReport  = 4  // on one stream
)

// patience bounds the work that one peer's RTCP causes. The zero value is whole.
type patience struct {
	used    float64
	updated time.Duration
}

// take spends so many units; false means that they aren't there.
func (p *patience) take(now time.Duration, units int) bool {
	if gone := now - p.updated; gone > 0 {
		p.used = max(0, p.used-gone.Seconds()*rtcpPerSecond)
		p.updated = now
	}
	if p.used+float64(units) > rtcpBurst {
		return false
	}
	p.used += float64(units)
	return true
}
