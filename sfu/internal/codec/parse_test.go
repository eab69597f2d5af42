package codec

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

// golden is a payload that was put together by hand from the specification,
// and what it is, but for its layers.
type golden struct {
	name       string
	codec      Codec
	payload    []byte
	descriptor []byte
	want       Info
}

// whole are the layers of what has none.
var whole = Layers{In: All, Layering: Nested}

func goldens() []golden {
	return slices.Concat(audioGoldens, vp8Goldens, vp9Goldens, h264Goldens, h265Goldens, av1Goldens)
}

var audioGoldens = []golden{
	{"opus", Opus, unhex("78 01 02"), nil, key},
	{"opus without payload", Opus, nil, nil, key},
	{"red", RED, unhex("6f 000003 6f 78 01 02"), nil, key},
	{"PCMU", PCMU, unhex("ff ff"), nil, key},
	{"PCMA", PCMA, unhex("d5 d5"), nil, key},
	{"G722", G722, unhex("fa fa"), nil, key},
	{"unknown", Unknown, unhex("10 50 01 00 9d012a 8002 e001"), nil, Info{}},
}

var (
	key   = Info{Keyframe: true, Start: true, Switch: true}
	start = Info{Start: true}
)

// keySized is a keyframe that tells its size.
func keySized(width, height uint16) Info {
	i := key
	i.Width, i.Height = width, height
	return i
}

// of is what a packet is that also has a descriptor of frame 1.
func of(i Info, end bool) Info {
	i.FrameNumber, i.HasFrameNumber, i.End = 1, true, end
	return i
}

// parse says what a packet is that stands alone.
func parse(c Codec, payload, descriptor []byte) Info {
	var p Parser
	return p.Parse(c, payload, descriptor, false)
}

// unhex reads hex digits with any blanks in between.
func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

func TestParse(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.codec.String()+"/"+g.name, func(t *testing.T) {
			got := checkParse(t, g.codec, g.payload, g.descriptor)
			got.Layers = Layers{}
			if got != g.want {
				t.Errorf("got  %+v\nwant %+v", got, g.want)
			}
		})
	}
}

// Cut anywhere, a payload may tell less, but it never tells another size, and
// nothing panics.
func TestParseTruncated(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.codec.String()+"/"+g.name, func(t *testing.T) {
			for n := range g.payload {
				got := checkParse(t, g.codec, g.payload[:n:n], g.descriptor)
				if g.want.Width == 0 || g.descriptor != nil {
					continue
				}
				if got.Width != 0 && (got.Width != g.want.Width || got.Height != g.want.Height) {
					t.Errorf("first %d bytes: %dx%d", n, got.Width, got.Height)
				}
			}
			for n := range g.descriptor {
				checkParse(t, g.codec, g.payload, g.descriptor[:n:n])
			}
		})
	}
}

// Bytes of one codec given as another's must not confuse anything either.
func TestParseOtherCodec(t *testing.T) {
	for _, g := range goldens() {
		for c := Unknown; c <= AV1+1; c++ {
			checkParse(t, c, g.payload, g.descriptor)
			checkParse(t, c, g.payload, g.payload)
		}
	}
}

// checkParse parses and fails where the result contradicts itself.
func checkParse(t *testing.T, c Codec, payload, descriptor []byte) Info {
	t.Helper()
	before := bytes.Clone(payload)
	i := parse(c, payload, descriptor)
	if !bytes.Equal(before, payload) {
		t.Errorf("%v %x: payload changed", c, before)
	}
	faults := map[string]bool{
		"a keyframe without switch":   i.Keyframe && !i.Switch,
		"a switch without start":      i.Switch && !i.Start,
		"a size without keyframe":     !i.Keyframe && (i.Width != 0 || i.Height != 0),
		"half a size":                 (i.Width == 0) != (i.Height == 0),
		"a layer of no codec":         i.Spatial > 7 || i.Temporal > 7,
		"an odd picture id width":     i.PictureIDBits != 0 && i.PictureIDBits != 7 && i.PictureIDBits != 15,
		"a picture id out of range":   i.PictureID>>i.PictureIDBits != 0,
		"an absent number with value": !i.HasTL0PicIdx && i.TL0PicIdx != 0 || !i.HasKeyIdx && i.KeyIdx != 0,
		"a key index out of range":    i.KeyIdx > 31,
		"VP8 numbers elsewhere":       c != VP8 && (c != VP9 && (i.PictureIDBits != 0 || i.HasTL0PicIdx) || i.HasKeyIdx),
		"an uncertain audio packet":   c.IsAudio() && i != Info{Keyframe: true, Start: true, Switch: true, Layers: whole},
		"no layers":                   i.In == 0 && (c == VP8 || descriptor == nil),
	}
	for fault, is := range faults {
		if is {
			t.Errorf("%v %x %x: %s: %+v", c, payload, descriptor, fault, i)
		}
	}
	return i
}

func TestParseAllocatesNothing(t *testing.T) {
	all := goldens()
	var p Parser
	var n uint8
	allocs := testing.AllocsPerRun(100, func() {
		for i := range all {
			g := &all[i]
			info := p.Parse(g.codec, g.payload, g.descriptor, false)
			_, k := PatchNumbers(g.codec, &info, g.payload, 1, 2, 3)
			n += k
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations in a run of %d payloads", allocs, len(all))
	}
	if n == 0 {
		t.Error("no payload was patched")
	}
}

func BenchmarkParse(b *testing.B) {
	for _, g := range goldens() {
		switch g.name {
		case "opus", "all numbers", "upper layer", "keyframe with size", "parameter sets",
			"idr fragment start", "sequence header and frame", "structure tells the size":
		default:
			continue
		}
		b.Run(g.codec.String()+"/"+strings.ReplaceAll(g.name, " ", "-"), func(b *testing.B) {
			var p Parser
			b.ReportAllocs()
			for b.Loop() {
				p.Parse(g.codec, g.payload, g.descriptor, false)
			}
		})
	}
}

func fuzzParse(f *testing.F, c Codec) {
	for _, g := range goldens() {
		if g.codec == c {
			f.Add(g.payload, g.descriptor)
		}
	}
	f.Fuzz(func(t *testing.T, payload, descriptor []byte) {
		checkParse(t, c, payload, descriptor)
	})
}

func FuzzParseVP8(f *testing.F)  { fuzzParse(f, VP8) }
func FuzzParseVP9(f *testing.F)  { fuzzParse(f, VP9) }
func FuzzParseH264(f *testing.F) { fuzzParse(f, H264) }
func FuzzParseH265(f *testing.F) { fuzzParse(f, H265) }
func FuzzParseAV1(f *testing.F)  { fuzzParse(f, AV1) }
