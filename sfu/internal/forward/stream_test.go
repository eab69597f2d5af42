package forward

import (
	"fmt"
	"testing"
	"time"

	"plenum/sfu/internal/codec"
)

// kind is what a packet of a table is.
type kind uint8

const (
	delta kind = iota
	key
	pad
)

// step is one line of a table: a call, or a packet and what becomes of it. All
// numbers are relative to the bases that the table runs at; each layer has a
// timestamp base of its own. Time is in milliseconds.
type step struct {
	call  func(s *Stream, source uint32)
	at    int
	layer int8
	ext   int64
	ts    int64
	kind  kind
	want  Verdict
	out   int
	outTS int64
}

func target(layer int8) step {
	return step{call: func(s *Stream, _ uint32) { s.SetTarget(all(layer)) }}
}
func restart(layer int8) step { return step{call: func(s *Stream, _ uint32) { s.Restart(layer) }} }

// bases are where the numbers of a table begin: the ordinary case and the wraps.
var bases = []struct {
	sequence  uint16
	timestamp uint32
	ext       int64
	source    uint32
}{
	{1000, 5000, 70000, 900000},
	{65530, 1<<32 - 4000, 65536 + 65530, 1<<32 - 5000},
	{65535, 1<<32 - 1, 1 << 17, 1<<31 - 3000},
	{0, 0, 0, 0},
	{3, 1<<31 - 1, -5, 1 << 31},
}

func layerClock(base uint32, layer int8) uint32 { return base + uint32(layer)*1_000_000_007 }

func runTable(t *testing.T, c codec.Codec, steps []step) {
	t.Helper()
	for _, b := range bases {
		s := NewStream(Config{Codec: c, ClockRate: c.ClockRate(), FirstSequence: b.sequence, FirstTimestamp: b.timestamp, Memory: 128})
		for i, st := range steps {
			if st.call != nil {
				st.call(s, b.source)
				continue
			}
			in := Input{Layer: st.layer, Ext: b.ext + st.ext, Timestamp: layerClock(b.source, st.layer) + uint32(st.ts), Payload: []byte{1, 2, 3}}
			in.Info = plain(st.kind == key || c.IsAudio())
			if st.kind == pad {
				in.Payload = nil
			}
			edit, verdict := s.Push(time.Duration(st.at)*time.Millisecond, &in)
			where := fmt.Sprintf("base %d, step %d (layer %d ext %d)", b.sequence, i, st.layer, st.ext)
			if verdict != st.want {
				t.Fatalf("%s: verdict %v, want %v", where, verdict, st.want)
			}
			if verdict != Forward {
				continue
			}
			if got := int16(edit.Sequence - b.sequence); int(got) != st.out {
				t.Fatalf("%s: went out as %d, want %d", where, got, st.out)
			}
			if got := int32(edit.Timestamp - b.timestamp); int64(got) != st.outTS {
				t.Fatalf("%s: timestamp %d, want %d", where, got, st.outTS)
			}
		}
	}
}

