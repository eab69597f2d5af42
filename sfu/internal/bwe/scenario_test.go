package bwe_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"plenum/sfu/internal/bwe"
	"plenum/sfu/internal/bwe/linksim"
)

const (
	kbit = 1_000
	mbit = 1_000_000
	ms   = time.Millisecond
	s    = time.Second
)

var layers = []uint64{150 * kbit, 500 * kbit, 1700 * kbit}

// scenario is one row of the report.
type scenario struct {
	name    string
	path    linksim.Path
	viewers []linksim.Viewer // demand 20 Mbit/s from the start unless told otherwise
	setup   func(sim *linksim.Sim)
	length  time.Duration // 0 = 60 s
	// steady is where utilisation and queueing are measured: from, to.
	steady [2]time.Duration
	// want is the rate that steady can reach, where it isn't the capacity.
	want float64
	// up is from when on a rise is timed, to 85 % of upTo; down likewise until
	// no more than downTo is sent.
	up, down     time.Duration
	upTo, downTo float64

	// What is asserted; 0 = nothing is.
	minUse      float64
	maxQueue    time.Duration // p95 in steady
	maxUp       time.Duration
	maxDown     time.Duration
	minFairness float64
	maxSwitches float64 // per minute, in steady
}

// result is what was measured.
type result struct {
	use, fairness, padding, switches float64
	queue                            time.Duration
	up, down                         time.Duration
	upOK, downOK                     bool
}

func constant(rate uint64) []linksim.Step { return []linksim.Step{{Rate: rate}} }

func path(capacity ...linksim.Step) linksim.Path {
	return linksim.Path{Capacity: capacity, Delay: 25 * ms, Back: 25 * ms}
}

func (sc *scenario) run(seed uint64) (r result, watchers []*linksim.Watcher) {
	sim := linksim.New(sc.path, seed)
	if sc.length == 0 {
		sc.length = 60 * s
	}
	if sc.steady[1] == 0 {
		sc.steady = [2]time.Duration{10 * s, sc.length}
	}
	viewers := sc.viewers
	if len(viewers) == 0 {
		viewers = []linksim.Viewer{{}}
	}
	for _, v := range viewers {
		if v.Demand == nil && v.Allocate == nil {
			v.Demand = constant(20 * mbit)
		}
		if v.Noise == 0 {
			v.Noise = 0.2
		}
		w := sim.Watch(v)
		last := uint64(0)
		w.Observe = func(now time.Duration, e *bwe.Estimator) {
			for len(w.Trace.Targets) <= int(now/linksim.Bin) {
				w.Trace.Targets = append(w.Trace.Targets, float64(e.Target(now)))
			}
			if len(v.Layers) > 0 {
				chosen := v.Layers[0]
				for _, l := range v.Layers {
					if l+48*kbit <= e.Target(now) {
						chosen = l
					}
				}
				if chosen != last {
					w.Trace.Switches = append(w.Trace.Switches, now)
					last = chosen
				}
			}
		}
		watchers = append(watchers, w)
	}
	if sc.setup != nil {
		sc.setup(sim)
	}
	sim.Run(sc.length)
	from, to := sc.steady[0], sc.steady[1]
	want := sc.want
	if want == 0 {
		n := 0
		for at := from; at < to; at += linksim.Bin {
			want += sim.Capacity(at)
			n++
		}
		want /= float64(n)
	}
	var sum, squares float64
	for _, w := range watchers {
		got := linksim.Mean(w.Trace.Media, from, to)
		sum += got
		squares += got * got
		r.queue = max(r.queue, w.Trace.Queue(0.95, from, to))
		r.padding += linksim.Mean(w.Trace.Padding, from, to)
		for _, at := range w.Trace.Switches {
			if at >= from && at < to {
				r.switches++
			}
		}
	}
	r.switches /= (to - from).Minutes()
	r.use = sum / want
	r.padding /= want
	r.fairness = sum * sum / squares / float64(len(watchers))
	t := &watchers[len(watchers)-1].Trace
	if sc.upTo > 0 {
		r.up, r.upOK = linksim.Reaches(t.Media, sc.up, sc.length, 500*ms, 0.85*sc.upTo)
	}
	if sc.downTo > 0 {
		r.down, r.downOK = linksim.Falls(t.Sent, sc.down, sc.length, sc.downTo)
	}
	return r, watchers
}

