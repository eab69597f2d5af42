package codec

// Parse says what one RTP payload is. The descriptor holds the bytes of the
// dependency descriptor header extension, nil where the packet has none; it is
// used for H264, H265 and AV1. Both are only read, and not kept.
//
// A malformed payload tells nothing, and an encrypted one may look like that; a
// malformed descriptor counts as none. Where neither tells anything, the result
// is the zero Info. In every result Keyframe implies Switch, Switch implies
// Start, and Width and Height are both set or both 0.
//
// H264 and H265 have no mark for the start of a frame. There Start is true for
// anything that can only precede or be the first slice, so that a frame whose
// parameter sets travel in packets of their own has several starts, and a
// keyframe likewise; a descriptor, where there is one, tells exactly.
func Parse(c Codec, payload, descriptor []byte) Info {
	var info Info
	switch c {
	case Opus, RED, PCMU, PCMA, G722:
		return Info{Keyframe: true, Start: true, Switch: true}
	case VP8:
		return parseVP8(payload)
	case VP9:
		return parseVP9(payload)
	case H264:
		info = parseH264(payload)
	case H265:
		info = parseH265(payload)
	case AV1:
		info = parseAV1(payload)
	default:
		return Info{}
	}
	if len(payload) == 0 || len(descriptor) == 0 {
		return info
	}
	if d, ok := parseDescriptor(descriptor); ok {
		d.refine(&info)
	}
	return info
}
