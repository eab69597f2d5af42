package forward

import "math"

// maxSpans is how many changes of the shift a late packet may lie behind.
const maxSpans = 64

// span is a stretch of a run without deliberate drops: the source's numbers from
// first to last go out less shift. The newest span has no end yet.
type span struct{ first, last, shift int64 }

// numbers maps the sequence numbers of a run to outgoing ones.
type numbers struct {
	top    int64 // the highest outgoing number sent
	newest int64 // the highest source number of the run, sent or skipped
	spans  [maxSpans]span
	last   int // index of the newest span
	count  int // spans in use, ending with last
}

// place is where in a run a source number lies.
type place uint8

const (
	within  place = iota // it has an outgoing number
	skipped              // it was dropped on purpose
	before               // before the run or before all that is remembered of it
)

// newNumbers leaves room below the first number, so that none is ever negative.
func newNumbers(first uint16) numbers { return numbers{top: int64(first) + 1<<16 - 1} }

// begin starts a run at ext, which gets the number after top.
func (n *numbers) begin(ext int64) {
	n.newest = ext - 1
	n.last, n.count = 0, 1
	n.spans[0] = span{first: ext, last: math.MaxInt64, shift: ext - (n.top + 1)}
}

// breaks: ext lies too far ahead of the run to belong to it.
func (n *numbers) breaks(ext int64) bool { return n.next(ext) > n.top+maxHole+1 }

// next is the outgoing number of an ext above newest. It leaves a hole for those between.
func (n *numbers) next(ext int64) int64 { return ext - n.spans[n.last].shift }

// skip closes the numbering over first to last, which are above newest.
func (n *numbers) skip(first, last int64) {
	n.newest = last
	open := &n.spans[n.last]
	if open.first == first { // nothing in it yet: move it instead of keeping it
		open.first = last + 1
		open.shift += last + 1 - first
		return
	}
	open.last = first - 1
	shift := open.shift + last + 1 - first
	n.last = (n.last + 1) % maxSpans
	n.count = min(n.count+1, maxSpans)
	n.spans[n.last] = span{first: last + 1, last: math.MaxInt64, shift: shift}
}

// find is the outgoing number of any ext up to newest.
func (n *numbers) find(ext int64) (out int64, p place) {
	for i := range n.count {
		sp := &n.spans[(n.last-i+maxSpans)%maxSpans]
		if ext > sp.last {
			return ext - sp.shift, skipped
		}
		if ext >= sp.first {
			return ext - sp.shift, within
		}
	}
	return 0, before
}
