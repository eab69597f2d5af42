package codec

// OBU types (AV1 §6.2.2). Temporal delimiters, 2, are not sent over RTP.
const (
	obuSequenceHeader = 1
	obuFrameHeader    = 3
	obuMetadata       = 5
	obuFrame          = 6
)

// parseAV1 reads the aggregation header and the first OBU of a payload (AV1 RTP
// payload format v1.0 §4.4, §4.5).
func parseAV1(b []byte) (info Info) {
	if len(b) < 2 {
		return Info{}
	}
	const continued, count, newSequence = 0x80, 0x30, 0x08
	header := b[0]
	b = b[1:]
	if header&continued != 0 {
		// A packet that goes on with an OBU starts nothing, and a new coded
		// video sequence can't start in it.
		return Info{}
	}
	if header&count != 0x10 {
		// Every element but the last of a counted list is under its size.
		n, size, ok := leb128(b)
		if !ok || size > uint32(len(b)-n) {
			return Info{}
		}
		b = b[n : n+int(size)]
	}
	kind, body, ok := obu(b)
	if !ok {
		return Info{}
	}
	switch kind {
	case obuSequenceHeader, obuFrameHeader, obuMetadata, obuFrame:
		info.Start = true
	}
	if header&newSequence != 0 {
		info.Start, info.Keyframe, info.Switch = true, true, true
		if kind == obuSequenceHeader {
			info.Width, info.Height = av1Size(body)
		}
	}
	return info
}

// obu splits an OBU element into its type and what follows its header.
func obu(b []byte) (kind byte, body []byte, ok bool) {
	const forbidden, extended, sized = 0x80, 0x04, 0x02
	if len(b) == 0 || b[0]&forbidden != 0 {
		return 0, nil, false
	}
	header := b[0]
	b = b[1:]
	if header&extended != 0 {
		if len(b) == 0 {
			return 0, nil, false
		}
		b = b[1:]
	}
	if header&sized != 0 {
		// Senders should strip the size but needn't. It may exceed what is
		// there, as the OBU may go on in the next packet.
		n, size, ok := leb128(b)
		if !ok {
			return 0, nil, false
		}
		b = b[n:]
		b = b[:min(uint64(size), uint64(len(b)))]
	}
	return header >> 3 & 0xf, b, true
}

// leb128 reads a variable-length size (AV1 §4.10.5) of n bytes.
func leb128(b []byte) (n int, v uint32, ok bool) {
	var value uint64
	for n < 8 && n < len(b) {
		value |= uint64(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			return n, uint32(value), value <= 1<<32-1
		}
	}
	return 0, 0, false
}

// av1Size reads the maximum frame size from a sequence header (AV1 §5.5.1), 0
// where anything is odd.
func av1Size(body []byte) (uint16, uint16) {
	r := bitReader{b: body}
	r.skip(3 + 1) // seq_profile, still_picture
	if r.flag() { // reduced_still_picture_header
		r.skip(5)
	} else {
		skipOperatingPoints(&r)
	}
	widthBits, heightBits := r.bits(4)+1, r.bits(4)+1
	width, height := int64(r.bits(widthBits))+1, int64(r.bits(heightBits))+1
	return r.size(width, height)
}

// skipOperatingPoints passes over the timing, decoder model and operating
// points of a sequence header.
func skipOperatingPoints(r *bitReader) {
	var delayBits uint32 // 0: no decoder model
	if r.flag() {        // timing_info_present_flag
		r.skip(32 + 32)
		if r.flag() { // equal_picture_interval
			skipUVLC(r)
		}
		if r.flag() { // decoder_model_info_present_flag
			delayBits = r.bits(5) + 1
			r.skip(32 + 5 + 5)
		}
	}
	displayDelay := r.flag()
	points := r.bits(5) + 1
	for range points {
		r.skip(12)         // operating_point_idc
		if r.bits(5) > 7 { // seq_level_idx: tiers exist above level 3.3
			r.bit()
		}
		if delayBits > 0 && r.flag() {
			r.skip(2*delayBits + 1)
		}
		if displayDelay && r.flag() {
			r.skip(4)
		}
	}
}

// skipUVLC passes over a variable-length code (AV1 §4.10.3).
func skipUVLC(r *bitReader) {
	var zeros uint32
	for !r.flag() {
		zeros++
		if r.bad || zeros >= 32 {
			r.bad = true
			return
		}
	}
	r.skip(zeros)
}
