package codec

import (
	"bytes"
	"testing"
)

// A sequence parameter set of 640x360, bit by bit after profile_idc 66, the
// constraints and level 31:
//
//	1 1 011 010 0         id 0, frame_num 4 bits, pic_order_cnt_type 2, 1 reference, no gaps
//	00000101000 000010111 40 by 23 macroblocks
//	1 1                   frames only, direct 8x8
//	1 1 1 1 00101         crop 4 units of 2 lines at the bottom
//	0 1                   no VUI, stop bit
const h264ParameterSet = "67 42c01f da 02 80 bf e5 40"

var h264Goldens = []golden{
	{"single idr", H264, unhex("65 88 84"), nil, key},
	{"single idr, later slice", H264, unhex("65 40 84"), nil, Info{}},
	{"single idr without slice", H264, unhex("65"), nil, Info{}},
	{"single sps", H264, unhex(h264ParameterSet), nil, keySized(640, 360)},
	{"single pps", H264, unhex("68 ce3c80"), nil, start},
	{"single sei", H264, unhex("06 0501"), nil, start},
	{"single delimiter", H264, unhex("09 f0"), nil, start},
	{"single slice", H264, unhex("41 9a 02"), nil, start},
	{"single slice, later", H264, unhex("41 4a 02"), nil, Info{}},
	{"single data partition A", H264, unhex("42 9a"), nil, start},
	{"single data partition B", H264, unhex("43 9a"), nil, Info{}},
	{"end of stream", H264, unhex("0b"), nil, Info{}},
	{"parameter sets", H264, unhex("78  000a " + h264ParameterSet + " 0004 68ce3c80"), nil, keySized(640, 360)},
	{"parameter sets and idr", H264, unhex("78  000a " + h264ParameterSet + " 0004 68ce3c80 0003 658884"), nil, keySized(640, 360)},
	{"aggregate with idr", H264, unhex("78  0002 09f0 0003 658884"), nil, key},
	{"aggregate of slices", H264, unhex("78  0002 419a 0002 414a"), nil, start},
	{"aggregate of later slices", H264, unhex("78  0002 414a 0002 414a"), nil, Info{}},
	{"aggregate of nothing", H264, unhex("78"), nil, Info{}},
	{"aggregate with empty unit", H264, unhex("78  000a " + h264ParameterSet + " 0000"), nil, Info{}},
	{"aggregate with long unit", H264, unhex("78  000a " + h264ParameterSet + " 0005 68ce3c80"), nil, Info{}},
	{"aggregate with half a size", H264, unhex("78  000a " + h264ParameterSet + " 00"), nil, Info{}},
	{"idr fragment start", H264, unhex("7c 85 88 84"), nil, key},
	{"idr fragment start of a later slice", H264, unhex("7c 85 40 84"), nil, Info{}},
	{"idr fragment middle", H264, unhex("7c 05 88 84"), nil, Info{}},
	{"idr fragment end", H264, unhex("7c 45 88 84"), nil, Info{}},
	{"slice fragment start", H264, unhex("5c 81 9a 02"), nil, start},
	{"sps fragment start", H264, unhex("7c 87 42c01f da 02 80 bf e5 40"), nil, keySized(640, 360)},
	{"sps fragment cut in its size", H264, unhex("7c 87 42c01f da 02"), nil, key},
	{"fragment without unit", H264, unhex("7c 85"), nil, Info{}},
	{"fragment of a fragment", H264, unhex("7c 9c 85 88"), nil, Info{}},
	{"sps with trailing zeros", H264, unhex(h264ParameterSet + "0000"), nil, keySized(640, 360)},
	{"sps of nothing", H264, unhex("67"), nil, key},
	{"sps cropped away", H264, cropped264(1, 10), nil, key},
	{"sps too wide for RTP", H264, wide264(), nil, key},
	{"STAP-B", H264, unhex("79 0000 0003 658884"), nil, Info{}},
	{"FU-B", H264, unhex("7d 85 0000 88"), nil, Info{}},
	{"type 0", H264, unhex("60 88"), nil, Info{}},
	{"type 31", H264, unhex("7f 88"), nil, Info{}},
	{"empty", H264, nil, nil, Info{}},
	{"descriptor on parameter sets", H264, unhex("78  000a " + h264ParameterSet), unhex("80 0001"), of(keySized(640, 360), false)},
	{"descriptor on idr after them", H264, unhex("7c 85 88 84"), unhex("00 0001"), of(Info{}, false)},
	{"descriptor starts a frame", H264, unhex("7c 01 4a"), unhex("80 0001"), of(start, false)},
	{"structure over hidden bytes", H264, unhex("7c 01 4a"), unhex(oneTemplate), of(keySized(640, 360), true)},
	{"half a descriptor", H264, unhex("7c 85 88 84"), unhex("00 00"), key},
}

// sps264 is what of a sequence parameter set decides about its length and the
// picture size.
type sps264 struct {
	profile       uint32
	chroma        uint32 // of high profiles
	separate      bool
	scaling       bool
	order         uint32 // pic_order_cnt_type
	mbs, units    uint32 // width and height in macroblocks or pairs of them
	interlaced    bool
	crop          [4]uint32 // left, right, top, bottom
	width, height uint16    // as expected
}

