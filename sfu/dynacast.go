package sfu

import "time"

// unwantedFor is how long nobody must have wanted a layer before its publisher is
// told: tiles come and go, and a layer that starts again costs a keyframe.
const unwantedFor = 2 * time.Second

// tellLayers tells the client which of its simulcast layers anyone wants, if that
// changed or again is set. The lowest always counts as wanted, so that whoever
// comes sees something at once.
func (p *Participant) tellLayers(again bool) {
	now := p.server.now()
	for _, t := range p.tracks {
		rids := p.rids(t)
		if few(rids) || !t.started {
			continue
		}
		changed := t.updateActive(now, len(rids))
		if !changed && !again {
			continue
		}
		active := make(map[string]bool, len(rids))
		for i, rid := range rids {
			if rid != "" {
				active[rid] = t.active[i]
			}
		}
		p.client.Send(Layers{Mid: t.mid, Active: active})
	}
}

// rids are the names of the track's simulcast layers, by index; empty where none is.
func (p *Participant) rids(t *Track) []string {
	r := p.media.table.Load().byMid[t.mid]
	if r == nil {
		return nil
	}
	return r.rids
}

// few reports whether there is no choice of layers.
func few(rids []string) bool {
	n := 0
	for _, rid := range rids {
		if rid != "" {
			n++
		}
	}
	return n < 2
}

// updateActive works out which of n layers are wanted and reports a change. What
// the client was never told is that all are.
func (t *Track) updateActive(now time.Duration, n int) (changed bool) {
	wanted := t.wantedLayers(n)
	for i := range n {
		switch {
		case wanted[i]:
			t.unwanted[i] = 0
		case t.unwanted[i] == 0:
			t.unwanted[i] = now
		}
		active := wanted[i] || now-t.unwanted[i] < unwantedFor
		changed = changed || active != t.active[i]
		t.active[i] = active
	}
	return changed
}

// wantedLayers are the simulcast layers that a viewer's tile asks for, and all
// below for a viewer whose bandwidth is short: any of them may be the best that it
// carries.
func (t *Track) wantedLayers(n int) (wanted [maxLayers]bool) {
	ascending := t.ascending()
	if len(ascending) > 0 {
		wanted[ascending[0].index] = true
	}
	for i := range n { // nobody can ask for what was never there to be seen
		wanted[i] = wanted[i] || t.layers[i].Load() == nil
	}
	for _, sub := range *t.subs.Load() {
		w := sub.wanted.Load()
		if w == nil { // its loop hasn't looked yet
			for i := range n {
				wanted[i] = true
			}
			continue
		}
		if w.layer < 0 {
			continue
		}
		wanted[w.layer] = true
		for _, l := range ascending {
			if !w.short || l.index == w.layer {
				break
			}
			wanted[l.index] = true
		}
	}
	return wanted
}
