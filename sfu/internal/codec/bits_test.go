package codec

import (
	"bytes"
	"math"
	"testing"
)

// bitWriter is bitReader's mirror, for building parameter sets.
type bitWriter struct {
	b []byte
	n int // bits written
}

func (w *bitWriter) flag(v bool) {
	if w.n%8 == 0 {
		w.b = append(w.b, 0)
	}
	if v {
		w.b[w.n/8] |= 0x80 >> (w.n % 8)
	}
	w.n++
}

func (w *bitWriter) bits(n int, v uint32) {
	for n--; n >= 0; n-- {
		w.flag(v>>n&1 == 1)
	}
}

func (w *bitWriter) golomb(v uint32) {
	n := 0
	for (v+1)>>(n+1) != 0 {
		n++
	}
	w.bits(n, 0)
	w.bits(n+1, v+1)
}

func (w *bitWriter) signedGolomb(v int32) {
	if v > 0 {
		w.golomb(uint32(2*v - 1))
	} else {
		w.golomb(uint32(-2 * v))
	}
}

func (w *bitWriter) uniform(n, v uint32) {
	bits := 0
	for n>>bits != 0 {
		bits++
	}
	if m := uint32(1)<<bits - n; v < m {
		w.bits(bits-1, v)
	} else {
		w.bits(bits-1, (v+m)>>1)
		w.bits(1, (v+m)&1)
	}
}

// escaped returns the bytes with emulation prevention.
func (w *bitWriter) escaped() []byte {
	var out []byte
	zeros := 0
	for _, b := range w.b {
		if zeros >= 2 && b <= 3 {
			out = append(out, 3)
			zeros = 0
		}
		out = append(out, b)
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
	}
	return out
}

func TestBitReaderMirrorsWriter(t *testing.T) {
	unsigned := []uint32{0, 1, 2, 3, 7, 8, 254, 255, 256, 1<<16 - 1, 1<<16 - 2, 1<<17 - 2}
	signed := []int32{0, 1, -1, 2, -2, 127, -128, 32767, -32768}
	var w bitWriter
	for _, v := range unsigned {
		w.golomb(v)
		w.bits(32, v*0x10001)
	}
	for _, v := range signed {
		w.signedGolomb(v)
	}
	for n := uint32(1); n <= 33; n++ {
		for v := range n {
			w.uniform(n, v)
		}
	}
	for _, escaped := range []bool{false, true} {
		r := bitReader{b: w.b, escaped: escaped}
		if escaped {
			r.b = w.escaped()
		}
		for _, v := range unsigned {
			if got := r.golomb(); got != v {
				t.Errorf("golomb: got %d, want %d", got, v)
			}
			if got := r.bits(32); got != v*0x10001 {
				t.Errorf("bits: got %#x, want %#x", got, v*0x10001)
			}
		}
		for _, v := range signed {
			if got := r.signedGolomb(); got != v {
				t.Errorf("signedGolomb: got %d, want %d", got, v)
			}
		}
		for n := uint32(1); n <= 33; n++ {
			for v := range n {
				if got := r.uniform(n); got != v {
					t.Errorf("uniform(%d): got %d, want %d", n, got, v)
				}
			}
		}
		if r.bad {
			t.Error("bad before the end")
		}
		r.skip(8)
		if !r.bad {
			t.Error("not bad past the end")
		}
	}
}

func TestBitReaderEscapes(t *testing.T) {
	tests := []struct {
		name     string
		in, want []byte
	}{
		{"one", unhex("00 00 03 01"), unhex("00 00 01")},
		{"two in a row", unhex("00 00 03 00 00 03 00"), unhex("00 00 00 00 00")},
		{"only after two zeros", unhex("00 03 00 00 04 03"), unhex("00 03 00 00 04 03")},
		{"a three itself escaped", unhex("00 00 03 03"), unhex("00 00 03")},
		{"after three zeros", unhex("00 00 00 03 01"), unhex("00 00 00 01")},
		{"at the end", unhex("01 00 00 03"), unhex("01 00 00")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := bitReader{b: tt.in, escaped: true}
			var got []byte
			for range tt.want {
				got = append(got, byte(r.bits(8)))
			}
			if !bytes.Equal(got, tt.want) || r.bad {
				t.Errorf("got %x, bad %v", got, r.bad)
			}
			if r.bit(); !r.bad {
				t.Error("more than expected")
			}
		})
	}
}

func TestGolombTooLong(t *testing.T) {
	var w bitWriter
	w.golomb(1<<17 - 1) // 17 zeros
	r := bitReader{b: w.b}
	if v := r.golomb(); v != 0 || !r.bad {
		t.Errorf("got %d, bad %v", v, r.bad)
	}
	r = bitReader{b: bytes.Repeat([]byte{0}, 100)}
	if v := r.golomb(); v != 0 || !r.bad {
		t.Errorf("got %d, bad %v", v, r.bad)
	}
}

func TestSizeIsCredible(t *testing.T) {
	tests := []struct {
		width, height int64
		ok            bool
	}{
		{1, 1, true}, {65535, 65535, true}, {65536, 1, false}, {1, 65536, false},
		{0, 1, false}, {1, 0, false}, {-1, 5, false}, {math.MaxInt64, 5, false},
	}
	for _, tt := range tests {
		var r bitReader
		w, h := r.size(tt.width, tt.height)
		if ok := w != 0 && h != 0; ok != tt.ok || ok && (int64(w) != tt.width || int64(h) != tt.height) {
			t.Errorf("%d, %d: got %d, %d", tt.width, tt.height, w, h)
		}
	}
	r := bitReader{bad: true}
	if w, h := r.size(5, 5); w != 0 || h != 0 {
		t.Errorf("bad: got %d, %d", w, h)
	}
}
