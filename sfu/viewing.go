package sfu

import (
	"math"
	"math/bits"
	"time"

	"plenum/sfu/internal/alloc"
	"plenum/sfu/internal/bwe"
	"plenum/sfu/internal/transport"
)

// This file is the viewing half of a participant's loop: what is sent of others'
// tracks. The estimate of the downlink goes to the allocation, which aims each
// subscription; what the allocation would do with more goes back to the estimator,
// which probes for it.

const (
	never = time.Duration(math.MaxInt64)
	// lookInterval is how often a viewer's loop looks at rates when nothing else
	// makes it: alloc wants to be asked every second.
	lookInterval = time.Second
	// outageLook is how often it looks for a sign of life while none comes.
	outageLook = 20 * time.Millisecond
	// startHeadroom is what a video that begins may take by its bitrate: a little above
	// the allocation's headroom, for its peaks count as well.
	startHeadroom = 1.3
	// probeStep is the time between the bursts that make up a probe.
	probeStep = 2 * time.Millisecond
	// mostPadding is how many packets of padding leave at once, where a step comes
	// late: no more than a batch is sure to hold.
	mostPadding = 128
	// downlinkInterval and downlinkChange bound how often a client is told of
	// nothing but its estimate, and for how little.
	downlinkInterval = 2 * time.Second
	downlinkChange   = 0.15
)

// viewing is what the loop remembers of what its client sees.
type viewing struct {
	allocator *alloc.Allocator
	tracks    []alloc.Track
	subs      []*Subscription // of each of tracks
	views     []*view
	choices   []alloc.Choice

	lookAt  time.Duration // when to allocate next
	paceAt  time.Duration // when packets that wait are to leave next
	probing probing
	outage  bool          // nothing comes from the client
	short   time.Duration // since when the budget doesn't carry the sound alone, 0 while it does

	minute   minute
	sampleAt time.Duration
	probedAt time.Duration // of the last probe that was counted

	qualityAt time.Duration // when the client was told
	downlink  uint64        // what it was told
}

// probing is a probe under way.
type probing struct {
	bwe.Probe
	active bool
	began  time.Duration
	sent   int // bytes
	next   time.Duration
}

func newViewing() viewing {
	return viewing{allocator: alloc.New(alloc.Config{}), lookAt: never, paceAt: never}
}

// forget empties the list of subscriptions. What is behind its end must not keep tracks
// that ended, their publishers, and so everyone who ever was in the room.
func (v *viewing) forget() {
	clear(v.tracks)
	clear(v.subs)
	clear(v.views)
	v.tracks, v.subs, v.views = v.tracks[:0], v.subs[:0], v.views[:0]
}

// nudgeLoop makes the loop look again at what to send; any goroutine may call it.
func (p *Participant) nudgeLoop() {
	select {
	case p.nudge <- struct{}{}:
	default: // it will look anyway
	}
}

// nextViewing is when the loop has something to do for its viewer.
func (p *Participant) nextViewing() time.Duration {
	v := &p.viewing
	at := min(v.lookAt, v.paceAt)
	if v.probing.active {
		at = min(at, v.probing.next)
	}
	return at
}

// tend does what is due for the viewer.
func (p *Participant) tend(now time.Duration) {
	v := &p.viewing
	if now >= v.paceAt {
		p.release(now)
	}
	if v.probing.active && now >= v.probing.next {
		p.continueProbe(now)
	}
	if now >= v.lookAt {
		p.allocate(now)
	}
}

// release lets packets leave that the pacer held.
func (p *Participant) release(now time.Duration) {
	p.viewing.paceAt = never
	if wait := p.peer.Release(now); wait > 0 {
		p.viewing.paceAt = now + max(wait, time.Millisecond)
	}
}

