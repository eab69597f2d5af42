package bwe

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestLosses shows which loss is believed to come of sending too much.
func TestLosses(t *testing.T) {
	swing := func(i int) float64 { return 1e6 * (1 + 0.25*math.Sin(float64(i)/4)) } // rate of observation i
	tests := []struct {
		name    string
		rate    func(i int) float64
		lost    func(random *rand.Rand, i int, rate float64) float64 // chance of a packet
		bounded bool
	}{
		{"none", swing, func(*rand.Rand, int, float64) float64 { return 0 }, false},
		{"5 % at random", swing, func(*rand.Rand, int, float64) float64 { return 0.05 }, false},
		{"12 % at random", swing, func(*rand.Rand, int, float64) float64 { return 0.12 }, false},
		{"bursts", swing, func(_ *rand.Rand, i int, _ float64) float64 { return 0.2 * float64(i%6/5) }, false},
		{"policer", swing, func(_ *rand.Rand, _ int, rate float64) float64 { return max(0, 1-0.95e6/rate) }, true},
		{"policer and 3 % at random", swing, func(_ *rand.Rand, _ int, rate float64) float64 { return 0.03 + 0.97*max(0, 1-0.95e6/rate) }, true},
		{"40 % for long", func(int) float64 { return 1e6 }, func(*rand.Rand, int, float64) float64 { return 0.4 }, true},
	}
	for _, tt := range tests {
		random := rand.New(rand.NewPCG(1, 2))
		var l losses
		l.reset()
		bounded := false
		var sent time.Duration
		for i := range 60 {
			rate := tt.rate(i)
			for end := sent + observationSpan; sent < end; sent += time.Duration(1000 * 8 / rate * float64(time.Second)) {
				if l.add(sent, 1000, random.Float64() < tt.lost(random, i, rate)) {
					bounded = l.judge(sent, math.MinInt64, 50*ms, rate*(1-l.back(0).fraction()), 0) || bounded
				}
			}
		}
		if bounded != tt.bounded {
			t.Errorf("%s: bounded %v (%.0f, inherent %.3f, evidence %.1f)", tt.name, bounded, l.bound, l.inherent, l.evidence)
		}
	}
}

// TestCluster reads results of probes of 10 packets of 1000 bytes in 9 ms: 8
// Mbit/s.
func TestCluster(t *testing.T) {
	tests := []struct {
		name   string
		spread time.Duration // between arrivals
		lose   int           // every n-th
		unsaid int           // reports that never come
		want   float64
		result Outcome
	}{
		{"at its rate", ms, 0, 0, 8e6, Passed},
		{"a little slower", 1050 * time.Microsecond, 0, 0, 7.6e6, Passed},
		{"half as fast", 2 * ms, 0, 0, 3.8e6, Limited},
		{"compressed", ms / 10, 0, 0, 8e6, Passed},
		{"at once", 0, 0, 0, 8e6, Passed},
		{"one lost", ms, 9, 0, 8e6, Passed},
		{"half lost", ms, 2, 0, 0, Lost},
		{"feedback lost", ms, 0, 6, 0, Unheard},
	}
	for _, tt := range tests {
		var p prober
		probe := p.begin(0, 8e6, 8e6, 0, false)
		if p.now.Bytes = 10_000; probe.ID != 1 {
			t.Fatal(probe.ID)
		}
		for i := range 10 {
			if p.sent(time.Duration(i)*ms, 1000, 1, 0) != 1 {
				t.Fatalf("%s: packet %d isn't the cluster's", tt.name, i)
			}
		}
		if p.sent(10*ms, 1000, 0, 0) != 0 {
			t.Errorf("%s: media after the cluster counts", tt.name)
		}
		for i := range 10 - tt.unsaid {
			p.report(1, time.Duration(i)*ms, time.Minute+time.Duration(i)*tt.spread, 1000, tt.lose == 0 || i%tt.lose != tt.lose-1)
		}
		if p.complete(11*ms) != (tt.unsaid == 0) || !p.complete(time.Second) {
			t.Errorf("%s: complete too early, or never", tt.name)
		}
		got, outcome := p.finish(0)
		if outcome != tt.result || math.Abs(got-tt.want) > 0.03*tt.want {
			t.Errorf("%s: %.0f, %v", tt.name, got, outcome)
		}
	}
}

