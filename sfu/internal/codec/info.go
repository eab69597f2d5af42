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

// Info is what one packet says about itself, in its payload and in its
// dependency descriptor.
type Info struct {
	// Keyframe: this packet belongs to, and starts, a frame that decodes without
	// any earlier one. For audio every packet is a start and a keyframe.
	Keyframe bool
	// Start: this is the first packet of a frame (of a layer frame with SVC).
	Start bool
	// End: this is the last packet of a layer frame. Only VP9 and the dependency
	// descriptor tell; elsewhere it is false.
	End bool
	// Switch: a viewer of a lower temporal layer may begin here.
	Switch bool
	// Spatial and Temporal are layer indices within one RTP stream, 0 where the
	// codec or stream has none.
	Spatial, Temporal uint8
	// Width and Height of the picture where a keyframe tells them, else 0.
	Width, Height uint16

	// Numbering of VP8 (RFC 7741 §4.2) and VP9 (RFC 9628 §4.2), KeyIdx of VP8 only.
	// PictureIDBits is 0, 7 or 15.
	PictureID     uint16
	PictureIDBits uint8
	TL0PicIdx     uint8
	HasTL0PicIdx  bool
	KeyIdx        uint8
	HasKeyIdx     bool

	// FrameNumber is the dependency descriptor's; HasFrameNumber says that the
	// packet has a descriptor.
	FrameNumber    uint16
	HasFrameNumber bool

	Layers
}

// Layers is what a packet says about the layers within its RTP stream: to which
// selections of them its frame belongs, and for which the viewer may begin with it.
type Layers struct {
	// In are the selections that the frame is part of: a viewer of one of the
	// others doesn't need it. All where nothing is known.
	In Selections
	// Begins are the selections that may be followed from this frame on by a viewer
	// who can decode the frame: its switch indications (AV1 RTP payload format v1.0
	// appendix A.8.3.1, decode target indication).
	Begins Selections
	// Lift says the same in terms of temporal layers, as VP8 and VP9 do.
	Lift Lift
	// Active are the selections for which the publisher sends all that belongs to
	// them. 0 where nothing is known.
	Active Selections
	// Layering says whether lower spatial layers are part of the higher ones.
	Layering Layering
}

// Lift is a temporal switch point: a viewer who so far gets all of the temporal
// layers up to From may from this frame on get those of To as well, of
// which bit t is temporal layer t. To is 0 where the frame is none.
type Lift struct{ From, To uint8 }

// Layering is how the spatial layers of a stream depend on each other between
// keyframes.
type Layering uint8

// The kinds of layering.
const (
	LayeringUnknown Layering = iota
	// Nested: whoever follows a spatial layer gets all lower ones too (L3T3), if there
	// are any.
	Nested
	// Separate: between keyframes a spatial layer needs no lower ones, and whoever
	// follows it doesn't get them (K-SVC: L3T3_KEY).
	Separate
)
