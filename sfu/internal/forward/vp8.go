package forward

import (
	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// vp8 keeps VP8's picture numbers continuous over the runs of a Stream. The
// offsets wrap with the numbers: 7 or 15 bits of the picture id, 8 of TL0PICIDX
// and 5 of KEYIDX (RFC 7741 §4.2).
type vp8 struct {
	pictureOffset uint16
	tl0Offset     uint8
	keyOffset     uint8

	// What was sent last of each, and whether it ever was.
	picture            uint16
	tl0, key           uint8
	hasPicture, hasTL0 bool
	hasKey             bool
}

const (
	pictureMask7  = 1<<7 - 1
	pictureMask15 = 1<<15 - 1
	keyMask       = 1<<5 - 1
)

// begin sets the offsets for a run whose first packet is described by info.
func (v *vp8) begin(info *codec.Info) {
	v.pictureOffset, v.tl0Offset, v.keyOffset = 0, 0, 0
	if v.hasPicture && info.PictureIDBits != 0 {
		v.pictureOffset = v.picture + 1 - info.PictureID
	}
	if v.hasTL0 && info.HasTL0PicIdx {
		v.tl0Offset = v.tl0 + 1 - info.TL0PicIdx
	}
	if v.hasKey && info.HasKeyIdx {
		v.keyOffset = (v.key + 1 - info.KeyIdx) & keyMask
	}
}

// patch is the payload's beginning with the outgoing numbers in it.
func (v *vp8) patch(in *Input, newest bool) (patch [wire.MaxPatch]byte, n uint8) {
	info := &in.Info
	mask := uint16(pictureMask15)
	if info.PictureIDBits == 7 {
		mask = pictureMask7
	}
	picture := (info.PictureID + v.pictureOffset) & mask
	tl0 := info.TL0PicIdx + v.tl0Offset
	key := (info.KeyIdx + v.keyOffset) & keyMask
	if newest {
		v.note(info, picture, tl0, key)
	}
	if v.pictureOffset == 0 && v.tl0Offset == 0 && v.keyOffset == 0 {
		return patch, 0
	}
	return codec.VP8Patch(*info, in.Payload, picture, tl0, key)
}

func (v *vp8) note(info *codec.Info, picture uint16, tl0, key uint8) {
	if info.PictureIDBits != 0 {
		v.hasPicture, v.picture = true, picture
	}
	if info.HasTL0PicIdx {
		v.hasTL0, v.tl0 = true, tl0
	}
	if info.HasKeyIdx {
		v.hasKey, v.key = true, key
	}
}
