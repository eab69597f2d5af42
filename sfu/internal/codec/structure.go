package codec

// read reads a template dependency structure (A.8.2, template_dependency_structure).
func (s *structure) read(r *bitReader) {
	s.offset = uint8(r.bits(6))
	s.targets = uint8(r.bits(5)) + 1
	s.readLayers(r)
	if r.bad {
		return
	}
	var indications [maxTemplates]uint64 // two bits per target, the last one lowest
	for i := range s.templates {
		for range s.targets {
			indications[i] = indications[i]<<2 | uint64(r.bits(2))
		}
	}
	for i := range s.templates {
		for r.flag() { // fdiff_follows_flag
			s.template[i].referring = true
			r.skip(4)
		}
	}
	if chains := r.uniform(uint32(s.targets) + 1); chains > 0 {
		for range s.targets {
			r.uniform(chains) // decode_target_protected_by
		}
		r.skip(4 * uint32(s.templates) * chains) // template_chain_fdiff
	}
	if r.flag() { // resolutions_present_flag
		for i := range s.spatial + 1 {
			width, height := int64(r.bits(16))+1, int64(r.bits(16))+1
			s.sizes[i].width, s.sizes[i].height = r.size(width, height)
		}
	}
	if !r.bad {
		s.resolve(&indications)
		s.known = true
	}
}

// readLayers reads the layer of each template: each says in 2 bits how the next
// one's differs.
func (s *structure) readLayers(r *bitReader) {
	const nextTemporal, nextSpatial, noMore = 1, 2, 3
	var spatial, temporal uint8
	for !r.bad {
		s.template[s.templates].spatial, s.template[s.templates].temporal = spatial, temporal
		s.templates++
		s.spatial, s.temporal = max(s.spatial, spatial), max(s.temporal, temporal)
		switch r.bits(2) {
		case nextTemporal:
			temporal++
		case nextSpatial:
			spatial++
			temporal = 0
		case noMore:
			return
		}
		if s.templates == maxTemplates || temporal > 7 || spatial > 3 {
			r.bad = true
		}
	}
}

// indication is what a template says of a decode target.
func (s *structure) indication(of uint64, target uint8) uint64 {
	return of >> (2 * (s.targets - 1 - target)) & 3
}

// resolve puts the structure in terms of selections.
func (s *structure) resolve(indications *[maxTemplates]uint64) {
	// A decode target's layers are the highest of the frames that belong to it.
	var layers [maxTargets]struct {
		spatial, temporal uint8
		any               bool
	}
	for target := range s.targets {
		l := &layers[target]
		for i := range s.templates {
			if s.indication(indications[i], target) == notPresent {
				continue
			}
			t := &s.template[i]
			l.any = true
			l.spatial, l.temporal = max(l.spatial, t.spatial), max(l.temporal, t.temporal)
		}
	}
	for selection := range Selection(64) {
		best, found := uint8(0), false
		for target := range s.targets {
			l := &layers[target]
			if !l.any || l.spatial > selection.Spatial() || l.temporal > selection.Temporal() {
				continue
			}
			b := &layers[best]
			if !found || l.spatial > b.spatial || l.spatial == b.spatial && l.temporal > b.temporal {
				best, found = target, true
			}
		}
		s.selects[best] |= One(selection)
	}
	s.active = All
	s.layering = Nested
	for i := range s.templates {
		t := &s.template[i]
		for target := range s.targets {
			switch s.indication(indications[i], target) {
			case notPresent:
				l := &layers[target]
				if t.spatial < l.spatial && t.temporal <= l.temporal {
					s.layering = Separate
				}
			case switchable:
				t.begins |= s.selects[target]
				fallthrough
			default:
				t.in |= s.selects[target]
			}
		}
	}
}

// selected are the selections that amount to the decode targets of a bitmask, of
// which the lowest bit is the first target.
func (s *structure) selected(targets uint32) (all Selections) {
	for target := range s.targets {
		if targets>>target&1 != 0 {
			all |= s.selects[target]
		}
	}
	return all
}

// readIndications reads a frame's own indications, in place of its template's.
func (s *structure) readIndications(r *bitReader) (in, begins Selections) {
	for target := range s.targets {
		switch r.bits(2) {
		case notPresent:
		case switchable:
			begins |= s.selects[target]
			fallthrough
		default:
			in |= s.selects[target]
		}
	}
	return in, begins
}
