package sfu

import "time"

const (
	// longestRoundTrip is the longest that is believed. A viewer that really is so far
	// away is in no call.
	longestRoundTrip = 10 * time.Second
	// roundTripInterval is the least time between two measurements: reports come once a
	// second, and of a viewer who sends thousands each would count.
	roundTripInterval = 200 * time.Millisecond
)

// roundTrips measures how far away a viewer is by its receiver reports, each of which names
// a sender report of ours and the time since that came (RFC 3550 §6.4.1).
type roundTrips struct {
	sent     [4]sentReport // the last ones
	next     int
	measured time.Duration
	ever     bool
}

type sentReport struct {
	middle uint32
	at     time.Duration
}

// note remembers a sender report; middle is of its time stamp.
func (t *roundTrips) note(now time.Duration, middle uint32) {
	t.sent[t.next%len(t.sent)] = sentReport{middle, now}
	t.next++
}

// measure is the round trip by a receiver report: last and delay are LSR and DLSR. ok is
// false where that says nothing, or what can't be.
func (t *roundTrips) measure(now time.Duration, last, delay uint32) (rtt time.Duration, ok bool) {
	if last == 0 || t.ever && now-t.measured < roundTripInterval {
		return 0, false
	}
	for _, sent := range t.sent {
		if sent.middle != last {
			continue
		}
		rtt = now - sent.at - time.Duration(delay)*time.Second/65536
		if rtt <= 0 || rtt > longestRoundTrip {
			return 0, false
		}
		t.measured, t.ever = now, true
		return rtt, true
	}
	return 0, false
}
