package forward

import (
	"math/rand/v2"
	"testing"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// sentPacket is what the decoder got of one packet.
type sentPacket struct {
	packet layerPacket
	edit   wire.Edit
	run    int
}

// decoder is a model of a viewer that knows each frame's true references. It holds
// a Stream to what a decoder needs, from the publisher's view and not from what
// the packets claim.
type decoder struct {
	t                                  testing.TB
	name                               string
	pushed                             map[frameID]bool // some packet of it was
	dropped                            map[frameID]Verdict
	sent                               map[frameID][]sentPacket
	runs                               int
	layer                              int8
	got                                map[uint16]sentPacket
	late                               int
	temporal, spatial, empty, switches int
}

func (d *decoder) push(s *Stream, p layerPacket, edit wire.Edit, v Verdict) {
	d.t.Helper()
	id := p.frame.id
	d.pushed[id] = true
	switch {
	case v == Forward && edit.Empty:
		d.empty++
		if _, known := s.selector.at(&p.in); known { // else it came too late to tell
			d.dropped[id] = DropTemporal
		}
	case v == Forward:
		if s.Current().Layer != d.layer {
			d.layer = s.Current().Layer
			d.switches++
		}
		d.sent[id] = append(d.sent[id], sentPacket{p, edit, d.runs})
		d.got[edit.Sequence] = sentPacket{p, edit, d.runs}
		return
	case v == DropTemporal || v == DropSpatial:
		if v == DropTemporal {
			d.temporal++
		} else {
			d.spatial++
		}
		d.dropped[id] = v
	case v == DropLate:
		d.late++
	}
}

// finish checks all that was sent.
func (d *decoder) finish() {
	d.t.Helper()
	pictures := map[[2]int][]sentPacket{}
	for id, packets := range d.sent {
		if v, dropped := d.dropped[id]; dropped {
			d.t.Fatalf("%s: frame %+v was sent in part: %v", d.name, id, v)
		}
		for _, r := range packets[0].packet.frame.references {
			if _, dropped := d.dropped[r]; dropped {
				d.t.Fatalf("%s: frame %+v (temporal %d) refers to %+v, which was withheld",
					d.name, id, packets[0].packet.frame.temporal, r)
			}
		}
		key := [2]int{int(id.layer), id.picture}
		pictures[key] = append(pictures[key], packets...)
	}
	for key, packets := range pictures {
		d.checkMarker(key, packets)
	}
}

// checkMarker: the last packet of what is sent of a picture has the marker, and no
// other packet.
func (d *decoder) checkMarker(key [2]int, packets []sentPacket) {
	d.t.Helper()
	top := 0
	for _, p := range packets {
		top = max(top, p.packet.frame.id.spatial)
	}
	// If higher layers got lost, the picture's end did too.
	whole := true
	for spatial := top + 1; spatial < 3; spatial++ {
		id := frameID{int8(key[0]), key[1], spatial}
		if _, dropped := d.dropped[id]; !dropped && d.pushed[id] {
			whole = false
		}
	}
	for _, p := range packets {
		marked := p.edit.Marker || p.packet.in.Marker
		last := p.packet.last && p.packet.frame.id.spatial == top
		if marked && !last {
			d.t.Fatalf("%s: picture %v is marked before its end", d.name, key)
		}
		if last && !marked && whole && !d.lostAbove(key, top) {
			d.t.Fatalf("%s: picture %v has no marker at its end: spatial %d", d.name, key, top)
		}
	}
}

// lostAbove: a higher layer of the picture was never seen.
func (d *decoder) lostAbove(key [2]int, top int) bool {
	for spatial := top + 1; spatial < 3; spatial++ {
		if !d.pushed[frameID{int8(key[0]), key[1], spatial}] {
			return true
		}
	}
	return false
}

// layeredScene plays a publisher of one layering through a lossy network.
type layeredScene struct {
	random   *rand.Rand
	stream   *Stream
	decoder  *decoder
	encoders [2]encoder
	onWay    []layerPacket
	now      time.Duration
	clean    bool // nothing is lost or out of order
}

func playLayered(t testing.TB, l layering, seed uint64, clean bool) *layeredScene {
	c := &layeredScene{random: rand.New(rand.NewPCG(seed, 9)), clean: clean}
	c.stream = NewStream(Config{Codec: l.codec, ClockRate: 90000, Memory: 1024, FirstSequence: 65000})
	c.decoder = &decoder{t: t, name: l.name, layer: noLayer, pushed: map[frameID]bool{}, dropped: map[frameID]Verdict{},
		sent: map[frameID][]sentPacket{}, got: map[uint16]sentPacket{}}
	for i := range c.encoders {
		e := &c.encoders[i]
		*e = encoder{layering: l, layer: int8(i), wanted: l.spatial, active: l.spatial, told: true,
			ext: 70000 + int64(i)*31, id: uint16(c.random.Uint32() & 0x7fff), tl0: uint8(c.random.Uint32()), number: uint16(c.random.Uint32())}
	}
	c.stream.SetTarget(all(0))
	for range 600 {
		c.event()
	}
	c.release(len(c.onWay))
	c.decoder.finish()
	return c
}

func (c *layeredScene) event() {
	switch n := c.random.IntN(40); {
	case n < 3:
		c.stream.SetTarget(Target{int8(c.random.IntN(2)), int8(c.random.IntN(4)), int8(c.random.IntN(4))})
	case n == 3:
		current := c.stream.Target()
		c.stream.SetTarget(Target{current.Layer, AllLayers, AllLayers})
	case n < 6:
		if layer, ok := c.stream.WantsKeyframe(); ok {
			c.encoders[layer].keyNext = true
		}
	case n == 6:
		e := &c.encoders[c.random.IntN(2)]
		e.wanted = 1 + c.random.IntN(e.spatial)
	case n == 7 && !c.clean:
		c.release(1 + c.random.IntN(6))
	default:
		c.now += 33 * time.Millisecond
		for i := range c.encoders {
			for _, p := range c.encoders[i].encode(func() int { return 1 + c.random.IntN(3) }) {
				c.transmit(p)
			}
		}
	}
}

func (c *layeredScene) transmit(p layerPacket) {
	if c.clean {
		c.push(p)
		return
	}
	switch c.random.IntN(20) {
	case 0: // lost
	case 1:
		c.onWay = append(c.onWay, p)
	case 2:
		c.push(p)
		c.push(p)
	default:
		c.push(p)
	}
}

func (c *layeredScene) release(n int) {
	for range min(n, len(c.onWay)) {
		i := c.random.IntN(len(c.onWay))
		p := c.onWay[i]
		c.onWay = append(c.onWay[:i], c.onWay[i+1:]...)
		c.push(p)
	}
}

func (c *layeredScene) push(p layerPacket) {
	d := c.decoder
	edit, v := c.stream.Push(c.now, &p.in)
	d.push(c.stream, p, edit, v)
	if v != Forward {
		return
	}
	found, ok := c.stream.Recent(int(uint16(c.stream.numbers.top) - edit.Sequence))
	if ok == edit.Empty || ok && (found != Found{Layer: p.in.Layer, Ext: p.in.Ext, Edit: edit, Upper: found.Upper}) {
		d.t.Fatalf("%s: recent is %+v, sent was %+v", d.name, found, edit)
	}
	if c.random.IntN(8) == 0 {
		if again, r := c.stream.Lookup(c.now, 0, edit.Sequence); r != Hit && r != Passed || r == Hit &&
			(again != Found{Layer: p.in.Layer, Ext: p.in.Ext, Edit: edit, Upper: edit.Empty || p.in.Info.Temporal > 0, Again: again.Again}) {
			d.t.Fatalf("%s: lookup is %+v (%v), sent was %+v", d.name, again, r, edit)
		}
	}
}

// Whatever is lost, late, repeated, or wanted, no frame reaches the viewer whose
// references were kept from it.
func TestLayersDecodable(t *testing.T) {
	for _, l := range layerings {
		t.Run(l.name, func(t *testing.T) {
			var temporal, spatial, empty, switches int
			for seed := range uint64(40) {
				d := playLayered(t, l, seed, seed%3 == 0).decoder
				temporal += d.temporal
				spatial += d.spatial
				empty += d.empty
				switches += d.switches
			}
			t.Log(temporal, spatial, empty, switches)
			if switches < 40 || l.temporal > 1 && temporal < 500 || l.spatial > 1 && spatial < 500 || l.temporal > 1 && empty < 20 {
				t.Errorf("the scripts don't reach enough: %d, %d, %d, %d", temporal, spatial, empty, switches)
			}
		})
	}
}

// Without loss the numbers have no gaps, and VP8's pictures neither.
func TestLayersUnbroken(t *testing.T) {
	for _, l := range layerings {
		t.Run(l.name, func(t *testing.T) {
			for seed := range uint64(20) {
				c := playLayered(t, l, seed, true)
				first := uint16(65000)
				for i := range len(c.decoder.got) {
					p, ok := c.decoder.got[first+uint16(i)]
					if !ok {
						t.Fatalf("number %d is missing", i)
					}
					if i == 0 || l.codec != codec.VP8 || !p.packet.first {
						continue
					}
					before := c.decoder.got[first+uint16(i)-1]
					if a, b := pictureOf(&before), pictureOf(&p); b != (a+1)&0x7fff {
						t.Fatalf("picture %d after %d", b, a)
					}
				}
			}
		})
	}
}

func pictureOf(p *sentPacket) uint16 {
	return parse(codec.VP8, patched(p.packet.in.Payload, &p.edit)).PictureID
}

func FuzzLayers(f *testing.F) {
	for i := range layerings {
		f.Add(uint8(i), uint64(i), false)
	}
	f.Fuzz(func(t *testing.T, which uint8, seed uint64, clean bool) {
		playLayered(t, layerings[int(which)%len(layerings)], seed, clean)
	})
}

// Of an unbroken stream the viewer gets just the frames of what it wants.
func TestLayersExact(t *testing.T) {
	for _, l := range layerings {
		for spatial := range uint8(8) {
			for temporal := range uint8(8) {
				s := NewStream(Config{Codec: l.codec, ClockRate: 90000, Memory: 64})
				s.SetTarget(Target{0, int8(spatial), int8(temporal)})
				e := encoder{layering: l, wanted: l.spatial, active: l.spatial, told: true}
				top := min(int(spatial), l.spatial-1)
				for range 40 {
					for _, p := range e.encode(func() int { return 2 }) {
						f := p.frame
						want := f.temporal <= int(temporal) &&
							(f.id.spatial == top || f.id.spatial < top && (f.key || !l.separate))
						_, v := s.Push(0, &p.in)
						if (v == Forward) != want {
							t.Fatalf("%s up to %d, %d: frame %+v of temporal layer %d: %v",
								l.name, spatial, temporal, f.id, f.temporal, v)
						}
					}
				}
				want := Target{0, int8(top), int8(min(int(temporal), l.temporal-1))}
				if got := s.Current(); got != want {
					t.Errorf("%s up to %d, %d: current %+v, want %+v", l.name, spatial, temporal, got, want)
				}
				if _, wants := s.WantsKeyframe(); wants {
					t.Errorf("%s up to %d, %d: wants a keyframe", l.name, spatial, temporal)
				}
			}
		}
	}
}

// layeredTraffic pushes pictures of one layering over and over, at what costs most:
// some layers left out, and packets read anew.
type layeredTraffic struct {
	stream  *Stream
	encoder encoder
	packets []layerPacket
	next    int
}

func newLayeredTraffic(l layering) *layeredTraffic {
	c := &layeredTraffic{stream: NewStream(Config{Codec: l.codec, ClockRate: 90000, Memory: 1024})}
	c.encoder = encoder{layering: l, wanted: l.spatial, active: l.spatial, told: true, ext: 70000}
	for range 1000 {
		c.packets = append(c.packets, c.encoder.encode(func() int { return 2 })...)
	}
	c.stream.SetTarget(Target{0, 1, 1})
	return c
}

func (c *layeredTraffic) push() Verdict {
	p := &c.packets[c.next]
	c.next = (c.next + 1) % len(c.packets)
	p.in.Info = c.encoder.parser.Parse(c.encoder.codec, p.in.Payload, nil, false)
	_, v := c.stream.Push(time.Duration(c.next)*time.Millisecond, &p.in)
	p.in.Ext += int64(len(c.packets))
	return v
}

func TestLayersAllocateNothing(t *testing.T) {
	for _, l := range layerings {
		if l.described {
			continue // their descriptors are not kept; TestParseAllocatesNothing has some
		}
		c := newLayeredTraffic(l)
		var verdicts [NumVerdicts]int
		if n := testing.AllocsPerRun(5000, func() { verdicts[c.push()]++ }); n != 0 {
			t.Errorf("%s: Push allocates %v times", l.name, n)
		}
		if verdicts[Forward] < 500 || l.temporal > 2 && verdicts[DropTemporal] < 1000 {
			t.Errorf("%s: %v", l.name, verdicts)
		}
	}
}

func BenchmarkPushLayers(b *testing.B) {
	for _, l := range layerings {
		if l.described || l.temporal < 3 {
			continue
		}
		b.Run(l.name, func(b *testing.B) {
			c := newLayeredTraffic(l)
			b.ReportAllocs()
			for b.Loop() {
				c.push()
			}
		})
	}
}
