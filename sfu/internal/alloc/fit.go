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
	mostReplaced = 16   // steps that an upgrade may displace
	mostRounds   = 8    // of raising; each but the last has displaced something for the better
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
			v.pos = v.n - 1
		}
		return false, total
	}
	p.sort()
	p.keep(budget, forced)
	if !forced && !quiet {
		// What was displaced may have been more than was needed.
		for range mostRounds {
			if !p.raise(allowed) {
				break
			}
		}
	}
	return forced, total
}

// keep takes the steps held already, and the first of newcomers, that fit, and what
// is better at no cost. The most important audio is always taken.
func (p *plan) keep(budget float64, forced bool) {
	spent := 0.0
	for i := range p.steps {
		s := &p.steps[i]
		v := &p.views[s.view]
		must := i == 0 && s.phase() == audible
		cost := p.mean(v, s.pos) - p.mean(v, s.pos-1)
		held := s.pos <= v.cur || v.fresh && s.pos == 0 || must || cost <= 0
		if s.pos != v.pos+1 || !held {
			continue
		}
		limit := budget
		if forced && s.phase() == upgrade {
			limit *= cutTo
		}
		if spent+cost > limit && cost > 0 && !must {
			continue
		}
		spent += cost
		v.pos = s.pos
	}
}

// raise takes further steps while all that is sent, counted as for raising, fits
// allowed. It reports whether any were displaced for it.
func (p *plan) raise(allowed float64) (displaced bool) {
	spent := 0.0
	for i := range p.views {
		v := &p.views[i]
		spent += p.up(v, v.pos)
	}
	end, waiting := len(p.steps), false
	for i := range p.steps {
		s := &p.steps[i]
		v := &p.views[s.view]
		if s.pos != v.pos+1 {
			continue
		}
		free := p.mean(v, s.pos) <= p.mean(v, s.pos-1)
		if waiting && s.phase() == upgrade && !free {
			continue // nobody gets more while someone has nothing
		}
		for end > i && p.steps[end-1].pos > p.views[p.steps[end-1].view].pos {
			end-- // nobody has it
		}
		cost := p.up(v, s.pos) - p.up(v, s.pos-1)
		limit := allowed
		if s.phase() != upgrade {
			limit = max(limit, p.modest)
		}
		if over := spent + cost - limit; over > 0 && !free {
			freed, ok := p.displace(i, end, over)
			if !ok {
				waiting = waiting || s.phase() != upgrade
				continue
			}
			spent -= freed
			displaced = displaced || len(p.gone) > 0
		}
		spent += cost
		v.pos = s.pos
	}
	return displaced
}

// displace takes back steps between i and end, the last ones first, until over
// bit/s are free for step i. Upgrades must gain clearly more than is lost.
func (p *plan) displace(i, end int, over float64) (freed float64, ok bool) {
	s := &p.steps[i]
	v := &p.views[s.view]
	upgrading := s.phase() == upgrade
	gain, lost := p.value(v, s.pos)-p.value(v, s.pos-1), 0.0
	p.gone = p.gone[:0]
	for j := end - 1; j > i && freed < over; j-- {
		t := &p.steps[j]
		w := &p.views[t.view]
		if t.pos != w.pos {
			continue
		}
		if upgrading {
			lost += p.value(w, t.pos) - p.value(w, t.pos-1)
			if worthwhile*lost > gain || len(p.gone) == mostReplaced {
				break
			}
		}
		freed += p.up(w, t.pos) - p.up(w, t.pos-1)
		w.pos--
		p.gone = append(p.gone, int32(j))
	}
	if freed >= over {
		return freed, true
	}
	for _, j := range p.gone {
		p.views[p.steps[j].view].pos++
	}
	return 0, false
}
