package codec

// Parser says what the packets of one layer, in the sense of one RTP stream,
// are. It keeps what is told only now and then: the template structure of the
// dependency descriptor, which spatial layers there are and how large. The zero
// value is ready; it is some 2 kB large, and never allocates. When the stream's
// source begins anew, so must its Parser.
type Parser struct {
	structure structure
	vp9       vp9State
	sizes     [MaxSelection + 1]size
	spatial   uint8 // highest layers seen since the last keyframe
	temporal  uint8
}

type size struct{ width, height uint16 }

// Parse says what one packet is. The descriptor holds the bytes of the
// dependency descriptor header extension, nil where the packet has none. Both
// slices are only read, and not kept. late says that a newer packet of the stream
// was parsed before: then the packet changes nothing of what is kept.
//
// A malformed payload tells nothing, and an encrypted one may look like that; a
// malformed descriptor counts as none. Where neither tells anything, the result
// is that of a packet that belongs to every selection. In every result Keyframe
// implies Switch, Switch implies Start, and Width and Height are both set or both 0.
//
// H264 and H265 have no mark for the start of a frame. There Start is true for
// anything that can only precede or be the first slice, so that a frame whose
// parameter sets travel in packets of their own has several starts, and a
// keyframe likewise; a descriptor, where there is one, tells exactly.
//
// What VP8 says of temporal layers comes from its payload descriptor if that has
// them. Chromium leaves them out, with the picture ids, where it sends a dependency
// descriptor. All else comes from the dependency descriptor where there is one, and
// for VP9 otherwise from the payload descriptor.
func (p *Parser) Parse(c Codec, payload, descriptor []byte, late bool) Info {
	var info Info
	switch c {
	case Opus, RED, PCMU, PCMA, G722:
		return Info{Keyframe: true, Start: true, Switch: true, Layers: Layers{In: All, Layering: Nested}}
	case VP8:
		info = parseVP8(payload)
	case VP9:
		info = p.vp9.parse(payload, late)
	case H264:
		info = parseH264(payload)
	case H265:
		info = parseH265(payload)
	case AV1:
		info = parseAV1(payload)
	}
	layered := c == VP8 && info.In != 0 // the payload says which temporal layer it is
	if info.In == 0 {
		info.In = All
	}
	if c != VP9 {
		info.Layering = Nested // there is one spatial layer, if nothing else is said
	}
	if len(payload) == 0 || !c.IsVideo() {
		return info
	}
	if len(descriptor) > 0 {
		p.describe(descriptor, layered, late, &info)
	}
	if !late {
		p.note(&info)
	}
	return info
}

// note keeps what a packet told about the stream.
func (p *Parser) note(info *Info) {
	if info.Keyframe {
		p.spatial, p.temporal = 0, 0
	}
	p.spatial, p.temporal = max(p.spatial, info.Spatial), max(p.temporal, info.Temporal)
	if !info.Keyframe || info.Width == 0 {
		return
	}
	switch top := p.structure.spatial; {
	case p.structure.known && p.sizes[top].width == 0: // it has no sizes of its own
		p.sizes[top] = size{info.Width, info.Height}
	case p.structure.known:
	case p.vp9.sizes[0].width > 0:
		p.sizes = p.vp9.sizes
	default:
		p.sizes = [MaxSelection + 1]size{{info.Width, info.Height}}
	}
}

// Layers is how many spatial and temporal layers the stream has: those of its
// structure where it has one, else those seen since the last keyframe. 1 each at
// least.
func (p *Parser) Layers() (spatial, temporal uint8) {
	if p.structure.known {
		return p.structure.spatial + 1, p.structure.temporal + 1
	}
	return max(p.spatial, p.vp9.top) + 1, p.temporal + 1
}

// Size is the picture size of a spatial layer, 0 where nothing told it.
func (p *Parser) Size(spatial uint8) (width, height uint16) {
	s := p.sizes[min(spatial, MaxSelection)]
	return s.width, s.height
}
