package repair

import (
	"testing"
	"time"
)

func TestPlayout(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name string
		rtt  time.Duration
		loss []float64 // by seconds
		want []time.Duration
	}{
		{"clean", 60 * ms, []float64{0, 0, 0, 0}, []time.Duration{0, 0, 0, 0}},
		{"one packet in a hundred", 60 * ms, []float64{.01, .01, .01, .01}, []time.Duration{0, 0, 0, 0}},
		{"some", 60 * ms, []float64{.05, .05, .05, .05}, []time.Duration{130 * ms, 130 * ms, 210 * ms, 210 * ms}},
		{"much", 60 * ms, []float64{.15, .15, .15}, []time.Duration{210 * ms, 210 * ms, 210 * ms}},
		{"some, far away", 250 * ms, []float64{.05, .05, .05, .05}, []time.Duration{320 * ms, 320 * ms, 320 * ms, 320 * ms}},
		{"much, far away", 250 * ms, []float64{.15, .15, .15}, []time.Duration{320 * ms, 500 * ms, 500 * ms}},
		{"passing", 60 * ms, []float64{.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
			[]time.Duration{210 * ms, 210 * ms, 210 * ms, 210 * ms, 210 * ms, 210 * ms, 210 * ms, 210 * ms, 210 * ms, 210 * ms, 210 * ms, 0, 0, 0, 0, 0, 0, 0, 0}},
	} {
		var p Playout
		for i, lost := range c.loss {
			if got := p.Report(time.Duration(i+1)*time.Second, c.rtt, lost); got != c.want[i] {
				t.Errorf("%s: %v after report %d, want %v", c.name, got, i, c.want[i])
			}
		}
	}
}

// Whatever is reported, the delay is within bounds, is 0 where nothing was ever lost, and
// falls no more often than once in playoutHold.
func FuzzPlayout(f *testing.F) {
	f.Add([]byte{0, 60, 40, 60, 0, 60}, uint16(1000))
	f.Fuzz(func(t *testing.T, script []byte, interval uint16) {
		var p Playout
		var now, before, fell time.Duration
		lost := false
		fell = -time.Hour
		for i := 0; i+1 < len(script); i += 2 {
			now += time.Duration(interval) * time.Millisecond
			lost = lost || script[i] > 0
			got := p.Report(now, time.Duration(script[i+1])*10*time.Millisecond, float64(script[i])/256)
			if got < 0 || got > maxPlayout || got > 0 && !lost {
				t.Fatalf("delay of %v", got)
			}
			if got < before {
				if now-fell < playoutHold {
					t.Fatalf("fell twice within %v", now-fell)
				}
				fell = now
			}
			before = got
		}
	})
}
