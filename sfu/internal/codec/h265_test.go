package codec

import (
	"bytes"
	"testing"
)

// A sequence parameter set of 640x360: one sub-layer, Main profile at level
// 3.1 with three emulation prevention bytes, then bit by bit
//
//	1 010                 id 0, 4:2:0
//	0000000001010000001   640 wide
//	00000000101110001     368 high
//	1 1 1 1 00101         conformance window, 4 units of 2 lines off the bottom
//	1                     stop bit (what follows in a real set is not read)
const h265ParameterSet = "42 01 01 01 60 000003 00 90 000003 000003 00 5d a0 05 02 01 71 f2 c0"

// Two-byte NAL headers: 40 01 VPS, 42 01 SPS, 44 01 PPS, 26 01 IDR_W_RADL, 28
// 01 IDR_N_LP, 2a 01 CRA, 20 01 BLA_W_LP, 02 01 TRAIL_R, 60 01 aggregate, 62 01
// fragment. Their last three bits are the temporal layer plus 1.
var h265Goldens = []golden{
	{"idr", H265, unhex("26 01 af"), nil, key},
	{"idr without leading", H265, unhex("28 01 af"), nil, key},
	{"idr, later slice", H265, unhex("26 01 2f"), nil, Info{}},
	{"idr without slice", H265, unhex("26 01"), nil, Info{}},
	{"cra", H265, unhex("2a 01 af"), nil, key},
	{"bla", H265, unhex("20 01 af"), nil, key},
	{"reserved irap", H265, unhex("2c 01 af"), nil, start},
	{"trailing", H265, unhex("02 01 d0"), nil, start},
	{"trailing, later slice", H265, unhex("02 01 50"), nil, Info{}},
	{"trailing of layer 2", H265, unhex("02 03 d0"), nil, Info{Start: true, Temporal: 2}},
	{"tsa", H265, unhex("04 02 d0"), nil, Info{Start: true, Switch: true, Temporal: 1}},
	{"stsa", H265, unhex("0a 02 d0"), nil, Info{Start: true, Switch: true, Temporal: 1}},
	{"stsa, later slice", H265, unhex("0a 02 50"), nil, Info{Temporal: 1}},
	{"vps", H265, unhex("40 01 0c01ffff"), nil, key},
	{"keyframe with size", H265, unhex(h265ParameterSet), nil, keySized(640, 360)},
	{"pps", H265, unhex("44 01 c172"), nil, key},
	{"delimiter", H265, unhex("46 01 50"), nil, start},
	{"sei before", H265, unhex("4e 01 0501"), nil, start},
	{"sei after", H265, unhex("50 01 0501"), nil, Info{}},
	{"parameter sets", H265, unhex("60 01  0006 4001 0c01ffff  0019 " + h265ParameterSet + "  0004 4401 c172"), nil, keySized(640, 360)},
	{"aggregate of slices", H265, unhex("60 02  0003 0202d0 0003 020250"), nil, Info{Start: true, Temporal: 1}},
	{"aggregate with half a header", H265, unhex("60 01  0003 2601af 0001 26"), nil, Info{}},
	{"aggregate with long unit", H265, unhex("60 01  0003 2601af 0004 2601af"), nil, Info{}},
	{"aggregate with half a size", H265, unhex("60 01  0003 2601af 00"), nil, Info{}},
	{"idr fragment start", H265, unhex("62 01 93 af"), nil, key},
	{"idr fragment start of a later slice", H265, unhex("62 01 93 2f"), nil, Info{}},
	{"idr fragment middle", H265, unhex("62 01 13 af"), nil, Info{}},
	{"idr fragment end", H265, unhex("62 01 53 af"), nil, Info{}},
	{"slice fragment start", H265, unhex("62 02 81 d0"), nil, Info{Start: true, Temporal: 1}},
	{"fragment without unit", H265, unhex("62 01 93"), nil, Info{}},
	{"paci", H265, unhex("64 01 26 00 af"), nil, Info{}},
	{"temporal id of 0", H265, unhex("26 00 af"), nil, Info{}},
	{"empty", H265, nil, nil, Info{}},
	{"descriptor on idr after parameter sets", H265, unhex("62 01 93 af"), unhex("00 0001"), of(Info{}, false)},
	{"descriptor starts a keyframe", H265, unhex("62 01 93 af"), unhex("80 0001"), of(key, false)},
}

