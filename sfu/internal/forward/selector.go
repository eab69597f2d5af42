package forward

import "plenum/sfu/internal/codec"

// maxChoices is how many changes of the selection a late packet may lie behind.
const maxChoices = 8

// choice is a selection and the packet of a run from which on it counts, with its
// picture's timestamp.
type choice struct {
	ext       int64
	timestamp uint32
	selected  codec.Selection
}

// selector decides which frames of a run belong to what the viewer gets of the
// layers within the stream. What it decides holds for whole pictures.
type selector struct {
	target codec.Selection // what the viewer should get

	choices [maxChoices]choice
	last    int // index of the newest choice, which counts now
	count   int // choices in use, ending with last

	// intact are the selections of which the viewer got everything since the run
	// began or they last could be begun with, so that they may be chosen as they are.
	intact   codec.Selections
	active   codec.Selections // as the publisher's newest packet says
	layering codec.Layering   // the last that was known

	// The newest frame of the run, and the highest layers seen.
	timestamp               uint32
	frame                   uint8 // its spatial layer
	dropped                 bool
	topSpatial, topTemporal uint8
}

// selected is what the viewer gets now.
func (s *selector) selected() codec.Selection { return s.choices[s.last].selected }

// begin starts with a keyframe, or anything of a stream without.
func (s *selector) begin(in *Input) {
	info := &in.Info
	s.intact, s.active, s.layering = codec.All, info.Active, info.Layering
	s.timestamp, s.frame, s.dropped = in.Timestamp, info.Spatial, false
	s.topSpatial, s.topTemporal = info.Spatial, info.Temporal
	s.last, s.count = 0, 1
	s.choices[0] = choice{in.Ext, in.Timestamp, s.goal(codec.MaxSelection)}
}

// gap notes that packets between the newest one and this one are missing. What
// they belong to isn't known: what is more than the viewer's selection he may not
// get of them, even if they come later.
func (s *selector) gap() {
	keep := codec.Within(s.selected())
	if s.layering != codec.Nested {
		keep = keep.Row(s.selected().Spatial())
	}
	s.intact &= keep
}

// sameFrame reports whether the packet is of the same frame as the newest one.
func (s *selector) sameFrame(in *Input) bool {
	return in.Timestamp == s.timestamp && in.Info.Spatial == s.frame
}

// admit decides about a packet that is the newest of the run. first says that its
// picture begins with it.
func (s *selector) admit(in *Input) (ok, first bool) {
	info := &in.Info
	first = in.Timestamp != s.timestamp
	if info.Active != 0 {
		s.active = info.Active
	}
	if info.Layering != codec.LayeringUnknown || first && info.Keyframe {
		s.layering = info.Layering
	}
	s.topSpatial, s.topTemporal = max(s.topSpatial, info.Spatial), max(s.topTemporal, info.Temporal)
	// A frame's promise counts for its own picture already: if the frame doesn't
	// reach the viewer after all, it leaves the selections that it belongs to.
	intact := s.intact
	switch {
	case first && info.Keyframe:
		intact = codec.All
	case info.In.Has(s.selected()):
		intact |= info.Begins
	}
	intact = intact.Lifted(info.Lift)
	if first {
		s.choose(in, intact)
	}
	ok = info.In.Has(s.selected())
	if !ok {
		intact &^= info.In
	}
	s.intact = intact
	s.timestamp, s.frame, s.dropped = in.Timestamp, info.Spatial, !ok
	return ok, first
}

// choose moves towards the goal with the picture that begins with the packet, as
// far as the selections allow that may be begun with or gone on with there.
func (s *selector) choose(in *Input, possible codec.Selections) {
	now := s.selected()
	goal := s.goal(now.Spatial())
	if goal == now {
		return
	}
	next, ok := best(possible, goal, now)
	if !ok {
		// Not even a lower spatial layer, for want of a keyframe. Fewer frames it can be.
		next = codec.Select(now.Spatial(), min(now.Temporal(), s.target.Temporal()))
		if !possible.Has(next) {
			return
		}
	}
	if next == now {
		return
	}
	s.last = (s.last + 1) % maxChoices
	s.count = min(s.count+1, maxChoices)
	s.choices[s.last] = choice{in.Ext, in.Timestamp, next}
}

// best is the highest possible selection up to the goal, the spatial layer first.
// The one that there is now is always possible.
func best(possible codec.Selections, goal, now codec.Selection) (codec.Selection, bool) {
	possible = possible&codec.Within(goal) | codec.One(now)&codec.Within(goal)
	if possible == 0 {
		return 0, false
	}
	return possible.Highest(), true
}

// goal is the target as far as the publisher sends it. A layer that isn't sent at
// the moment is left for a lower one only where that means other packets; else it
// goes on by itself when it comes back.
func (s *selector) goal(now uint8) codec.Selection {
	spatial := s.target.Spatial()
	if s.active == 0 {
		return codec.Select(min(now, spatial), s.target.Temporal())
	}
	for spatial > 0 && s.active.Row(spatial) == 0 {
		spatial--
	}
	if s.layering == codec.Nested {
		spatial = max(spatial, min(now, s.target.Spatial()))
	}
	return codec.Select(spatial, s.target.Temporal())
}

// wantsKeyframe: the goal's spatial layer can't be reached without one, as far as
// can be foreseen.
func (s *selector) wantsKeyframe() bool {
	now := s.selected()
	goal := s.goal(now.Spatial())
	if now.Spatial() == goal.Spatial() {
		return false
	}
	next, ok := best(s.intact, goal, now)
	return !ok || next.Spatial() != goal.Spatial()
}

// at is the selection that counted for a packet of the run that is not the newest.
func (s *selector) at(in *Input) (codec.Selection, bool) {
	for i := range s.count {
		c := &s.choices[(s.last-i+maxChoices)%maxChoices]
		if in.Timestamp == c.timestamp || in.Ext >= c.ext {
			return c.selected, true
		}
	}
	return 0, false
}

// flowing are the layers that reach the viewer.
func (s *selector) flowing() (spatial, temporal int8) {
	now := s.selected()
	top := s.topSpatial
	if s.active != 0 {
		top = min(top, s.active.TopSpatial())
	}
	return int8(min(now.Spatial(), top)), int8(min(now.Temporal(), s.topTemporal)) //nolint:gosec // below 8
}

// reason is the verdict on a frame that isn't part of the selection.
func reason(info *codec.Info, selected codec.Selection) Verdict {
	if info.Temporal > selected.Temporal() {
		return DropTemporal
	}
	return DropSpatial
}
