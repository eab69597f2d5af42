package alloc

import "math"

// leastStep is the least that a step's cost counts as, in bit/s, when its benefit
// per bit is computed.
const leastStep = 1000

// walk appends the path of the candidates: from the lowest upwards, each time to
// that with the most value per additional bit. The layer that is sent (-1 for
// none) is on it, too, lest noise in the rates takes it away, unless another is
// better and no dearer.
func (p *plan) walk(sent int) {
	at := p.lowest()
	if at < 0 {
		return
	}
	up := p.put(at, 0)
	if sent >= 0 && p.cands[sent].ok && !p.dominated(sent) && p.cands[at].value < p.cands[sent].value {
		for at != sent {
			at = p.ahead(at, sent)
			up = p.put(at, up)
		}
	}
	for at = p.ahead(at, -1); at >= 0; at = p.ahead(at, -1) {
		up = p.put(at, up)
	}
}

// put appends a vertex. No step is for less than nothing, lest a step makes room for
// one that had none before.
func (p *plan) put(i int, least float64) (up float64) {
	c := &p.cands[i]
	up = max(c.up, least)
	p.verts = append(p.verts, vertex{layer: int32(i), mean: c.mean, up: up, value: c.value})
	return up
}

// lowest is where a path begins: at the cheapest candidate, which is the first but
// for noise and oddities.
func (p *plan) lowest() int {
	at := -1
	for i := range p.cands {
		if c := &p.cands[i]; c.ok && (at < 0 || c.mean < p.cands[at].mean) {
			at = i
		}
	}
	return at
}

// dominated reports whether another candidate is better than layer i and costs no more.
func (p *plan) dominated(i int) bool {
	c := &p.cands[i]
	for j := range p.cands {
		if d := &p.cands[j]; d.ok && d.mean <= c.mean && d.value > c.value {
			return true
		}
	}
	return false
}

// ahead is the next layer on the path after layer i, -1 if that is the best. It
// goes no further than layer goal, if there is one.
func (p *plan) ahead(i, goal int) int {
	from := &p.cands[i]
	best, gain := -1, 0.0
	for j := range p.cands {
		c := &p.cands[j]
		if !c.ok || c.value <= from.value {
			continue
		}
		if goal >= 0 && j != goal && (c.value >= p.cands[goal].value || c.mean > p.cands[goal].mean) {
			continue
		}
		if g := (c.value - from.value) / max(c.mean-from.mean, leastStep); best < 0 || g > gain {
			best, gain = j, g
		}
	}
	return best
}

// density is the benefit per bit of the step to a position.
func (p *plan) density(v *view, pos int32) float64 {
	d := (p.value(v, pos) - p.value(v, pos-1)) / max(p.mean(v, pos)-p.mean(v, pos-1), leastStep)
	return min(max(d, 0), math.MaxFloat32)
}