// sps265 is what of a sequence parameter set decides about its length and the
// picture size.
type sps265 struct {
	sublayers        uint32 // beyond the first
	profiles, levels bool   // the sub-layers have theirs
	chroma           uint32
	separate         bool
	w, h             uint32
	crop             [4]uint32 // left, right, top, bottom
	width, height    uint16    // as expected
}

// bytes writes the set as a NAL unit (H.265 §7.3.2.2.1).
func (s sps265) bytes() []byte {
	var w bitWriter
	w.bits(4, 0)
	w.bits(3, s.sublayers)
	w.flag(true)
	w.bits(8, 1)
	w.bits(32, 0x60000000)
	w.bits(32, 0x90000000)
	w.bits(16, 0)
	w.bits(8, 93)
	for range s.sublayers {
		w.flag(s.profiles)
		w.flag(s.levels)
	}
	if s.sublayers > 0 {
		for range 8 - s.sublayers {
			w.bits(2, 0)
		}
	}
	for range s.sublayers {
		if s.profiles {
			for range 11 {
				w.bits(8, 0x55)
			}
		}
		if s.levels {
			w.bits(8, 90)
		}
	}
	w.golomb(0)
	w.golomb(s.chroma)
	if s.chroma == 3 {
		w.flag(s.separate)
	}
	w.golomb(s.w)
	w.golomb(s.h)
	w.flag(s.crop != [4]uint32{})
	if s.crop != [4]uint32{} {
		for _, c := range s.crop {
			w.golomb(c)
		}
	}
	w.flag(true)
	return append([]byte{0x42, 0x01}, w.escaped()...)
}

func TestH265Size(t *testing.T) {
	tests := []struct {
		name string
		sps  sps265
	}{
		{"main", sps265{chroma: 1, w: 1280, h: 720, width: 1280, height: 720}},
		{"cropped", sps265{chroma: 1, w: 1920, h: 1088, crop: [4]uint32{0, 0, 0, 4}, width: 1920, height: 1080}},
		{"cropped on all sides", sps265{chroma: 2, w: 160, h: 160, crop: [4]uint32{1, 2, 3, 4}, width: 154, height: 153}},
		{"sub-layers", sps265{sublayers: 2, chroma: 1, w: 640, h: 360, width: 640, height: 360}},
		{"sub-layers with levels", sps265{sublayers: 1, levels: true, chroma: 1, w: 640, h: 360, width: 640, height: 360}},
		{"sub-layers with everything", sps265{sublayers: 6, profiles: true, levels: true, chroma: 1, w: 640, h: 360, width: 640, height: 360}},
		{"monochrome", sps265{chroma: 0, w: 160, h: 160, crop: [4]uint32{0, 1, 0, 1}, width: 159, height: 159}},
		{"4:4:4 separate", sps265{chroma: 3, separate: true, w: 160, h: 160, crop: [4]uint32{1, 0, 1, 0}, width: 159, height: 159}},
		{"chroma out of range", sps265{chroma: 4, w: 160, h: 160}},
		{"no width", sps265{chroma: 1, w: 0, h: 160}},
		{"too wide", sps265{chroma: 1, w: 65536, h: 160}},
		{"cropped to nothing", sps265{chroma: 1, w: 16, h: 16, crop: [4]uint32{4, 4, 0, 0}}},
	}
	escapes := 0
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.sps.bytes()
			escapes += bytes.Count(b, []byte{0, 0, 3})
			i := checkParse(t, H265, b, nil)
			if !i.Keyframe || i.Width != tt.sps.width || i.Height != tt.sps.height {
				t.Errorf("%x: got %+v, want %dx%d", b, i, tt.sps.width, tt.sps.height)
			}
			for n := range b {
				cut := checkParse(t, H265, b[:n:n], nil)
				if cut.Width != 0 && (cut.Width != i.Width || cut.Height != i.Height) {
					t.Errorf("first %d bytes of %x: %dx%d", n, b, cut.Width, cut.Height)
				}
			}
		})
	}
	if escapes == 0 {
		t.Error("no case has an emulation prevention byte")
	}
}
