package codec

import "testing"

// A sequence header of 1280x720, bit by bit:
//
//	000 0 0 0 0 00000     profile, no still picture, no timing, no delay, 1 operating point
//	000000000000 00101    all of the stream, level 3.1
//	1010 1001             11 bits of width, 10 of height
//	10011111111 1011001111 …
const av1Sequence = "0000002d4cffb3c02198"

// The aggregation header is Z|Y|W|W|N, an OBU header is a zero bit, four of
// type, extension, size (AV1 RTP payload format §4.4, AV1 §5.3.2).
var av1Goldens = []golden{
	{"sequence header and frame", AV1, unhex("28  0b 08 " + av1Sequence + "  30 1000"), nil, keySized(1280, 720)},
	{"sequence header with size", AV1, unhex("18  0a 0a " + av1Sequence), nil, keySized(1280, 720)},
	{"sequence header of a layer", AV1, unhex("18  0c 00 " + av1Sequence), nil, keySized(1280, 720)},
	{"sequence header with size and layer", AV1, unhex("18  0e 00 0a " + av1Sequence), nil, keySized(1280, 720)},
	{"sequence header, uncounted", AV1, unhex("08  0b 08 " + av1Sequence + "  03 30 1000"), nil, keySized(1280, 720)},
	{"sequence header, fragment", AV1, unhex("58  08 000000"), nil, key},
	{"sequence header within a sequence", AV1, unhex("20  0b 08 " + av1Sequence + "  30 1000"), nil, start},
	{"new sequence without its header", AV1, unhex("18  30 1000"), nil, key},
	{"frame", AV1, unhex("10  30 1000"), nil, start},
	{"frame header", AV1, unhex("10  18 10"), nil, start},
	{"metadata", AV1, unhex("10  28 01"), nil, start},
	{"first fragment", AV1, unhex("50  30 1000"), nil, start},
	{"later fragment", AV1, unhex("90  1000"), nil, Info{}},
	{"later fragment claims a sequence", AV1, unhex("98  08 " + av1Sequence), nil, Info{}},
	{"tile group", AV1, unhex("10  20 00"), nil, Info{}},
	{"redundant frame header", AV1, unhex("10  38 00"), nil, Info{}},
	{"empty element", AV1, unhex("28  00 30 1000"), nil, Info{}},
	{"long element", AV1, unhex("28  04 30 1000"), nil, Info{}},
	{"endless element size", AV1, unhex("28  8080808080808080"), nil, Info{}},
	{"huge element size", AV1, unhex("28  ffffffffff7f 30"), nil, Info{}},
	{"padded element size", AV1, unhex("20  8280 00 30 10 30"), nil, start},
	{"endless OBU size", AV1, unhex("18  0a ffffff"), nil, Info{}},
	{"no OBU extension", AV1, unhex("18  0c"), nil, Info{}},
	{"forbidden bit", AV1, unhex("18  88 " + av1Sequence), nil, Info{}},
	{"empty", AV1, nil, nil, Info{}},
	{"no OBU", AV1, unhex("18"), nil, Info{}},
	{"descriptor starts a frame", AV1, unhex("10  30 1000"), unhex("80 0001"), of(start, false)},
	{"descriptor in a frame", AV1, unhex("10  30 1000"), unhex("00 0001"), of(Info{}, false)},
	{"descriptor starts with a tile group", AV1, unhex("10  20 00"), unhex("80 0001"), of(start, false)},
	{"descriptor with later fields", AV1, unhex("10  30 1000"), unhex("c0 0001 40"), of(start, true)},
	{"structure tells the size", AV1, unhex("18  30 1000"), unhex(oneTemplate), of(keySized(640, 360), true)},
	{"sequence header before structure", AV1, unhex("28  0b 08 " + av1Sequence + "  30"), unhex(oneTemplate), of(keySized(1280, 720), true)},
	{"structure alone", AV1, unhex("10  30 1000"), unhex(oneTemplate), of(keySized(640, 360), true)},
	{"structure at the end of a frame", AV1, unhex("90  30"), unhex("40" + oneTemplate[2:]), Info{}},
	{"structure without payload", AV1, nil, unhex(oneTemplate), Info{}},
	{"unknown template", AV1, unhex("10  20 00"), unhex("c1" + oneTemplate[2:]), Info{}},
	{"half a descriptor", AV1, unhex("10  30 1000"), unhex("00 00"), start},
	{"half a structure", AV1, unhex("10  30 1000"), unhex("00 0001 80 00 e4 20 4f"), start},
}

