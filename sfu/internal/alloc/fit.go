package alloc

import (
	"cmp"
	"math"
	"slices"
)

const (
	incumbency   = 1.5  // the benefit of a step that is held counts so much more
	worthwhile   = 1.2  // the gain of a displacement by the loss
	cutTo        = 0.95 // of the budget, for upgrades when something has to go
	mostReplaced = 16   // steps that one step may displace
)

// step is one step on a track's path: to pos from the position before.
type step struct {
	key  uint64 // the higher the earlier
	id   uint32 // of the track, lower ones first among equals
	view int32
	pos  int32
}

// Steps come in phases, the two upper bits of their keys.
const (
	phaseShift = 62

	upgrade  uint64 = 0 // by benefit per bit
	base     uint64 = 1 // by importance
	audible  uint64 = 2 // likewise
	keyBelow        = uint64(1)<<phaseShift - 1
)

func (s *step) phase() uint64 { return s.key >> phaseShift }

// sort lists the steps of all tracks in order.
func (p *plan) sort() {
	if p.sorted {
		return
	}
	p.steps, p.sorted = p.steps[:0], true
	for i := range p.views {
		v := &p.views[i]
		least := math.Inf(1)
		for pos := range v.n {
			s := step{id: v.id, view: int32(i), pos: pos}
			switch {
			case v.audio:
				s.key = audible<<phaseShift | v.importance
			case pos == 0:
				s.key = base<<phaseShift | v.importance
			default:
				d := p.density(v, pos)
				if pos <= v.cur {
					d *= incumbency
				}
				least = min(least, d)
				s.key = upgrade<<phaseShift | math.Float64bits(least)>>2&keyBelow
			}
			p.steps = append(p.steps, s)
		}
	}
	slices.SortFunc(p.steps, func(a, b step) int {
		if a.key != b.key {
			return cmp.Compare(b.key, a.key)
		}
		if a.id != b.id {
			return cmp.Compare(a.id, b.id)
		}
		return cmp.Compare(a.pos, b.pos)
	})
}

// decide sets the position of every view. What is sent must fit budget; what is
// raised, allowed; quiet forbids raises. It returns the total of what was sent
// until now, and whether that was too much.
func (p *plan) decide(budget, allowed float64, quiet bool) (forced bool, total float64) {
	var tops float64
	settled := true
	for i := range p.views {
		v := &p.views[i]
		total += p.mean(v, v.cur)
		tops += max(p.up(v, v.n-1), p.mean(v, v.n-1))
		settled = settled && v.cur == v.n-1
	}
	forced = total > budget
	if !forced && (settled || !quiet && tops <= allowed) {
		for i := range p.views {
			v := &p.views[i]
			v.keep, v.pos = v.cur, v.n-1
		}
		return false, total
	}
	p.sort()
	p.keep(budget, forced)
	if !forced && !quiet {
		p.raise(allowed)
	}
	return forced, total
}

// keep takes the steps held already, and the first of newcomers, that fit. The
// most important audio is always taken.
func (p *plan) keep(budget float64, forced bool) {
	spent := 0.0
	for i := range p.steps {
		s := &p.steps[i]
		v := &p.views[s.view]
		must := i == 0 && s.phase() == audible
		held := s.pos <= v.cur || v.fresh && s.pos == 0
		if s.pos != v.pos+1 || !held && !must {
			continue
		}
		limit := budget
		if forced && s.phase() == upgrade {
			limit *= cutTo
		}
		cost := p.mean(v, s.pos) - p.mean(v, s.pos-1)
		if spent+cost > limit && !must {
			continue
		}
		spent += cost
		v.pos, v.keep = s.pos, s.pos
	}
}

// raise takes further steps while all that is sent, counted as for raising, fits
// allowed.
func (p *plan) raise(allowed float64) {
	spent := 0.0
	for i := range p.views {
		v := &p.views[i]
		spent += p.up(v, v.pos)
	}
	for i := range p.steps {
		s := &p.steps[i]
		v := &p.views[s.view]
		if s.pos != v.pos+1 {
			continue
		}
		cost := p.up(v, s.pos) - p.up(v, s.pos-1)
		if over := spent + cost - allowed; over > 0 {
			freed, ok := p.displace(i, over)
			if !ok {
				continue
			}
			spent -= freed
		}
		spent += cost
		v.pos = s.pos
	}
}

// displace takes back the last steps in the order, after step i, until over bit/s
// are free, if that loses clearly less than step i gains.
func (p *plan) displace(i int, over float64) (freed float64, ok bool) {
	s := &p.steps[i]
	v := &p.views[s.view]
	gain := p.value(v, s.pos) - p.value(v, s.pos-1)
	lost := 0.0
	var gone [mostReplaced]int
	n := 0
	for j := len(p.steps) - 1; j > i && n < mostReplaced && freed < over; j-- {
		t := &p.steps[j]
		w := &p.views[t.view]
		if t.view == s.view || t.pos != w.pos {
			continue
		}
		if s.phase() == upgrade {
			if lost += p.value(w, t.pos) - p.value(w, t.pos-1); worthwhile*lost > gain {
				break
			}
		}
		freed += p.up(w, t.pos) - p.up(w, t.pos-1)
		w.pos--
		gone[n] = j
		n++
	}
	if freed >= over {
		return freed, true
	}
	for _, j := range gone[:n] {
		p.views[p.steps[j].view].pos++
	}
	return 0, false
}
