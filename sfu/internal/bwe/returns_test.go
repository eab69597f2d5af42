package bwe_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"plenum/sfu/internal/alloc"
	"plenum/sfu/internal/bwe"
	"plenum/sfu/internal/bwe/linksim"
)

// Everything returns: whatever happens to a call, once the link is good every wanted
// layer flows again soon. The estimator and the allocator run as in the server, over a
// simulated link. A sequence is random, stands for one run, and shrinks where it fails.

// deed is what an incident does.
type deed int

const (
	narrow     deed = iota // the link carries amount bit/s
	lossy                  // loses amount percent
	dark                   // nothing passes for amount ms
	shaky                  // up to amount ms of jitter
	shuffle                // the same, out of order
	deafen                 // amount percent of the feedback gets lost
	download               // amount flows fill the queue for 10 s
	constantly             // amount bit/s of other traffic for 10 s
	mute                   // publisher amount does
	unmute                 // and speaks again
	hide                   // tile amount
	show                   // the same
	shrink                 // tile amount to 320×180
	enlarge                // the same to 1280×720
	join                   // one more publisher
	numDeeds
)

func (d deed) String() string {
	return [...]string{"narrow", "lossy", "dark", "shaky", "shuffle", "deafen", "download", "constantly",
		"mute", "unmute", "hide", "show", "shrink", "enlarge", "join"}[d]
}

// incident is one thing that happens to a call.
type incident struct {
	at     time.Duration
	deed   deed
	amount int
}

func (i incident) String() string {
	return fmt.Sprintf("{%d * ms, %v, %d}", i.at.Milliseconds(), i.deed, i.amount)
}

// sequence is a call: what happens, and when the link is good again.
type sequence struct {
	seed      uint64
	cameras   int
	incidents []incident
	good      time.Duration
}

func (q sequence) String() string {
	list := make([]string, len(q.incidents))
	for i := range q.incidents {
		list[i] = q.incidents[i].String()
	}
	return fmt.Sprintf("{%d, %d, []incident{%s}, %d * ms}", q.seed, q.cameras, strings.Join(list, ", "), q.good.Milliseconds())
}

const (
	settle    = 6 * s     // before anything happens
	returning = 5 * s     // until all is full, nearly always
	moving    = 6 * s     // until nothing is paused
	atLast    = 9 * s     // until all is full
	mostLate  = 0.03      // of the sequences take longer than returning
	quiet     = 2100 * ms // without anything that brings feedback
	heldBack  = 3 * s
	mostSeen  = 6
)

// randomSequence is the one that a seed stands for.
func randomSequence(seed uint64) sequence {
	r := rand.New(rand.NewPCG(seed, 13))
	q := sequence{seed: seed, cameras: 1 + r.IntN(3)}
	at := settle
	for range 1 + r.IntN(8) {
		i := incident{at: at, deed: deed(r.IntN(int(numDeeds)))}
		switch i.deed {
		case narrow:
			i.amount = int(20e3 * math.Pow(1000, r.Float64()))
		case lossy:
			i.amount = r.IntN(31)
		case dark:
			i.amount = 100 + r.IntN(8000)
		case shaky, shuffle:
			i.amount = r.IntN(80)
		case deafen:
			i.amount = r.IntN(60)
		case download:
			i.amount = 1 + r.IntN(8)
		case constantly:
			i.amount = int(50e3 * math.Pow(100, r.Float64()))
		default:
			i.amount = r.IntN(mostSeen)
		}
		q.incidents = append(q.incidents, i)
		at += time.Duration(r.IntN(6000)) * ms
	}
	q.good = at + time.Duration(r.IntN(8000))*ms
	return q
}

// callee is the viewer of a sequence.
type callee struct {
	q         sequence
	sim       *linksim.Sim
	watcher   *linksim.Watcher
	allocator *alloc.Allocator
	tracks    []alloc.Track // the first is the sound
	choices   []alloc.Choice
	path      linksim.Path
	away      int // blackouts
	outage    bool
	sent      int // packets that bring feedback
	sentAt    time.Duration
	fitAt     time.Duration // since when a missing layer would fit beside fitBits, 0 if none does
	fitBits   uint64
	fault     string
}

const (
	sound   = 48 * kbit         // as linksim's
	unheard = sound * 100 / 110 // without alloc's headroom
)

func camera(id int) alloc.Track {
	layer := func(spatial uint8, rate uint64, w, h uint16) alloc.Layer {
		return alloc.Layer{Spatial: spatial, Bitrate: rate, Width: w, Height: h, FPS: 30, Live: true}
	}
	return alloc.Track{ID: uint32(id), Enabled: true, MaxWidth: 1280, MaxHeight: 720, Layers: []alloc.Layer{ //nolint:gosec // few
		layer(0, 150*kbit, 320, 180), layer(1, 500*kbit, 640, 360), layer(2, 1700*kbit, 1280, 720)}}
}

