package forward

import (
	"testing"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

const (
	ms       = time.Millisecond
	ntpStart = wire.NTP(3_900_000_000<<32 | 1<<31)
)

// sender reports in tables come from a publisher whose wall clock was ntpStart at
// time 0, and whose layers' timestamps were at their bases then. skew is how far
// the report errs, in milliseconds.
func sr(layer int8, at, skew int) step {
	return step{call: func(s *Stream, source uint32) {
		rtp := layerClock(source, layer) + uint32(at*90)
		s.SenderReport(layer, ntpStart.Add(time.Duration(at+skew)*ms), rtp, time.Duration(at)*ms)
	}}
}

func TestVideoTimestamps(t *testing.T) {
	tables := map[string][]step{
		"both layers' reports place a switch, whenever its packets come": {
			target(0),
			{ext: 0, kind: key},
			sr(0, 5, 0), sr(1, 7, 0),
			target(1),
			{ext: 1, at: 100, ts: 9000, out: 1, outTS: 9000},
			{layer: 1, ext: 9, at: 350, ts: 18000, kind: key, out: 2, outTS: 18000},
			{layer: 1, ext: 10, at: 360, ts: 21000, out: 3, outTS: 21000},
			target(0),
			{ext: 11, at: 370, ts: 24000, kind: key, out: 4, outTS: 24000},
		},
		"reports that stray too far are not believed": {
			target(0),
			{ext: 0, kind: key},
			sr(0, 5, 0), sr(1, 7, 2500),
			target(1),
			{layer: 1, ext: 9, at: 100, ts: 9000, kind: key, out: 1, outTS: 9000},
			target(0),
			sr(0, 101, -60_000),
			{ext: 9, at: 200, ts: 18000, kind: key, out: 2, outTS: 18000},
		},
		"what was wrong by seconds is not taken back later": {
			target(0),
			{ext: 0, kind: key},
			sr(0, 0, 0), sr(1, 0, -1900),
			target(1),
			{layer: 1, ext: 9, at: 100, ts: 9000, kind: key, out: 1, outTS: 90}, // 1800 ms before what was sent
			restart(0), restart(1),
			target(0),
			{ext: 9, at: 3100, kind: key, out: 2, outTS: 90 + 270_000 - 9000},
		},
		"a report without a wall clock does not count": {
			target(0),
			{ext: 0, kind: key},
			sr(0, 5, 0),
			{call: func(s *Stream, _ uint32) { s.SenderReport(1, 0, 1, 0) }},
			{call: func(s *Stream, _ uint32) { s.SenderReport(MaxLayers, ntpStart, 1, 0) }},
			target(1),
			{layer: 1, ext: 9, at: 100, ts: 12000, kind: key, out: 1, outTS: 9000},
		},
		"the same picture in two layers: just after, and that is taken back": {
			target(0),
			{ext: 0, kind: key},
			sr(0, 0, 0), sr(1, 0, 0), sr(2, 0, 0),
			target(1),
			{layer: 1, ext: 0, at: 1, ts: 0, kind: key, out: 1, outTS: 90},
			{layer: 1, ext: 1, at: 33, ts: 3000, out: 2, outTS: 3090},
			target(2),
			{layer: 2, ext: 0, at: 33, ts: 3000, kind: key, out: 3, outTS: 3180},
			target(0),
			{layer: 0, ext: 1, at: 66, ts: 6000, kind: key, out: 4, outTS: 6000},
		},
		"without reports at least a frame, which is taken back": {
			target(0),
			{ext: 0, kind: key},
			target(1),
			{layer: 1, ext: 0, at: 10, ts: 5, kind: key, out: 1, outTS: 3000},
			target(0),
			{layer: 0, ext: 1, at: 110, ts: 77, kind: key, out: 2, outTS: 9900},
		},
		"the clock of who reads it stepped back": {
			target(0),
			{ext: 0, at: 100, kind: key},
			target(1),
			{layer: 1, ext: 0, at: 90, ts: 5, kind: key, out: 1, outTS: 3000},
		},
		"after a pause the source's own clock": {
			target(0),
			{ext: 0, kind: key},
			target(-1),
			{ext: 1, at: 33, ts: 3000, want: DropPaused},
			target(0),
			{ext: 2, at: 5100, ts: 450_000, kind: key, out: 1, outTS: 450_000},
		},
		"unless it stood still": {
			target(0),
			{ext: 0, kind: key},
			target(-1),
			{ext: 1, at: 33, ts: 3000, want: DropPaused},
			target(0),
			{ext: 2, at: 5000, ts: 6000, kind: key, out: 1, outTS: 450_000},
		},
		"the source's own deltas within a run, reordered frames too": {
			target(0),
			{ext: 0, kind: key},
			{ext: 1, at: 33, ts: 9000, out: 1, outTS: 9000},
			{ext: 2, at: 66, ts: 3000, out: 2, outTS: 3000},
			{ext: 3, at: 70, ts: 6000, out: 3, outTS: 6000},
			target(1),
			{layer: 1, ext: 2, at: 71, ts: 3000, kind: key, out: 4, outTS: 9000 + 38*90},
		},
		"a source that steps back far is followed": {
			target(0),
			{ext: 0, ts: 0, kind: key},
			{ext: 1, at: 33, ts: 900_000, out: 1, outTS: 900_000},
			{ext: 2, at: 66, ts: 6000, out: 2, outTS: 6000},
			target(1),
			{layer: 1, ext: 2, at: 166, ts: 3, kind: key, out: 3, outTS: 15000},
		},
	}
	for name, steps := range tables {
		t.Run(name, func(t *testing.T) { runTable(t, codec.VP9, steps) })
	}
}

func TestAudioTimestamps(t *testing.T) {
	tables := map[string][]step{
		"DTX keeps the source's deltas": {
			target(0),
			{ext: 0},
			{ext: 1, at: 20, ts: 960, out: 1, outTS: 960},
			{ext: 2, at: 900, ts: 960 + 19200, out: 2, outTS: 960 + 19200},
			{ext: 3, at: 901, ts: 960 + 38400, out: 3, outTS: 960 + 38400},
		},
		"packets of 10 ms": {
			target(0),
			{ext: 0},
			{ext: 1, at: 10, ts: 480, out: 1, outTS: 480},
			restart(0),
			{ext: 0, at: 11, ts: 77, out: 2, outTS: 960},
		},
		"a hole is no long packet, nor is a new run": {
			target(0),
			{ext: 0},
			{ext: 2, at: 40, ts: 1920, out: 2, outTS: 1920},
			target(1),
			{layer: 1, ext: 3, at: 41, ts: 1920 + 3000 - 1_000_000_007, out: 3, outTS: 2880}, // 3000 after by chance
			target(0),
			{ext: 3, at: 42, ts: 4000, out: 4, outTS: 3840},
			{ext: 4, at: 43, ts: 4100, out: 5, outTS: 3940},
			restart(0),
			{ext: 5, at: 44, ts: 4200, out: 6, outTS: 4040},
		},
		"packets of 60 ms, and silence is none": {
			target(0),
			{ext: 0},
			{ext: 1, at: 60, ts: 2880, out: 1, outTS: 2880},
			{ext: 2, at: 500, ts: 22080, out: 2, outTS: 22080},
			restart(0),
			{ext: 0, at: 501, ts: 77, out: 3, outTS: 22080 + 2880},
		},
	}
	for name, steps := range tables {
		t.Run(name, func(t *testing.T) { runTable(t, codec.Opus, steps) })
	}
}

// Layers of one capture clock, switched at every frame: the frame that a switch
// adds must not add up.
func TestSwitchesDoNotDrift(t *testing.T) {
	for _, reports := range []bool{true, false} {
		s := NewStream(Config{Codec: codec.VP9, ClockRate: 90000, FirstTimestamp: 1<<32 - 40*3000, Memory: 64})
		if reports {
			for layer := range int8(3) {
				s.SenderReport(layer, ntpStart, layerClock(7, layer), 0)
			}
		}
		for frame := range 500 {
			at := time.Duration(frame) * time.Second / 30
			if frame%5 == 0 {
				s.SetTarget(all(int8(frame / 5 % 3)))
			}
			for layer := range int8(3) {
				in := Input{Layer: layer, Ext: int64(frame), Timestamp: layerClock(7, layer) + uint32(frame*3000), Payload: []byte{1}, Info: plain(false)}
				in.Info.Keyframe = frame%5 == 0
				edit, v := s.Push(at+time.Duration(layer)*ms, &in)
				if v != Forward {
					continue
				}
				most := int32(300)
				if !reports {
					most = 2 * 3000
				}
				if ahead := int32(edit.Timestamp - uint32(1<<32-40*3000) - uint32(frame*3000)); ahead < 0 || ahead > most {
					t.Fatalf("reports %v: frame %d is %d ticks ahead of its capture", reports, frame, ahead)
				}
			}
		}
	}
}

// Silence and pauses that outlast half of a timestamp's range (12.4 h at 48 kHz)
// must not confuse what comes after.
func TestHoursOfSilence(t *testing.T) {
	for _, paused := range []bool{false, true} {
		for hours := 1; hours <= 60; hours++ {
			s := NewStream(Config{Codec: codec.Opus, ClockRate: 48000, Memory: 16})
			s.SetTarget(all(0))
			s.Push(0, &Input{Ext: 0, Timestamp: 5, Payload: []byte{1}, Info: plain(false)})
			if paused {
				s.SetTarget(all(-1))
				s.Push(ms, &Input{Ext: 1, Timestamp: 965, Payload: []byte{1}, Info: plain(false)})
				s.SetTarget(all(0))
			}
			at := time.Duration(hours) * time.Hour
			ticks := uint32(at / time.Second * 48000)
			edit, v := s.Push(at, &Input{Ext: 2, Timestamp: 5 + ticks, Payload: []byte{1}, Info: plain(false)})
			if v != Forward || edit.Timestamp != ticks {
				t.Fatalf("paused %v, %d h: %v, timestamp %d, want %d", paused, hours, v, edit.Timestamp, ticks)
			}
			s.Restart(0)
			edit, _ = s.Push(at+100*ms, &Input{Ext: 3, Timestamp: 99, Payload: []byte{1}, Info: plain(false)})
			if got := edit.Timestamp - ticks; got != 4800 {
				t.Fatalf("paused %v, %d h: %d ticks in the 100 ms after", paused, hours, got)
			}
		}
	}
}

func TestReport(t *testing.T) {
	s := NewStream(Config{Codec: codec.VP9, ClockRate: 90000, FirstTimestamp: 1<<32 - 100, Memory: 16})
	push := func(at time.Duration, layer int8, ext int64, ts uint32, kind bool) {
		t.Helper()
		in := Input{Layer: layer, Ext: ext, Timestamp: ts, Payload: make([]byte, 100), Info: plain(kind)}
		if _, v := s.Push(at, &in); v != Forward {
			t.Fatalf("layer %d ext %d: %v", layer, ext, v)
		}
	}
	check := func(when string, now time.Duration, want Report) {
		t.Helper()
		if got, ok := s.Report(now); !ok || got != want {
			t.Fatalf("%s: %+v, %v; want %+v", when, got, ok, want)
		}
	}
	none := func(when string) {
		t.Helper()
		if got, ok := s.Report(0); ok {
			t.Fatalf("%s: %+v, want none", when, got)
		}
	}
	first := uint32(1<<32 - 100)
	none("at first")
	s.SetTarget(all(0))
	push(0, 0, 1, 50_000, true)
	none("before the publisher's")
	s.SenderReport(1, ntpStart, 70_000, 10*ms)
	none("with one of another layer")
	s.SenderReport(0, ntpStart, 50_900, 30*ms)
	check("at once", 30*ms, Report{ntpStart, first + 900, 1, 100})
	push(100*ms, 0, 2, 59_000, false)
	check("later", 1030*ms, Report{ntpStart.Add(time.Second), first + 900 + 90_000, 2, 200})
	check("from before it came", 20*ms, Report{ntpStart.Add(-10 * ms), first, 2, 200})

	// Layer 1 was at 70000 when layer 0 was at 50900, so its 79000 is 100 ms on.
	s.SetTarget(all(1))
	push(140*ms, 1, 5, 79_900, true)
	check("after a switch", 10*ms, Report{ntpStart, first + 900, 3, 300})

	s.SetTarget(all(-1))
	s.Push(150*ms, &Input{Layer: 1, Ext: 6, Payload: []byte{1}, Info: plain(false)})
	s.SenderReport(1, ntpStart.Add(time.Second), 160_000, 1010*ms)
	check("while paused", 2010*ms, Report{ntpStart.Add(2 * time.Second), first + 900 + 180_000, 3, 300})

	s.Restart(1)
	none("after a restart")
	s.SetTarget(all(1))
	s.SenderReport(1, ntpStart.Add(3*time.Second), 4, 3000*ms)
	none("before anything of the new source")
	push(3000*ms, 1, 1, 4, true)
	// 2860 ms after the frame at 79900, which went out as first+900+9900.
	check("with the new source", 3000*ms, Report{ntpStart.Add(3 * time.Second), first + 900 + 9900 + 2860*90, 4, 400})
}
