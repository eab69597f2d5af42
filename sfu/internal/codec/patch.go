package codec

import "encoding/binary"

// PatchNumbers returns the first n bytes of a VP8 or VP9 payload with its picture
// numbers replaced. Numbers are cut to the width they have in the packet, and
// those that it doesn't have are left out, so the length never changes. n is 0
// where there is nothing to patch. The info is Parse's of the same payload.
func PatchNumbers(c Codec, info *Info, payload []byte, pictureID uint16, tl0, keyIdx uint8) (patch [6]byte, n uint8) {
	if info.PictureIDBits == 0 && !info.HasTL0PicIdx && !info.HasKeyIdx {
		return patch, 0
	}
	var at struct {
		numbering
		key, length uint8 // the offset of KEYIDX, 0 where absent; how much may change
	}
	switch c {
	case VP8:
		d, ok := scanVP8(payload)
		if !ok {
			return patch, 0
		}
		at.numbering, at.length = d.numbering, d.length
		if d.hasIndex {
			at.key = d.temporal
		}
	case VP9:
		var d vp9Descriptor
		if !d.read(payload) {
			return patch, 0
		}
		at.numbering = d.numbering
		// A picture id of two bytes at 1, the layer, TL0PICIDX: 5 bytes at most.
		at.length = max(d.picture+1, d.tl0+1)
		if d.wide {
			at.length = max(at.length, d.picture+2)
		}
	default:
		return patch, 0
	}
	copy(patch[:at.length], payload)
	switch {
	case at.wide:
		binary.BigEndian.PutUint16(patch[at.picture:], pictureID|0x8000)
	case at.picture != 0:
		patch[at.picture] = byte(pictureID) & 0x7f
	}
	if at.tl0 != 0 {
		patch[at.tl0] = tl0
	}
	if at.key != 0 {
		patch[at.key] = patch[at.key]&^0x1f | keyIdx&0x1f
	}
	return patch, at.length
}
