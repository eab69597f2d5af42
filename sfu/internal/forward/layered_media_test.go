package forward

import "plenum/sfu/internal/codec"

// layering is a way to code a stream in layers, as its publisher knows it. Temporal
// layers follow the order 0 2 1 2 (three) or 0 1 (two): the base refers to the base
// before it, layer 1 to the base, the first layer 2 to the base and the second one to
// layer 1.
type layering struct {
	name              string
	codec             codec.Codec
	spatial, temporal int
	separate          bool // no prediction between spatial layers but in key pictures
	described         bool // by dependency descriptors
}

var layerings = []layering{
	{"VP8 L1T1", codec.VP8, 1, 1, false, false},
	{"VP8 L1T2", codec.VP8, 1, 2, false, false},
	{"VP8 L1T3", codec.VP8, 1, 3, false, false},
	{"VP9 L1T3", codec.VP9, 1, 3, false, false},
	{"VP9 L3T3", codec.VP9, 3, 3, false, false},
	{"VP9 L3T3_KEY", codec.VP9, 3, 3, true, false},
	{"AV1 L1T3", codec.AV1, 1, 3, false, true},
	{"AV1 L3T3", codec.AV1, 3, 3, false, true},
	{"AV1 L3T3_KEY", codec.AV1, 3, 3, true, true},
	{"VP9 L3T3_KEY described", codec.VP9, 3, 3, true, true},
	{"H264 L1T2 described", codec.H264, 1, 2, false, true},
}

// frameID names a frame of one simulcast layer.
type frameID struct {
	layer   int8
	picture int
	spatial int
}

// layerFrame is what the model knows of a frame.
type layerFrame struct {
	id         frameID
	temporal   int
	key        bool
	references []frameID
}

// layerPacket is a packet with the frame that it truly belongs to.
type layerPacket struct {
	in          Input
	frame       *layerFrame
	first, last bool // of the frame
}

// encoder is one simulcast layer of a publisher.
type encoder struct {
	layering
	layer      int8
	parser     codec.Parser
	ext        int64
	timestamp  uint32
	picture    int // 0 is none yet
	id         uint16
	tl0, keyed uint8
	number     uint16 // frame number
	place      int    // since the last key picture
	keyNext    bool
	bases      [3]int // the newest base pictures per spatial layer
	middles    [3]int // and those of temporal layer 1
	wanted     int    // spatial layers that should be sent
	active     int    // that are
	wasActive  int    // that were, with the last picture
	told       bool   // the active layers, to receivers of descriptors
}

func (e *encoder) temporalOf(place int) int {
	switch e.temporal {
	case 2:
		return place & 1
	case 3:
		return [4]int{0, 2, 1, 2}[place&3]
	}
	return 0
}

// encode makes the packets of the next picture, in order and not yet parsed.
func (e *encoder) encode(packets func() int) (out []layerPacket) {
	// Layers come and go at the base, and come back with a key picture where only such
	// a picture predicts from below.
	base := e.keyNext || e.picture == 0 || e.temporalOf(e.place) == 0
	e.wasActive = e.active
	if base && e.active != e.wanted {
		e.active, e.told = e.wanted, false
	}
	key := e.keyNext || e.picture == 0 || e.separate && e.active > e.wasActive
	e.keyNext = false
	if key {
		e.place = 0
		e.keyed++
	}
	temporal := e.temporalOf(e.place)
	e.picture++
	e.id++
	e.timestamp += 3000
	if temporal == 0 {
		e.tl0++
	}
	for spatial := range e.active {
		f := &layerFrame{id: frameID{e.layer, e.picture, spatial}, temporal: temporal, key: key}
		fresh := !key && spatial >= e.wasActive // comes back without a key picture
		if spatial > 0 && (key || !e.separate) {
			f.references = append(f.references, frameID{e.layer, e.picture, spatial - 1})
		}
		if !key && !fresh {
			from := e.bases[spatial]
			if e.temporal == 3 && e.place&3 == 3 {
				from = e.middles[spatial]
			}
			f.references = append(f.references, frameID{e.layer, from, spatial})
		}
		e.number++
		n := packets()
		for i := range n {
			e.ext++
			p := layerPacket{frame: f, first: i == 0, last: i == n-1}
			p.in = Input{Layer: e.layer, Ext: e.ext, Timestamp: e.timestamp, Marker: p.last && spatial == e.active-1}
			p.in.Payload = e.payload(f, &p, fresh)
			e.parse(&p, fresh)
			out = append(out, p)
		}
		switch temporal {
		case 0:
			e.bases[spatial] = e.picture
		case 1:
			e.middles[spatial] = e.picture
		}
	}
	e.place++
	return out
}

// parse reads a packet in the order of sending, as if nothing were lost on the way:
// losses are the Stream's matter here, and not the Parser's.
func (e *encoder) parse(p *layerPacket, fresh bool) {
	var descriptor []byte
	if e.described {
		descriptor = e.descriptor(p, fresh)
	}
	p.in.Info = e.parser.Parse(e.codec, p.in.Payload, descriptor, false)
}

