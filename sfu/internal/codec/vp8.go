package codec

import "encoding/binary"

// vp8Descriptor is where the fields of a VP8 payload descriptor (RFC 7741
// §4.2) lie; an offset of 0 is an absent field, and the length is that of the
// whole descriptor, 1 to 6 bytes.
type vp8Descriptor struct {
	numbering
	start            bool  // S bit, and partition 0
	temporal         uint8 // offset of TID|Y|KEYIDX
	hasTID, hasIndex bool  // T and K: which parts of it count
	length           uint8
}

// numbering is where a VP8 or VP9 payload descriptor has its pictures' numbers; 0
// is an absent one.
type numbering struct {
	picture uint8 // offset of the picture id, one byte or two
	wide    bool  // the picture id has 15 bits
	tl0     uint8 // offset of TL0PICIDX
}

// tell reads the numbers of a payload.
func (n *numbering) tell(b []byte, info *Info) {
	switch {
	case n.wide:
		info.PictureIDBits = 15
		info.PictureID = binary.BigEndian.Uint16(b[n.picture:]) & 0x7fff
	case n.picture != 0:
		info.PictureIDBits = 7
		info.PictureID = uint16(b[n.picture])
	}
	if n.tl0 != 0 {
		info.HasTL0PicIdx = true
		info.TL0PicIdx = b[n.tl0]
	}
}

func scanVP8(b []byte) (d vp8Descriptor, ok bool) {
	if len(b) == 0 {
		return d, false
	}
	const extended, start, partition = 0x80, 0x10, 0x07
	d.start = b[0]&start != 0 && b[0]&partition == 0
	d.length = 1
	if b[0]&extended == 0 {
		return d, true
	}
	if len(b) < 2 {
		return d, false
	}
	const hasPicture, hasTL0, hasTID, hasIndex = 0x80, 0x40, 0x20, 0x10
	flags := b[1]
	d.length = 2
	if flags&hasPicture != 0 {
		d.picture = d.length
		d.length++
		if len(b) < int(d.length) {
			return d, false
		}
		if b[d.picture]&0x80 != 0 {
			d.wide = true
			d.length++
		}
	}
	if flags&hasTL0 != 0 {
		d.tl0 = d.length
		d.length++
	}
	d.hasTID, d.hasIndex = flags&hasTID != 0, flags&hasIndex != 0
	if d.hasTID || d.hasIndex {
		d.temporal = d.length
		d.length++
	}
	return d, len(b) >= int(d.length)
}

func parseVP8(b []byte) (info Info) {
	d, ok := scanVP8(b)
	if !ok {
		return Info{}
	}
	info.Start = d.start
	d.tell(b, &info)
	if d.hasTID {
		const sync = 0x20 // Y: the frame refers to the base layer only
		info.Temporal = b[d.temporal] >> 6
		info.In = columnsFrom(info.Temporal)
		if info.Temporal > 0 && b[d.temporal]&sync != 0 {
			info.Switch = d.start
			info.Lift = Lift{From: info.Temporal - 1, To: 1 << info.Temporal}
		}
	}
	if d.hasIndex {
		info.HasKeyIdx = true
		info.KeyIdx = b[d.temporal] & 0x1f
	}
	// The payload header's P bit is 0 for a keyframe (§4.3).
	frame := b[d.length:]
	if !d.start || len(frame) == 0 || frame[0]&1 != 0 {
		return info
	}
	info.Keyframe, info.Switch = true, true
	info.Width, info.Height = vp8Size(frame)
	return info
}

// vp8Size reads the size from a keyframe's header: a tag of 3 bytes, a start
// code, then 14 bits each under 2 bits of scaling hint (RFC 6386 §9.1).
func vp8Size(frame []byte) (width, height uint16) {
	if len(frame) < 10 || frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a {
		return 0, 0
	}
	width = binary.LittleEndian.Uint16(frame[6:]) & 0x3fff
	height = binary.LittleEndian.Uint16(frame[8:]) & 0x3fff
	if width == 0 || height == 0 {
		return 0, 0
	}
	return width, height
}
