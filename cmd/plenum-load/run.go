package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"plenum/signaling/client"
)

// run is one load from the first join to the report.
type run struct {
	options *loadOptions
	clock   clock
	window  *window
	server  *server

	logging sync.Mutex // guards log
	log     io.Writer  // progress

	flows      []*flow
	publishers []*person
	viewers    []*person

	playing sync.WaitGroup
	halt    context.CancelFunc // ends it

	mu      sync.Mutex // a leaf: guards the fields below
	leaving bool
	joined  int
	failed  int
	shown   int // complaints printed
}

// settleStep is how often the run looks whether everyone gets what they should.
const settleStep = 50 * time.Millisecond

// shownComplaints bounds what is printed of one run.
const shownComplaints = 10

// execute carries one load out.
func (o *loadOptions) execute(ctx context.Context, log io.Writer) (*report, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, o.bound(), errors.New("the run takes too long"))
	defer cancel()
	r := &run{options: o, clock: clock{time.Now()}, window: &window{}, log: log, server: &server{pid: o.PID, metrics: o.Metrics}}
	if o.Server != "" {
		var err error
		if r.server, o.URL, err = startServer(ctx, o.Server); err != nil {
			return nil, err
		}
		defer r.server.stop()
	} else if o.PID != 0 && o.Metrics == "" {
		r.server.metrics = o.metricsURL()
	}
	r.plan()
	return r.perform(ctx)
}

// bound is the longest that a run may take.
func (o *loadOptions) bound() time.Duration {
	return startTimeout + o.Ramp + 2*o.JoinTimeout + o.Settle + o.Duration + stopTimeout + 10*time.Second
}

func (o *loadOptions) host() string {
	u, err := url.Parse(o.URL)
	if err != nil {
		return "" // Join says so
	}
	return u.Hostname()
}

// metricsURL is /metrics beside the signaling.
func (o *loadOptions) metricsURL() string {
	u, err := url.Parse(o.URL)
	if err != nil {
		return ""
	}
	u.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	u.Path, u.RawQuery = "/metrics", ""
	return u.String()
}

// plan decides who is where and what they should get.
func (r *run) plan() {
	o := r.options
	media := o.media()
	for room := range o.Rooms {
		var people []*person
		for i := range o.Publishers + o.Subscribers {
			p := &person{run: r, name: fmt.Sprintf("load-%d-%d", room, i), room: o.room(room), token: o.Token, tally: newTally(r.window)}
			if i < o.Publishers {
				p.publish(&media, len(r.publishers))
				r.publishers = append(r.publishers, p)
			} else {
				r.viewers = append(r.viewers, p)
			}
			people = append(people, p)
		}
		for _, p := range people {
			for _, other := range people {
				if p == other {
					continue
				}
				for _, s := range other.sources {
					p.expected = append(p.expected, s.flow)
				}
			}
		}
	}
}

func (r *run) newFlow(simulcast bool) *flow {
	f := &flow{id: uint32(len(r.flows)), simulcast: simulcast} //nolint:gosec // few
	r.flows = append(r.flows, f)
	return f
}

func (r *run) everyone() []*person {
	return append(r.publishers[:len(r.publishers):len(r.publishers)], r.viewers...)
}

// perform lets everyone in, waits until the load is steady, measures, and lets
// everyone out.
func (r *run) perform(ctx context.Context) (*report, error) {
	playing, halt := context.WithCancel(ctx)
	r.halt = halt
	defer r.disperse()
	if r.options.Feedback {
		r.playing.Go(func() { r.feedback(playing) })
	}
	began := r.clock.now()
	if len(r.publishers) > 0 {
		if err := r.gather(ctx, playing, r.publishers); err != nil {
			return nil, err
		}
	}
	if len(r.viewers) > 0 {
		began = r.clock.now()
		if err := r.gather(ctx, playing, r.viewers); err != nil {
			return nil, err
		}
	}
	if err := r.settle(ctx); err != nil {
		return nil, err
	}
	report, err := r.steady(ctx)
	if err != nil {
		return nil, err
	}
	r.joins(report, began)
	report.judge()
	return report, nil
}

// gather lets people join, spread over the ramp, and play as they come.
func (r *run) gather(ctx, playing context.Context, people []*person) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.options.Ramp+r.options.JoinTimeout, errors.New("join timeout"))
	defer cancel()
	var joining sync.WaitGroup
	begin := r.clock.now()
	for i, p := range people {
		due := begin + r.options.Ramp*time.Duration(i)/time.Duration(len(people))
		if err := r.sleepUntil(ctx, due); err != nil {
			return err
		}
		joining.Go(func() {
			err := p.join(ctx)
			r.admitted(p, err)
			if err == nil && len(p.sources) > 0 {
				for _, s := range p.sources {
					s.due += r.clock.now()
					s.tell = p.tell
				}
				r.playing.Go(func() { play(playing, p.sources, &p.late) })
			}
		})
	}
	joining.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.joined == 0 {
		return errors.New("nobody could join")
	}
	return nil
}

