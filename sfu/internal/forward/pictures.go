package forward

import (
	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// pictures keeps the numbers of pictures continuous over the runs of a Stream:
// picture id, TL0PICIDX and KEYIDX of VP8 and VP9, and the frame number of the
// dependency descriptor. The offsets wrap with the numbers: 7 or 15 bits of the
// picture id, 8 of TL0PICIDX, 5 of KEYIDX and 16 of the frame number.
type pictures struct {
	codec codec.Codec

	pictureOffset uint16
	tl0Offset     uint8
	keyOffset     uint8
	frameOffset   uint16

	// What was sent last of each, and whether it ever was.
	picture, frame       uint16
	tl0, key             uint8
	hasPicture, hasFrame bool
	hasTL0, hasKey       bool

	// withheld are the source's ids of the run's pictures that were dropped on
	// purpose, as far back as a late packet may be; pictureOffset counts all of them.
	withheld [maxWithheld]uint16
	count    int
	next     int
}

const (
	pictureMask7  = 1<<7 - 1
	pictureMask15 = 1<<15 - 1
	keyMask       = 1<<5 - 1
	// maxWithheld is how many dropped pictures a late packet may lie behind. It is
	// less than half of the ids of 7 bits.
	maxWithheld = 60
)

// begin sets the offsets for a run whose first packet is described by info.
func (p *pictures) begin(info *codec.Info) {
	p.pictureOffset, p.tl0Offset, p.keyOffset, p.frameOffset = 0, 0, 0, 0
	p.count, p.next = 0, 0
	if p.hasPicture && info.PictureIDBits != 0 {
		p.pictureOffset = p.picture + 1 - info.PictureID
	}
	if p.hasTL0 && info.HasTL0PicIdx {
		p.tl0Offset = p.tl0 + 1 - info.TL0PicIdx
	}
	if p.hasKey && info.HasKeyIdx {
		p.keyOffset = (p.key + 1 - info.KeyIdx) & keyMask
	}
	if p.hasFrame && info.HasFrameNumber {
		p.frameOffset = p.frame + 1 - info.FrameNumber
	}
}

// withhold closes the picture ids over a picture, the newest of the run, that is
// not sent. VP8's receivers take a gap for a loss and hold back what follows it;
// VP9's find a picture's references by its place in the picture group, which its
// id tells, so there ids keep their distances.
func (p *pictures) withhold(info *codec.Info) {
	if p.codec != codec.VP8 || info.PictureIDBits == 0 {
		return
	}
	p.pictureOffset--
	p.withheld[p.next] = info.PictureID
	p.next = (p.next + 1) % maxWithheld
	p.count = min(p.count+1, maxWithheld)
}

// offset is the picture id's offset as of the picture.
func (p *pictures) offset(info *codec.Info, late bool) uint16 {
	offset := p.pictureOffset
	if !late {
		return offset
	}
	for i := range p.count {
		distance := p.withheld[(p.next-1-i+maxWithheld)%maxWithheld] - info.PictureID
		if sign := uint16(1) << (info.PictureIDBits - 1); distance&(2*sign-1) == 0 || distance&sign != 0 {
			break // this one and all before it are older
		}
		offset++
	}
	return offset
}

// edit completes the edit of a packet with its picture numbers. newest: it has the
// highest number sent; late: a packet behind it in the run was pushed before.
func (p *pictures) edit(in *Input, newest, late bool, edit *wire.Edit) {
	info := &in.Info
	if info.HasFrameNumber {
		edit.Frame, edit.Renumber = info.FrameNumber+p.frameOffset, p.frameOffset != 0
		if newest {
			p.hasFrame, p.frame = true, edit.Frame
		}
	}
	if p.codec != codec.VP8 && p.codec != codec.VP9 {
		return
	}
	mask := uint16(pictureMask15)
	if info.PictureIDBits == 7 {
		mask = pictureMask7
	}
	picture := info.PictureID
	if info.PictureIDBits != 0 {
		picture = (picture + p.offset(info, late)) & mask
	}
	tl0 := info.TL0PicIdx + p.tl0Offset
	key := (info.KeyIdx + p.keyOffset) & keyMask
	if newest {
		p.note(info, picture, tl0, key)
	}
	if picture != info.PictureID || p.tl0Offset != 0 || p.keyOffset != 0 {
		edit.Patch, edit.PatchLen = codec.PatchNumbers(p.codec, info, in.Payload, picture, tl0, key)
	}
}

func (p *pictures) note(info *codec.Info, picture uint16, tl0, key uint8) {
	if info.PictureIDBits != 0 {
		p.hasPicture, p.picture = true, picture
	}
	if info.HasTL0PicIdx {
		p.hasTL0, p.tl0 = true, tl0
	}
	if info.HasKeyIdx {
		p.hasKey, p.key = true, key
	}
}
