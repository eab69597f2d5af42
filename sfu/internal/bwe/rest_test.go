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