// payload is the codec's own, as far as anybody looks.
func (e *encoder) payload(f *layerFrame, p *layerPacket, fresh bool) []byte {
	switch e.codec {
	case codec.VP8:
		b := vp8Payload(vp8Fields{15, true, true}, p.first, f.key, e.id, e.tl0, e.keyed)
		layer := byte(f.temporal)<<6 | e.keyed&31
		if f.temporal == 1 || f.temporal == 2 && e.place&3 == 1 {
			layer |= 0x20
		}
		b[5] = layer
		return b
	case codec.VP9:
		flags := byte(0x80 | 0x20)
		if !f.key && !fresh {
			flags |= 0x40
		}
		if p.first {
			flags |= 0x08
		}
		if p.last {
			flags |= 0x04
		}
		if e.separate && !f.key || f.id.spatial == e.spatial-1 {
			flags |= 0x01
		}
		layer := byte(f.temporal)<<5 | byte(f.id.spatial)<<1
		if f.temporal < 2 {
			layer |= 0x10
		}
		if f.id.spatial > 0 && (f.key || !e.separate) {
			layer |= 1
		}
		structure := []byte{}
		if f.key && f.id.spatial == 0 && p.first {
			flags |= 0x02
			structure = []byte{byte(e.active-1) << 5}
		}
		b := []byte{flags, 0x80 | byte(e.id>>8), byte(e.id), layer, e.tl0}
		return append(append(b, structure...), 0xaa)
	case codec.H264:
		return h264Payload(map[bool]int{true: 0, false: 2}[p.first], f.key)
	default:
		if f.key && f.id.spatial == 0 && p.first {
			return []byte{0x18, 0x30, 0x10, 0x00}
		}
		return []byte{0x10, 0x30, 0x10, 0x00}
	}
}

// bitString writes big-endian fields.
type bitString struct {
	b []byte
	n int
}

func (w *bitString) put(width, v int) {
	for i := width - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.b = append(w.b, 0)
		}
		w.b[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

func bit(on bool) int {
	if on {
		return 1
	}
	return 0
}

// descriptor writes a packet's dependency descriptor. Each spatial layer has a
// template for key pictures and one per temporal layer.
func (e *encoder) descriptor(p *layerPacket, fresh bool) []byte {
	f := p.frame
	var w bitString
	w.put(1, bit(p.first))
	w.put(1, bit(p.last))
	id := f.id.spatial * (e.temporal + 1)
	if !f.key && !fresh {
		id += 1 + f.temporal
	}
	w.put(6, id)
	w.put(16, int(e.number))
	attach := f.key && p.first && f.id.spatial == 0
	tell := p.first && f.id.spatial == 0 && !e.told
	if !attach && !tell {
		return w.b
	}
	e.told = true
	w.put(1, bit(attach))
	w.put(1, bit(tell))
	w.put(3, 0)
	if attach {
		e.structure(&w)
	}
	if tell {
		mask := 0
		for s := range e.active {
			for t := range e.temporal {
				mask |= 1 << (s*e.temporal + t)
			}
		}
		w.put(e.spatial*e.temporal, mask)
	}
	return w.b
}

// structure writes templates and their indications (AV1 RTP payload format A.8.2).
func (e *encoder) structure(w *bitString) {
	kinds := e.temporal + 1
	w.put(6, 0)
	w.put(5, e.spatial*e.temporal-1)
	for s := range e.spatial {
		for k := range kinds {
			switch {
			case k == kinds-1 && s == e.spatial-1:
				w.put(2, 3)
			case k == kinds-1:
				w.put(2, 2)
			case k == 0:
				w.put(2, 0)
			default:
				w.put(2, 1)
			}
		}
	}
	for s := range e.spatial {
		for k := range kinds {
			for target := range e.spatial * e.temporal {
				w.put(2, e.indication(s, k, target/e.temporal, target%e.temporal))
			}
		}
	}
	for s := range e.spatial {
		for k := range kinds {
			if s > 0 || k > 0 {
				w.put(5, 1<<4)
			}
			w.put(1, 0)
		}
	}
	// No chains: ns(targets+1) of 0 takes the fewer bits.
	width := 0
	for x := e.spatial*e.temporal + 1; x > 1; x >>= 1 {
		width++
	}
	w.put(width, 0)
	w.put(1, 1)
	for s := range e.spatial {
		w.put(16, 320<<s-1)
		w.put(16, 180<<s-1)
	}
}

// indication is 0 not present, 1 discardable, 2 switch, 3 required.
func (e *encoder) indication(spatial, kind, target, targetTemporal int) int {
	temporal := max(kind-1, 0)
	switch {
	case spatial > target || temporal > targetTemporal:
		return 0
	case spatial < target && kind == 0 && spatial == 0:
		return 2
	case spatial < target && kind > 0 && e.separate:
		return 0
	case spatial < target:
		return 3
	case temporal == 0:
		return 2
	case temporal == targetTemporal:
		return 1
	default:
		return 3
	}
}
