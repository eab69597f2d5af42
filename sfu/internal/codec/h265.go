package codec

import "encoding/binary"

// NAL unit types of H.265 (table 7-1) and of its RTP payload (RFC 7798 §4.4).
const (
	h265FirstSync = 2  // TSA_N; TSA and STSA pictures are 2 to 5
	h265LastSync  = 5  // STSA_R
	h265FirstIRAP = 16 // BLA_W_LP
	h265LastIRAP  = 21 // CRA_NUT
	h265LastSlice = 31
	h265VPS       = 32
	h265SPS       = 33
	h265PPS       = 34
	h265Delimiter = 35
	h265PrefixSEI = 39
	h265Aggregate = 48
	h265Fragment  = 49
)

// parseH265 reads a payload without decoding order numbers (sprop-max-don-diff
// of 0, as WebRTC has it): a single NAL unit, an aggregate or a fragment.
func parseH265(b []byte) (info Info) {
	if len(b) < 3 {
		return Info{}
	}
	// nuh_temporal_id_plus1 is never 0; an aggregate has its lowest one.
	if b[1]&7 == 0 {
		return Info{}
	}
	switch kind := b[0] >> 1 & 0x3f; {
	case kind < h265Aggregate:
		h265Unit(&info, kind, b[2:])
	case kind == h265Aggregate:
		if !h265Units(&info, b[2:]) {
			return Info{}
		}
	case kind == h265Fragment:
		const first = 0x80
		if b[2]&first != 0 {
			h265Unit(&info, b[2]&0x3f, b[3:])
		}
	default:
		return Info{}
	}
	info.Temporal = b[1]&7 - 1
	return info
}

// h265Units reads the units of an aggregation packet, each under its 16-bit
// size (RFC 7798 §4.4.2).
func h265Units(info *Info, b []byte) bool {
	for len(b) > 0 {
		if len(b) < 2 {
			return false
		}
		n := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if n < 2 || n > len(b) {
			return false
		}
		h265Unit(info, b[0]>>1&0x3f, b[2:n])
		b = b[n:]
	}
	return true
}

// h265Unit adds to info what a NAL unit tells. The body follows the two-byte
// NAL header and may be only the unit's beginning.
func h265Unit(info *Info, kind byte, body []byte) {
	switch {
	case kind <= h265LastSlice:
		// first_slice_segment_in_pic_flag opens every slice header.
		if len(body) == 0 || body[0]&0x80 == 0 {
			return
		}
		info.Start = true
		switch {
		case kind >= h265FirstSync && kind <= h265LastSync:
			info.Switch = true
		case kind >= h265FirstIRAP && kind <= h265LastIRAP:
			info.Keyframe, info.Switch = true, true
		}
	case kind == h265VPS, kind == h265SPS, kind == h265PPS:
		info.Start, info.Keyframe, info.Switch = true, true, true
		if kind == h265SPS {
			info.Width, info.Height = h265Size(body)
		}
	case kind == h265Delimiter, kind == h265PrefixSEI:
		info.Start = true
	}
}

// h265Size reads the cropped picture size from a sequence parameter set (H.265
// §7.3.2.2.1), 0 where anything is odd. The body follows the NAL header.
func h265Size(body []byte) (uint16, uint16) {
	r := bitReader{b: body, escaped: true}
	r.skip(4)              // sps_video_parameter_set_id
	sublayers := r.bits(3) // sps_max_sub_layers_minus1
	r.bit()                // sps_temporal_id_nesting_flag
	skipTierLevel(&r, sublayers)
	r.golomb() // sps_seq_parameter_set_id
	chroma := r.golomb()
	if chroma > 3 {
		return 0, 0
	}
	if chroma == 3 && r.flag() { // separate_colour_plane_flag
		chroma = 0
	}
	width, height := int64(r.golomb()), int64(r.golomb())
	if r.flag() { // conformance_window_flag
		cropX, cropY := chromaUnits(chroma)
		width -= cropX * (int64(r.golomb()) + int64(r.golomb()))
		height -= cropY * (int64(r.golomb()) + int64(r.golomb()))
	}
	return r.size(width, height)
}

// skipTierLevel passes over profile_tier_level (H.265 §7.3.3): 88 bits of
// profile and 8 of level, then whatever of both the sub-layers have.
func skipTierLevel(r *bitReader, sublayers uint32) {
	const profileBits, levelBits = 88, 8
	r.skip(profileBits + levelBits)
	var more uint32
	for range sublayers {
		if r.flag() {
			more += profileBits
		}
		if r.flag() {
			more += levelBits
		}
	}
	if sublayers > 0 {
		r.skip(2 * (8 - sublayers)) // reserved, up to eight layers
	}
	r.skip(more)
}
