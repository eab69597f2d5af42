package codec

import (
	"bytes"
	"slices"
	"testing"
)

func TestPatchNumbers(t *testing.T) {
	tests := []struct {
		name          string
		codec         Codec
		payload, want []byte
	}{
		{"all numbers", VP8, unhex("90 f0 9267 05 63  31"), unhex("90 f0 fffe ab 75")},
		{"picture id of 7 bits", VP8, unhex("90 80 11  31"), unhex("90 80 7e")},
		{"no key index", VP8, unhex("90 e0 11 05 9f  31"), unhex("90 e0 7e ab 9f")},
		{"only key index", VP8, unhex("90 10 e5  31"), unhex("90 10 f5")},
		{"only TL0PICIDX", VP8, unhex("90 40 05  31"), unhex("90 40 ab")},
		{"only a layer", VP8, unhex("90 20 60  31"), nil},
		{"no numbers", VP8, unhex("10 31"), nil},
		{"cut", VP8, unhex("90 f0 9267 05"), nil},
		{"all numbers", VP9, unhex("ec 9267 53 05  86"), unhex("ec fffe 53 ab")},
		{"picture id of 7 bits", VP9, unhex("cc 11  86"), unhex("cc 7e")},
		{"picture id of 7 bits and a layer", VP9, unhex("ec 11 ef 05  86"), unhex("ec 7e ef ab")},
		{"flexible", VP9, unhex("fc 9111 20 03 04  86"), unhex("fc fffe")},
		{"no numbers", VP9, unhex("08  82"), nil},
		{"only TL0PICIDX", VP9, unhex("6c 53 05  86"), unhex("6c 53 ab")},
		{"cut", VP9, unhex("ec 9267 53"), nil},
		{"of another codec", H264, unhex("90 f0 9267 05 63  31"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.codec.String()+"/"+tt.name, func(t *testing.T) {
			info := parse(tt.codec, tt.payload, nil)
			// Wider than any field: 0xfffe has 16 bits, 0x35 has 6.
			patch, n := PatchNumbers(tt.codec, &info, tt.payload, 0xfffe, 0xab, 0x35)
			if !bytes.Equal(patch[:n], tt.want) {
				t.Errorf("got %x, want %x", patch[:n], tt.want)
			}
			checkPatch(t, tt.codec, tt.payload, 0xfffe, 0xab, 0x35)
		})
	}
}

// An Info of another payload must do no harm.
func TestPatchNumbersMismatch(t *testing.T) {
	for _, of := range slices.Concat(vp8Goldens, vp9Goldens) {
		info := parse(of.codec, of.payload, nil)
		for _, g := range goldens() {
			for n := range g.payload {
				p := g.payload[:n:n]
				if _, k := PatchNumbers(of.codec, &info, p, 1, 2, 3); int(k) > len(p) {
					t.Errorf("patch of %d bytes for %x", k, p)
				}
			}
		}
	}
}

// checkPatch fails unless the patched payload has the new numbers, in the
// widths it had, and is the same in everything else.
func checkPatch(t *testing.T, c Codec, payload []byte, pictureID uint16, tl0, keyIdx uint8) {
	t.Helper()
	info := parse(c, payload, nil)
	patch, n := PatchNumbers(c, &info, payload, pictureID, tl0, keyIdx)
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
	if got := parse(c, patched, nil); got != want {
		t.Errorf("%x patched to %x:\ngot  %+v\nwant %+v", payload, patched, got, want)
	}
	// Patching back must give the very same bytes.
	patch, n = PatchNumbers(c, &want, patched, info.PictureID, info.TL0PicIdx, info.KeyIdx)
	copy(patched, patch[:n])
	if !bytes.Equal(patched, payload) {
		t.Errorf("%x patched there and back is %x", payload, patched)
	}
}

func FuzzPatchNumbers(f *testing.F) {
	for _, g := range slices.Concat(vp8Goldens, vp9Goldens) {
		f.Add(g.codec == VP9, g.payload, uint16(0x8001), uint8(7), uint8(32))
	}
	f.Fuzz(func(t *testing.T, isVP9 bool, payload []byte, pictureID uint16, tl0, keyIdx uint8) {
		c := VP8
		if isVP9 {
			c = VP9
		}
		checkPatch(t, c, payload, pictureID, tl0, keyIdx)
	})
}

func BenchmarkPatchNumbers(b *testing.B) {
	for _, g := range slices.Concat(vp8Goldens, vp9Goldens) {
		if g.name != "all numbers" && g.name != "upper layer" {
			continue
		}
		b.Run(g.codec.String(), func(b *testing.B) {
			info := parse(g.codec, g.payload, nil)
			b.ReportAllocs()
			for b.Loop() {
				PatchNumbers(g.codec, &info, g.payload, 4712, 6, 4)
			}
		})
	}
}
