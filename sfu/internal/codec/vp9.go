package codec

import "encoding/binary"

// parseVP9 reads the payload descriptor (RFC 9628 §4.2). Nothing of the frame
// itself is needed.
func parseVP9(b []byte) (info Info) {
	if len(b) == 0 {
		return Info{}
	}
	const (
		hasPicture, predicted, hasLayer, flexible = 0x80, 0x40, 0x20, 0x10
		begins, hasStructure                      = 0x08, 0x02
	)
	flags := b[0]
	b = b[1:]
	info.Start = flags&begins != 0
	if flags&hasPicture != 0 {
		n := 1
		if len(b) > 0 && b[0]&0x80 != 0 {
			n = 2
		}
		if len(b) < n {
			return Info{}
		}
		b = b[n:]
	}
	if flags&hasLayer != 0 {
		n := 2 // TID|U|SID|D, then TL0PICIDX
		if flags&flexible != 0 {
			n = 1
		}
		if len(b) < n {
			return Info{}
		}
		info.Temporal = b[0] >> 5
		info.Switch = info.Start && b[0]&0x10 != 0
		info.Spatial = b[0] >> 1 & 7
		b = b[n:]
	}
	if flags&flexible != 0 && flags&predicted != 0 {
		n, ok := vp9References(b)
		if !ok {
			return Info{}
		}
		b = b[n:]
	}
	// In SVC the upper layers of a key picture have no P bit either, but they
	// predict from the layer below.
	if info.Start && flags&predicted == 0 && info.Spatial == 0 {
		info.Keyframe, info.Switch = true, true
	}
	if flags&hasStructure != 0 {
		width, height, ok := vp9Size(b)
		if !ok {
			return Info{}
		}
		if info.Keyframe {
			info.Width, info.Height = width, height
		}
	}
	return info
}

// vp9References returns the length of a flexible-mode reference list: 1 to 3
// bytes, each of which tells in its last bit whether another follows.
func vp9References(b []byte) (n int, ok bool) {
	for n < 3 && n < len(b) {
		n++
		if b[n-1]&1 == 0 {
			return n, true
		}
	}
	return 0, false
}

// vp9Size reads the size of the largest layer from a scalability structure
// (§4.2.1), 0 where it holds none.
func vp9Size(b []byte) (width, height uint16, ok bool) {
	if len(b) == 0 {
		return 0, 0, false
	}
	const hasSizes = 0x10
	layers := int(b[0]>>5) + 1
	if b[0]&hasSizes == 0 {
		return 0, 0, true
	}
	b = b[1:]
	if len(b) < 4*layers {
		return 0, 0, false
	}
	for ; layers > 0; layers-- {
		w, h := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		if uint32(w)*uint32(h) > uint32(width)*uint32(height) {
			width, height = w, h
		}
		b = b[4:]
	}
	return width, height, true
}
