package repair

import (
	"math/rand/v2"
	"testing"
	"time"
)

// lossy is a path that loses stretches of packets: share of all, run milliseconds at a
// time, or single ones.
type lossy struct {
	random *rand.Rand
	share  float64
	run    time.Duration
	until  time.Duration
}

func (l *lossy) arrives(at time.Duration) bool {
	if at < l.until {
		return false
	}
	if l.run == 0 {
		return l.random.Float64() >= l.share
	}
	// As many stretches begin as make up the share, at a decision each 5 ms.
	if l.random.Float64() < l.share/(1-l.share)*float64(5*time.Millisecond)/float64(l.run) {
		l.until = at + l.run
		return false
	}
	return true
}

// speech sends a minute of video at 200 packets/s, of which there is feedback each 50 ms,
// and sound in packets of 20 ms, and returns how much sound was made up at the viewer, and
// the copies per packet.
func speech(share float64, run time.Duration, affordable int) (madeUp time.Duration, carried float64) {
	var r Redundancy
	path := &lossy{random: rand.New(rand.NewPCG(1, 2)), share: share, run: run} //nolint:gosec // a test
	type packet struct {
		left    time.Duration
		arrived bool
	}
	var log []packet
	const packets = 60 * 50
	var got [packets]bool
	total := 0
	for step := range 60 * 200 {
		now := time.Duration(step) * 5 * time.Millisecond
		arrives := path.arrives(now)
		log = append(log, packet{now, arrives})
		if len(log) == 10 {
			for _, p := range log {
				r.Packet(now, p.left, p.arrived)
			}
			log = log[:0]
		}
		if step%4 != 0 {
			continue
		}
		n, mask := step/4, r.Mask(now, affordable)
		total += copies(mask)
		if !arrives {
			continue
		}
		got[n] = true
		for back := 1; back <= min(4, n); back++ {
			if mask&(1<<(back-1)) != 0 {
				got[n-back] = true
			}
		}
	}
	for _, ok := range got {
		if !ok {
			madeUp += 20 * time.Millisecond
		}
	}
	return madeUp, float64(total) / packets
}

func TestRedundancy(t *testing.T) {
	for _, c := range []struct {
		name       string
		share      float64
		run        time.Duration
		affordable int
		most       time.Duration // made up in a minute
		carried    [2]float64    // copies per packet
	}{
		{"no loss", 0, 0, 2, 0, [2]float64{0, 0}},
		{"1 in 500", 0.002, 0, 2, 240 * time.Millisecond, [2]float64{0, 0.1}},
		{"2 %", 0.02, 0, 2, 100 * time.Millisecond, [2]float64{0.8, 2}},
		{"5 %", 0.05, 0, 2, 200 * time.Millisecond, [2]float64{1.9, 2}},
		{"15 %", 0.15, 0, 2, 700 * time.Millisecond, [2]float64{1.9, 2}},
		{"stretches of 50 ms", 0.05, 50 * time.Millisecond, 2, 400 * time.Millisecond, [2]float64{1.9, 2}},
		{"room for one", 0.05, 0, 1, 400 * time.Millisecond, [2]float64{0.95, 1}},
		{"no room", 0.05, 0, 0, time.Minute, [2]float64{0, 0}},
	} {
		madeUp, carried := speech(c.share, c.run, c.affordable)
		t.Logf("%s: %v made up, %.2f copies", c.name, madeUp, carried)
		if madeUp > c.most || carried < c.carried[0] || carried > c.carried[1] {
			t.Errorf("%s: %v made up, %.2f copies", c.name, madeUp, carried)
		}
	}
}

// What was needed is kept for a while after the loss ended, and not for ever.
func TestRedundancyEnds(t *testing.T) {
	var r Redundancy
	at := time.Duration(0)
	pass := func(d time.Duration, every int) uint8 {
		for i, end := 1, at+d; at < end; i++ {
			at += 5 * time.Millisecond
			r.Packet(at, at, every == 0 || i%every != 0)
		}
		return r.Mask(at, 2)
	}
	if got := pass(5*time.Second, 0); got != carryNone {
		t.Fatalf("%b without loss", got)
	}
	if got := pass(2*time.Second, 10); got != carryTwo {
		t.Fatalf("%b with 10 %% loss", got)
	}
	if got := pass(5*time.Second, 0); got != carryTwo {
		t.Errorf("%b 5 s after the loss", got)
	}
	for range 10 {
		pass(2*time.Second, 0)
	}
	if got := pass(time.Second, 0); got != carryNone {
		t.Errorf("%b 26 s after the loss", got)
	}
}
