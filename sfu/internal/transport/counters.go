package transport

import "plenum/sfu/stat"

// Discarded says why input that nobody has authenticated was discarded.
type Discarded uint8

// Reasons for Counters.Discarded.
const (
	DiscardedSRTP      Discarded = iota // SRTP or SRTCP that doesn't authenticate, or is a replay
	DiscardedDTLS                       // a DTLS record that could only do harm
	DiscardedCandidate                  // a candidate that isn't checked: too many, or an address of the operator's own
	DiscardedTCP                        // an ICE-TCP connection beyond the limits
	discardedReasons
)

// String is the reason's name in metrics.
func (d Discarded) String() string {
	return [...]string{"srtp", "dtls", "candidate", "tcp"}[d]
}

// DiscardReasons are all reasons.
func DiscardReasons() []Discarded {
	var all []Discarded
	for d := range discardedReasons {
		all = append(all, d)
	}
	return all
}

// Counters are what an Engine counts as it sends.
type Counters struct {
	Calls    stat.Counter    // system calls
	Messages stat.Counter    // given to the kernel: segmented ones count once
	Batch    *stat.Histogram // packets per system call
	Latency  *stat.Histogram // seconds from arrival to the socket, per batch

	PacerDelay *stat.Histogram // seconds, of packets that had to wait
	PacerDrops stat.Counter    // packets for which there was no room to wait
	PacerStale stat.Counter    // packets that waited until nobody needed them

	// Discarded are datagrams, records, candidates and connections that were
	// discarded before they changed anything, by reason.
	Discarded    [discardedReasons]stat.Counter
	AcceptErrors stat.Counter // of the ICE-TCP listeners
	Evicted      stat.Counter // streams beyond the bound of a peer, of which the idlest was forgotten

	RTCPExcess stat.Counter // RTCP packets that were not looked at, because their sender causes too much work

	Overload stat.Counter // packets received and dropped, because their socket's queue stood full for too long
}

func newCounters() Counters {
	return Counters{
		Batch:   stat.NewHistogram(1, 2, 4, 8, 16, 32, 64, 128, 256),
		Latency: stat.NewHistogram(.00002, .00005, .0001, .0002, .0005, .001, .002, .0025, .005, .01, .05),

		PacerDelay: stat.NewHistogram(.001, .002, .005, .01, .02, .05, .1, .2, .5, 1),
	}
}

func (c *Counters) sent(packets, messages, calls int) {
	c.Calls.Add(uint64(calls))       //nolint:gosec // not negative
	c.Messages.Add(uint64(messages)) //nolint:gosec // not negative
	if calls > 0 {
		c.Batch.Observe(float64(packets) / float64(calls))
	}
}