// admitted books the result of one join.
func (r *run) admitted(p *person, err error) {
	r.mu.Lock()
	if err != nil {
		r.failed++
	} else {
		r.joined++
	}
	joined, failed := r.joined, r.failed
	r.mu.Unlock()
	if err != nil {
		r.say("%s: %v", p.name, err)
	}
	all := len(r.publishers) + len(r.viewers)
	if all < 20 || (joined+failed)%(all/10) == 0 {
		r.say("%d of %d joined", joined, all)
	}
}

// settle waits until everyone gets what they should, then for the settling time.
func (r *run) settle(ctx context.Context) error {
	begin := r.clock.now()
	for r.waiting() > 0 && r.clock.now()-begin < r.options.JoinTimeout {
		if err := r.sleepUntil(ctx, r.clock.now()+settleStep); err != nil {
			return err
		}
	}
	if n := r.waiting(); n > 0 {
		r.say("%d participants still wait for media", n)
	}
	return r.sleepUntil(ctx, r.clock.now()+r.options.Settle)
}

// waiting is how many participants miss a track.
func (r *run) waiting() int {
	n := 0
	for _, p := range r.everyone() {
		tracks := 0
		for _, f := range p.expected {
			if !f.simulcast {
				tracks++
			}
		}
		if flows, _ := p.tally.heard(); flows < max(tracks, min(len(p.expected), 1)) {
			n++
		}
	}
	return n
}

// Time for both ends to see a window that is set, and for the last packets to
// arrive after it: at least, and at most while some are missing.
const (
	windowNotice = 50 * time.Millisecond
	windowDrain  = 300 * time.Millisecond
	longestDrain = 7 * windowDrain
)

// steady measures.
func (r *run) steady(ctx context.Context) (*report, error) {
	scraped := r.server.scrape(ctx)
	before := r.server.scrape(ctx) // what lies between them is the cost of a look
	from := r.clock.now() + windowNotice
	to := from + r.options.Duration
	r.window.set(from, to)
	if err := r.sleepUntil(ctx, from); err != nil {
		return nil, err
	}
	first := r.server.measure()
	for second := from + time.Second; second < to; second += time.Second {
		if err := r.sleepUntil(ctx, second); err != nil {
			return nil, err
		}
		r.reportReceived()
		r.say("measuring, %.0f of %.0f s", (second - from).Seconds(), r.options.Duration.Seconds())
	}
	if err := r.sleepUntil(ctx, to); err != nil {
		return nil, err
	}
	last := r.server.measure()
	after := r.server.scrape(ctx)
	for drain := windowDrain; drain <= longestDrain; drain += windowDrain {
		if err := r.sleepUntil(ctx, to+drain); err != nil {
			return nil, err
		}
		if r.collect().Media.Lost == 0 {
			break
		}
	}
	r.halt()
	r.playing.Wait()
	report := r.collect()
	r.costs(report, first, last, scraped, before, after)
	return report, nil
}

// reportReceived lets everyone send receiver reports, as browsers do every second.
func (r *run) reportReceived() {
	for _, p := range r.everyone() {
		if p.connected > 0 {
			p.report()
		}
	}
}

// disperse lets everyone leave.
func (r *run) disperse() {
	r.halt()
	r.playing.Wait()
	r.mu.Lock()
	r.leaving = true
	r.mu.Unlock()
	var leaving sync.WaitGroup
	for _, p := range r.everyone() {
		leaving.Go(p.leave)
	}
	leaving.Wait()
}

// complained prints what the server complained of.
func (r *run) complained(name string, e client.Error) { r.lost(name, e) }

// lost prints what went wrong with someone who was in.
func (r *run) lost(name string, err error) {
	r.mu.Lock()
	tell := !r.leaving && r.shown < shownComplaints
	if tell {
		r.shown++
	}
	r.mu.Unlock()
	if tell {
		r.say("%s: %v", name, err)
	}
}

// say prints a line of progress.
func (r *run) say(format string, args ...any) {
	r.logging.Lock()
	defer r.logging.Unlock()
	fmt.Fprintf(r.log, "%6.2f s  %s\n", r.clock.now().Seconds(), fmt.Sprintf(format, args...))
}

// sleepUntil waits for a moment of the clock.
func (r *run) sleepUntil(ctx context.Context, at time.Duration) error {
	timer := time.NewTimer(at - r.clock.now())
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