// allocate decides what to send of each track.
func (p *Participant) allocate(now time.Duration) {
	v := &p.viewing
	v.lookAt = never
	if p.peer == nil || len(p.subs) == 0 {
		v.forget()
		return
	}
	budget, heard := p.downlink.budget(now, p.peer)
	need := p.gather(now)
	audio := need.uncounted
	least := max(min(need.least, budget.credit), min(need.begun, 2*budget.credit))
	if budget.credit > 0 {
		least += need.counted
	}
	if p.patient(now, need.counted, budget.send) {
		least = max(least, need.counted)
	}
	if least > budget.send {
		budget.send, budget.pace = least, max(least, budget.pace)
	}
	p.redundancy.Store(uint32(p.downlink.redundancy(now, audio+need.counted, budget.send)))
	copies := uint64(bits.OnesCount32(p.redundancy.Load())) //nolint:gosec // small
	told := budget.send
	if budget.outage {
		// Video that is sent now would be lost, and a keyframe asked for when it ends.
		budget.send = need.counted
	} else if v.outage {
		v.allocator = alloc.New(alloc.Config{}) // what it held back for is over
	}
	v.outage = budget.outage
	if budget.send == unlimited {
		p.peer.SetEstimate(now, 0, false)
	} else {
		p.peer.SetEstimate(now, budget.pace+audio*(1+copies), budget.pace < budget.send)
		if budget.stand > 0 {
			p.peer.Stand(now, budget.stand)
		}
	}
	if v.paceAt != never {
		v.paceAt = now // how long is another question now
	}
	// What sound carries once more is no part of its rate.
	carried := need.counted * copies
	budget.send -= min(carried, budget.send)
	v.choices = v.allocator.Allocate(now, budget.send+audio, v.tracks, v.choices[:0])
	for i := range v.choices {
		p.aim(now, v.subs[i], v.views[i], &v.choices[i])
	}
	total, next := v.allocator.Wanted(v.tracks)
	// A step needs headroom for all that is sent; the audio is taken off with its own.
	unseen := uint64(float64(audio) / alloc.DefaultHeadroom)
	probe, probes, at := p.downlink.demand(now, total-min(audio, total)+carried, next-min(unseen, next)+carried, p.padded(now) != nil)
	if probes {
		p.beginProbe(now, probe)
	}
	if again, ok := v.allocator.Next(now); ok {
		at = min(at, again)
	}
	if budget.outage {
		at = now + outageLook
	}
	v.lookAt = max(min(at, now+lookInterval), now+time.Millisecond)
	p.sample(now, heard)
	p.tellQuality(now, told, heard)
}

// renewPath begins to estimate and to allocate anew: the path to the viewer was dead
// and is another, or as good as another. What was sent into the dead one would
// keep everything paused for long.
func (p *Participant) renewPath() {
	p.downlink.renew(p.server.now(), p.peer)
	p.viewing.allocator = alloc.New(alloc.Config{})
	p.viewing.probing.active = false
}

// aim points a subscription at what was chosen for it.
func (p *Participant) aim(now time.Duration, sub *Subscription, seen *view, c *alloc.Choice) {
	to, want := nothing, wanted{target: nothing, short: c.Reason == alloc.ReasonBandwidth}
	if c.Layer >= 0 {
		to = seen.targets[c.Layer]
	}
	if c.Wanted >= 0 {
		want.target = seen.targets[c.Wanted]
	}
	sub.want(want)
	sub.aim(now, to)
	if sub.track.kind == Video {
		p.count(sub, c)
	}
	sub.choice, sub.seen, sub.chosen = *c, seen.index(c.Layer), true
}

// count notes a switch for the metrics.
func (p *Participant) count(sub *Subscription, c *alloc.Choice) {
	before := pausedAs(sub)
	if sub.chosen && sub.choice.Layer == c.Layer && sub.choice.Reason == c.Reason {
		return
	}
	counter := &p.server.counter
	if sub.chosen && sub.choice.Layer != c.Layer {
		direction := switchDown
		if c.Layer > sub.choice.Layer {
			direction = switchUp
		}
		counter.switches[direction][c.Cause].Inc()
	}
	counter.paused[before].Dec()
	counter.paused[pausedReason(c)].Inc()
}

// pausedAs is the reason under which a subscription counts as paused.
func pausedAs(sub *Subscription) alloc.Reason {
	if !sub.chosen {
		return alloc.ReasonNone
	}
	return pausedReason(&sub.choice)
}

func pausedReason(c *alloc.Choice) alloc.Reason {
	if c.Layer >= 0 {
		return alloc.ReasonNone
	}
	return c.Reason
}