// bytes writes the set as a NAL unit (H.264 §7.3.2.1.1).
func (s sps264) bytes() []byte {
	var w bitWriter
	w.bits(8, s.profile)
	w.bits(16, 0x001f)
	w.golomb(0)
	if s.profile >= 100 {
		w.golomb(s.chroma)
		lists := 8
		if s.chroma == 3 {
			lists = 12
			w.flag(s.separate)
		}
		w.golomb(0)
		w.golomb(0)
		w.flag(false)
		w.flag(s.scaling)
		if s.scaling {
			// The first list has its full length of 16, the second ends at its third
			// entry, the seventh has its full 64; the others are absent.
			for i := range lists {
				switch i {
				case 0:
					w.flag(true)
					for range 16 {
						w.signedGolomb(1)
					}
				case 1:
					w.flag(true)
					w.signedGolomb(-3)
					w.signedGolomb(2)
					w.signedGolomb(-7)
				case 6:
					w.flag(true)
					for range 64 {
						w.signedGolomb(0)
					}
				default:
					w.flag(false)
				}
			}
		}
	}
	w.golomb(4)
	w.golomb(s.order)
	switch s.order {
	case 0:
		w.golomb(2)
	case 1:
		w.flag(false)
		w.signedGolomb(1 << 14) // 15 zeros, a one, 15 zeros:
		w.signedGolomb(1 << 14) // two of them need an emulation prevention byte
		w.golomb(2)
		w.signedGolomb(32767)
		w.signedGolomb(0)
	}
	w.golomb(1)
	w.flag(false)
	w.golomb(s.mbs - 1)
	w.golomb(s.units - 1)
	w.flag(!s.interlaced)
	if s.interlaced {
		w.flag(false)
	}
	w.flag(true)
	w.flag(s.crop != [4]uint32{})
	if s.crop != [4]uint32{} {
		for _, c := range s.crop {
			w.golomb(c)
		}
	}
	w.flag(false)
	w.flag(true)
	return append([]byte{0x67}, w.escaped()...)
}

func cropped264(mbs, right uint32) []byte {
	return sps264{profile: 66, mbs: mbs, units: 1, crop: [4]uint32{0, right, 0, 0}}.bytes()
}

func wide264() []byte { return sps264{profile: 66, mbs: 4096, units: 4}.bytes() }

func TestH264Size(t *testing.T) {
	tests := []struct {
		name string
		sps  sps264
	}{
		{"baseline", sps264{profile: 66, mbs: 80, units: 45, width: 1280, height: 720}},
		{"cropped", sps264{profile: 77, mbs: 120, units: 68, crop: [4]uint32{0, 0, 0, 4}, width: 1920, height: 1080}},
		{"cropped on all sides", sps264{profile: 66, mbs: 10, units: 10, crop: [4]uint32{1, 2, 3, 4}, width: 154, height: 146}},
		{"order type 1", sps264{profile: 66, order: 1, mbs: 20, units: 15, width: 320, height: 240}},
		{"order type 2", sps264{profile: 66, order: 2, mbs: 20, units: 15, width: 320, height: 240}},
		{"order type 3", sps264{profile: 66, order: 3, mbs: 20, units: 15}},
		{"high", sps264{profile: 100, chroma: 1, mbs: 80, units: 45, width: 1280, height: 720}},
		{"scaling lists", sps264{profile: 100, chroma: 1, scaling: true, mbs: 80, units: 45, width: 1280, height: 720}},
		{"monochrome", sps264{profile: 100, chroma: 0, mbs: 10, units: 10, crop: [4]uint32{0, 1, 0, 1}, width: 159, height: 159}},
		{"4:2:2", sps264{profile: 122, chroma: 2, mbs: 10, units: 10, crop: [4]uint32{0, 1, 0, 1}, width: 158, height: 159}},
		{"4:4:4", sps264{profile: 244, chroma: 3, mbs: 10, units: 10, crop: [4]uint32{0, 1, 0, 1}, width: 159, height: 159}},
		{"4:4:4 separate", sps264{profile: 244, chroma: 3, separate: true, scaling: true, mbs: 10, units: 10, width: 160, height: 160}},
		{"chroma out of range", sps264{profile: 244, chroma: 4, mbs: 10, units: 10}},
		{"interlaced", sps264{profile: 77, interlaced: true, mbs: 120, units: 34, crop: [4]uint32{0, 0, 0, 2}, width: 1920, height: 1080}},
		{"largest", sps264{profile: 66, mbs: 4095, units: 4095, width: 65520, height: 65520}},
		{"too high", sps264{profile: 66, mbs: 4, units: 4096}},
		{"cropped to nothing", sps264{profile: 66, mbs: 1, units: 1, crop: [4]uint32{4, 4, 0, 0}}},
		{"cropped below nothing", sps264{profile: 66, mbs: 1, units: 1, crop: [4]uint32{0, 0, 40000, 40000}}},
	}
	escapes := 0
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.sps.bytes()
			escapes += bytes.Count(b, []byte{0, 0, 3})
			i := checkParse(t, H264, b, nil)
			if !i.Keyframe || i.Width != tt.sps.width || i.Height != tt.sps.height {
				t.Errorf("%x: got %+v, want %dx%d", b, i, tt.sps.width, tt.sps.height)
			}
			for n := range b {
				cut := checkParse(t, H264, b[:n:n], nil)
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