// run plays a sequence and returns what went wrong, or "", and whether all was full
// promptly.
func (q sequence) run() (fault string, prompt bool) {
	c := &callee{q: q, allocator: alloc.New(alloc.Config{})}
	c.path = linksim.Path{Capacity: constant(20 * mbit), Delay: 30 * ms, Back: 30 * ms}
	c.sim = linksim.New(c.path, q.seed)
	c.tracks = []alloc.Track{{ID: 1, Audio: true, Enabled: true, Layers: []alloc.Layer{{Bitrate: sound, Live: true}}}}
	for i := range q.cameras {
		c.tracks = append(c.tracks, camera(i+2))
	}
	for _, i := range q.incidents {
		c.sim.At(i.at, func() { c.happen(i) })
	}
	c.sim.At(q.good, c.mend)
	c.watcher = c.sim.Watch(linksim.Viewer{Unheard: true, Noise: 0.2, Key: 4, Pace: 2.5, Allocate: c.allocate})
	c.sim.Run(q.good + returning)
	prompt = c.full()
	c.sim.Run(q.good + moving)
	c.moves()
	for !c.full() && c.sim.Now() < q.good+atLast {
		c.sim.Run(c.sim.Now() + s/10)
	}
	if !c.full() {
		st := c.watcher.Estimator.State()
		c.fail("not full: %+v, target %d, demand %d, probes %v", c.choices, st.Target, st.Demand, st.Probes)
	}
	return c.fault, prompt
}

func (c *callee) fail(format string, args ...any) {
	if c.fault == "" {
		c.fault = fmt.Sprintf("%v: ", c.sim.Now()) + fmt.Sprintf(format, args...)
	}
}

// video is the track that an incident is about.
func (c *callee) video(n int) *alloc.Track { return &c.tracks[1+n%(len(c.tracks)-1)] }

func (c *callee) happen(i incident) {
	rest := c.q.good - c.sim.Now()
	switch i.deed {
	case narrow:
		c.path.Capacity = constant(uint64(i.amount)) //nolint:gosec // positive
	case lossy:
		c.path.Loss = float64(i.amount) / 100
	case dark:
		c.away++
		c.sim.At(c.sim.Now()+min(time.Duration(i.amount)*ms, rest), func() { c.away--; c.apply() })
	case shaky, shuffle:
		c.path.Jitter, c.path.Reorder = time.Duration(i.amount)*ms, i.deed == shuffle
	case deafen:
		c.path.BackLoss = float64(i.amount) / 100
	case download:
		for range i.amount {
			c.sim.Greedy(c.sim.Now(), c.sim.Now()+min(10*s, rest))
		}
	case constantly:
		c.sim.Constant(uint64(i.amount), c.sim.Now(), c.sim.Now()+min(10*s, rest)) //nolint:gosec // positive
	case mute, unmute:
		c.video(i.amount).Muted = i.deed == mute
	case hide, show:
		c.video(i.amount).Enabled = i.deed == show
	case shrink:
		c.video(i.amount).MaxWidth, c.video(i.amount).MaxHeight = 320, 180
	case enlarge:
		c.video(i.amount).MaxWidth, c.video(i.amount).MaxHeight = 1280, 720
	case join:
		if len(c.tracks) <= mostSeen {
			c.tracks = append(c.tracks, camera(len(c.tracks)+1))
		}
	}
	c.apply()
}

// apply gives the path its present properties.
func (c *callee) apply() {
	p := c.path
	if c.away > 0 {
		p.Loss, p.BackLoss = 1, 1
	}
	c.sim.Change(func(to *linksim.Path) {
		to.Capacity, to.Loss, to.Jitter, to.Reorder, to.BackLoss = p.Capacity, p.Loss, p.Jitter, p.Reorder, p.BackLoss
	})
}

// mend makes the link good.
func (c *callee) mend() {
	c.path = linksim.Path{Capacity: constant(20 * mbit)}
	c.apply()
}

// allocate is what the server's loop does for a viewer.
func (c *callee) allocate(now time.Duration, e *bwe.Estimator) uint64 {
	if c.away == 0 {
		e.Alive(now, now) // something comes: media, reports, checks
	}
	outage := e.Outage(now)
	if c.outage && !outage {
		c.allocator = alloc.New(alloc.Config{})
	}
	c.outage = outage
	budget := e.Sustained(now)
	if least := c.least(); e.Fresh() {
		budget = max(budget, min(least, 2500*kbit))
	}
	if outage {
		budget = 0
	}
	c.choices = c.allocator.Allocate(now, budget+sound, c.tracks, c.choices[:0])
	total, next := c.allocator.Wanted(c.tracks)
	e.Demand(now, total-min(sound, total), next-min(unheard, next))
	c.watcher.Poll()
	bits := uint64(0)
	for i := range c.choices {
		if l := c.choices[i].Layer; l >= 0 {
			bits += c.tracks[i].Layers[l].Bitrate
		} else if i == 0 {
			c.fail("the sound is cut")
		}
	}
	c.check(now, e, bits, total)
	return max(bits, sound)
}

// least is what the cheapest layer of each video takes.
func (c *callee) least() (bits uint64) {
	for i := range c.tracks[1:] {
		if t := &c.tracks[i+1]; t.Enabled && !t.Muted {
			bits += t.Layers[0].Bitrate * 13 / 10
		}
	}
	return bits
}

