package codec

import "encoding/binary"

// vp9Descriptor is a VP9 payload descriptor (RFC 9628 §4.2). An offset of 0 is
// an absent field.
type vp9Descriptor struct {
	numbering
	start, end bool // B, E
	predicted  bool // P: from earlier pictures
	flexible   bool // F
	unused     bool // Z: not used to predict higher spatial layers
	layered    bool // L

	spatial       uint8 // SID
	temporal      uint8 // TID
	upSwitch      bool  // U
	lower         bool  // D: predicted from the spatial layer below
	references    [3]uint8
	numReferences uint8

	structured bool // V: the scalability structure is there
	spatials   uint8
	sizes      [MaxSelection + 1]size
}

func (d *vp9Descriptor) read(b []byte) bool {
	const (
		hasPicture, predicted, hasLayer, flexible = 0x80, 0x40, 0x20, 0x10
		begins, ends, hasStructure, unused        = 0x08, 0x04, 0x02, 0x01
	)
	if len(b) == 0 {
		return false
	}
	flags := b[0]
	at := 1
	d.start, d.end = flags&begins != 0, flags&ends != 0
	d.predicted, d.flexible = flags&predicted != 0, flags&flexible != 0
	d.layered, d.unused = flags&hasLayer != 0, flags&unused != 0
	if flags&hasPicture != 0 {
		d.picture = uint8(at)
		d.wide = len(b) > at && b[at]&0x80 != 0
		at++
		if d.wide {
			at++
		}
	}
	if d.layered {
		layer := at
		at++
		if !d.flexible {
			d.tl0 = uint8(at)
			at++
		}
		if len(b) < at {
			return false
		}
		d.temporal, d.spatial = b[layer]>>5, b[layer]>>1&7
		d.upSwitch, d.lower = b[layer]&0x10 != 0, b[layer]&1 != 0
	}
	if len(b) < at {
		return false
	}
	b = b[at:]
	if d.flexible && d.predicted {
		if b = d.readReferences(b); b == nil {
			return false
		}
	}
	if flags&hasStructure != 0 {
		return d.readStructure(b)
	}
	return true
}

// readReferences reads a flexible-mode reference list: 1 to 3 distances of
// pictures, each of which tells in its last bit whether another follows.
func (d *vp9Descriptor) readReferences(b []byte) (rest []byte) {
	for n := range min(3, len(b)) {
		d.references[n] = b[n] >> 1
		d.numReferences = uint8(n + 1)
		if b[n]&1 == 0 {
			return b[n+1:]
		}
	}
	return nil
}

// readStructure reads the sizes from a scalability structure (§4.2.1). The
// picture group that may follow is not needed.
func (d *vp9Descriptor) readStructure(b []byte) bool {
	const hasSizes = 0x10
	if len(b) == 0 {
		return false
	}
	d.structured, d.spatials = true, b[0]>>5+1
	if b[0]&hasSizes == 0 {
		return true
	}
	b = b[1:]
	if len(b) < 4*int(d.spatials) {
		return false
	}
	for i := range d.spatials {
		s := size{binary.BigEndian.Uint16(b[4*i:]), binary.BigEndian.Uint16(b[4*i+2:])}
		if s.width != 0 && s.height != 0 {
			d.sizes[i] = s
		}
	}
	return true
}

// largest is the size of the largest layer.
func (d *vp9Descriptor) largest() (top size) {
	for _, s := range d.sizes[:d.spatials] {
		if uint32(s.width)*uint32(s.height) > uint32(top.width)*uint32(top.height) {
			top = s
		}
	}
	return top
}

// vp9State is what the descriptors of a stream told over time.
type vp9State struct {
	layering Layering
	sizes    [MaxSelection + 1]size
	top      uint8 // the highest spatial layer that the publisher sends
	below    uint8 // pictures in a row that ended below it
	single   bool  // there is one spatial layer, since the last keyframe

	begun   bool
	picture uint16 // the newest one
	lowest  uint8  // the lowest and the highest spatial layer seen of it
	highest uint8
	// temporal has the temporal layers of pictures by the low bits of their ids, as
	// far back as a reference goes.
	temporal [128]uint8
}

