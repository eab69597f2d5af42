package client

// Frames that any VP8 decoder accepts (RFC 6386): a grey key frame, and inter
// frames that repeat the frame before. No macroblock has coefficients, so the
// bytes after the first partition mean nothing to a decoder and carry our
// payload: the size of a frame is free from some 30 bytes up.

// boolEncoder is the arithmetic coder of RFC 6386 section 7.3.
type boolEncoder struct {
	out    []byte
	width  uint32 // "range" in the RFC, 128..255 between calls
	bottom uint32
	room   int // shifts until a byte of output is ready
}

func newBoolEncoder() *boolEncoder { return &boolEncoder{width: 255, room: 24} }

// bit encodes b, whose probability of being 0 is prob/256.
func (e *boolEncoder) bit(prob uint8, b bool) {
	split := 1 + (e.width-1)*uint32(prob)>>8
	if b {
		e.bottom += split
		e.width -= split
	} else {
		e.width = split
	}
	for e.width < 128 {
		e.width <<= 1
		if e.bottom&(1<<31) != 0 {
			e.carry()
		}
		e.bottom <<= 1
		if e.room--; e.room == 0 {
			e.out = append(e.out, byte(e.bottom>>24))
			e.bottom &= 1<<24 - 1
			e.room = 8
		}
	}
}

func (e *boolEncoder) carry() {
	i := len(e.out) - 1
	for ; i > 0 && e.out[i] == 255; i-- {
		e.out[i] = 0
	}
	e.out[i]++
}

// literal encodes the low n bits of v, the most significant first, as even odds.
func (e *boolEncoder) literal(v uint32, n int) {
	for i := n - 1; i >= 0; i-- {
		e.bit(128, v>>i&1 != 0)
	}
}

// flush ends the partition and returns it.
func (e *boolEncoder) flush() []byte {
	if e.bottom&(1<<(32-e.room)) != 0 {
		e.carry()
	}
	v := e.bottom << (e.room & 7)
	v <<= 8 * (e.room >> 3)
	return append(e.out, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// vp8Key returns a key frame's tag, header and first partition.
func vp8Key(width, height int) []byte {
	e := newBoolEncoder()
	e.literal(0, 2) // color space, clamping
	vp8CommonHeader(e)
	e.literal(1, 1) // keep the probabilities
	vp8Probabilities(e)
	for range macroblocks(width) * macroblocks(height) {
		e.bit(1, true) // no coefficients
		// DC_PRED for luma and chroma (section 8, with the probabilities of 11.2).
		e.bit(145, true)
		e.bit(156, false)
		e.bit(163, false)
		e.bit(142, false)
	}
	partition := e.flush()
	frame := vp8Tag(false, len(partition))
	frame = append(frame, 0x9d, 0x01, 0x2a,
		byte(width), byte(width>>8)&0x3f, byte(height), byte(height>>8)&0x3f)
	return append(frame, partition...)
}

// vp8Inter returns the tag and first partition of a frame that repeats the last.
func vp8Inter(width, height int) []byte {
	e := newBoolEncoder()
	vp8CommonHeader(e)
	e.literal(0, 2) // golden and altref are not refreshed
	e.literal(0, 4) // nor copied to
	e.literal(0, 2) // sign biases
	e.literal(3, 2) // keep the probabilities, refresh the last frame
	vp8Probabilities(e)
	e.literal(1, 8)   // macroblocks are rarely intra
	e.literal(255, 8) // they refer to the last frame
	e.literal(128, 8) // not to golden rather than altref
	e.literal(0, 2)   // intra mode probabilities stay
	for _, component := range motionUpdateProbs {
		for _, prob := range component {
			e.bit(prob, false)
		}
	}
	columns := macroblocks(width)
	for row := range macroblocks(height) {
		for column := range columns {
			e.bit(1, true)    // no coefficients
			e.bit(1, true)    // inter
			e.bit(255, false) // last frame
			e.bit(zeroMotionProb(row, column), false)
		}
	}
	partition := e.flush()
	return append(vp8Tag(true, len(partition)), partition...)
}

// zeroMotionProb is the first of vp8_mode_contexts (RFC 6386 section 16.3) for a
// macroblock whose neighbours above (weight 2), left (2) and above left (1) have
// zero motion where they are inside the frame.
func zeroMotionProb(row, column int) uint8 {
	switch {
	case row > 0 && column > 0:
		return 234
	case row > 0 || column > 0:
		return 135
	default:
		return 7
	}
}

// vp8CommonHeader writes sections 9.3 to 9.6: no segments, no loop filter, one
// token partition, one quantizer.
func vp8CommonHeader(e *boolEncoder) {
	e.literal(0, 1) // segmentation
	e.literal(0, 1+6+3)
	e.literal(0, 1) // loop filter deltas
	e.literal(0, 2) // token partitions
	e.literal(10, 7)
	e.literal(0, 5) // quantizer deltas
}

// vp8Probabilities writes sections 9.9 to 9.11: token probabilities stay, and
// macroblocks without coefficients are all but certain.
func vp8Probabilities(e *boolEncoder) {
	next := 0
	for i := range tokenUpdateFlags {
		prob := uint8(255)
		if next < len(tokenUpdateProbs) && int(tokenUpdateProbs[next][0]) == i {
			prob = uint8(tokenUpdateProbs[next][1])
			next++
		}
		e.bit(prob, false)
	}
	e.literal(1, 1)
	e.literal(1, 8)
}

// vp8Tag is the frame tag of section 9.1 for a shown frame of version 0.
func vp8Tag(inter bool, partition int) []byte {
	tag := uint32(partition)<<5 | 1<<4
	if inter {
		tag |= 1
	}
	return []byte{byte(tag), byte(tag >> 8), byte(tag >> 16)}
}

func macroblocks(pixels int) int { return (pixels + 15) / 16 }
