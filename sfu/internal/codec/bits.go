package codec

// bitReader reads big-endian bit fields. Reading past the end gives zeros and
// sets bad, so that a parser checks once, at its end.
type bitReader struct {
	b []byte
	// escaped drops emulation prevention bytes: the 3 of each 00 00 03 (H.264
	// §7.4.1, H.265 §7.4.2).
	escaped bool
	bad     bool
	zeros   uint8 // zero bytes in a row just read
	current byte
	left    uint8 // bits of current not yet read
}

func (r *bitReader) bit() uint32 {
	if r.left == 0 && !r.load() {
		r.bad = true
		return 0
	}
	r.left--
	return uint32(r.current>>r.left) & 1
}

// load makes the next byte current.
func (r *bitReader) load() bool {
	if r.escaped && r.zeros >= 2 && len(r.b) > 0 && r.b[0] == 3 {
		r.b = r.b[1:]
		r.zeros = 0
	}
	if len(r.b) == 0 {
		return false
	}
	r.current, r.left = r.b[0], 8
	r.b = r.b[1:]
	if r.current == 0 {
		r.zeros = min(r.zeros+1, 2)
	} else {
		r.zeros = 0
	}
	return true
}

func (r *bitReader) flag() bool { return r.bit() == 1 }

// bits reads an unsigned field of n bits, 0 to 32.
func (r *bitReader) bits(n uint32) uint32 {
	var v uint32
	for range n {
		v = v<<1 | r.bit()
	}
	return v
}

func (r *bitReader) skip(n uint32) {
	for ; n > 0 && !r.bad; n-- {
		r.bit()
	}
}

// golomb reads an unsigned Exp-Golomb code, ue(v) of H.264 §9.1. Codes longer
// than 16+1+16 bits, which no field of ours needs, are bad.
func (r *bitReader) golomb() uint32 {
	var zeros uint32
	for !r.flag() {
		zeros++
		if r.bad || zeros > 16 {
			r.bad = true
			return 0
		}
	}
	return 1<<zeros - 1 + r.bits(zeros)
}

// signedGolomb reads a signed Exp-Golomb code, se(v) of H.264 §9.1.1.
func (r *bitReader) signedGolomb() int32 {
	v := int32(r.golomb())
	if v&1 == 1 {
		return (v + 1) / 2
	}
	return -v / 2
}

// uniform reads a value in 0..n-1 that is coded in as few bits as possible,
// ns(n) of AV1 §4.10.7.
func (r *bitReader) uniform(n uint32) uint32 {
	var w uint32
	for x := n; x != 0; x >>= 1 {
		w++
	}
	if w == 0 {
		return 0
	}
	m := uint32(1)<<w - n
	v := r.bits(w - 1)
	if v < m {
		return v
	}
	return v<<1 - m + r.bit()
}

// size returns the picture size in Info's terms: 0, 0 where it is not credible.
func (r *bitReader) size(width, height int64) (uint16, uint16) {
	const most = 1<<16 - 1
	if r.bad || width <= 0 || height <= 0 || width > most || height > most {
		return 0, 0
	}
	return uint16(width), uint16(height)
}