// check looks for what must never be, while the call goes on.
func (c *callee) check(now time.Duration, e *bwe.Estimator, bits, wanted uint64) {
	if n := c.watcher.Packets(); n != c.sent || wanted <= e.Sustained(now)+sound || c.outage || c.away > 0 {
		c.sent, c.sentAt = n, now
	} else if now-c.sentAt > quiet {
		c.fail("nothing has brought feedback for %v", now-c.sentAt)
	}
	cheapest := uint64(math.MaxUint64)
	for i := range c.choices {
		if t := &c.tracks[i]; c.choices[i].Reason == alloc.ReasonBandwidth && c.choices[i].Layer < 0 {
			cheapest = min(cheapest, t.Layers[0].Bitrate)
		}
	}
	switch {
	case cheapest == math.MaxUint64 || c.outage || float64(bits+cheapest) > 0.8*float64(e.Target(now)+sound):
		c.fitAt = 0
	case c.fitAt == 0 || bits > c.fitBits: // one has just returned
		c.fitAt, c.fitBits = now, bits
	case now-c.fitAt > heldBack:
		c.fail("a layer of %d is paused beside %d, with a target of %d", cheapest, bits, e.Target(now))
	}
}

// moves holds that nothing is paused.
func (c *callee) moves() {
	for i := range c.choices {
		if ch := &c.choices[i]; ch.Layer < 0 && ch.Wanted >= 0 {
			c.fail("track %d is paused: %v", ch.ID, ch.Reason)
		}
	}
}

// full reports that every wanted layer is chosen.
func (c *callee) full() bool {
	return !slices.ContainsFunc(c.choices, func(ch alloc.Choice) bool { return ch.Layer != ch.Wanted })
}

// shrunk is a sequence that still fails, without what isn't needed for it.
func (q sequence) shrunk() sequence {
	for again := true; again; {
		again = false
		for i := range q.incidents {
			less := q
			less.incidents = append(append([]incident(nil), q.incidents[:i]...), q.incidents[i+1:]...)
			if fault, _ := less.run(); fault != "" {
				q, again = less, true
				break
			}
		}
	}
	return q
}

// TestReturned plays sequences that failed once.
func TestReturned(t *testing.T) {
	for _, c := range []struct {
		name string
		sequence
	}{
		{"losses of a narrow link that is no more make the first probe regretted",
			sequence{161, 2, []incident{{10249 * ms, narrow, 102961}}, 20177 * ms}},
		{"the smallest layer waits for a limit to be lifted at twice its budget",
			sequence{40, 1, []incident{{6000 * ms, constantly, 565896}, {6642 * ms, shrink, 0}, {10873 * ms, download, 4}}, 22150 * ms}},
		{"a short blackout counts as regret of the probe before it",
			sequence{11576949702776726578, 2, []incident{{6000 * ms, shaky, 79}, {7581 * ms, shrink, 0}, {11698 * ms, shuffle, 48}, {16955 * ms, join, 3}, {19860 * ms, dark, 7416}, {24730 * ms, constantly, 139110}, {28552 * ms, dark, 754}}, 29063 * ms}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if fault, prompt := c.run(); fault != "" || !prompt {
				t.Errorf("full in time: %v; %s", prompt, fault)
			}
		})
	}
}

// TestEverythingReturns plays random sequences; one seed stands for one.
func TestEverythingReturns(t *testing.T) {
	count, late := uint64(600), 0
	if testing.Short() {
		count = 50
	}
	for seed := range count {
		fault, prompt := returns(randomSequence(seed))
		if fault != "" {
			t.Error(fault)
		}
		if !prompt {
			late++
		}
	}
	t.Logf("%d of %d were full only after %v", late, count, returning)
	if float64(late) > mostLate*float64(count) {
		t.Errorf("%d of %d were full only after %v", late, count, returning)
	}
}

// returns plays a sequence and shrinks it where it fails.
func returns(q sequence) (fault string, prompt bool) {
	if fault, prompt = q.run(); fault != "" {
		less := q.shrunk()
		again, _ := less.run()
		fault = fmt.Sprintf("seed %d: %s\nshrunk to %v: %s", q.seed, fault, less, again)
	}
	return fault, prompt
}

// mostFaults is the share of random sequences that may take longer than the limits: one
// interval between probes more, after several that were regretted.
const mostFaults = 0.003

// TestSoakEverythingReturns goes on for as long as it is told, and prints what fails.
func TestSoakEverythingReturns(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("PLENUM_SOAK"))
	if err != nil {
		t.Skip("set PLENUM_SOAK to how long it should run")
	}
	first, count, faults := rand.Uint64(), uint64(0), 0
	t.Logf("seeds from %d on", first)
	for start := time.Now(); time.Since(start) < length; count++ {
		if fault, _ := returns(randomSequence(first + count)); fault != "" {
			t.Log(fault)
			faults++
		}
	}
	t.Logf("%d of %d failed", faults, count)
	if float64(faults) > mostFaults*float64(count)+1 {
		t.Errorf("%d of %d failed", faults, count)
	}
}
