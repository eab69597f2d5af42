package codec

// Codec is one of the codecs that Plenum forwards.
type Codec uint8

// The codecs that Plenum forwards.
const (
	Unknown Codec = iota
	Opus
	RED // audio redundancy, RFC 2198
	PCMU
	PCMA
	G722
	VP8
	VP9
	H264
	H265
	AV1
)

// Info is what one packet's payload says about itself.
type Info struct {
	// Keyframe: this packet belongs to, and starts, a frame that decodes without
	// any earlier one. For audio every packet is a start and a keyframe.
	Keyframe bool
	// Start: this is the first packet of a frame (of a layer frame with SVC).
	Start bool
	// Switch: a viewer of a lower temporal layer may begin here.
	Switch bool
	// Spatial and Temporal are layer indices within one RTP stream, 0 where the
	// codec or stream has none.
	Spatial, Temporal uint8
	// Width and Height of the picture where a keyframe tells them, else 0.
	Width, Height uint16

	// VP8 numbering (RFC 7741 §4.2). PictureIDBits is 0, 7 or 15.
	PictureID     uint16
	PictureIDBits uint8
	TL0PicIdx     uint8
	HasTL0PicIdx  bool
	KeyIdx        uint8
	HasKeyIdx     bool
}
