package codec

// dependency is what a dependency descriptor (AV1 RTP payload format v1.0,
// appendix A) tells without those of earlier packets.
type dependency struct {
	start, end bool  // of a layer frame
	template   uint8 // frame_dependency_template_id, 0 to 63
	frame      uint16
	// structured: the template structure is attached. Only then the following
	// are known.
	structured    bool
	independent   bool // the frame refers to no other
	width, height uint16
}

// parseDescriptor reads a descriptor's mandatory fields and, if attached, its
// template structure. The optional fields of a frame without structure can't be
// read without the last structure and are left alone.
func parseDescriptor(b []byte) (d dependency, ok bool) {
	r := bitReader{b: b}
	d.start, d.end = r.flag(), r.flag()
	d.template = uint8(r.bits(6))
	d.frame = uint16(r.bits(16))
	if r.bad {
		return dependency{}, false
	}
	if len(b) == 3 {
		return d, true
	}
	d.structured = r.flag()
	activeTargets := r.flag()
	customDTIs, customReferences := r.flag(), r.flag()
	r.bit() // custom_chains_flag: chains come last and are not needed
	if !d.structured {
		return d, true
	}
	s := readStructure(&r)
	index := (d.template - s.offset) & 63
	if r.bad || uint32(index) >= s.templates {
		return dependency{}, false
	}
	d.width, d.height = s.width, s.height
	d.independent = s.referring>>index&1 == 0
	if activeTargets {
		r.skip(s.targets)
	}
	if customDTIs {
		r.skip(2 * s.targets)
	}
	if customReferences {
		// The frame's own list replaces its template's; its first entry says
		// how many nibbles long it is, 0 being the end of the list.
		d.independent = r.bits(2) == 0
	}
	return d, !r.bad
}

// structure is what is needed of a template dependency structure (A.8.2).
type structure struct {
	offset    uint8  // template_id_offset
	templates uint32 // 1 to 64
	targets   uint32 // decode targets, 1 to 32
	referring uint64 // bit per template: it has references
	// Size of the highest spatial layer, 0 where not told.
	width, height uint16
}

func readStructure(r *bitReader) (s structure) {
	s.offset = uint8(r.bits(6))
	s.targets = r.bits(5) + 1
	var spatial uint32
	spatial, s.templates = readTemplateLayers(r)
	r.skip(2 * s.templates * s.targets) // template_dti
	for i := range s.templates {
		for r.flag() { // fdiff_follows_flag
			s.referring |= 1 << i
			r.skip(4)
		}
	}
	if chains := r.uniform(s.targets + 1); chains > 0 {
		for range s.targets {
			r.uniform(chains) // decode_target_protected_by
		}
		r.skip(4 * s.templates * chains) // template_chain_fdiff
	}
	if r.flag() { // resolutions_present_flag
		var width, height int64
		for range spatial + 1 {
			width, height = int64(r.bits(16))+1, int64(r.bits(16))+1
		}
		s.width, s.height = r.size(width, height)
	}
	return s
}

// readTemplateLayers counts the templates and finds the highest spatial layer.
// Each template says in 2 bits how the next one's layer differs.
func readTemplateLayers(r *bitReader) (spatial, templates uint32) {
	const nextSpatial, noMore = 2, 3
	for templates = 1; templates <= 64; templates++ {
		switch r.bits(2) {
		case nextSpatial:
			spatial++
		case noMore:
			return spatial, templates
		}
	}
	r.bad = true
	return 0, 0
}

// refine corrects what the payload told by what the descriptor tells. The
// descriptor knows where a frame starts. A keyframe is one that says so itself,
// or that brings the structure and refers to nothing, which is all there is to
// see where the payload is encrypted end to end.
func (d *dependency) refine(info *Info) {
	info.Start = d.start
	if !d.start {
		info.Keyframe, info.Switch = false, false
		info.Width, info.Height = 0, 0
		return
	}
	if d.structured && d.independent {
		info.Keyframe, info.Switch = true, true
	}
	if info.Keyframe && info.Width == 0 {
		info.Width, info.Height = d.width, d.height
	}
}
