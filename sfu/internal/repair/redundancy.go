package repair

import (
	"math"
	"time"
)

// When sound carries earlier packets once more (RFC 2198). A second copy of speech costs
// about 30 kbit/s, and only those pay for it who lose packets.
const (
	redundantFrom = 0.01 // loss from which on the packet before is carried
	redundantTo   = 0.005
	moreFrom      = 0.03 // and from which on another one before it is
	moreTo        = 0.02
	// burstsFrom is the share of losses in stretches longer than burstSpan, beyond twice
	// the loss, which is about what chance makes of them, from which on the second one is
	// further back: what is carried next to the packet is lost with it.
	burstsFrom  = 0.3
	burstSpan   = 30 * time.Millisecond
	burstSmooth = 0.03 // the weight of a lost packet
	// redundantHold is how long less would have to do before there is less.
	redundantHold = 10 * time.Second
	// Loss is measured over windows of lossWindow and lossPackets at least, or, of
	// fewPackets at least, until manyLost were lost or longWindow is over.
	lossWindow  = 300 * time.Millisecond
	longWindow  = time.Second
	lossPackets = 120
	manyLost    = 4
	fewPackets  = 20
	lossSmooth  = 0.4 // the weight of a window, or of a report, that is higher
	lossFade    = 0.2 // and of one that is lower
)

// Masks of what a packet carries once more: bit 0 is the packet before.
const (
	carryNone   uint8 = 0
	carryOne    uint8 = 1
	carryTwo    uint8 = 1 | 1<<1
	carrySpread uint8 = 1 | 1<<2
)

// Redundancy decides which packets of sound a viewer gets more than once, from the loss on
// the way to it. The zero value is ready.
type Redundancy struct {
	loss  float64 // smoothed
	burst float64 // smoothed share of losses in long stretches

	since          time.Duration // of the window
	received, lost int

	run      int           // packets lost in a row
	runBegan time.Duration // when the first of them left

	mask  uint8
	lower time.Duration // since when less would do, 0 while it wouldn't
}

// Packet takes what transport-wide feedback says of one packet that left at left. Packets
// come in the order in which they left.
func (r *Redundancy) Packet(now, left time.Duration, arrived bool) {
	switch {
	case !arrived:
		if r.run == 0 {
			r.runBegan = left
		}
		r.run++
		r.lost++
	case r.run > 0:
		r.stretch(left)
		fallthrough
	default:
		r.received++
	}
	if r.since == 0 {
		r.since = now
	}
	total := r.received + r.lost
	passed := now - r.since
	if passed >= lossWindow && total >= lossPackets || total >= fewPackets && (r.lost >= manyLost || passed >= longWindow) {
		r.Report(float64(r.lost) / float64(total))
		r.since, r.received, r.lost = now, 0, 0
	}
}

// stretch ends the packets lost in a row: the next one, which left at left, arrived.
func (r *Redundancy) stretch(left time.Duration) {
	long := 0.0
	if r.run > 1 && left-r.runBegan >= burstSpan {
		long = 1
	}
	kept := math.Pow(1-burstSmooth, float64(r.run))
	r.burst = kept*r.burst + (1-kept)*long
	r.run = 0
}

// Report takes the share of packets, 0 to 1, that the viewer says it lost lately.
func (r *Redundancy) Report(share float64) {
	weight := lossFade
	if share > r.loss {
		weight = lossSmooth
	}
	r.loss += weight * (share - r.loss)
}

// Mask is what each packet should carry once more from now on: bit 0 is the packet
// before it, bit 1 the one before that, and so on. affordable is how many copies the
// path has room for.
func (r *Redundancy) Mask(now time.Duration, affordable int) uint8 {
	want := r.wanted()
	switch {
	case want == r.mask:
		r.lower = 0
	case copies(want) >= copies(r.mask):
		r.mask, r.lower = want, 0
	case r.lower == 0:
		r.lower = now
	case now-r.lower >= redundantHold:
		r.mask, r.lower = want, 0
	}
	switch {
	case affordable <= 0:
		return carryNone
	case affordable == 1 && r.mask != carryNone:
		return carryOne
	}
	return r.mask
}

func (r *Redundancy) wanted() uint8 {
	more := r.loss >= moreFrom || r.mask&^carryOne != 0 && r.loss >= moreTo
	switch {
	case more && r.burst >= burstsFrom+2*r.loss:
		return carrySpread
	case more:
		return carryTwo
	case r.loss >= redundantFrom || r.mask != carryNone && r.loss >= redundantTo:
		return carryOne
	}
	return carryNone
}

func copies(mask uint8) (n int) {
	for ; mask != 0; mask &= mask - 1 {
		n++
	}
	return n
}

// Loss is the share that the viewer loses, smoothed.
func (r *Redundancy) Loss() float64 { return r.loss }
