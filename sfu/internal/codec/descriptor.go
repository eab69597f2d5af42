package codec

// The most templates and decode targets of a structure (AV1 RTP payload format
// v1.0, appendix A.8.2).
const (
	maxTemplates = 64
	maxTargets   = 32
)

// Decode target indications (A.8.3) that matter here; the others, discardable and
// required, say that the frame is part of the target and no more.
const (
	notPresent = 0
	switchable = 2
)

// structure is a template dependency structure in terms of selections.
type structure struct {
	known     bool
	offset    uint8 // template_id_offset
	templates uint8 // 1 to 64
	targets   uint8 // decode targets, 1 to 32
	spatial   uint8 // the highest layers
	temporal  uint8
	layering  Layering
	active    Selections // by the newest bitmask

	template [maxTemplates]template
	// selects are, per decode target, the selections that amount to it.
	selects [maxTargets]Selections
	sizes   [4]size
}

// template is what all frames have in common that refer to it.
type template struct {
	spatial, temporal uint8
	referring         bool // it has references
	in, begins        Selections
}

// descriptor is what one dependency descriptor says.
type descriptor struct {
	start, end bool // of a layer frame
	id         uint8
	frame      uint16
	// The flags of what follows the mandatory fields.
	structured, active, indications, references bool

	// resolved: the structure is known, so the following are.
	resolved          bool
	spatial, temporal uint8
	independent       bool // the frame refers to no other; known with a structure only
	layers            Layers
}

// describe completes what the payload told by what the descriptor tells. The
// descriptor knows where a frame starts. A keyframe is one that says so itself,
// or that brings the structure and refers to nothing, which is all there is to
// see where the payload is encrypted end to end. layered says that the payload told the
// frame's layers.
func (p *Parser) describe(b []byte, layered, late bool, info *Info) {
	var d descriptor
	if !p.read(b, late, &d) {
		return
	}
	info.FrameNumber, info.HasFrameNumber = d.frame, true
	info.Start, info.End = d.start, d.end
	switch {
	case !d.start:
		info.Keyframe, info.Switch = false, false
		info.Width, info.Height = 0, 0
	case d.structured && d.independent:
		info.Keyframe, info.Switch = true, true
	}
	if info.Keyframe && info.Width == 0 && d.structured {
		info.Width, info.Height = p.Size(p.structure.spatial)
	}
	if layered || !d.resolved {
		return
	}
	info.Spatial, info.Temporal, info.Layers = d.spatial, d.temporal, d.layers
	info.Switch = info.Keyframe || d.start && d.layers.Begins != 0
}

// read reads a descriptor, and keeps the structure and the bitmask that it may
// bring. It is false for what makes no sense.
func (p *Parser) read(b []byte, late bool, d *descriptor) bool {
	r := bitReader{b: b}
	d.start, d.end = r.flag(), r.flag()
	d.id = uint8(r.bits(6))
	d.frame = uint16(r.bits(16))
	if r.bad {
		return false
	}
	if len(b) > 3 {
		d.structured, d.active = r.flag(), r.flag()
		d.indications, d.references = r.flag(), r.flag()
		r.bit() // custom_chains_flag: chains come last and are not needed
		if d.structured {
			return d.start && p.readAttached(&r, late, d)
		}
	}
	if p.structure.known {
		// What belongs to another structure than the one at hand is not resolved, but
		// its mandatory fields count.
		if !p.structure.readFrame(&r, late, d) {
			*d = descriptor{start: d.start, end: d.end, frame: d.frame}
		}
	}
	return true
}

// readAttached reads the rest of a descriptor that brings a structure.
func (p *Parser) readAttached(r *bitReader, late bool, d *descriptor) bool {
	var brought structure
	brought.read(r)
	if r.bad || !brought.readFrame(r, false, d) {
		return false
	}
	if late {
		return true
	}
	p.structure = brought
	p.sizes = [MaxSelection + 1]size{}
	copy(p.sizes[:], brought.sizes[:brought.spatial+1])
	return true
}

// readFrame reads what follows the flags and the structure, and resolves what the
// descriptor refers to. It is false where that doesn't fit the structure.
func (s *structure) readFrame(r *bitReader, late bool, d *descriptor) bool {
	index := (d.id - s.offset) & (maxTemplates - 1)
	if index >= s.templates {
		return false
	}
	t := &s.template[index]
	in, begins := t.in, t.begins
	active := s.active
	if d.active {
		active = s.selected(r.bits(uint32(s.targets)))
	}
	if d.indications {
		in, begins = s.readIndications(r)
	}
	d.independent = !t.referring
	if d.structured && d.references {
		// The frame's own list replaces its template's; its first entry says
		// how many nibbles long it is, 0 being the end of the list.
		d.independent = r.bits(2) == 0
	}
	if r.bad {
		return false
	}
	if !late {
		s.active = active
	}
	d.resolved, d.spatial, d.temporal = true, t.spatial, t.temporal
	d.layers = Layers{In: in, Begins: begins, Active: active, Layering: s.layering}
	return true
}