// TestProbeMeetsBucket: a shaper lets the beginning of a train pass at once, and
// the rest at its rate.
func TestProbeMeetsBucket(t *testing.T) {
	for _, bucket := range []int{0, 2, 3, 4} { // packets of 1,000 bytes; what arrives meanwhile refills it
		var p prober
		p.begin(0, 8e6, 8e6, 0, true)
		p.now.Bytes, p.now.Duration = 10_000, 10*ms
		for i := range 10 {
			p.sent(time.Duration(i)*ms, 1000, 1, 0)
		}
		for i := range 10 {
			at := time.Duration(i) * ms
			if late := time.Duration(2*(i-bucket)) * ms; late > at {
				at = late
			}
			p.report(1, time.Duration(i)*ms, time.Minute+at, 1000, true)
		}
		if got, outcome := p.finish(0); outcome != Limited || got > 1.7*4e6*saturatedShare {
			t.Errorf("a bucket of %d packets: %.0f, %v", bucket, got, outcome)
		}
	}
}

// TestRegretMakesProbesLonger, up to a bound and only where the application goes in
// steps; trust makes them short again.
func TestRegretMakesProbesLonger(t *testing.T) {
	var p prober
	p.interval = probeInterval
	bytes := func(steps bool) int { return p.begin(p.raised, 600e3, 500e3, 0, steps).Bytes }
	short := bytes(true)
	for i, want := range []int{2, 4, 4} {
		p.raised, p.result, p.hasRaise = p.raised+time.Minute, 600e3, true
		p.regretted(p.raised+time.Second, 300e3, maxInterval)
		if got := bytes(true); got != want*short {
			t.Errorf("%d bytes after %d regrets, %d before", got, i+1, short)
		}
	}
	if got := bytes(false); got != short {
		t.Errorf("%d bytes where any rate can be sent, want %d", got, short)
	}
	for range mostStretch {
		p.raised, p.hasRaise = p.raised+time.Minute, true
		p.trusted(p.raised + regret)
	}
	if got := bytes(true); got != short {
		t.Errorf("%d bytes after trust, want %d", got, short)
	}
}

func TestMeter(t *testing.T) {
	var m meter
	if _, ok := m.rate(100 * ms); ok {
		t.Error("a rate of nothing")
	}
	at := -time.Hour // any epoch
	for range 1000 {
		m.add(at, 125)
		at += ms
	}
	for _, window := range []time.Duration{100 * ms, 300 * ms, 900 * ms} {
		if got, ok := m.rate(window); !ok || math.Abs(got-1e6) > 1e4 {
			t.Errorf("%v: %v, %v", window, got, ok)
		}
	}
	at += 120 * ms // a break, and then as before
	for range 100 {
		m.add(at, 125)
		at += ms
	}
	if got, _ := m.rate(300 * ms); got > 0.65e6 {
		t.Errorf("%v with the break", got)
	}
	if got, _ := m.full(300 * ms); math.Abs(got-1e6) > 0.1e6 {
		t.Errorf("%v without the break", got)
	}
	if got, _ := m.at(at+2*time.Second, 500*ms); got != 0 {
		t.Errorf("%v after a rest", got)
	}
	m.add(at-time.Minute, 1000) // much too late: ignored
	if got, _ := m.rate(500 * ms); got != 0 {
		t.Errorf("%v", got)
	}
}

// TestDelays feeds groups each 33 ms whose delay changes as told.
func TestDelays(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	tests := []struct {
		name  string
		delay func(at float64) float64 // s
		over  bool
	}{
		{"constant", func(float64) float64 { return 0.1 }, false},
		{"drifting clock", func(at float64) float64 { return 0.1 + 0.0002*at }, false},
		{"noise", func(float64) float64 { return 0.1 + 0.03*random.Float64() }, false},
		{"slowly growing queue", func(at float64) float64 { return 0.1 + 0.03*max(0, at-2) }, true},
		{"fast growing queue", func(at float64) float64 { return 0.1 + 1*max(0, at-2) }, true},
		{"standing queue", func(at float64) float64 {
			if at > 2 {
				return 0.15
			}
			return 0.1
		}, true},
		{"one late frame", func(at float64) float64 {
			if at > 2 && at < 2.05 {
				return 0.2
			}
			return 0.1
		}, false},
	}
	for _, tt := range tests {
		var d delays
		d.reset()
		over := false
		for i := range 120 {
			at := time.Duration(i) * 33 * ms
			for k := range 3 { // a frame's packets
				delay := time.Duration(tt.delay(at.Seconds())*float64(time.Second)) + time.Duration(k)*3*ms
				d.add(at, at+time.Duration(k)*ms/10, time.Hour+at+delay, 0, 1000)
			}
			d.close()
			over = over || d.usage == Over
		}
		if over != tt.over {
			t.Errorf("%s: overuse %v, %+v", tt.name, over, d.usage)
		}
	}
}
