package forward

import (
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// Push decides about one packet that arrived at now. The edit counts only with
// the verdict Forward. Packets of all layers go through here, in the order of
// their arrival.
func (s *Stream) Push(now time.Duration, in *Input) (wire.Edit, Verdict) {
	if !valid(in.Layer) {
		return wire.Edit{}, DropLayer
	}
	starts, late := s.observe(in)
	if s.target.Layer == noLayer {
		if in.Layer == s.current {
			s.flow = idle
		}
		return wire.Edit{}, DropPaused
	}
	if s.flow == running && in.Layer == s.current && s.numbers.breaks(in.Ext) {
		s.flow = broken
	}
	if starts && s.mayBegin(in.Layer) {
		s.begin(now, in)
		edit := s.send(now, in, s.numbers.top+1, s.selector.selected())
		s.key = s.numbers.top
		return edit, Forward
	}
	if s.flow == running && in.Layer == s.current {
		if !starts {
			return s.pass(now, in)
		}
		edit, verdict := s.pass(now, in)
		if verdict == Forward {
			s.key = s.numbers.top
		}
		return edit, verdict
	}
	switch {
	case len(in.Payload) == 0:
		return wire.Edit{}, DropEmpty
	case in.Layer != s.target.Layer:
		return wire.Edit{}, DropLayer
	case late:
		return wire.Edit{}, DropLate
	default:
		return wire.Edit{}, DropKeyframe
	}
}

// observe notes a packet of any layer. starts: a run could begin with it. late:
// a newer one of its layer was here before.
func (s *Stream) observe(in *Input) (starts, late bool) {
	l := &s.layers[in.Layer]
	if l.seen && in.Ext <= l.newest {
		return false, true
	}
	gap := l.seen && in.Ext != l.newest+1
	l.seen, l.newest = true, in.Ext
	if len(in.Payload) == 0 {
		return false, false
	}
	if !s.video {
		return true, false
	}
	if !in.Info.Keyframe {
		return false, false
	}
	// A keyframe may be marked as such on several packets (H264: the parameter
	// sets, then the picture); only the first of them is a beginning.
	inside := l.hasKey && l.keyframe == in.Timestamp
	l.hasKey, l.keyframe = true, in.Timestamp
	return !inside && !(gap && s.needsParameterSets(in)), false
}

// needsParameterSets: what got lost before this packet may be the parameter sets
// without which its picture doesn't decode.
func (s *Stream) needsParameterSets(in *Input) bool {
	return (s.codec == codec.H264 || s.codec == codec.H265) && in.Info.Width == 0
}

// mayBegin: a packet of this layer that starts a run may start one now.
func (s *Stream) mayBegin(layer int8) bool {
	if layer == s.target.Layer {
		return !s.onTarget()
	}
	return layer == s.current && s.flow == broken
}

// begin starts a run with the packet.
func (s *Stream) begin(now time.Duration, in *Input) {
	s.numbers.begin(in.Ext)
	s.selector.begin(in)
	s.clock.begin(now, in.Timestamp, &s.layers[in.Layer].report, in.Layer == s.current)
	s.pictures.begin(&in.Info)
	s.current, s.flow = in.Layer, running
}

// pass decides about a packet of the run.
func (s *Stream) pass(now time.Duration, in *Input) (wire.Edit, Verdict) {
	if in.Ext <= s.numbers.newest {
		return s.passLate(now, in)
	}
	gap := in.Ext != s.numbers.newest+1
	if len(in.Payload) == 0 {
		if gap {
			s.selector.gap()
		}
		s.numbers.skip(in.Ext, in.Ext)
		return wire.Edit{}, DropEmpty
	}
	first := in.Ext // of what belongs to the packet's frame for sure
	switch {
	case !gap:
	case s.selector.sameFrame(in):
		first = s.numbers.newest + 1
	default:
		s.selector.gap()
	}
	ok, begins := s.selector.admit(in)
	selected := s.selector.selected()
	if ok {
		return s.send(now, in, s.numbers.next(in.Ext), selected), Forward
	}
	s.numbers.skip(first, in.Ext)
	if begins {
		s.pictures.withhold(&in.Info)
	}
	return wire.Edit{}, reason(&in.Info, selected)
}

// passLate decides about a packet that is not the newest of the run: a repeat, or
// one for which a hole was left. Where it turns out to be of a frame that the viewer doesn't
// get, and padding always, it fills the hole without its payload.
func (s *Stream) passLate(now time.Duration, in *Input) (wire.Edit, Verdict) {
	selected, known := s.selector.at(in)
	wanted := known && in.Info.In.Has(selected)
	out, place := s.numbers.find(in.Ext)
	switch {
	case place == before || !s.memory.reaches(out, s.numbers.top):
		return wire.Edit{}, DropLate
	case place == within && !s.memory.holds(out):
		if wanted {
			return s.send(now, in, out, selected), Forward
		}
		return s.fill(now, in, out), Forward
	case wanted || len(in.Payload) == 0:
		return wire.Edit{}, DropDuplicate
	default:
		return wire.Edit{}, reason(&in.Info, selected)
	}
}

// send makes the edit of a packet that goes out as number out, and remembers it.
func (s *Stream) send(now time.Duration, in *Input, out int64, selected codec.Selection) wire.Edit {
	if len(in.Payload) == 0 {
		return s.fill(now, in, out)
	}
	newest := out > s.numbers.top // else it fills a hole
	edit := wire.Edit{Sequence: uint16(out), Timestamp: s.clock.stamp(now, in.Timestamp, in.Ext, newest)}
	s.pictures.edit(in, newest, in.Ext <= s.numbers.newest, &edit)
	// The picture ends for the viewer with the highest spatial layer that he gets.
	edit.Marker = in.Info.End && in.Info.Spatial == selected.Spatial()
	if s.redundancy != 0 {
		edit.Redundant = s.redundant(in)
	}
	if newest {
		if s.first == 0 {
			s.first = out
		}
		s.memory.advance(now, s.numbers.top, out)
		s.numbers.top = out
		s.numbers.newest = max(s.numbers.newest, in.Ext)
	}
	s.memory.put(out, in.Layer, in.Ext, &edit, s.video && in.Info.Temporal > 0)
	s.packets++
	s.octets += uint32(len(in.Payload))
	return edit
}

// fill makes the edit of a packet that fills the hole out with nothing: a hole that
// nobody can fill stalls decoders which rely on unbroken numbers.
func (s *Stream) fill(now time.Duration, in *Input, out int64) wire.Edit {
	edit := wire.Edit{Sequence: uint16(out), Timestamp: s.clock.stamp(now, in.Timestamp, in.Ext, false), Empty: true}
	if out > s.numbers.top {
		s.memory.advance(now, s.numbers.top, out)
		s.numbers.top = out
	}
	s.memory.put(out, in.Layer, in.Ext, &edit, true)
	s.packets++
	return edit
}
