package codec

import "testing"

// l2t2 is a stream of two spatial and two temporal layers, one template each and
// one for the key picture's lower layer, every indication a switch.
var l2t2 = attached{targets: 4, chains: 2, sizes: [][2]uint32{{320, 180}, {640, 360}}, templates: []written{
	{0, nil}, {0, []uint32{4}}, {1, []uint32{2}}, {2, []uint32{1}}, {0, []uint32{1, 4}}, {1, []uint32{1, 2}},
}}

func TestParserKeepsStructure(t *testing.T) {
	var p Parser
	payload := unhex("10 30 1000")
	if i := p.Parse(AV1, payload, unhex("c4 0001"), false); i.In != All || i.Spatial != 0 {
		t.Errorf("before the structure: %+v", i)
	}
	if i := p.Parse(AV1, payload, l2t2.bytes(), true); !i.Keyframe || p.structure.known {
		t.Errorf("a late structure: %+v, kept %v", i, p.structure.known)
	}
	if i := p.Parse(AV1, payload, l2t2.bytes(), false); !i.Keyframe || i.FrameNumber != 77 {
		t.Errorf("the structure: %+v", i)
	}
	if s, temporal := p.Layers(); s != 2 || temporal != 2 {
		t.Errorf("%d spatial, %d temporal layers", s, temporal)
	}
	for spatial, want := range [][2]uint16{{320, 180}, {640, 360}, {0, 0}} {
		if w, h := p.Size(uint8(spatial)); [2]uint16{w, h} != want {
			t.Errorf("spatial layer %d is %dx%d, want %v", spatial, w, h, want)
		}
	}
	i := p.Parse(AV1, payload, unhex("c5 0050"), false) // template 5
	if i.Spatial != 1 || i.Temporal != 1 || !i.Start || !i.End || i.Keyframe || i.FrameNumber != 0x50 {
		t.Errorf("a frame after it: %+v", i)
	}
	if i := p.Parse(AV1, payload, unhex("bf 0052"), false); i.In != All || i.FrameNumber != 0x52 {
		t.Errorf("of an unknown template: %+v", i)
	}
}

func TestVP9Layering(t *testing.T) {
	var p Parser
	key := unhex("ab 9267 00 05  50 0140 00b4 0280 0168 0500 02d0  82")
	p.Parse(VP9, key, nil, false)
	if s, _ := p.Layers(); s != 3 {
		t.Fatalf("%d spatial layers", s)
	}
	if w, h := p.Size(1); w != 640 || h != 360 {
		t.Errorf("the middle layer is %dx%d", w, h)
	}
	upper := p.Parse(VP9, unhex("a8 9267 03 05 82"), nil, false) // key picture, SID 1, D
	if upper.In.Has(Select(0, 7)) || !upper.In.Has(Select(1, 0)) || !upper.In.Has(Select(2, 7)) {
		t.Errorf("upper layer of the key picture: %x", uint64(upper.In))
	}
	p.Parse(VP9, unhex("e9 9268 00 06 86"), nil, false)      // SID 0, P, Z
	i := p.Parse(VP9, unhex("e9 9268 02 06 86"), nil, false) // SID 1, P, not D
	if i.Layering != Separate || i.In.Has(Select(2, 7)) || !i.In.Has(Select(1, 7)) {
		t.Errorf("without prediction from below: %+v", i.Layers)
	}
	i = p.Parse(VP9, unhex("e8 9269 51 06 86"), nil, false) // TID 2, U, SID 0, D
	if i.Lift != (Lift{2, 0xf8}) || i.In.Has(Select(0, 1)) {
		t.Errorf("switching up point: %+v", i.Layers)
	}
	// The highest layers stay away: after some pictures they count as gone.
	for id := byte(0x70); id < 0x76; id++ {
		i = p.Parse(VP9, []byte{0xe8, 0x92, id, 0x00, 6, 0x86}, nil, false)
	}
	if i.Active.TopSpatial() != 0 {
		t.Errorf("the highest layer still counts: %x", uint64(i.Active))
	}
	// Flexible mode without U: a layer 1 that refers to layer 0 begins anew.
	p.Parse(VP9, unhex("f8 9300 00 02 86"), nil, false)
	if i = p.Parse(VP9, unhex("f8 9301 20 02 86"), nil, false); i.Lift != (Lift{0, 2}) {
		t.Errorf("flexible: %+v", i.Layers)
	}
	if i = p.Parse(VP9, unhex("f8 9302 20 02 86"), nil, false); i.Lift.To != 0 {
		t.Errorf("flexible, referring to its own layer: %+v", i.Layers)
	}
}

func TestVP8Sync(t *testing.T) {
	i := parse(VP8, unhex("90 e0 11 05 60  31"), nil) // TID 1, Y
	if i.Lift != (Lift{0, 2}) || i.In.Has(Select(0, 0)) || !i.In.Has(Select(7, 1)) {
		t.Errorf("got %+v", i.Layers)
	}
}

// Chromium leaves all numbers out of VP8's payload descriptors where it sends a dependency
// descriptor: then that alone tells the temporal layers.
func TestVP8LayersFromDescriptor(t *testing.T) {
	var p Parser
	l1t3 := attached{targets: 3, chains: 1, sizes: [][2]uint32{{640, 480}}, templates: []written{{}, {0, []uint32{4}}, {1, []uint32{2}}, {1, []uint32{1}}}}
	if i := p.Parse(VP8, unhex("10  500100 9d012a 8002 e001"), l1t3.bytes(), false); !i.Keyframe || i.Width != 640 || i.Temporal != 0 {
		t.Fatalf("keyframe: %+v", i)
	}
	if _, temporal := p.Layers(); temporal != 3 {
		t.Errorf("%d temporal layers", temporal)
	}
	for template, temporal := range []uint8{0, 0, 1, 2} {
		i := p.Parse(VP8, unhex("30  3101"), []byte{0xc0 | byte(template), 0, 78}, false)
		if i.Temporal != temporal || !i.Start || !i.End || i.Keyframe || i.FrameNumber != 78 {
			t.Errorf("template %d: %+v", template, i)
		}
	}
	if i := p.Parse(VP8, unhex("90 e0 11 05 60  31"), []byte{0xc3, 0, 79}, false); i.Temporal != 1 || i.Lift != (Lift{0, 2}) {
		t.Errorf("the payload has a layer of its own: %+v", i)
	}
}

// FuzzParser feeds packets in a row to one Parser, whose state must survive anything.
func FuzzParser(f *testing.F) {
	f.Add(uint8(AV1), unhex("10 30 1000"), l2t2.bytes(), unhex("c5 0050"), false)
	f.Add(uint8(VP9), unhex("ab 9267 00 05  50 0140 00b4 0280 0168 0500 02d0  82"), []byte(nil), unhex("81 0051 41 80"), true)
	f.Fuzz(func(t *testing.T, c uint8, payload, first, second []byte, late bool) {
		var p Parser
		for _, descriptor := range [][]byte{first, second, first, nil} {
			i := p.Parse(Codec(c), payload, descriptor, late)
			s, temporal := p.Layers()
			if i.Spatial > 7 || i.Temporal > 7 || s == 0 || s > 8 || temporal == 0 || temporal > 8 {
				t.Fatalf("%+v, %d and %d layers", i, s, temporal)
			}
			if i.Keyframe && !i.Switch || i.Switch && !i.Start {
				t.Fatalf("%+v", i)
			}
		}
	})
}
