package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"
)

// timing of a trial.
type timing struct {
	settle   time.Duration // after everyone hears everyone
	baseline time.Duration
	attack   time.Duration
	linger   time.Duration // measured after the attack at least
	recovery time.Duration // how long memory may take to come back
}

// trial is one attack on one server with its people.
type trial struct {
	attack
	timing
	launch launcher
	server *server
	target target

	victims []*caller // in a room of their own
	near    []*caller // in the attacker's room
	host    *caller   // of the room that others join
	joins   *joins    // nil if nobody does
	own     lateness

	keyframes uint64        // of a bystander's camera, up to the last cut
	cutAt     time.Duration // the last cut
}

const (
	victimsRoom = "victims"
	nearRoom    = "crowd"
	joinsRoom   = "joins"
)

// run carries out one attack on a server of its own.
func (r *runner) run(ctx context.Context, a attack) (outcome, error) {
	dir, err := os.MkdirTemp("", "plenum-attack")
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s, err := startServer(ctx, r.Server, dir, a.variant)
	if err != nil {
		return outcome{}, err
	}
	defer s.stop()
	t := &trial{attack: a, timing: r.timing(), launch: separately, server: s}
	return t.run(ctx)
}

func (t *trial) run(ctx context.Context) (o outcome, err error) {
	o.attack = t.name
	defer t.disperse()
	if err := t.gather(ctx); err != nil {
		return o, fmt.Errorf("%s: gather people: %w", t.name, err)
	}
	pause(ctx, t.settle)
	if !t.noJoins {
		t.joins = startJoins(ctx, t.server, joinsRoom)
	}
	pause(ctx, t.settle)
	stop := t.own.watch()
	defer stop()
	t.cut()
	pause(ctx, t.baseline)
	o.baseline = t.cut()
	o.before = t.server.memory(ctx, memory{})
	o.peak = o.before
	t.strikeAndRecover(ctx, &o)
	o.attacked = t.cut()
	if !t.server.running() {
		o.crashed = t.server.lastWords()
		return o, ctx.Err()
	}
	if t.check != nil && o.skipped == "" {
		if err := t.check(ctx, t); err != nil {
			o.failed = err.Error()
		}
	}
	return o, ctx.Err()
}

// strikeAndRecover lets the attackers loose and waits until what they used is free again.
func (t *trial) strikeAndRecover(ctx context.Context, o *outcome) {
	d := t.timing.attack
	if t.forgive > 0 && t.joins != nil {
		t.joins.ignoreUntil(now() + t.forgive)
		d = max(d, t.forgive+5*time.Second)
	}
	resume := func() {}
	if t.stall {
		resume = sync.OnceFunc(t.server.stall())
	}
	defer resume()
	over := make(chan error, 1)
	go func() {
		done, err := t.launch(ctx, t.attack, t.target, d)
		o.did, o.skipped = done.String(), done.Skipped
		over <- err
	}()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for waiting := true; waiting; {
		select {
		case err := <-over:
			if waiting = false; err != nil {
				o.invalid = err.Error()
			}
		case <-tick.C:
			if rss, err := residentOf(t.server.pid); err == nil {
				o.peak.resident = max(o.peak.resident, rss)
			}
		}
	}
	at := t.server.memory(ctx, o.peak)
	o.peak.heap, o.peak.goroutines = max(o.peak.heap, at.heap), max(o.peak.goroutines, at.goroutines)
	resume()
	began := now()
	pause(ctx, t.linger)
	for o.skipped == "" && t.server.running() && ctx.Err() == nil {
		o.after = t.server.memory(ctx, memory{})
		o.recovery = now() - began
		if len(o.after.grownFrom(o.before)) == 0 && (o.after.heap != 0 || t.server.metrics == "") || o.recovery > t.recovery {
			return
		}
		pause(ctx, 500*time.Millisecond)
	}
}

