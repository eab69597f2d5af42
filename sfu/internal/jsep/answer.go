package jsep

import (
	"errors"
	"fmt"

	"plenum/sfu/internal/wire"
)

// Answer is the answer to the last applied offer; empty before any. Asked again
// it says the same, whatever has happened since.
func (s *Session) Answer() string {
	if s.opened && s.answer == "" {
		setup := "passive"
		if s.dialing {
			setup = "active"
		}
		s.told = s.local
		s.answer = s.write(setup, true)
	}
	return s.answer
}

// Offer makes an offer of everything that is to be told and marks it in flight.
// While one is in flight it is that one again; before the client has spoken it
// is empty.
func (s *Session) Offer() string {
	if s.pending != "" || !s.opened {
		return s.pending
	}
	s.Answer() // now, from the state that it describes
	s.version++
	s.told = s.local
	// What is drained here may be reused by the next offer only: the client must
	// see the end of one track before the next, or it fires no event.
	free := s.freeLines()
	s.drain()
	s.numbers.begin()
	s.failed = nil
	for _, l := range s.lines {
		if l.slot == nil {
			continue
		}
		l.direction |= sendonly
		if !s.numbers.assign(l, l.slot) {
			s.fail(l.slot)
			l.slot = nil
		}
	}
	for _, slot := range s.queue {
		free = s.place(slot, free)
	}
	s.queue = nil
	s.finishLines()
	s.pending = s.write("actpass", false)
	return s.pending
}

// fail ends a slot that can't be offered; the answer's results say so.
func (s *Session) fail(slot *Slot) {
	slot.index, slot.ended, slot.result = -1, true, Result{Slot: slot}
	s.failed = append(s.failed, slot)
}

// freeLines are those that a new slot may take: inactive ones of ours first, by
// which the SDP stays short, then stopped ones.
func (s *Session) freeLines() []*line {
	var idle, stopped []*line
	for _, l := range s.lines {
		switch {
		case l.stopped:
			stopped = append(stopped, l)
		case l.mine && l.slot == nil:
			idle = append(idle, l)
		}
	}
	return append(idle, stopped...)
}

// drain takes removed slots off their lines.
func (s *Session) drain() {
	for _, l := range s.lines {
		if l.slot != nil && l.slot.removed {
			l.slot.index, l.slot = -1, nil
		}
	}
}

// place gives slot the first line of free that suits, or a new one, and returns
// what is left of free.
func (s *Session) place(slot *Slot, free []*line) []*line {
	fresh := line{
		media: "audio", proto: "UDP/TLS/RTP/SAVPF", mine: true, rsize: true,
		direction: sendonly, slot: slot, last: slot,
	}
	if slot.sending.Video {
		fresh.media = "video"
	}
	if !s.numbers.assign(&fresh, slot) {
		s.fail(slot)
		return free
	}
	for i, l := range free {
		if !l.stopped && l.media != fresh.media {
			continue
		}
		if l.stopped {
			fresh.mid = s.freshMid()
			*l = fresh
		} else {
			l.slot, l.last, l.sending = slot, slot, fresh.sending
			l.direction |= sendonly
		}
		return append(free[:i:i], free[i+1:]...)
	}
	if len(s.lines) >= maxLines {
		s.fail(slot)
		return free
	}
	fresh.mid = s.freshMid()
	s.lines = append(s.lines, &fresh)
	return free
}

// finishLines makes ready for the offer what carries no track, and the BUNDLE
// group of all that lives.
func (s *Session) finishLines() {
	s.group = nil
	for i, l := range s.lines {
		if l.mine && !l.stopped {
			if l.slot != nil {
				l.slot.index, l.slot.mid = i, l.mid
			} else {
				// It names its last codec still. Where even that has no number left
				// the line is given up.
				l.direction &= recvonly
				l.stopped = !s.numbers.assign(l, l.last) && l.direction == inactive
			}
		}
		if !l.stopped {
			s.group = append(s.group, l.mid)
		}
	}
}

// assign gives a line of ours the numbers for what slot sends; false where none
// is free.
func (n *numbers) assign(l *line, slot *Slot) bool {
	codecs, ok := n.slotCodecs(&slot.sending, slot.number)
	if !ok {
		return false
	}
	slot.number = codecs[0].PayloadType
	l.sending = half{codecs: codecs}
	for kind := wire.ExtensionNone + 1; kind < wire.NumExtensions; kind++ {
		if !slot.offers(kind) {
			continue
		}
		if id := n.extension(kind); id != 0 {
			l.sending.extensions = append(l.sending.extensions, extension{
				id: id, uri: wire.ExtensionURI(kind), direction: sendrecv,
			})
		}
	}
	return true
}

// ApplyAnswer takes the client's answer to the offer in flight. The results are
// of every slot that the offer carried as active, in the order of the m-lines.
// On an error the offer remains in flight and the session is as it was.
func (s *Session) ApplyAnswer(text string) ([]Result, error) {
	if s.pending == "" {
		return nil, errors.New("no offer is in flight")
	}
	d, err := parseDescription(text)
	if err != nil {
		return nil, err
	}
	if len(d.sections) != len(s.lines) {
		return nil, fmt.Errorf("%d m-lines in answer to %d", len(d.sections), len(s.lines))
	}
	var tag *section
	for i, sec := range d.sections {
		l := s.lines[i]
		if sec.mid != "" && sec.mid != l.mid || sec.media != l.media {
			return nil, fmt.Errorf("m-line %d is %s %q instead of %s %q", i, sec.media, sec.mid, l.media, l.mid)
		}
		if sec.zeroPort || l.stopped {
			continue
		}
		if !d.bundles(sec) {
			return nil, fmt.Errorf("m-line %d is not in the BUNDLE group", i)
		}
		if tag == nil {
			tag = sec
		}
	}
	if tag != nil {
		remote, err := d.remote(tag)
		if err != nil {
			return nil, err
		}
		s.remote = remote
	}
	return s.answered(d), nil
}

// answered takes in an answer that fits.
func (s *Session) answered(d *description) []Result {
	s.pending = ""
	var results []Result
	for i, l := range s.lines {
		sec := d.sections[i]
		slot := l.slot
		if l.stopped {
			continue
		}
		l.direction &= sec.direction.reversed()
		if sec.zeroPort {
			l.stop(sec)
		} else if l.incoming != nil {
			l.readAnswer(sec)
		}
		if slot == nil {
			continue
		}
		result := Result{Slot: slot}
		if c := slot.match(sec); c != nil && !l.stopped {
			if result.Held = l.direction&sendonly == 0; !result.Held {
				result = slot.resultOf(sec, c)
			}
		}
		slot.settle(result, l.stopped)
		results = append(results, result)
		s.release(slot)
	}
	for _, slot := range s.failed {
		results = append(results, slot.result)
	}
	s.failed = nil
	return results
}

// readAnswer takes in what the client says of its own m-line in an answer: that
// it stops or goes on sending, and maybe other streams. Codecs, extensions and
// layers were agreed before and stay.
func (l *line) readAnswer(sec *section) {
	in := *l.incoming
	in.Sending = l.direction&recvonly != 0
	if len(sec.ssrcs) > 0 {
		in.SSRCs = sec.ssrcs
	}
	if sec.stream != "" {
		in.Stream, in.Track = sec.stream, sec.track
	}
	l.incoming = &in
}
