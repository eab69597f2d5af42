package forward

import (
	"math/rand/v2"
	"testing"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// script is a course of events as bytes. After its end all bytes are 0.
type script struct{ rest []byte }

func (s *script) next() int {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return int(b)
}

// pick is one of n.
func (s *script) pick(n int) int { return s.next() % n }

// scene is a publisher, a lossy network and a subscription with its viewer.
type scene struct {
	script script
	stream *Stream
	viewer *viewer
	config Config
	now    time.Duration
	layers [3]publisherLayer
	onWay  []Input // held back by the network
	last   Input   // pushed last

	verdicts [NumVerdicts]int
	lookups  [NumLookupResults]int
	runs     int
}

func newScene(t testing.TB, b []byte) *scene {
	c := &scene{script: script{b}}
	kinds := []struct {
		codec  codec.Codec
		fields vp8Fields
	}{
		{codec.VP8, vp8Fields{15, true, true}},
		{codec.VP8, vp8Fields{7, true, true}},
		{codec.VP8, vp8Fields{bits: 15}},
		{codec.VP8, vp8Fields{}},
		{codec.H264, vp8Fields{}},
		{codec.Opus, vp8Fields{}},
	}
	kind := kinds[c.script.pick(len(kinds))]
	c.config = Config{
		Codec:          kind.codec,
		ClockRate:      kind.codec.ClockRate(),
		FirstSequence:  []uint16{65530, 0, 65535, 1000}[c.script.pick(4)],
		FirstTimestamp: []uint32{1<<32 - 3000, 0, 1<<31 - 1000, 12345}[c.script.pick(4)],
		Memory:         []int{8, 64, 1024}[c.script.pick(3)],
	}
	c.stream = NewStream(c.config)
	c.viewer = newViewer(t, c.config)
	for i := range c.layers {
		c.layers[i].codec, c.layers[i].fields = kind.codec, kind.fields
		c.source(int8(i))
	}
	return c
}

// source gives a layer new numbers, some of them about to wrap.
func (c *scene) source(layer int8) {
	l := &c.layers[layer]
	l.ext = []int64{65536 + 65530, 65536, 1 << 17, 1<<33 - 5, -4}[c.script.pick(5)]
	l.timestamp = []uint32{1<<32 - 6000, 0, 1 << 31, 777}[c.script.pick(4)]
	l.picture = []uint16{32760, 0, 120, 32767}[c.script.pick(4)]
	l.tl0, l.key = []uint8{250, 0}[c.script.pick(2)], []uint8{30, 0}[c.script.pick(2)]
	l.keyNext = true
	l.captured = l.timestamp + ticksAt(l.codec, c.now)
}

// run plays the script to its end and checks every step.
func (c *scene) run() {
	for len(c.script.rest) > 0 {
		c.event()
		c.settled()
	}
	for range 3 { // whatever happened, the stream must come back
		c.comeback()
	}
}

func (c *scene) event() {
	layer := int8(c.script.pick(3))
	switch op := c.script.pick(32); op {
	default:
		c.frames()
	case 16, 17:
		c.target(layer)
	case 18:
		c.target(noLayer)
	case 19, 20, 21:
		if layer, ok := c.stream.WantsKeyframe(); ok {
			c.layers[layer].keyNext = true
		}
	case 22:
		c.layers[layer].keyNext = true
	case 23:
		for range 1 + c.script.pick(3) {
			c.transmit(c.layers[layer].packet(layer, nil))
		}
	case 24, 25:
		c.report(layer)
	case 26, 27:
		c.lookup()
	case 28:
		c.release()
	case 29:
		c.layers[layer].ext += []int64{1, 5, 100, 1000, 3000}[c.script.pick(5)]
	case 30:
		c.now += []time.Duration{time.Millisecond, time.Second, time.Minute, 7 * time.Hour}[c.script.pick(4)]
	case 31:
		c.restart(layer)
	}
}

// frames captures one frame in all layers and sends its packets, all layers' in turn.
func (c *scene) frames() {
	step := 33 * time.Millisecond
	if c.config.Codec.IsAudio() {
		step = 20 * time.Millisecond
	}
	c.now += step
	packets := 1
	if c.config.Codec.IsVideo() {
		packets += c.script.pick(4)
	}
	for i := range c.layers {
		for _, in := range c.layers[i].frame(int8(i), c.now, packets) {
			c.transmit(in)
		}
	}
}

// transmit is the network's way with a packet.
func (c *scene) transmit(in Input) {
	switch c.script.pick(16) {
	case 13:
		// lost
	case 14:
		c.onWay = append(c.onWay, in)
	case 15:
		c.push(in)
		c.push(in)
	default:
		c.push(in)
	}
}

// release lets some of what was held back arrive, out of order.
func (c *scene) release() {
	for range min(len(c.onWay), 1+c.script.pick(8)) {
		i := c.script.pick(len(c.onWay))
		in := c.onWay[i]
		c.onWay = append(c.onWay[:i], c.onWay[i+1:]...)
		c.push(in)
	}
}

func (c *scene) push(in Input) {
	edit, verdict := c.stream.Push(c.now, &in)
	began := c.viewer.alive
	layer := c.viewer.layer
	c.viewer.push(c.now, &in, edit, verdict)
	if c.viewer.alive && (!began || layer != c.viewer.layer) {
		c.runs++
	}
	c.verdicts[verdict]++
	c.last = in
}

func (c *scene) target(layer int8) {
	c.stream.SetTarget(all(layer))
	c.viewer.target = layer
}

func (c *scene) restart(layer int8) {
	c.stream.Restart(layer)
	c.viewer.restart(layer)
	c.source(layer)
	kept := c.onWay[:0]
	for _, in := range c.onWay {
		if in.Layer != layer {
			kept = append(kept, in)
		}
	}
	c.onWay = kept
}

// report sends a sender report, now and then one that is off.
func (c *scene) report(layer int8) {
	skew := []time.Duration{0, 0, 0, 100 * time.Millisecond, -time.Second, time.Hour}[c.script.pick(6)]
	l := &c.layers[layer]
	ntp := wire.NTP(3_900_000_000 << 32).Add(c.now + skew)
	c.stream.SenderReport(layer, ntp, l.timestamp+ticksAt(l.codec, c.now), c.now)
}

func (c *scene) lookup() {
	behind := uint16(c.script.pick(8))
	switch c.script.pick(8) {
	case 0:
		behind <<= 13
	case 1:
		behind <<= 4
	}
	rtt := time.Duration(c.script.pick(100)) * time.Millisecond
	times := 1 + c.script.pick(5)
	if times == 5 {
		times = 12 // more often than any browser asks
	}
	for range times {
		found, result := c.stream.Lookup(c.now, rtt, uint16(c.viewer.top)-behind)
		c.viewer.lookup(c.now, rtt, behind, found, result)
		c.lookups[result]++
		c.now += time.Duration(c.script.pick(60)) * time.Millisecond
	}
}

// settled checks what the Stream says of itself.
func (c *scene) settled() {
	t := c.viewer.t
	t.Helper()
	if got := c.stream.Current().Layer; got != c.viewer.layer {
		t.Fatalf("current layer %d, want %d", got, c.viewer.layer)
	}
	on := c.viewer.alive && c.viewer.layer == c.viewer.target
	want := c.config.Codec.IsVideo() && c.viewer.target != noLayer && !on
	if layer, ok := c.stream.WantsKeyframe(); ok != want || ok && layer != c.viewer.target {
		t.Fatalf("wants a keyframe: %d, %v; want %v", layer, ok, want)
	}
	if r, ok := c.stream.Report(c.now); ok && r.Packets != c.viewer.packets {
		t.Fatalf("%d packets reported, %d got", r.Packets, c.viewer.packets)
	}
}

// comeback: a keyframe of the target, delivered, brings the viewer its picture.
func (c *scene) comeback() {
	c.target((c.viewer.layer + 1) % int8(len(c.layers)))
	for i := range c.layers {
		c.layers[i].keyNext = true
	}
	for range 2 { // H264 does without a keyframe after a loss
		c.frames()
		c.settled()
	}
	if c.viewer.layer != c.viewer.target || !c.viewer.alive {
		c.viewer.t.Fatalf("layer %d does not flow after its keyframe", c.viewer.target)
	}
}

func play(t testing.TB, b []byte) *scene {
	c := newScene(t, b)
	c.run()
	return c
}

func TestRandomScripts(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var verdicts [NumVerdicts]int
	var lookups [NumLookupResults]int
	runs := 0
	for range 500 {
		b := make([]byte, 100+rnd.IntN(3000))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		c := play(t, b)
		for v, n := range c.verdicts {
			verdicts[v] += n
		}
		for r, n := range c.lookups {
			lookups[r] += n
		}
		runs += c.runs
	}
	t.Log(verdicts, lookups, runs)
	for v, n := range verdicts {
		if n < 500 && Verdict(v) != DropTemporal && Verdict(v) != DropSpatial { // scripts want all layers
			t.Errorf("verdict %v only %d times: the scripts don't reach it", Verdict(v), n)
		}
	}
	for r, n := range lookups {
		if n < 100 {
			t.Errorf("lookup result %v only %d times: the scripts don't reach it", LookupResult(r), n)
		}
	}
	if runs < 1000 {
		t.Errorf("only %d runs", runs)
	}
}

func FuzzStream(f *testing.F) {
	for kind := range byte(6) {
		b := []byte{kind, kind, kind / 2, kind}
		for i := range 400 {
			b = append(b, byte(i*i*7+i*int(kind)))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { play(t, b[:min(len(b), 1<<13)]) })
}
