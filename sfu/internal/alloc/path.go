package alloc

import "math"

const (
	muchCheaper = 0.8  // by cost: a lowest layer is passed over for such a one
	cheaper     = 0.9  // by cost: the layer sent is dropped for a better such one
	nicer       = 1.05 // by value: likewise for one that costs less
	leastStep   = 1000 // bit/s: a step's cost in benefit per bit is no less
)

// walk appends the path of the candidates: from the lowest upwards, each time to
// that with the most value per additional bit. The layer that is sent (-1 for
// none) is on it, too, lest noise in the rates takes it away, unless another is
// better in every way.
func (p *plan) walk(sent int) {
	at := p.lowest()
	if at < 0 {
		return
	}
	p.put(at)
	if sent >= 0 && sent != at && p.cands[sent].ok && !p.dominated(sent) &&
		p.cands[at].value < p.cands[sent].value && p.cands[at].mean <= p.cands[sent].mean {
		for at != sent {
			at = p.ahead(at, sent)
			p.put(at)
		}
	}
	for at = p.ahead(at, -1); at >= 0; at = p.ahead(at, -1) {
		p.put(at)
	}
}

func (p *plan) put(i int) {
	c := &p.cands[i]
	p.verts = append(p.verts, vertex{layer: int32(i), mean: c.mean, up: c.up, value: c.value})
}

// lowest is where a path begins: at the first candidate, unless another costs
// much less.
func (p *plan) lowest() int {
	at := -1
	for i := range p.cands {
		if c := &p.cands[i]; c.ok && (at < 0 || c.mean < muchCheaper*p.cands[at].mean) {
			at = i
		}
	}
	return at
}

// dominated reports whether another candidate is clearly better than layer i.
func (p *plan) dominated(i int) bool {
	c := &p.cands[i]
	for j := range p.cands {
		d := &p.cands[j]
		if j != i && d.ok && (d.mean <= c.mean && d.value > nicer*c.value || d.mean < cheaper*c.mean && d.value >= c.value) {
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