// gather lets the honest enter and waits until they hear each other.
func (t *trial) gather(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*joinTimeout)
	defer cancel()
	add := func(to *[]*caller, room, name string) error {
		c, err := enter(ctx, t.server, room, name, true, false)
		if err == nil {
			*to = append(*to, c)
		}
		return err
	}
	for _, name := range []string{"Ada", "Bob", "Cleo"} {
		if err := add(&t.victims, victimsRoom, name); err != nil {
			return err
		}
	}
	if t.nearby {
		for _, name := range []string{"Dan", "Eve"} {
			if err := add(&t.near, nearRoom, name); err != nil {
				return err
			}
		}
	}
	host, err := enter(ctx, t.server, joinsRoom, "Host", true, false)
	if err != nil {
		return err
	}
	t.host = host
	for _, room := range [][]*caller{t.victims, t.near} {
		for _, c := range room {
			for !c.hears(len(room) - 1) {
				if ctx.Err() != nil {
					return fmt.Errorf("%s does not hear everyone", c.name)
				}
				pause(ctx, 50*time.Millisecond)
			}
		}
	}
	return t.aim()
}

// aim tells the attackers where to find everything.
func (t *trial) aim() error {
	victim, err := t.victims[0].from()
	if err != nil {
		return fmt.Errorf("address of a victim: %w", err)
	}
	token, err := t.server.mint("Mallory")
	if err != nil {
		return err
	}
	media := t.server.media
	if media.Addr().IsUnspecified() {
		media = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), media.Port())
	}
	t.target = target{URL: t.server.url, Media: media, Victim: victim, Token: token, Room: nearRoom}
	return t.target.validate()
}

// cut ends a phase.
func (t *trial) cut() (p phase) {
	for _, c := range t.victims {
		gap, freeze, ended, complaints := c.cut()
		p.gap, p.freeze = max(p.gap, gap), max(p.freeze, freeze)
		p.ended, p.complaints = append(p.ended, ended...), append(p.complaints, complaints...)
	}
	for _, c := range t.near {
		gap, _, ended, complaints := c.cut()
		p.nearby = max(p.nearby, gap)
		p.ended, p.complaints = append(p.ended, ended...), append(p.complaints, complaints...)
	}
	if t.host != nil {
		_, _, ended, complaints := t.host.cut()
		p.ended, p.complaints = append(p.ended, ended...), append(p.complaints, complaints...)
	}
	if len(t.near) > 0 {
		made := t.near[0].video.Stats(0).Keyframes
		p.keyframes = float64(made-t.keyframes) / (now() - t.cutAt).Seconds()
		t.keyframes = made
	}
	t.cutAt = now()
	if t.joins != nil {
		p.join, p.joins, p.refused = t.joins.cut()
	}
	p.own = t.own.cut()
	return p
}

// disperse lets everyone leave.
func (t *trial) disperse() {
	if t.joins != nil {
		t.joins.end()
	}
	everyone := append(append([]*caller(nil), t.victims...), t.near...)
	if t.host != nil {
		everyone = append(everyone, t.host)
	}
	for _, c := range everyone {
		c.leave()
	}
}

// joinsOver checks that somebody can still join and be heard, over TCP if so wished.
func joinsOver(tcp bool) func(context.Context, *trial) error {
	return func(ctx context.Context, t *trial) error {
		c, err := enter(ctx, t.server, joinsRoom, "Late", false, tcp)
		if err != nil {
			return fmt.Errorf("a join afterwards: %w", err)
		}
		defer c.leave()
		select {
		case <-c.firstTone:
			return nil
		case <-time.After(joinTimeout):
			return fmt.Errorf("who joins afterwards (TCP: %v) hears nobody", tcp)
		}
	}
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	wait := time.NewTimer(d)
	defer wait.Stop()
	select {
	case <-ctx.Done():
	case <-wait.C:
	}
}

// lateness is how late this process is itself: what it measures may be its own fault.
type lateness struct {
	mu    sync.Mutex
	worst time.Duration
}

// watch measures until stop is called.
func (l *lateness) watch() (stop func()) {
	const step = 10 * time.Millisecond
	done := make(chan struct{})
	go func() {
		for {
			began := now()
			select {
			case <-done:
				return
			case <-time.After(step):
			}
			late := now() - began - step
			l.mu.Lock()
			l.worst = max(l.worst, late)
			l.mu.Unlock()
		}
	}()
	return func() { close(done) }
}

func (l *lateness) cut() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	worst := l.worst
	l.worst = 0
	return worst
}

// oneLine makes a sentence of several lines fit into the table.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
