package codec

import (
	"bytes"
	"testing"
)

// The first five follow the examples of RFC 7741 §4.6.
var vp8Goldens = []golden{
	{"key frame in one packet", VP8, unhex("90 80 11  500100 9d012a 8002 e001"), nil,
		Info{Keyframe: true, Start: true, Switch: true, Width: 640, Height: 480, PictureID: 17, PictureIDBits: 7}},
	{"inter frame without picture id", VP8, unhex("30  3101"), nil, start},
	{"second partition", VP8, unhex("91 80 11  55"), nil, Info{PictureID: 17, PictureIDBits: 7}},
	{"continued partition", VP8, unhex("80 80 11  54"), nil, Info{PictureID: 17, PictureIDBits: 7}},
	{"long picture id", VP8, unhex("90 80 9267  31"), nil,
		Info{Start: true, PictureID: 4711, PictureIDBits: 15}},
	{"all numbers", VP8, unhex("90 f0 9267 05 63  31"), nil, // TID 1, Y, KEYIDX 3
		Info{Start: true, Switch: true, Temporal: 1, PictureID: 4711, PictureIDBits: 15,
			TL0PicIdx: 5, HasTL0PicIdx: true, KeyIdx: 3, HasKeyIdx: true}},
	{"numbers without key index", VP8, unhex("90 e0 7f ff 9f  31"), nil, // TID 2, KEYIDX to be ignored
		Info{Start: true, Temporal: 2, PictureID: 127, PictureIDBits: 7, TL0PicIdx: 255, HasTL0PicIdx: true}},
	{"key index without layer", VP8, unhex("90 10 e5  31"), nil, // TID and Y to be ignored
		Info{Start: true, KeyIdx: 5, HasKeyIdx: true}},
	{"layer sync of a continued frame", VP8, unhex("80 20 60  31"), nil, Info{Temporal: 1}},
	{"extension without fields", VP8, unhex("90 00  31"), nil, start},
	{"scaled key frame", VP8, unhex("10  100200 9d012a 0085 d082"), nil, keySized(1280, 720)},
	{"key frame without start code", VP8, unhex("10  500100 9d012b 8002 e001"), nil, key},
	{"key frame without width", VP8, unhex("10  500100 9d012a 0000 e001"), nil, key},
	{"key frame cut before its size", VP8, unhex("10  500100 9d012a 8002 e0"), nil, key},
	{"descriptor without frame", VP8, unhex("90 80 11"), nil,
		Info{Start: true, PictureID: 17, PictureIDBits: 7}},
	{"empty", VP8, nil, nil, Info{}},
	{"no extension byte", VP8, unhex("90"), nil, Info{}},
	{"no picture id", VP8, unhex("90 80"), nil, Info{}},
	{"half a picture id", VP8, unhex("90 80 92"), nil, Info{}},
	{"no TL0PICIDX", VP8, unhex("90 c0 11"), nil, Info{}},
	{"no key index", VP8, unhex("90 50 11"), nil, Info{}},
}

func TestVP8Patch(t *testing.T) {
	tests := []struct {
		name          string
		payload, want []byte
	}{
		{"all numbers", unhex("90 f0 9267 05 63  31"), unhex("90 f0 fffe ab 75")},
		{"picture id of 7 bits", unhex("90 80 11  31"), unhex("90 80 7e")},
		{"no key index", unhex("90 e0 11 05 9f  31"), unhex("90 e0 7e ab 9f")},
		{"only key index", unhex("90 10 e5  31"), unhex("90 10 f5")},
		{"only TL0PICIDX", unhex("90 40 05  31"), unhex("90 40 ab")},
		{"only a layer", unhex("90 20 60  31"), nil},
		{"no numbers", unhex("10 31"), nil},
		{"cut", unhex("90 f0 9267 05"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			info := Parse(VP8, tt.payload, nil)
			// Wider than any field: 0x7ffe has 15 bits, 0x35 has 6.
			patch, n := VP8Patch(info, tt.payload, 0xfffe, 0xab, 0x35)
			if !bytes.Equal(patch[:n], tt.want) {
				t.Errorf("got %x, want %x", patch[:n], tt.want)
			}
			checkPatch(t, tt.payload, 0xfffe, 0xab, 0x35)
		})
	}
}

// An Info of another payload must do no harm.
func TestVP8PatchMismatch(t *testing.T) {
	info := Parse(VP8, unhex("90 f0 9267 05 63  31"), nil)
	for _, g := range goldens() {
		for n := range g.payload {
			p := g.payload[:n:n]
			if _, k := VP8Patch(info, p, 1, 2, 3); int(k) > len(p) {
				t.Errorf("patch of %d bytes for %x", k, p)
			}
		}
	}
}

// checkPatch fails unless the patched payload has the new numbers, in the
// widths it had, and is the same in everything else.
func checkPatch(t *testing.T, payload []byte, pictureID uint16, tl0, keyIdx uint8) {
	t.Helper()
	info := Parse(VP8, payload, nil)
	patch, n := VP8Patch(info, payload, pictureID, tl0, keyIdx)
	want := info
	if info.PictureIDBits > 0 {
		want.PictureID = pictureID & (1<<info.PictureIDBits - 1)
	}
	if info.HasTL0PicIdx {
		want.TL0PicIdx = tl0
	}
	if info.HasKeyIdx {
		want.KeyIdx = keyIdx & 31
	}
	if int(n) > len(payload) || n == 0 && want != info {
		t.Fatalf("%x: patch of %d bytes", payload, n)
	}
	patched := bytes.Clone(payload)
	copy(patched, patch[:n])
	if got := Parse(VP8, patched, nil); got != want {
		t.Errorf("%x patched to %x:\ngot  %+v\nwant %+v", payload, patched, got, want)
	}
	// Patching back must give the very same bytes.
	patch, n = VP8Patch(want, patched, info.PictureID, info.TL0PicIdx, info.KeyIdx)
	copy(patched, patch[:n])
	if !bytes.Equal(patched, payload) {
		t.Errorf("%x patched there and back is %x", payload, patched)
	}
}

func FuzzVP8Patch(f *testing.F) {
	for _, g := range vp8Goldens {
		f.Add(g.payload, uint16(0x8001), uint8(7), uint8(32))
	}
	f.Fuzz(func(t *testing.T, payload []byte, pictureID uint16, tl0, keyIdx uint8) {
		checkPatch(t, payload, pictureID, tl0, keyIdx)
	})
}

func BenchmarkVP8Patch(b *testing.B) {
	payload := unhex("90 f0 9267 05 63  31")
	info := Parse(VP8, payload, nil)
	b.ReportAllocs()
	for b.Loop() {
		VP8Patch(info, payload, 4712, 6, 4)
	}
}
