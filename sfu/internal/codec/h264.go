package codec

import "encoding/binary"

// NAL unit types of H.264 (table 7-1) and of its RTP payload (RFC 6184 §5.2).
const (
	h264Slice      = 1
	h264PartitionA = 2
	h264IDR        = 5
	h264SEI        = 6
	h264SPS        = 7
	h264PPS        = 8
	h264Delimiter  = 9
	h264STAPA      = 24
	h264FUA        = 28
)

// parseH264 reads a payload of packetization mode 0 or 1, the only ones in
// WebRTC: a single NAL unit, a STAP-A, or a fragment (FU-A).
func parseH264(b []byte) (info Info) {
	if len(b) == 0 {
		return Info{}
	}
	switch kind := b[0] & 0x1f; {
	case kind >= 1 && kind < h264STAPA:
		h264Unit(&info, kind, b[1:])
	case kind == h264STAPA:
		return h264Aggregate(b[1:])
	case kind == h264FUA:
		const first = 0x80
		if len(b) >= 3 && b[1]&first != 0 {
			h264Unit(&info, b[1]&0x1f, b[2:])
		}
	}
	return info
}

// h264Aggregate reads the units of a STAP-A, each under its 16-bit size (RFC
// 6184 §5.7.1). One that doesn't add up is refused whole, as receivers do.
func h264Aggregate(b []byte) (info Info) {
	for len(b) > 0 {
		if len(b) < 2 {
			return Info{}
		}
		n := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if n == 0 || n > len(b) {
			return Info{}
		}
		h264Unit(&info, b[0]&0x1f, b[1:n])
		b = b[n:]
	}
	return info
}

// h264Unit adds to info what a NAL unit tells. The body follows the NAL header
// and may be only the unit's beginning.
func h264Unit(info *Info, kind byte, body []byte) {
	// first_mb_in_slice opens every slice header; its code for 0 is one 1 bit.
	// So the later slices of a picture are not taken for the start of another.
	first := len(body) > 0 && body[0]&0x80 != 0
	switch kind {
	case h264Slice, h264PartitionA:
		info.Start = info.Start || first
	case h264SEI, h264PPS, h264Delimiter:
		info.Start = true
	case h264IDR:
		if first {
			info.Start, info.Keyframe, info.Switch = true, true, true
		}
	case h264SPS:
		info.Start, info.Keyframe, info.Switch = true, true, true
		info.Width, info.Height = h264Size(body)
	}
}

// h264Size reads the cropped picture size from a sequence parameter set (H.264
// §7.3.2.1.1), 0 where anything is odd. The body follows the NAL header.
func h264Size(body []byte) (uint16, uint16) {
	r := bitReader{b: body, escaped: true}
	profile := r.bits(8)
	r.skip(16)          // constraint flags, level
	r.golomb()          // seq_parameter_set_id
	chroma := uint32(1) // 4:2:0 where not told
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		chroma = h264Chroma(&r)
	}
	r.golomb()          // log2_max_frame_num_minus4
	switch r.golomb() { // pic_order_cnt_type
	case 0:
		r.golomb()
	case 1:
		r.bit()
		r.golomb()
		r.golomb()
		n := r.golomb() // num_ref_frames_in_pic_order_cnt_cycle
		if n > 255 {
			return 0, 0
		}
		for range n {
			r.golomb()
		}
	case 2:
	default:
		return 0, 0
	}
	r.golomb() // max_num_ref_frames
	r.bit()    // gaps_in_frame_num_value_allowed_flag
	width := (int64(r.golomb()) + 1) * 16
	height := (int64(r.golomb()) + 1) * 16
	// Interlaced streams count field lines, two fields to a picture.
	fields := int64(1)
	if frameOnly := r.flag(); !frameOnly {
		fields = 2
		r.bit() // mb_adaptive_frame_field_flag
	}
	height *= fields
	r.bit()       // direct_8x8_inference_flag
	if r.flag() { // frame_cropping_flag
		cropX, cropY := chromaUnits(chroma)
		width -= cropX * (int64(r.golomb()) + int64(r.golomb()))
		height -= cropY * fields * (int64(r.golomb()) + int64(r.golomb()))
	}
	return r.size(width, height)
}

// h264Chroma reads the fields that only high profiles have and returns the
// ChromaArrayType.
func h264Chroma(r *bitReader) uint32 {
	format := r.golomb()
	chroma := format
	lists := uint32(8)
	if format > 3 {
		r.bad = true
	}
	if format == 3 {
		lists = 12
		if r.flag() { // separate_colour_plane_flag
			chroma = 0
		}
	}
	r.golomb()    // bit_depth_luma_minus8
	r.golomb()    // bit_depth_chroma_minus8
	r.bit()       // qpprime_y_zero_transform_bypass_flag
	if r.flag() { // seq_scaling_matrix_present_flag
		for i := range lists {
			if !r.flag() {
				continue
			}
			size := 16
			if i >= 6 {
				size = 64
			}
			skipScalingList(r, size)
		}
	}
	return chroma
}

// skipScalingList passes over a scaling list (H.264 §7.3.2.1.1.1), whose
// length depends on its values: from a scale of 0 on, nothing more is sent.
func skipScalingList(r *bitReader, size int) {
	last := int32(8)
	for range size {
		next := (last + r.signedGolomb()) & 0xff
		if next == 0 || r.bad {
			return
		}
		last = next
	}
}

// chromaUnits returns in which steps, in luma samples, a picture is cropped:
// SubWidthC and SubHeightC of H.264 table 6-1 (the same in H.265).
func chromaUnits(chroma uint32) (x, y int64) {
	switch chroma {
	case 1: // 4:2:0
		return 2, 2
	case 2: // 4:2:2
		return 2, 1
	default: // monochrome, 4:4:4
		return 1, 1
	}
}