// missedPictures is how many pictures in a row must lack the highest spatial
// layer for it to count as no longer sent. A single one may lack it by loss.
const missedPictures = 4

func (v *vp9State) parse(b []byte, late bool) (info Info) {
	var d vp9Descriptor
	if !d.read(b) {
		return Info{}
	}
	info.Start, info.End = d.start, d.end
	info.Spatial, info.Temporal = d.spatial, d.temporal
	d.tell(b, &info)
	// The upper spatial layers of a key picture have no P bit either, but they
	// predict from the layer below. Where layers begin above 0 the lowest is the key.
	lowest := d.spatial == 0 || !v.begun || info.PictureID != v.picture
	if d.start && !d.predicted && !d.lower && lowest {
		info.Keyframe = true
		top := d.largest()
		info.Width, info.Height = top.width, top.height
	}
	info.Switch = info.Keyframe || d.start && d.upSwitch
	if !late {
		v.note(&d, info.PictureID, info.Keyframe)
	}
	info.Layers = v.layers(&d, info.PictureID)
	return info
}

// note follows the stream.
func (v *vp9State) note(d *vp9Descriptor, picture uint16, keyframe bool) {
	if !v.begun || picture != v.picture {
		if v.begun && v.highest < v.top {
			v.below++
		} else {
			v.below = 0
		}
		if v.below >= missedPictures {
			v.top, v.below = v.highest, 0
		}
		v.begun, v.picture = true, picture
		v.lowest, v.highest = d.spatial, d.spatial
	}
	v.lowest, v.highest = min(v.lowest, d.spatial), max(v.highest, d.spatial)
	v.top = max(v.top, d.spatial)
	v.temporal[picture&127] = d.temporal
	if d.structured {
		v.top, v.below = d.spatials-1, 0
		v.sizes = d.sizes
	}
	if keyframe {
		v.layering, v.single = LayeringUnknown, v.top == 0
	}
	v.single = v.single && d.spatial == 0
	// The lowest layer of a picture predicts from none below, whatever the layering.
	if d.predicted && d.spatial > v.lowest {
		v.layering = Separate
		if d.lower {
			v.layering = Nested
		}
	}
}

// layers puts what a descriptor says in terms of selections.
func (v *vp9State) layers(d *vp9Descriptor, picture uint16) Layers {
	l := Layers{Layering: v.layering, Active: rowsTo(v.top)}
	if v.single {
		l.Layering = Nested
	}
	l.In = rowsFrom(d.spatial)
	// In a key picture the lower layers are part of all; after it, it depends on
	// the layering, or while that isn't known on what this frame says.
	if !v.single && d.predicted && (v.layering == Separate || v.layering == LayeringUnknown && d.unused) {
		l.In = row(d.spatial)
	}
	l.In &= columnsFrom(d.temporal)
	switch {
	case d.upSwitch:
		// Pictures after this one, of higher temporal layers than it, refer to none
		// of those layers before it (§4.2, U).
		l.Lift = Lift{From: d.temporal, To: 0xfe << d.temporal & 0xff}
	case d.flexible && d.predicted && d.temporal > 0:
		if v.refersBelow(d, picture) {
			l.Lift = Lift{From: d.temporal - 1, To: 1 << d.temporal}
		}
	}
	return l
}

// refersBelow reports whether all references are to pictures of lower temporal
// layers, so that the layer begins anew here. Encoders that list their references
// needn't set the U bit.
func (v *vp9State) refersBelow(d *vp9Descriptor, picture uint16) bool {
	for _, distance := range d.references[:d.numReferences] {
		if v.temporal[(picture-uint16(distance))&127] >= d.temporal {
			return false
		}
	}
	return true
}
