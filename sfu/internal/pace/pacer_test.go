package pace

import (
	"testing"
	"time"
)

// drain sends packets of 1,200 bytes as soon as each is allowed and returns when
// the last one left.
func drain(p *Pacer, now time.Duration, bytes int) time.Duration {
	for ; bytes > 0; bytes -= 1200 {
		now += p.Wait(now)
		if !p.Allows(now) {
			panic("not allowed after Wait")
		}
		p.Sent(now, 1200)
	}
	return now
}

func TestPacer(t *testing.T) {
	const start = time.Second
	tests := []struct {
		name        string
		estimate    uint64
		frame       int // bytes
		least, most time.Duration
	}{
		{"no estimate, nothing waits", 0, 1 << 20, 0, 0},
		{"a delta frame on a thin link", 300_000, 3000, 0, 0},
		{"a keyframe on a thin link", 700_000, 40_000, 100 * time.Millisecond, 150 * time.Millisecond},
		{"a keyframe on a wide link", 10_000_000, 100_000, 0, 0},
		{"a huge keyframe on a wide link", 5_000_000, 200_000, 60 * time.Millisecond, 100 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p Pacer
			p.SetEstimate(start, tt.estimate, false)
			if took := drain(&p, start, tt.frame) - start; took < tt.least || took > tt.most {
				t.Errorf("the last packet left after %v, want %v to %v", took, tt.least, tt.most)
			}
		})
	}
}

// TestPacerKeepsTheRate: over a second no more than Factor times the estimate
// leaves, and no less where it waits.
func TestPacerKeepsTheRate(t *testing.T) {
	var p Pacer
	p.SetEstimate(0, 1_000_000, false)
	sent := 0
	for now := time.Duration(0); now < time.Second; now += time.Millisecond {
		for p.Allows(now) {
			p.Sent(now, 1200)
			sent += 1200
		}
	}
	want := Factor * 1_000_000 / 8 * (1 + Window.Seconds())
	if float64(sent) < 0.97*want || float64(sent) > 1.03*want {
		t.Errorf("%d bytes in a second, want about %.0f", sent, want)
	}
}

func TestPacerFollowsTheEstimate(t *testing.T) {
	var p Pacer
	p.SetEstimate(0, 500_000, false)
	p.Sent(0, 100_000)
	slow := p.Wait(0)
	p.SetEstimate(0, 5_000_000, false)
	if fast := p.Wait(0); fast >= slow/5 {
		t.Errorf("waits %v after a rise, %v before", fast, slow)
	}
	p.SetEstimate(0, 0, false)
	if !p.Allows(0) || p.Wait(0) != 0 {
		t.Error("still waits without an estimate")
	}
	p.SetEstimate(0, 500_000, false)
	if !p.Allows(0) {
		t.Error("an old debt came back")
	}
}

// TestPacerWhileQueueStands: no more than the estimate leaves, and what waits is let
// go faster once the queue is gone.
func TestPacerWhileQueueStands(t *testing.T) {
	var p Pacer
	p.SetEstimate(0, 800_000, true)
	if took := drain(&p, 0, 50_000); took < 440*time.Millisecond || took > 500*time.Millisecond {
		t.Errorf("50 kB took %v at 100 kB/s", took)
	}
	p.SetEstimate(time.Second, 800_000, false)
	if took := drain(&p, time.Second, 50_000) - time.Second; took > 200*time.Millisecond {
		t.Errorf("50 kB took %v once the queue was gone", took)
	}
}

// TestPacerStands: nothing that waits leaves before what stands in the network is gone,
// and what leaves all the same counts as well.
func TestPacerStands(t *testing.T) {
	var p Pacer
	p.Stand(0, 10_000)
	if !p.Allows(0) {
		t.Error("waits without an estimate")
	}
	p.SetEstimate(0, 800_000, true)
	p.Stand(0, 20_000) // 200 ms
	for _, at := range []time.Duration{0, 100 * time.Millisecond, 195 * time.Millisecond} {
		if p.Allows(at) {
			t.Errorf("may leave after %v", at)
		}
	}
	if p.Sent(195*time.Millisecond, 1000); p.Allows(205 * time.Millisecond) {
		t.Error("audio in between counts for nothing")
	}
	if !p.Allows(220 * time.Millisecond) {
		t.Error("waits still when the queue is gone")
	}
	p.Stand(time.Second, 20_000)
	before := p.Wait(time.Second)
	if p.Stand(time.Second, 10_000); p.Wait(time.Second) != before {
		t.Error("a shorter queue makes it wait for less")
	}
}

// TestPacerClock: time that stands still or steps back changes nothing.
func TestPacerClock(t *testing.T) {
	var p Pacer
	p.SetEstimate(time.Second, 500_000, false)
	p.Sent(time.Second, 50_000)
	wait := p.Wait(time.Second)
	if got := p.Wait(0); got != wait {
		t.Errorf("waits %v after a step back, want %v", got, wait)
	}
}
