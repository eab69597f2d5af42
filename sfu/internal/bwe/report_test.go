package bwe_test

import (
	"fmt"
	"slices"
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
	// kept is from when on the least target is compared with the one at that time.
	kept time.Duration

	// What is asserted; 0 = nothing is.
	minUse      float64
	maxQueue    time.Duration // p95 in steady
	maxUp       time.Duration
	maxDown     time.Duration
	minFairness float64
	maxSwitches float64 // per minute, in steady
	minKept     float64
}

// result is what was measured.
type result struct {
	use, fairness, padding, switches float64
	kept                             float64
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
	r.kept = 1
	if sc.kept > 0 {
		after := t.Targets[sc.kept/linksim.Bin:]
		r.kept = slices.Min(after) / after[0]
	}
	return r, watchers
}

// worst keeps the worse of two runs in each regard.
func (r *result) worst(o *result) {
	r.use = min(r.use, o.use)
	r.fairness = min(r.fairness, o.fairness)
	r.queue = max(r.queue, o.queue)
	r.padding = max(r.padding, o.padding)
	r.switches = max(r.switches, o.switches)
	r.kept = min(r.kept, o.kept)
	r.up, r.upOK = max(r.up, o.up), r.upOK && o.upOK
	r.down, r.downOK = max(r.down, o.down), r.downOK && o.downOK
}

func (r *result) row() string {
	t := func(d time.Duration, ok bool) string {
		if !ok {
			return "–"
		}
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%6.1f %% %8d ms %8s %8s %8.2f %7.1f %% %8.1f %6.0f %%", 100*r.use, r.queue.Milliseconds(), t(r.up, r.upOK), t(r.down, r.downOK), r.fairness, 100*r.padding, r.switches, 100*r.kept)
}

const header = "scenario                                         used   queue p95       up     down fairness   padding   sw/min     kept"

// measure runs a scenario with several seeds and keeps the worst.
func (sc *scenario) measure(seeds uint64) result {
	worst, _ := sc.run(1)
	for seed := uint64(2); seed <= seeds; seed++ {
		r, _ := sc.run(seed)
		worst.worst(&r)
	}
	return worst
}

// check asserts what the scenario promises.
func (sc *scenario) check(t *testing.T, r *result) {
	if r.use < sc.minUse {
		t.Errorf("used %.3f, want %.3f", r.use, sc.minUse)
	}
	if sc.maxQueue > 0 && r.queue > sc.maxQueue {
		t.Errorf("queue %v, want at most %v", r.queue, sc.maxQueue)
	}
	if sc.maxUp > 0 && (!r.upOK || r.up > sc.maxUp) {
		t.Errorf("up in %v (%v), want %v", r.up, r.upOK, sc.maxUp)
	}
	if sc.maxDown > 0 && (!r.downOK || r.down > sc.maxDown) {
		t.Errorf("down in %v (%v), want %v", r.down, r.downOK, sc.maxDown)
	}
	if r.fairness < sc.minFairness {
		t.Errorf("fairness %.2f, want %.2f", r.fairness, sc.minFairness)
	}
	if r.kept < sc.minKept {
		t.Errorf("the target fell to %.2f of what it was, want %.2f", r.kept, sc.minKept)
	}
	if sc.maxSwitches > 0 && r.switches > sc.maxSwitches {
		t.Errorf("%.1f switches a minute, want %.1f", r.switches, sc.maxSwitches)
	}
}

// TestReport holds each scenario to its ranges, with the worst of several runs;
// go test -run Report -v prints the table.
func TestReport(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	t.Log(header)
	for _, sc := range scenarios() {
		r := sc.measure(seeds)
		t.Logf("%-44s %s", sc.name, r.row())
		t.Run(sc.name, func(t *testing.T) { sc.check(t, &r) })
	}
}

// BenchmarkReport prints the table, with the worst of eight runs, and measures
// how much faster than real time a simulation goes.
func BenchmarkReport(b *testing.B) {
	var virtual time.Duration
	for i := range b.N {
		if i == 0 {
			fmt.Println("\n" + header) // b.Log keeps ten lines
		}
		for _, sc := range scenarios() {
			r := sc.measure(8)
			virtual += 8 * sc.length
			if i == 0 {
				fmt.Printf("%-44s %s\n", sc.name, r.row())
			}
		}
	}
	b.ReportMetric(virtual.Seconds()/b.Elapsed().Seconds(), "×realtime")
}

// TestDeterministic shows that a seed stands for one run.
func TestDeterministic(t *testing.T) {
	sc := scenario{path: path(linksim.Step{Rate: 2 * mbit}), length: 20 * s}
	a, _ := sc.run(7)
	b, _ := sc.run(7)
	c, _ := sc.run(8)
	if a != b || a == c {
		t.Errorf("%+v\n%+v\n%+v", a, b, c)
	}
}

// TestStateDuringCall reads the state as the explain endpoint does.
func TestStateDuringCall(t *testing.T) {
	sc := scenario{path: path(linksim.Step{Rate: 2 * mbit}), length: 30 * s}
	_, watchers := sc.run(1)
	st := watchers[0].Estimator.State()
	if st.Target < 1600*kbit || st.Target > 2400*kbit || st.Capacity < 1700*kbit || st.Capacity > 2200*kbit ||
		st.Acknowledged < 1500*kbit || st.Demand != 20*mbit || len(st.Probes) != 8 || st.RTT < 49*ms || st.RTT > 51*ms || st.Reported < 5000 {
		t.Errorf("%+v", st)
	}
	passed := false
	for _, p := range st.Probes {
		if p.Rate == 0 || p.Outcome.String() == "" {
			t.Errorf("%+v", p)
		}
		passed = passed || p.Outcome == bwe.Passed || p.Outcome == bwe.Limited
	}
	if n := len(st.Falls); n == 0 || st.Falls[n-1].From <= st.Falls[n-1].To || st.Falls[n-1].Reason != bwe.ReasonDelay {
		t.Errorf("falls %+v of a link that is full", st.Falls)
	}
	if !passed || st.Reason.String() == "" || st.Usage.String() == "" {
		t.Errorf("%+v", st)
	}
}