func TestVideoNumbers(t *testing.T) {
	tables := map[string][]step{
		"waits for a keyframe": {
			{ext: 0, want: DropPaused},
			target(0),
			{ext: 1, want: DropKeyframe},
			{ext: 2, kind: key},
			{ext: 3, out: 1},
			{layer: 1, ext: 3, kind: key, want: DropLayer},
			{layer: -1, ext: 3, kind: key, want: DropLayer},
			{layer: MaxLayers, ext: 3, kind: key, want: DropLayer},
		},
		"lost upstream leaves a hole that a repair fills": {
			target(0),
			{ext: 0, kind: key},
			{ext: 3, at: 33, ts: 3000, out: 3, outTS: 3000},
			{ext: 1, at: 40, out: 1},
			{ext: 1, at: 41, want: DropDuplicate},
			{ext: 3, at: 41, ts: 3000, want: DropDuplicate},
			{ext: 2, at: 42, out: 2},
			{ext: 4, at: 66, ts: 6000, out: 4, outTS: 6000},
			{ext: -1, at: 67, want: DropLate},
		},
		"padding closes the numbering": {
			target(0),
			{ext: 0, kind: key},
			{ext: 1, kind: pad, want: DropEmpty},
			{ext: 2, kind: pad, want: DropEmpty},
			{ext: 3, out: 1},
			{ext: 6, kind: pad, want: DropEmpty},
			{ext: 7, out: 4},
			{ext: 4, out: 2},
			{ext: 5, kind: pad, out: 3}, // its hole is there: fill it
			{ext: 2, kind: pad, want: DropDuplicate},
			{ext: 6, kind: pad, want: DropDuplicate},
		},
		"late packet above everything sent, after padding": {
			target(0),
			{ext: 0, kind: key},
			{ext: 3, kind: pad, want: DropEmpty},
			{ext: 2, out: 2}, // 3 came first, but this is the newest that goes out
			{ext: 1, out: 1},
			target(1),
			{layer: 1, ext: 9, kind: key, out: 3, outTS: 3000},
		},
		"padding before the keyframe does nothing": {
			target(0),
			{ext: 0, kind: pad, want: DropEmpty},
			{ext: 1, kind: key},
		},
		"switch at the target's keyframe, the old layer until then": {
			target(0),
			{ext: 0, kind: key},
			target(1),
			{ext: 1, at: 33, ts: 3000, out: 1, outTS: 3000},
			{layer: 1, ext: 500, at: 33, ts: 3000, want: DropKeyframe},
			{ext: 2, at: 66, ts: 6000, out: 2, outTS: 6000},
			{layer: 1, ext: 501, at: 100, ts: 9000, kind: key, out: 3, outTS: 6000 + 34*90},
			{ext: 3, at: 100, ts: 9000, want: DropLayer},
			{layer: 1, ext: 502, at: 101, ts: 9000, out: 4, outTS: 6000 + 34*90},
			{layer: 1, ext: 500, at: 101, ts: 3000, want: DropLate},
		},
		"a switch taken back needs no keyframe": {
			target(0),
			{ext: 0, kind: key},
			target(1),
			{ext: 1, at: 33, ts: 3000, out: 1, outTS: 3000},
			target(0),
			{ext: 2, at: 66, ts: 6000, out: 2, outTS: 6000},
			{layer: 1, ext: 501, at: 100, kind: key, want: DropLayer},
		},
		"a pause in which nothing came needs no keyframe": {
			target(0),
			{ext: 0, kind: key},
			target(-1),
			{layer: 1, ext: 7, kind: key, want: DropPaused},
			target(0),
			{ext: 1, at: 33, ts: 3000, out: 1, outTS: 3000},
		},
		"pause and resume": {
			target(0),
			{ext: 0, kind: key},
			target(-1),
			{ext: 1, at: 33, ts: 3000, want: DropPaused},
			{ext: 2, at: 66, ts: 6000, kind: key, want: DropPaused},
			target(0),
			{ext: 3, at: 100, ts: 9000, want: DropKeyframe},
			{ext: 4, at: 133, ts: 12000, kind: key, out: 1, outTS: 12000},
			{ext: 3, at: 134, ts: 9000, want: DropLate},
			{ext: 5, at: 134, ts: 12000, out: 2, outTS: 12000},
		},
		"paused, then only the target resumes": {
			target(1),
			{layer: 1, ext: 0, kind: key},
			target(-1),
			{layer: 1, ext: 1, want: DropPaused},
			target(0),
			{layer: 1, ext: 2, at: 10, kind: key, want: DropLayer},
			{layer: 0, ext: 2, at: 100, kind: key, out: 1, outTS: 9000},
		},
		"a keyframe that comes late is no beginning": {
			target(0),
			{ext: 5, want: DropKeyframe},
			{ext: 4, kind: key, want: DropLate},
			{ext: 6, want: DropKeyframe},
			{ext: 7, kind: key},
		},
		"source restarts": {
			target(0),
			{ext: 0, kind: key},
			{ext: 1, out: 1},
			restart(0),
			{ext: 40000, at: 100, ts: 77777, want: DropKeyframe},
			{ext: 40001, at: 100, ts: 77777, kind: key, out: 2, outTS: 9000},
			{ext: 40002, at: 133, ts: 80777, out: 3, outTS: 12000},
			restart(0),
			{ext: 1, at: 200, ts: 5, kind: key, out: 4, outTS: 12000 + 67*90},
		},
		"all layers restart while a switch is due: the current one serves until then": {
			target(0),
			{ext: 0, kind: key},
			target(1),
			restart(0), restart(1), restart(-1), restart(MaxLayers),
			{layer: 1, ext: 3, want: DropKeyframe},
			{layer: 0, ext: 3, want: DropLayer},
			{layer: 0, ext: 4, at: 100, kind: key, out: 1, outTS: 9000},
			{layer: 1, ext: 4, at: 200, kind: key, out: 2, outTS: 18000},
		},
		"a hole too wide is a break": {
			target(0),
			{ext: 0, kind: key},
			{ext: maxHole + 1, at: 33, ts: 3000, out: maxHole + 1, outTS: 3000},
			{ext: 2*maxHole + 3, at: 66, ts: 6000, want: DropKeyframe},
			{ext: 2*maxHole + 4, at: 100, ts: 9000, kind: key, out: maxHole + 2, outTS: 9000},
			{ext: 4*maxHole + 4, at: 133, ts: 12000, kind: key, out: maxHole + 3, outTS: 12000},
		},
		"too late for the memory": {
			target(0),
			{ext: 0, kind: key},
			{ext: 129, out: 129},
			{ext: 1, want: DropLate}, // 129 took its place
			{ext: 2, out: 2},
		},
	}
	for name, steps := range tables {
		t.Run(name, func(t *testing.T) { runTable(t, codec.VP9, steps) })
	}
}