// uncount takes a subscription that ends out of the metrics.
func (p *Participant) uncount(sub *Subscription) {
	if sub.track.kind == Video && sub.chosen {
		p.server.counter.paused[pausedAs(sub)].Dec()
	}
}

// sample takes note of the downlink once a second.
func (p *Participant) sample(now time.Duration, heard bool) {
	v := &p.viewing
	if !heard || now < v.sampleAt {
		return
	}
	v.sampleAt = now + time.Second
	if s, ok := p.downlink.state(); ok {
		v.minute.add(now, &s)
		p.server.counter.estimate.Observe(float64(s.Target))
		for _, r := range s.Probes {
			if r.Outcome != bwe.Pending && r.At > v.probedAt {
				v.probedAt = r.At
				p.server.counter.probes[r.Outcome].Inc()
			}
		}
	}
}

// beginProbe starts to send a probe.
func (p *Participant) beginProbe(now time.Duration, probe bwe.Probe) {
	p.viewing.probing = probing{Probe: probe, active: true, began: now, next: now}
	p.continueProbe(now)
}

// continueProbe sends what of a probe is due by now: padding on the
// retransmission stream of something that is being sent.
func (p *Participant) continueProbe(now time.Duration) {
	s := &p.viewing.probing
	sub := p.padded(now)
	if sub == nil {
		s.active = false
		return
	}
	due := s.Bytes
	if passed := now - s.began + probeStep; passed < s.Duration {
		due = int(float64(s.Bytes) * float64(passed) / float64(s.Duration))
	}
	p.peer.Pad(now, s.ID, func(out *transport.Batch) {
		for i := 0; s.sent < due && i < mostPadding; i++ {
			n := sub.pad(due-s.sent, out)
			s.sent += n
			p.server.counter.padding.Add(uint64(n)) //nolint:gosec // not negative
		}
	})
	s.next = now + probeStep
	s.active = s.sent < s.Bytes
}

// padAfter is how long a subscription must have been started before padding flows
// on it: a client whose answer has just come may not yet know what to do with it.
const padAfter = 200 * time.Millisecond

// padAfter is that of the client: an eager one has applied what it answers.
func (p *Participant) padAfter() time.Duration {
	if p.eager {
		return 0
	}
	return padAfter
}

// padded is a subscription whose retransmission stream can carry padding now, nil if none.
func (p *Participant) padded(now time.Duration) *Subscription {
	// ICE says disconnected for a second longer than it is; while nothing comes from the
	// client, the estimator asks for no probe.
	if p.state != transport.StateConnected && p.state != transport.StateDisconnected {
		return nil
	}
	for _, sub := range p.viewing.subs {
		if n := sub.numbers.Load(); sub.started && n.counted() && n.RTXSSRC != 0 && p.subs[sub.track] == sub && now-sub.since >= p.padAfter() {
			return sub
		}
	}
	return nil
}

// tellQuality tells the client what changed of what it gets.
func (p *Participant) tellQuality(now time.Duration, budget uint64, heard bool) {
	v := &p.viewing
	var changed []TrackQuality
	for i := range v.choices {
		sub, c := v.subs[i], &v.choices[i]
		told := TrackQuality{ID: sub.track.id, Layer: sub.seen, Reason: QualityReason(c.Reason.String())}
		if sub.told != nil && sameQuality(sub.told, &told) {
			continue
		}
		sub.told = &told
		changed = append(changed, told)
	}
	downlink := uint64(0)
	if heard {
		downlink = budget
	}
	moved := math.Abs(float64(downlink)-float64(v.downlink)) > downlinkChange*float64(v.downlink)
	if len(changed) == 0 && (!moved || now-v.qualityAt < downlinkInterval) {
		return
	}
	v.qualityAt, v.downlink = now, downlink
	p.client.Send(Quality{Tracks: changed, Downlink: downlink})
}

func sameQuality(a, b *TrackQuality) bool {
	if a.Reason != b.Reason || (a.Layer == nil) != (b.Layer == nil) {
		return false
	}
	return a.Layer == nil || *a.Layer == *b.Layer
}

// tellQualityAgain forgets what the client was told: it may have missed it.
func (p *Participant) tellQualityAgain() {
	for _, sub := range p.subs {
		sub.told = nil
	}
	p.viewing.lookAt = 0
}
