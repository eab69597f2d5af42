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
	if s.target == noLayer {
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
		return s.send(now, in, s.numbers.top+1), Forward
	}
	if s.flow == running && in.Layer == s.current {
		return s.pass(now, in)
	}
	switch {
	case len(in.Payload) == 0:
		return wire.Edit{}, DropEmpty
	case in.Layer != s.target:
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
	if layer == s.target {
		return !s.onTarget()
	}
	return layer == s.current && s.flow == broken
}

// begin starts a run with the packet.
func (s *Stream) begin(now time.Duration, in *Input) {
	s.numbers.begin(in.Ext)
	s.clock.begin(now, in.Timestamp, &s.layers[in.Layer].report, in.Layer == s.current)
	if s.codec == codec.VP8 {
		s.vp8.begin(&in.Info)
	}
	s.current, s.flow = in.Layer, running
}

// pass decides about a packet of the run.
func (s *Stream) pass(now time.Duration, in *Input) (wire.Edit, Verdict) {
	if in.Ext > s.numbers.newest {
		if len(in.Payload) == 0 {
			s.numbers.skip(in.Ext)
			return wire.Edit{}, DropEmpty
		}
		return s.send(now, in, s.numbers.next(in.Ext)), Forward
	}
	out, place := s.numbers.find(in.Ext)
	switch {
	case place == before || out <= s.numbers.top-s.memory.size():
		return wire.Edit{}, DropLate
	case place == skipped || s.memory.holds(out):
		return wire.Edit{}, DropDuplicate
	default:
		return s.send(now, in, out), Forward
	}
}

// send makes the edit of a packet that goes out as number out, and remembers it.
func (s *Stream) send(now time.Duration, in *Input, out int64) wire.Edit {
	newest := out > s.numbers.top // else it fills a hole
	edit := wire.Edit{Sequence: uint16(out), Timestamp: s.clock.stamp(now, in.Timestamp, in.Ext, newest)}
	if s.codec == codec.VP8 && len(in.Payload) > 0 {
		edit.Patch, edit.PatchLen = s.vp8.patch(in, newest)
	}
	if newest {
		s.numbers.top = out
		s.numbers.newest = max(s.numbers.newest, in.Ext)
	}
	s.memory.put(out, in.Layer, in.Ext, &edit)
	s.packets++
	s.octets += uint32(len(in.Payload))
	return edit
}
