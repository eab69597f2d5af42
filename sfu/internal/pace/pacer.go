// Package pace decides when packets may leave for one viewer, so that a keyframe
// does not burst a thin link: what a queue in the network would hold, and perhaps
// drop, waits here instead, where what is urgent can pass it.
//
// A Pacer is a leaky bucket. It leaks at Factor times the viewer's bandwidth
// estimate and lets everything through until Window of that has been sent ahead:
// on a wide link no frame ever fills it. While a queue stands in the network, it
// leaks at no more than is to be sent, so that the queue empties; where it is known
// what stands there (Stand), nothing leaves before that is gone. The package is
// pure: no clock, no lock, no goroutine, no packets.
package pace

import "time"

const (
	// Factor is how much faster than the estimate packets leave, as in
	// libwebrtc's pacer: fast enough that what the allocation lets through never
	// waits for long, slow enough that a link at its estimate keeps up.
	Factor = 2.5
	// Window is what may be ahead, in time at the pacer's rate.
	Window = 40 * time.Millisecond
	// minBurst may be ahead whatever the rate, in bytes: a small frame.
	minBurst = 3000
)

// Pacer paces one viewer's packets. The zero value paces nothing.
type Pacer struct {
	rate  float64 // bytes per second, 0: no limit
	burst float64 // bytes
	ahead float64 // bytes, as of at
	at    time.Duration
}

// SetEstimate takes the viewer's bandwidth estimate in bit/s; 0 paces nothing. full
// says that a queue stands in the network: then no more than that leaves.
func (p *Pacer) SetEstimate(now time.Duration, bits uint64, full bool) {
	p.leak(now)
	p.rate = float64(bits) / 8
	if !full {
		p.rate *= Factor
	}
	p.burst = max(p.rate*Window.Seconds(), minBurst)
	if p.rate == 0 {
		p.ahead = 0
	}
}

// Stand says that so many bytes that were sent stand in the network's queue: what
// leaves before they are gone would only be dropped, or wait there.
func (p *Pacer) Stand(now time.Duration, bytes int) {
	p.leak(now)
	if p.rate != 0 {
		p.ahead = max(p.ahead, p.burst+float64(bytes))
	}
}

// Allows reports whether a packet may leave now.
func (p *Pacer) Allows(now time.Duration) bool {
	p.leak(now)
	return p.rate == 0 || p.ahead < p.burst
}

// Sent notes that bytes left, whether they were allowed or could not wait.
func (p *Pacer) Sent(now time.Duration, bytes int) {
	p.leak(now)
	if p.rate != 0 {
		p.ahead += float64(bytes)
	}
}

// Wait is how long Allows will say no, 0 if it doesn't.
func (p *Pacer) Wait(now time.Duration) time.Duration {
	p.leak(now)
	if p.rate == 0 || p.ahead < p.burst {
		return 0
	}
	return time.Duration((p.ahead-p.burst)/p.rate*float64(time.Second)) + time.Microsecond
}

func (p *Pacer) leak(now time.Duration) {
	if now > p.at {
		p.ahead = max(0, p.ahead-p.rate*(now-p.at).Seconds())
		p.at = now
	}
}
