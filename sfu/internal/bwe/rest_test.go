package bwe

import (
	"testing"
	"time"
)

// TestFeedbackEndsAnOutage: where only feedback was lost for a while, the next one shows
// that the client is there, whatever else it sends or doesn't.
func TestFeedbackEndsAnOutage(t *testing.T) {
	const ms = time.Millisecond
	e := New(Config{})
	sequence, now := uint16(0), time.Duration(0)
	round := func(heard bool) {
		e.Sent(now, sequence, 1000, 0)
		if heard {
			e.Alive(now+40*ms, now+40*ms)
			e.Feedback(now+40*ms, []Arrival{{Sequence: sequence, Received: true, At: now + 20*ms}})
		}
		e.Target(now + 40*ms)
		sequence++
		now += 50 * ms
	}
	for range 40 {
		round(true)
	}
	before := e.control.rate
	for range 40 {
		round(false)
	}
	if !e.Outage(now) {
		t.Fatal("nothing came for 2 s, and there is no outage")
	}
	if e.control.rate != before {
		t.Errorf("the estimate went from %.0f to %.0f", before, e.control.rate)
	}
	e.Sent(now, sequence, 1000, 0)
	e.Feedback(now+40*ms, []Arrival{{Sequence: sequence, Received: true, At: now + 20*ms}})
	if e.Outage(now + 40*ms) {
		t.Error("feedback came, and there still is an outage")
	}
	if got := e.control.rate; got < outageShare*before || got > before {
		t.Errorf("afterwards %.0f of %.0f", got, before)
	}
}

// TestOwnAbsenceIsNoOutage: a loop that had no processor for a second has read no feedback
// in that time, which says nothing of the client.
func TestOwnAbsenceIsNoOutage(t *testing.T) {
	const ms = time.Millisecond
	for _, away := range []time.Duration{time.Second, 2 * time.Second, 5 * time.Second} {
		e := New(Config{})
		sequence, now := uint16(0), time.Duration(0)
		for range 80 {
			e.Sent(now, sequence, 1000, 0)
			e.Alive(now+40*ms, now+40*ms)
			e.Feedback(now+40*ms, []Arrival{{Sequence: sequence, Received: true, At: now + 20*ms}})
			e.Target(now + 40*ms)
			sequence++
			now += 50 * ms
		}
		before := e.control.rate
		sent := now
		for away := now + away; now < away; now += 50 * ms { // media leaves, but feedback is not read nor time looked at
			e.Sent(now, sequence, 1000, 0)
			sequence++
		}
		if e.Outage(now) {
			t.Errorf("away for %v: an outage", away)
		}
		e.Alive(now+5*ms, now+5*ms) // what waited in the socket is read
		e.Feedback(now+5*ms, []Arrival{{Sequence: sequence - 1, Received: true, At: sent + away}})
		if target := e.Target(now + 5*ms); float64(target) < before {
			t.Errorf("away for %v: %.0f became %d", away, before, target)
		}
		// A client that really is gone is missed a moment later.
		for range 60 {
			now += 50 * ms
			sequence++
			e.Sent(now, sequence, 1000, 0)
			e.Target(now)
		}
		if !e.Outage(now) {
			t.Errorf("away for %v: nothing came for 3 s, and there is no outage", away)
		}
	}
}
