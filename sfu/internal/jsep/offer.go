package jsep

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// ApplyOffer takes the client's offer; Answer answers it. On an error the
// session is as it was. An offer while ours is in flight is an error: what to do
// about a collision is its owner's decision.
func (s *Session) ApplyOffer(text string) (*Offered, error) {
	if s.pending != "" {
		return nil, errors.New("an offer of ours is in flight")
	}
	d, err := parseDescription(text)
	if err != nil {
		return nil, err
	}
	if err := s.fits(d); err != nil {
		return nil, err
	}
	next := s.state // a shallow copy: lines are replaced, not changed
	in, group, tag := d.accepted()
	next.group, next.allowMixed = group, d.allowMixed
	switch {
	case tag != nil:
		if next.remote, err = d.remote(tag); err != nil {
			return nil, err
		}
	case !s.opened:
		return nil, errors.New("nothing in the offer can be accepted")
	}
	dialing, settled := dials(next.remote.Setup)
	switch {
	case settled && s.opened && dialing != s.dialing:
		return nil, fmt.Errorf("setup %s would change the DTLS roles, which needs another connection", next.remote.Setup)
	case settled:
		next.dialing = dialing
	}
	next.numbers.learn(d.sections)
	next.decoders = s.decoders.with(d.sections)
	next.lines = nil
	var results []Result
	for i, sec := range d.sections {
		var l, before *line
		if i < len(s.lines) && !s.lines[i].recycledBy(sec) {
			before = s.lines[i]
		}
		codecs := s.answers(sec, before)
		if before != nil && before.mine {
			var r Result
			l, r = before.reoffered(sec, in[i], &next.numbers, codecs)
			if r.Slot != nil {
				results = append(results, r)
			}
		} else {
			l = clientLine(sec, in[i], &next.numbers, codecs)
		}
		next.lines = append(next.lines, l)
	}
	next.nameAnonymous(s.lines)
	return s.offered(next, results), nil
}

// Check reports why an offer can't be a client's first.
func Check(offer string) error {
	_, err := New(Local{}).ApplyOffer(offer)
	return err
}

// dials is our role where the client's a=setup settles it (RFC 8842 §5).
func dials(setup string) (dialing, settled bool) {
	return setup == "passive", setup == "active" || setup == "passive"
}

// offered makes next the session's state.
func (s *Session) offered(next state, results []Result) *Offered {
	s.state = next
	s.opened = true
	s.version++
	s.answer = ""
	o := &Offered{Remote: s.remote, Incoming: s.Incoming()}
	for _, r := range results {
		if r.Slot.settle(r, s.lines[r.Slot.index].stopped) && !r.Slot.removed {
			o.Slots = append(o.Slots, r)
		}
		s.release(r.Slot)
	}
	return o
}

// settle makes r the slot's state and reports whether that changes anything.
// stopped ends the slot for good.
func (s *Slot) settle(r Result, stopped bool) (changed bool) {
	changed = s.result != r
	s.result = r
	if r.Accepted {
		s.number = r.Format.PayloadType
	}
	if stopped {
		s.ended, s.index = true, -1
		changed = true
	}
	return changed
}

// fits checks that an offer continues the session: every m-line where it was
// (RFC 8829 §5.2.2).
func (s *Session) fits(d *description) error {
	if len(d.sections) < len(s.lines) {
		return fmt.Errorf("%d m-lines where there were %d", len(d.sections), len(s.lines))
	}
	for i, l := range s.lines {
		sec := d.sections[i]
		switch {
		case l.recycledBy(sec):
		case !l.named(sec):
			return fmt.Errorf("m-line %d has mid %q instead of %q", i, sec.mid, l.mid)
		case sec.media != l.media:
			return fmt.Errorf("m-line %d is %s instead of %s", i, sec.media, l.media)
		}
	}
	return nil
}

// named reports whether sec is l again. Some clients leave the mid out of a
// rejected m-line.
func (l *line) named(sec *section) bool {
	return sec.mid == l.mid || sec.mid == "" && (l.anonymous || sec.zeroPort)
}

// recycledBy reports whether sec is a new m-line in the place of a stopped one.
func (l *line) recycledBy(sec *section) bool {
	return l.stopped && sec.mid != l.mid && (sec.mid != "" || !sec.zeroPort)
}

// nameAnonymous gives each client line without a mid one of ours, the one that
// it had before if it had any: an offer of ours needs it.
func (a *state) nameAnonymous(before []*line) {
	for i, l := range a.lines {
		if l.mid != "" {
			continue
		}
		if i < len(before) && (before[i].anonymous || l.stopped) {
			l.mid, l.anonymous = before[i].mid, before[i].anonymous
		} else {
			l.mid = a.freshMid()
		}
		if l.incoming != nil {
			l.incoming.Mid = l.mid
		}
	}
}

// freshMid is a mid that no m-line has, and that none of ours ever had.
func (a *state) freshMid() string {
	for {
		mid := "s" + strconv.Itoa(a.nextMid)
		a.nextMid++
		if !slices.ContainsFunc(a.lines, func(l *line) bool { return l.mid == mid }) {
			return mid
		}
	}
}
