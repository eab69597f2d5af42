package sfu

import (
	"slices"
	"sync"
	"time"

	"plenum/sfu/internal/jsep"
)

// This file decides who can decode what: answers list a publisher's codecs in an order
// that suits all viewers, and the publisher learns which viewers its tracks still do not reach.

// preference is what the participant's session is to prefer: the video codecs that
// everyone else can decode, as far as they have said so.
func (p *Participant) preference() func(*jsep.Codec) bool {
	var others []*jsep.Decoders
	for _, m := range p.room.members() {
		if o := m.participant; o != p && o.grants.Subscribe {
			if d := o.decoders.Load(); d != nil {
				others = append(others, d)
			}
		}
	}
	if len(others) == 0 {
		return nil
	}
	return func(c *jsep.Codec) bool {
		return !slices.ContainsFunc(others, func(d *jsep.Decoders) bool { return !d.Can(c) })
	}
}

// refusals are the viewers that can't decode a track.
type refusals struct {
	mu      sync.Mutex // a leaf
	viewers []string   // their ids, in the order of refusing
	changed bool       // since the publisher was told
}

func (r *refusals) add(viewer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.viewers, viewer) {
		r.viewers, r.changed = append(r.viewers, viewer), true
	}
}

func (r *refusals) remove(viewer string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.viewers, viewer); i >= 0 {
		r.viewers, r.changed = slices.Delete(r.viewers, i, i+1), true
	}
}

// news are the viewers; false if the publisher knows.
func (r *refusals) news(again bool) (viewers []string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.changed && !(again && len(r.viewers) > 0) {
		return nil, false
	}
	r.changed = false
	return slices.Clone(r.viewers), true
}

// refuse notes that the client can't decode a track.
func (p *Participant) refuse(t *Track) {
	p.unsupported[t] = t.codec.String()
	t.refusals.add(p.id)
}

// forgive notes that it no longer matters.
func (p *Participant) forgive(t *Track) {
	delete(p.unsupported, t)
	t.refusals.remove(p.id)
}

// unreachedInterval is the least time between two words on whom a participant's tracks
// don't reach.
const unreachedInterval = time.Second

// tellUnreached tells the client whom its tracks don't reach, if that changed, or again is
// set.
func (p *Participant) tellUnreached(again bool) {
	now := p.server.now()
	if !again && p.toldUnreached != 0 && now-p.toldUnreached < unreachedInterval {
		return
	}
	for _, t := range p.tracks {
		if viewers, ok := t.refusals.news(again); ok {
			p.toldUnreached = now
			p.client.Send(Unreached{Mid: t.mid, Codec: t.codec.String(), Viewers: viewers})
		}
	}
}
