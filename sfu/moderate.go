package sfu

import (
	"time"

	"plenum/sfu/stat"
)

// This file bounds what one participant, or a crowd that comes and goes, may cause at
// others: each change of who is there and what they publish is looked at by every
// viewer and costs it an update, and for tracks an offer too. The first few changes pass at
// once, as people who join make them; what comes faster for longer is coalesced, and
// the latest state wins.

// quota is a token bucket in the engine's time.
type quota struct {
	rate, burst, tokens float64
	updated             time.Duration
}

func newQuota(rate, burst float64) quota {
	return quota{rate: rate, burst: burst, tokens: burst}
}

// take takes n tokens, or none and tells how long it takes until they are there. n must
// not be above the burst.
func (a *quota) take(now time.Duration, n float64) (wait time.Duration) {
	if gone := now - a.updated; gone > 0 {
		a.tokens = min(a.burst, a.tokens+gone.Seconds()*a.rate)
		a.updated = now
	}
	const rounding = 1e-6
	if a.tokens+rounding >= n {
		a.tokens -= n
		return 0
	}
	return time.Duration((n - a.tokens) / a.rate * float64(time.Second))
}

// spend takes n tokens though they may not be there, down to a debt of the burst.
func (a *quota) spend(now time.Duration, n float64) {
	a.take(now, 0)
	a.tokens = max(a.tokens-n, -a.burst)
}

// moderation is what a participant's loop knows of that.
type moderation struct {
	looks         quota // at the room
	lookLater     <-chan time.Time
	announcements quota // of what it publishes
	announceLater <-chan time.Time
	fresh         quota // tracks that begin
	publishLater  <-chan time.Time
}

func newModeration() moderation {
	return moderation{
		looks:         newQuota(10, 10),
		announcements: newQuota(20, 8),
		// All tracks may begin at once and again as others at once.
		fresh: newQuota(2, 2*maxTracks),
	}
}

// What is moderated, as it is counted.
const (
	moderatedUpdates       = iota // what a viewer is told of others
	moderatedAnnouncements        // what a publisher shows others
	moderatedTracks               // tracks that a publisher begins
	numModerated
)

var moderatedNames = [numModerated]string{"updates", "announcements", "tracks"}

// later is a channel that fires after wait, and counts that something has to.
func later(wait time.Duration, counter *stat.Counter) <-chan time.Time {
	counter.Inc()
	return time.After(wait)
}

// reconcileSoon looks at the room now or, after many looks, a moment later.
func (p *Participant) reconcileSoon() {
	m := &p.moderation
	if m.lookLater != nil {
		return
	}
	if wait := m.looks.take(p.server.now(), 1); wait > 0 {
		m.lookLater = later(wait, &p.server.counter.moderated[moderatedUpdates])
		return
	}
	p.reconcile()
}

// announceSoon shows others what this participant publishes, now or after many times a
// moment later.
func (p *Participant) announceSoon() {
	m := &p.moderation
	if m.announceLater != nil {
		return
	}
	if wait := m.announcements.take(p.server.now(), 1); wait > 0 {
		m.announceLater = later(wait, &p.server.counter.moderated[moderatedAnnouncements])
		return
	}
	p.announce()
}

// mayBegin reports whether so many tracks of the participant's may begin. If not,
// publishAgain follows when they may.
func (p *Participant) mayBegin(tracks int) bool {
	m := &p.moderation
	wait := m.fresh.take(p.server.now(), float64(tracks))
	if wait > 0 && m.publishLater == nil {
		m.publishLater = later(wait, &p.server.counter.moderated[moderatedTracks])
	}
	return wait == 0
}

// publishAgain makes the tracks what the client last said of them.
func (p *Participant) publishAgain() {
	p.moderation.publishLater = nil
	p.publish(p.session.Incoming())
	p.followSources()
}

// look is reconcileSoon when its time has come.
func (p *Participant) look() {
	p.moderation.lookLater = nil
	p.reconcileSoon()
}

// show is announceSoon when its time has come.
func (p *Participant) show() {
	p.moderation.announceLater = nil
	p.announceSoon()
}
