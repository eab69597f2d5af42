package codec

import (
	"slices"
	"testing"
)

// A descriptor with the smallest structure: start and end of frame 1, which has
// template 0; then bit by bit
//
//	1 0 0 0 0 000000 00000 structure attached, nothing custom; offset 0, 1 decode target
//	11 10 0 1 0000         1 template: a switch, no references, 1 chain
//	1 …                    640x360
const oneTemplate = "c0 0001 80 00 e4 20 4f e0 2c e0"

// written is one template of a structure under construction: how its layer
// follows the last one's, and the frames that it refers to.
type written struct {
	next       uint32 // 0 the same layer, 1 next temporal, 2 next spatial
	references []uint32
}

// attached is a descriptor with structure under construction.
type attached struct {
	offset, id      uint32
	targets, chains uint32
	templates       []written
	sizes           [][2]uint32
	active, dtis    bool
	custom          bool // own references
	references      []uint32
}

// bytes writes a descriptor at the start of a frame (AV1 RTP payload format,
// A.8.2).
func (a attached) bytes() []byte {
	var w bitWriter
	w.flag(true)
	w.flag(false)
	w.bits(6, a.id)
	w.bits(16, 77)
	w.flag(true)
	w.flag(a.active)
	w.flag(a.dtis)
	w.flag(a.custom)
	w.flag(false)
	w.bits(6, a.offset)
	w.bits(5, a.targets-1)
	for _, t := range a.templates[1:] {
		w.bits(2, t.next)
	}
	w.bits(2, 3)
	for range len(a.templates) * int(a.targets) {
		w.bits(2, 2)
	}
	for _, t := range a.templates {
		for _, r := range t.references {
			w.flag(true)
			w.bits(4, r-1)
		}
		w.flag(false)
	}
	w.uniform(a.targets+1, a.chains)
	if a.chains > 0 {
		for i := range a.targets {
			w.uniform(a.chains, i%a.chains)
		}
		for range len(a.templates) * int(a.chains) {
			w.bits(4, 5)
		}
	}
	w.flag(len(a.sizes) > 0)
	for _, s := range a.sizes {
		w.bits(16, s[0]-1)
		w.bits(16, s[1]-1)
	}
	if a.active {
		w.bits(int(a.targets), 1)
	}
	if a.dtis {
		for range a.targets {
			w.bits(2, 2)
		}
	}
	if a.custom {
		for _, r := range a.references {
			w.bits(2, 1)
			w.bits(4, r-1)
		}
		w.bits(2, 0)
	}
	return w.b
}

func TestDescriptor(t *testing.T) {
	// Two spatial layers of two temporal ones each; only the first template and
	// that of the upper spatial layer's key picture differ in what they need.
	layers := []written{
		{0, nil}, {0, []uint32{4}}, {1, []uint32{2}},
		{2, []uint32{1}}, {0, []uint32{1, 4}}, {1, []uint32{1, 2}},
	}
	sizes := [][2]uint32{{320, 180}, {640, 360}}
	full := make([]written, 64)
	full[63].references = []uint32{16}
	tests := []struct {
		name        string
		a           attached
		independent bool
		size        [2]uint16
	}{
		{"key picture", attached{targets: 4, chains: 2, templates: layers, sizes: sizes}, true, [2]uint16{640, 360}},
		{"no size", attached{targets: 4, chains: 2, templates: layers}, true, [2]uint16{}},
		{"no chains", attached{targets: 4, templates: layers, sizes: sizes}, true, [2]uint16{640, 360}},
		{"most chains", attached{targets: 4, chains: 4, templates: layers, sizes: sizes}, true, [2]uint16{640, 360}},
		{"three chains", attached{targets: 5, chains: 3, templates: layers, sizes: sizes}, true, [2]uint16{640, 360}},
		{"delta", attached{id: 1, targets: 4, chains: 2, templates: layers, sizes: sizes}, false, [2]uint16{640, 360}},
		{"upper layer", attached{id: 3, targets: 4, chains: 2, templates: layers, sizes: sizes}, false, [2]uint16{640, 360}},
		{"offset", attached{offset: 62, id: 62, targets: 4, chains: 2, templates: layers, sizes: sizes}, true, [2]uint16{640, 360}},
		{"offset wraps", attached{offset: 62, id: 0, targets: 4, chains: 2, templates: layers, sizes: sizes}, false, [2]uint16{640, 360}},
		{"active targets", attached{active: true, targets: 32, templates: layers, sizes: sizes}, true, [2]uint16{640, 360}},
		{"own indications", attached{dtis: true, targets: 4, templates: layers, sizes: sizes}, true, [2]uint16{640, 360}},
		{"own references", attached{active: true, dtis: true, custom: true, references: []uint32{3}, targets: 4, templates: layers}, false, [2]uint16{}},
		{"no references of its own", attached{id: 1, active: true, dtis: true, custom: true, targets: 4, templates: layers}, true, [2]uint16{}},
		{"sixty-four templates", attached{id: 62, targets: 2, chains: 1, templates: full, sizes: sizes[:1]}, true, [2]uint16{320, 180}},
		{"sixty-fourth template", attached{id: 63, targets: 2, chains: 1, templates: full, sizes: sizes[:1]}, false, [2]uint16{320, 180}},
		{"size beyond 16 bits", attached{targets: 1, templates: layers[:1], sizes: [][2]uint32{{65536, 65536}}}, true, [2]uint16{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := tt.a.bytes()
			var p Parser
			var d descriptor
			ok := p.read(b, false, &d)
			if !ok || !d.start || d.end || d.frame != 77 || !d.structured || d.independent != tt.independent {
				t.Errorf("%x: %v, %+v", b, ok, d)
			}
			if width, height := p.Size(p.structure.spatial); [2]uint16{width, height} != tt.size {
				t.Errorf("%x: size %dx%d, want %v", b, width, height, tt.size)
			}
			// The payload alone is the start of some frame.
			i := checkParse(t, AV1, unhex("10 30 1000"), b)
			if i.Keyframe != tt.independent {
				t.Errorf("got %+v", i)
			}
			for n := range b {
				checkParse(t, AV1, unhex("10 30 1000"), b[:n:n])
			}
		})
	}
}

func TestDescriptorRefused(t *testing.T) {
	two := attached{targets: 2, templates: []written{{}, {}}}
	beyond := two
	beyond.id = 2
	before := two
	before.offset = 1
	good := two.bytes()
	tests := []struct {
		name string
		b    []byte
	}{
		{"empty", nil},
		{"two bytes", unhex("c0 00")},
		{"template beyond the last", beyond.bytes()},
		{"template before the first", before.bytes()},
		{"cut", good[:len(good)-1]},
		{"templates without end", slices.Concat(unhex("c0 0001 80 00"), make([]byte, 200))},
		{"references without end", slices.Concat(unhex("c0 0001 80 00"), unhex("ff"), slices.Repeat(unhex("ff"), 200))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var p Parser
			var d descriptor
			if p.read(tt.b, false, &d) || p.structure.known {
				t.Errorf("%x: got %+v", tt.b, d)
			}
		})
	}
}