// sequence is what of a sequence header decides about its length and the
// picture size.
type sequence struct {
	reduced, timing, equal, model, delay bool
	points                               uint32 // operating points
	level                                uint32
	width, height                        uint32
}

// bytes writes the header as an OBU (AV1 §5.5.1).
func (s sequence) bytes() []byte {
	w := bitWriter{b: []byte{0x08}, n: 8}
	w.bits(3, 0)
	w.flag(s.reduced)
	w.flag(s.reduced)
	if s.reduced {
		w.bits(5, s.level)
	} else {
		s.operating(&w)
	}
	w.bits(4, 15)
	w.bits(4, 11)
	w.bits(16, s.width-1)
	w.bits(12, s.height-1)
	w.flag(true)
	return w.b
}

func (s sequence) operating(w *bitWriter) {
	w.flag(s.timing)
	if s.timing {
		w.bits(32, 1)
		w.bits(32, 60)
		w.flag(s.equal)
		if s.equal {
			w.golomb(5) // uvlc() is coded alike
		}
		w.flag(s.model)
		if s.model {
			w.bits(5, 9)
			w.bits(32, 1)
			w.bits(10, 0)
		}
	}
	w.flag(s.delay)
	w.bits(5, s.points-1)
	for i := range s.points {
		w.bits(12, i)
		w.bits(5, s.level)
		if s.level > 7 {
			w.flag(true)
		}
		if s.model {
			w.flag(i == 0)
			if i == 0 {
				w.bits(10, 77)
				w.bits(10, 78)
				w.flag(true)
			}
		}
		if s.delay {
			w.flag(i == 0)
			if i == 0 {
				w.bits(4, 9)
			}
		}
	}
}

func TestAV1Size(t *testing.T) {
	tests := []struct {
		name string
		s    sequence
	}{
		{"plain", sequence{points: 1, level: 5, width: 1280, height: 720}},
		{"reduced", sequence{reduced: true, level: 5, width: 1280, height: 720}},
		{"tier", sequence{points: 1, level: 8, width: 1280, height: 720}},
		{"three points", sequence{points: 3, level: 5, width: 1280, height: 720}},
		{"thirty-two points", sequence{points: 32, level: 13, delay: true, width: 1280, height: 720}},
		{"delay", sequence{points: 2, level: 5, delay: true, width: 1280, height: 720}},
		{"timing", sequence{points: 1, level: 5, timing: true, width: 1280, height: 720}},
		{"equal intervals", sequence{points: 1, level: 5, timing: true, equal: true, width: 1280, height: 720}},
		{"decoder model", sequence{points: 2, level: 9, timing: true, equal: true, model: true, delay: true, width: 1280, height: 720}},
		{"smallest", sequence{points: 1, level: 5, width: 1, height: 1}},
		{"widest", sequence{points: 1, level: 5, width: 65535, height: 4096}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := append([]byte{0x18}, tt.s.bytes()...)
			i := checkParse(t, AV1, b, nil)
			if uint32(i.Width) != tt.s.width || uint32(i.Height) != tt.s.height {
				t.Errorf("%x: got %dx%d", b, i.Width, i.Height)
			}
			for n := range b {
				cut := checkParse(t, AV1, b[:n:n], nil)
				if cut.Width != 0 && cut != i {
					t.Errorf("first %d bytes of %x: %+v", n, b, cut)
				}
			}
		})
	}
	t.Run("too wide", func(t *testing.T) {
		b := append([]byte{0x18}, sequence{points: 1, width: 65536, height: 16}.bytes()...)
		if i := checkParse(t, AV1, b, nil); i != (Info{Keyframe: true, Start: true, Switch: true, Layers: whole}) {
			t.Errorf("got %+v", i)
		}
	})
}
