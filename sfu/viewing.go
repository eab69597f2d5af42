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
	outage  bool // nothing comes from the client

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
	audio, least, begun := p.gather()
	if least = max(min(least, budget.credit), min(begun, 2*budget.credit)); least > budget.send {
		budget.send, budget.pace = least, least
	}
	p.redundancy.Store(uint32(p.downlink.redundancy(now, audio, budget.send)))
	told := budget.send
	if budget.outage {
		budget.send = 0 // what is sent now would be lost, and a keyframe asked for when it ends
	} else if v.outage {
		v.allocator = alloc.New(alloc.Config{}) // what it held back for is over
	}
	v.outage = budget.outage
	if budget.send == unlimited {
		p.peer.SetEstimate(now, 0, false)
	} else {
		sound := audio * uint64(1+bits.OnesCount32(p.redundancy.Load())) //nolint:gosec // small
		p.peer.SetEstimate(now, budget.pace+sound, budget.pace < budget.send)
		if budget.stand > 0 {
			p.peer.Stand(now, budget.stand)
		}
	}
	if v.paceAt != never {
		v.paceAt = now // how long is another question now
	}
	v.choices = v.allocator.Allocate(now, budget.send+audio, v.tracks, v.choices[:0])
	for i := range v.choices {
		p.aim(now, v.subs[i], v.views[i], &v.choices[i])
	}
	total, next := v.allocator.Wanted(v.tracks)
	// A step needs headroom for all that is sent; the audio is taken off with its own.
	unseen := uint64(float64(audio) / alloc.DefaultHeadroom)
	probe, probes, at := p.downlink.demand(now, total-min(audio, total), next-min(unseen, next), p.padded(now) != nil)
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

// gather describes the viewer's subscriptions to the allocation. It returns the
// bitrate of the audio, which the estimate knows nothing of: audio has no RTX, so
// it has no transport-wide numbers; the budget for the least of each video, and for
// the least of those that are sent already: key frames that many ask for at the start
// make a layer look larger than it is, and are no reason to pause it.
func (p *Participant) gather() (audio, least, begun uint64) {
	v := &p.viewing
	v.forget()
	speakers := *p.room.speakers.Load()
	for t, sub := range p.subs {
		seen := t.view.Load()
		if seen == nil || !sub.started {
			continue
		}
		wish := p.wish(t)
		v.tracks = append(v.tracks, alloc.Track{
			ID: t.number, Audio: t.kind == Audio, Screen: t.source == Screen, Speaker: speaks(speakers, t.publisher.id),
			Priority: wish.Priority, Enabled: wish.Enabled && !sub.paused, Muted: t.muted.Load(),
			MaxWidth: pixels(wish.Width), MaxHeight: pixels(wish.Height), MaxFPS: wish.FPS, Layers: seen.layers,
		})
		v.subs, v.views = append(v.subs, sub), append(v.views, seen)
		switch last := len(seen.layers) - 1; {
		case last < 0:
		case t.kind == Audio:
			audio += seen.layers[last].Bitrate
		case wish.Enabled && !sub.paused:
			need := uint64(startHeadroom * float64(seen.layers[0].Bitrate))
			least += need
			if sub.chosen && sub.choice.Layer >= 0 {
				begun += need
			}
		}
	}
	return audio, least, begun
}

func speaks(speakers []Speaker, id string) bool {
	for i := range speakers {
		if speakers[i].ID == id {
			return true
		}
	}
	return false
}

func pixels(n int) uint16 { return uint16(min(max(n, 0), math.MaxUint16)) } //nolint:gosec // bounded

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

// padded is a subscription whose retransmission stream can carry padding now, nil if none.
func (p *Participant) padded(now time.Duration) *Subscription {
	// ICE says disconnected for a second longer than it is; while nothing comes from the
	// client, the estimator asks for no probe.
	if p.state != transport.StateConnected && p.state != transport.StateDisconnected {
		return nil
	}
	for _, sub := range p.viewing.subs {
		if n := sub.numbers.Load(); sub.started && n.counted() && p.subs[sub.track] == sub && now-sub.since >= padAfter {
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