func (r *result) row() string {
	t := func(d time.Duration, ok bool) string {
		if !ok {
			return "–"
		}
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%6.1f %% %8d ms %8s %8s %8.2f %7.1f %% %8.1f", 100*r.use, r.queue.Milliseconds(), t(r.up, r.upOK), t(r.down, r.downOK), r.fairness, 100*r.padding, r.switches)
}

func TestReport(t *testing.T) {
	t.Logf("%-44s %8s %11s %8s %8s %8s %9s %8s", "scenario", "used", "queue p95", "up", "down", "fairness", "padding", "sw/min")
	for _, sc := range scenarios() {
		r, ws := sc.run(1)
		t.Logf("%-44s %s", sc.name, r.row())
		if os.Getenv("TRACE") != "" && os.Getenv("TRACE") == sc.name {
			for at := time.Duration(0); at < sc.length; at += 200 * ms {
				line := fmt.Sprintf("%5.1f", at.Seconds())
				for _, w := range ws {
					line += fmt.Sprintf("  T %5.0f S %5.0f M %5.0f P %4.0f q %3d", linksim.Mean(w.Trace.Targets, at, at+200*ms)/1e3, linksim.Mean(w.Trace.Sent, at, at+200*ms)/1e3, linksim.Mean(w.Trace.Media, at, at+200*ms)/1e3, linksim.Mean(w.Trace.Padding, at, at+200*ms)/1e3, w.Trace.Queue(0.9, at, at+200*ms).Milliseconds())
				}
				fmt.Println(line)
			}
		}
	}
}

func scenarios() []scenario {
	long := func(p linksim.Path) linksim.Path { p.Delay, p.Back = 100*ms, 100*ms; return p }
	loss := func(p linksim.Path, share float64) linksim.Path { p.Loss = share; return p }
	queue := func(p linksim.Path, limit time.Duration) linksim.Path { p.Queue = limit; return p }
	at := func(rate uint64) linksim.Path { return path(linksim.Step{At: 0, Rate: rate}) }
	steps := path(linksim.Step{At: 0, Rate: 5 * mbit}, linksim.Step{At: 20 * s, Rate: 1 * mbit}, linksim.Step{At: 40 * s, Rate: 3 * mbit})
	coarse := []linksim.Viewer{{Layers: layers, Key: 4}}
	burst := at(3 * mbit)
	burst.Burst = linksim.Burst{ToBad: 0.005, ToGood: 0.1, Loss: 0.7}
	policed := at(10 * mbit)
	policed.Policer = linksim.Policer{Rate: mbit, Burst: 15000}
	jitter := at(3 * mbit)
	jitter.Jitter = 20 * ms
	deaf := at(3 * mbit)
	deaf.BackLoss = 0.2
	return []scenario{
		{name: "0.5 Mbit/s", path: at(mbit / 2), minUse: 0.85, maxQueue: 100 * ms, upTo: 0.5 * mbit, maxUp: 5 * s},
		{name: "1 Mbit/s", path: at(mbit), minUse: 0.85, maxQueue: 100 * ms, upTo: mbit, maxUp: 5 * s},
		{name: "2.5 Mbit/s", path: at(2.5 * mbit), minUse: 0.85, maxQueue: 100 * ms, upTo: 2.5 * mbit, maxUp: 5 * s},
		{name: "5 Mbit/s", path: at(5 * mbit), minUse: 0.85, maxQueue: 100 * ms, upTo: 5 * mbit, maxUp: 5 * s},
		{name: "10 Mbit/s, 2.5 wanted", path: at(10 * mbit), viewers: []linksim.Viewer{{Demand: constant(2.5 * mbit)}}, want: 2.5 * mbit, upTo: 2.5 * mbit, minUse: .95, maxQueue: 50 * ms, maxUp: 2500 * ms},
		{name: "10 Mbit/s, layers", path: at(10 * mbit), viewers: coarse, want: 1.748 * mbit, upTo: 1.7 * mbit, minUse: .95, maxQueue: 50 * ms, maxUp: 2500 * ms, maxSwitches: 2},
		{name: "5 → 1 → 3: down", path: steps, steady: [2]time.Duration{25 * s, 40 * s}, down: 20 * s, downTo: mbit, minUse: 0.85, maxQueue: 100 * ms, maxDown: s},
		{name: "5 → 1 → 3: up", path: steps, steady: [2]time.Duration{45 * s, 60 * s}, up: 40 * s, upTo: 3 * mbit, minUse: 0.85, maxQueue: 100 * ms, maxUp: 5 * s},
		{name: "5 → 1 → 3, layers: down", path: steps, viewers: coarse, steady: [2]time.Duration{25 * s, 40 * s}, want: 548 * kbit, down: 20 * s, downTo: mbit, minUse: 0.85, maxQueue: 100 * ms, maxDown: s, maxSwitches: 4},
		{name: "5 → 1 → 3, layers: up", path: steps, viewers: coarse, steady: [2]time.Duration{45 * s, 60 * s}, want: 1748 * kbit, up: 40 * s, upTo: 1.7 * mbit, minUse: 0.85, maxQueue: 100 * ms, maxUp: 5 * s},
		{name: "5 → 1 → 3, 200 ms RTT: down", path: long(steps), steady: [2]time.Duration{25 * s, 40 * s}, down: 20 * s, downTo: mbit, minUse: 0.85, maxQueue: 100 * ms, maxDown: s},
		{name: "5 → 1 → 3, 200 ms RTT: up", path: long(steps), steady: [2]time.Duration{45 * s, 60 * s}, up: 40 * s, upTo: 3 * mbit, minUse: 0.85, maxQueue: 100 * ms, maxUp: 5 * s},
		{name: "5 → 1 → 3, 60 ms buffer: down", path: queue(steps, 60*ms), steady: [2]time.Duration{25 * s, 40 * s}, down: 20 * s, downTo: mbit, minUse: 0.85, maxQueue: 100 * ms, maxDown: s},
		{name: "5 → 1 → 3, 60 ms buffer: up", path: queue(steps, 60*ms), steady: [2]time.Duration{45 * s, 60 * s}, up: 40 * s, upTo: 3 * mbit, minUse: 0.85, maxQueue: 100 * ms, maxUp: 5 * s},
		{name: "5 → 1 → 3, 1 s buffer: down", path: queue(steps, s), steady: [2]time.Duration{25 * s, 40 * s}, down: 20 * s, downTo: mbit, minUse: 0.85, maxQueue: 100 * ms, maxDown: s},
		{name: "5 → 1 → 3, 1 s buffer: up", path: queue(steps, s), steady: [2]time.Duration{45 * s, 60 * s}, up: 40 * s, upTo: 3 * mbit, minUse: 0.85, maxQueue: 100 * ms, maxUp: 5 * s},
		{name: "3 Mbit/s, 200 ms RTT", path: long(at(3 * mbit)), minUse: 0.85, maxQueue: 100 * ms, upTo: 3 * mbit, maxUp: 5 * s},
		{name: "3 Mbit/s, 60 ms buffer", path: queue(at(3*mbit), 60*ms), minUse: 0.85, maxQueue: 100 * ms, upTo: 3 * mbit, maxUp: 5 * s},
		{name: "3 Mbit/s, 1 s buffer", path: queue(at(3*mbit), s), minUse: 0.85, maxQueue: 100 * ms, upTo: 3 * mbit, maxUp: 5 * s},
		{name: "3 Mbit/s, 20 ms jitter", path: jitter, minUse: 0.85, maxQueue: 100 * ms, upTo: 3 * mbit, maxUp: 5 * s},
		{name: "3 Mbit/s, 1 % loss", path: loss(at(3*mbit), 0.01), minUse: 0.85, maxQueue: 100 * ms, upTo: 3 * mbit, maxUp: 5 * s},
		{name: "3 Mbit/s, 5 % loss", path: loss(at(3*mbit), 0.05), minUse: 0.80, maxQueue: 100 * ms, upTo: 2.85 * mbit, maxUp: 5 * s},
		{name: "3 Mbit/s, 10 % loss", path: loss(at(3*mbit), 0.10), minUse: 0.70, maxQueue: 100 * ms, upTo: 2.7 * mbit, maxUp: 8 * s},
		{name: "3 Mbit/s, 20 % loss", path: loss(at(3*mbit), 0.20), minUse: 0.40, maxQueue: 100 * ms},
		{name: "3 Mbit/s, loss in bursts (3.3 %)", path: burst, minUse: 0.80, maxQueue: 100 * ms, upTo: 3 * mbit, maxUp: 8 * s},
		{name: "1 Mbit/s policer, no queue", path: policed, minUse: 0.70},
		{name: "3 Mbit/s, 20 % of feedback lost", path: deaf, minUse: 0.85, maxQueue: 100 * ms, upTo: 3 * mbit, maxUp: 5 * s},
		{name: "0.3 wanted for a minute, then all of 3", path: at(3 * mbit), length: 90 * s, viewers: []linksim.Viewer{{Demand: []linksim.Step{{Rate: 300 * kbit}, {At: 60 * s, Rate: 20 * mbit}}}}, steady: [2]time.Duration{65 * s, 90 * s}, up: 60 * s, upTo: 3 * mbit, minUse: 0.85, maxQueue: 100 * ms, maxUp: 5 * s},
		{name: "0.3 wanted, then 5, on 1", path: at(mbit), length: 90 * s, viewers: []linksim.Viewer{{Demand: []linksim.Step{{Rate: 300 * kbit}, {At: 60 * s, Rate: 5 * mbit}}}}, steady: [2]time.Duration{60 * s, 90 * s}, up: 60 * s, upTo: mbit, minUse: 0.8, maxQueue: 100 * ms, maxUp: 5 * s},
		{name: "1 Mbit/s, layers", path: at(mbit), viewers: coarse, want: 548 * kbit, minUse: 0.9, maxQueue: 100 * ms, maxSwitches: 2},
		{name: "0.65 Mbit/s, layers", path: at(650 * kbit), viewers: coarse, want: 548 * kbit, minUse: 0.85, maxQueue: 100 * ms, maxSwitches: 2},
		{name: "2 Mbit/s, layers", path: at(2 * mbit), viewers: coarse, want: 1748 * kbit, minUse: 0.85, maxQueue: 100 * ms, maxSwitches: 2},
		{name: "two viewers on 4", path: at(4 * mbit), length: 120 * s, viewers: []linksim.Viewer{{}, {From: 100 * ms}}, steady: [2]time.Duration{20 * s, 120 * s}, minUse: 0.85, maxQueue: 100 * ms, minFairness: 0.9},
		{name: "two viewers on 4, one comes 30 s later", path: at(4 * mbit), length: 120 * s, viewers: []linksim.Viewer{{}, {From: 30 * s}}, steady: [2]time.Duration{60 * s, 120 * s}, minUse: 0.85, maxQueue: 100 * ms, minFairness: 0.85},
		{name: "2 of 5 taken by a constant flow", path: at(5 * mbit), setup: func(sim *linksim.Sim) { sim.Constant(2*mbit, 0, 100*s) }, want: 3 * mbit, upTo: 3 * mbit, minUse: 0.8, maxQueue: 100 * ms, maxUp: 5 * s},
		{name: "2 of 5 taken after 20 s", path: at(5 * mbit), setup: func(sim *linksim.Sim) { sim.Constant(2*mbit, 20*s, 100*s) }, steady: [2]time.Duration{25 * s, 60 * s}, want: 3 * mbit, down: 20 * s, downTo: 3 * mbit, minUse: 0.8, maxQueue: 100 * ms, maxDown: s},
		{name: "against TCP on 5 (half is fair)", path: at(5 * mbit), setup: func(sim *linksim.Sim) { sim.Greedy(10*s, 100*s) }, length: 100 * s, steady: [2]time.Duration{20 * s, 100 * s}, want: 2.5 * mbit},
	}
}