func TestAudioNumbers(t *testing.T) {
	tables := map[string][]step{
		"begins and resumes at any packet": {
			target(0),
			{ext: 0},
			{ext: 1, at: 20, ts: 960, out: 1, outTS: 960},
			target(-1),
			{ext: 2, at: 40, ts: 1920, want: DropPaused},
			{ext: 4, at: 80, ts: 3840, want: DropPaused},
			target(0),
			{ext: 3, at: 81, ts: 2880, want: DropLate}, // from the pause
			{ext: 5, at: 100, ts: 4800, out: 2, outTS: 4800},
		},
		"an empty packet is no beginning": {
			target(0),
			{ext: 0, kind: pad, want: DropEmpty},
			{ext: 1},
		},
		"switch at the next packet": {
			target(0),
			{ext: 0},
			target(1),
			{ext: 1, at: 20, ts: 960, out: 1, outTS: 960},
			{layer: 1, ext: 9, at: 40, ts: 4, out: 2, outTS: 1920},
			{ext: 2, at: 40, ts: 1920, want: DropLayer},
		},
		"restart": {
			target(0),
			{ext: 0},
			restart(0),
			{ext: -7000, at: 20, ts: 123456, out: 1, outTS: 960},
		},
		"too wide a hole is closed": {
			target(0),
			{ext: 0},
			{ext: 20000, at: 20, ts: 960, out: 1, outTS: 960},
		},
	}
	for name, steps := range tables {
		t.Run(name, func(t *testing.T) { runTable(t, codec.Opus, steps) })
	}
}

// H264 marks several packets of a keyframe as such, and without the first ones,
// the parameter sets, a picture may not decode.
func TestH264Beginning(t *testing.T) {
	s := NewStream(Config{Codec: codec.H264, ClockRate: 90000, Memory: 16})
	push := func(ext int64, ts uint32, width uint16) Verdict {
		in := Input{Ext: ext, Timestamp: ts, Payload: []byte{1}, Info: plain(true)}
		in.Info.Width = width
		_, v := s.Push(0, &in)
		return v
	}
	if v := push(1, 3000, 640); v != DropPaused {
		t.Fatalf("parameter sets while paused: %v", v)
	}
	s.SetTarget(all(0))
	if v := push(2, 3000, 0); v != DropKeyframe {
		t.Fatalf("picture whose parameter sets went before: %v", v)
	}
	if v := push(5, 6000, 0); v != DropKeyframe {
		t.Fatalf("picture whose parameter sets may be lost: %v", v)
	}
	if v := push(9, 9000, 640); v != Forward {
		t.Fatalf("parameter sets after a loss: %v", v)
	}
	if v := push(10, 9000, 0); v != Forward {
		t.Fatalf("picture after its parameter sets: %v", v)
	}
}

func TestWantsKeyframe(t *testing.T) {
	s := NewStream(Config{Codec: codec.VP8, ClockRate: 90000, Memory: 16})
	check := func(when string, want int8) {
		t.Helper()
		layer, ok := s.WantsKeyframe()
		if layer != want || ok != (want != noLayer) {
			t.Fatalf("%s: wants %d, %v; want %d", when, layer, ok, want)
		}
	}
	ext := int64(0)
	keyframe := func(layer int8) {
		ext++
		s.Push(0, &Input{Layer: layer, Ext: ext, Timestamp: uint32(ext), Payload: []byte{0x10, 0}, Info: plain(true)})
	}
	check("paused", noLayer)
	if s.Target().Layer != noLayer || s.Current().Layer != noLayer {
		t.Fatalf("new: target %d, current %d", s.Target().Layer, s.Current().Layer)
	}
	s.SetTarget(all(1))
	check("at first", 1)
	keyframe(1)
	check("flowing", noLayer)
	if s.Current().Layer != 1 {
		t.Fatalf("current %d, want 1", s.Current().Layer)
	}
	s.SetTarget(all(2))
	check("switching", 2)
	keyframe(2)
	check("switched", noLayer)
	s.Restart(0)
	check("another layer restarted", noLayer)
	s.Restart(2)
	check("restarted", 2)
	s.SetTarget(all(MaxLayers))
	check("a layer that can't be", noLayer)
	if s.Target().Layer != noLayer {
		t.Fatalf("target %d of a layer that can't be", s.Target().Layer)
	}

	a := NewStream(Config{Codec: codec.Opus, ClockRate: 48000, Memory: 16})
	a.SetTarget(all(0))
	if layer, ok := a.WantsKeyframe(); ok {
		t.Fatalf("audio wants a keyframe of %d", layer)
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for v := range NumVerdicts + 1 {
		seen[v.String()] = true
	}
	if len(seen) != int(NumVerdicts)+1 {
		t.Errorf("verdicts share names: %v", seen)
	}
	clear(seen)
	for r := range NumLookupResults + 1 {
		seen[r.String()] = true
	}
	if len(seen) != int(NumLookupResults)+1 {
		t.Errorf("lookup results share names: %v", seen)
	}
}
