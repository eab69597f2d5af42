package forward

import (
	"bytes"
	"slices"
	"sort"
	"testing"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// record is what the viewer remembers of a packet that it got.
type record struct {
	found    Found
	source   int // which source of the layer it came from
	asks     int
	answers  int
	answered time.Duration
}

// viewer is a model of what a subscription must give, in maps and lists. It sees
// each Push and its outcome and knows what a decoder needs: it fails the test
// where a packet comes under a number, a timestamp or a picture id that a stream
// without any switch would not have, and where one is withheld without a reason.
type viewer struct {
	t      testing.TB
	config Config

	target  int8
	layers  [MaxLayers]seen
	started bool
	top     int64 // the highest number got
	got     map[int64]*record
	passed  []passed // when numbers were reached, in order

	// The run that flows, if any does; lost says that the last one lost its thread.
	alive, lost bool
	layer       int8
	startExt    int64
	startOut    int64
	newest      int64   // of the run, sent or skipped
	key         int64   // the first number of the newest keyframe
	skips       []int64 // paddings left out of the run's numbering
	offset      uint32
	shift       [3]uint16 // picture id, TL0PICIDX, KEYIDX: sent less source's

	topTimestamp uint32
	topAt        time.Duration
	numbers      [3]uint16 // sent with the newest packet
	packets      uint32
}

// passed is when a number and all below it were sent or left for holes.
type passed struct {
	out int64
	at  time.Duration
}

// mayForget: a number is among neither the newest few nor those of the time remembered.
func (v *viewer) mayForget(now time.Duration, out int64) bool {
	i := sort.Search(len(v.passed), func(i int) bool { return v.passed[i].out >= out })
	return v.top-out >= int64(min(firstMemory, v.config.Memory)) && (i == len(v.passed) || now-v.passed[i].at >= remembered)
}

// seen is what was pushed of one layer.
type seen struct {
	any      bool
	newest   int64
	source   int
	keyframe map[uint32]bool // timestamps of keyframes
}

func newViewer(t testing.TB, c Config) *viewer {
	v := &viewer{t: t, config: c, target: noLayer, layer: noLayer, got: map[int64]*record{}}
	v.top = int64(c.FirstSequence) + 1<<32 - 1
	for i := range v.layers {
		v.layers[i].keyframe = map[uint32]bool{}
	}
	return v
}

// restart mirrors Stream.Restart.
func (v *viewer) restart(layer int8) {
	v.layers[layer] = seen{source: v.layers[layer].source + 1, keyframe: map[uint32]bool{}}
	if layer == v.layer {
		v.lost = v.lost || v.alive
		v.alive = false
	}
}

// number is what a packet of the run must go out as.
func (v *viewer) number(ext int64) int64 {
	before, _ := slices.BinarySearch(v.skips, ext)
	return v.startOut + ext - v.startExt - int64(before)
}

// spansSince is how many stretches of padding the run had after ext.
func (v *viewer) spansSince(ext int64) (n int) {
	for i, skip := range v.skips {
		if skip > ext && (i == 0 || v.skips[i-1] != skip-1) {
			n++
		}
	}
	return n
}

// push checks the outcome of one Push.
func (v *viewer) push(now time.Duration, in *Input, edit wire.Edit, verdict Verdict) {
	v.t.Helper()
	l := &v.layers[in.Layer]
	late := l.any && in.Ext <= l.newest
	gap := l.any && in.Ext > l.newest+1
	start := v.config.Codec.IsAudio()
	if in.Info.Keyframe && len(in.Payload) > 0 && !start {
		start = !l.keyframe[in.Timestamp] && !(gap && v.config.Codec == codec.H264 && in.Info.Width == 0)
		if !late {
			l.keyframe[in.Timestamp] = true
		}
	}
	start = start && !late && len(in.Payload) > 0
	if !late {
		l.any, l.newest = true, in.Ext
	}

	if v.target == noLayer {
		v.expect(in, verdict, DropPaused)
		if in.Layer == v.layer {
			v.alive, v.lost = false, false
		}
		return
	}
	if v.alive && in.Layer == v.layer && v.number(in.Ext) > v.top+maxHole+1 {
		v.alive, v.lost = false, true
	}
	begins := start && (in.Layer == v.target && !(v.alive && v.layer == v.target) ||
		in.Layer == v.layer && v.lost)
	switch {
	case begins:
		v.expect(in, verdict, Forward)
		v.begin(now, in, edit)
		v.key = v.top
	case v.alive && in.Layer == v.layer:
		v.flow(now, in, edit, verdict)
		if start && verdict == Forward {
			v.key = v.top
		}
	case len(in.Payload) == 0:
		v.expect(in, verdict, DropEmpty)
	case in.Layer != v.target:
		v.expect(in, verdict, DropLayer)
	case late:
		v.expect(in, verdict, DropLate)
	default:
		v.expect(in, verdict, DropKeyframe)
	}
}

func (v *viewer) expect(in *Input, got, want Verdict) {
	v.t.Helper()
	if got != want {
		v.t.Fatalf("layer %d ext %d (%d bytes, keyframe %v): %v, want %v",
			in.Layer, in.Ext, len(in.Payload), in.Info.Keyframe, got, want)
	}
}

// begin checks the first packet of a run: the next number, a timestamp that goes
// on from the last, the next picture.
func (v *viewer) begin(now time.Duration, in *Input, edit wire.Edit) {
	v.t.Helper()
	v.alive, v.lost, v.layer = true, false, in.Layer
	v.startExt, v.startOut, v.newest, v.skips = in.Ext, v.top+1, in.Ext, nil
	v.offset = edit.Timestamp - in.Timestamp
	if !v.started {
		if edit.Timestamp != v.config.FirstTimestamp {
			v.t.Fatalf("first timestamp %d, want %d", edit.Timestamp, v.config.FirstTimestamp)
		}
	} else {
		v.continues(now, edit.Timestamp)
	}
	numbers, widths := v.pictures(in, edit)
	for i, sent := range numbers {
		if mask := uint16(1)<<widths[i] - 1; v.started && sent != (v.numbers[i]+1)&mask {
			v.t.Fatalf("picture number %d of kind %d after %d", sent, i, v.numbers[i])
		}
	}
	v.shift = v.shifts(in, edit)
	v.started = true
	v.deliver(now, in, edit, v.startOut)
}

// continues checks a run's first timestamp against the newest sent.
func (v *viewer) continues(now time.Duration, timestamp uint32) {
	v.t.Helper()
	rate := int64(v.config.ClockRate)
	least := rate / 1000
	if v.config.Codec.IsAudio() {
		least = 480 // packets of at least 10 ms
	}
	passed := int64(max(0, now-v.topAt).Seconds() * float64(rate))
	step := near(passed, timestamp-v.topTimestamp)
	if step < least || step > max(passed, rate/10)+2*rate || step < passed-2*rate-rate/10 {
		v.t.Fatalf("%d ticks from one run to the next, %d passed", step, passed)
	}
}

// flow checks a packet of the run.
func (v *viewer) flow(now time.Duration, in *Input, edit wire.Edit, verdict Verdict) {
	v.t.Helper()
	out := v.number(in.Ext)
	_, skipped := slices.BinarySearch(v.skips, in.Ext)
	switch {
	case in.Ext > v.newest && len(in.Payload) == 0:
		v.expect(in, verdict, DropEmpty)
		v.skips = append(v.skips, in.Ext)
		v.newest = in.Ext
	case in.Ext < v.startExt || v.spansSince(in.Ext) >= maxSpans:
		v.expect(in, verdict, DropLate)
	case skipped || v.got[out] != nil && out > v.top-int64(v.config.Memory):
		if verdict != DropLate { // in spans so old that either is right
			v.expect(in, verdict, DropDuplicate)
		}
	case out <= v.top-int64(v.config.Memory):
		v.expect(in, verdict, DropLate)
	case verdict == DropLate && v.mayForget(now, out):
	default:
		v.expect(in, verdict, Forward)
		v.deliver(now, in, edit, out)
	}
}

// deliver checks a forwarded packet's numbers and takes it.
func (v *viewer) deliver(now time.Duration, in *Input, edit wire.Edit, out int64) {
	v.t.Helper()
	if edit.Sequence != uint16(out) {
		v.t.Fatalf("layer %d ext %d went out as %d, want %d", in.Layer, in.Ext, edit.Sequence, uint16(out))
	}
	if v.got[out] != nil {
		v.t.Fatalf("number %d twice", edit.Sequence)
	}
	if edit.Timestamp-in.Timestamp != v.offset {
		v.t.Fatalf("layer %d ext %d: timestamp off by %d within a run", in.Layer, in.Ext, edit.Timestamp-in.Timestamp-v.offset)
	}
	numbers, _ := v.pictures(in, edit)
	if len(in.Payload) > 0 && v.shifts(in, edit) != v.shift {
		v.t.Fatalf("layer %d ext %d: picture numbers %v stray within a run", in.Layer, in.Ext, numbers)
	}
	v.got[out] = &record{
		found:  Found{Layer: in.Layer, Ext: in.Ext, Edit: edit, Upper: edit.Empty || v.config.Codec.IsVideo() && in.Info.Temporal > 0},
		source: v.layers[in.Layer].source,
	}
	v.packets++
	if out <= v.top {
		return
	}
	v.top, v.newest = out, max(v.newest, in.Ext)
	v.passed = append(v.passed, passed{out, now})
	if len(in.Payload) > 0 {
		v.numbers = numbers
	}
	if ahead := int32(edit.Timestamp - v.topTimestamp); ahead > 0 || ahead < -2*int32(v.config.ClockRate) || v.packets == 1 {
		v.topTimestamp, v.topAt = edit.Timestamp, now
	}
}

// pictures are the VP8 numbers that a viewer gets, with their widths in bits; it
// checks that nothing else of the payload changed.
func (v *viewer) pictures(in *Input, edit wire.Edit) (numbers [3]uint16, widths [3]uint8) {
	v.t.Helper()
	if v.config.Codec != codec.VP8 || len(in.Payload) == 0 {
		if edit.PatchLen != 0 {
			v.t.Fatalf("patched what has no picture numbers")
		}
		return numbers, widths
	}
	payload := patched(in.Payload, &edit)
	info := parse(codec.VP8, payload)
	numbers = [3]uint16{info.PictureID, uint16(info.TL0PicIdx), uint16(info.KeyIdx)}
	if info.PictureIDBits > 0 {
		widths[0] = info.PictureIDBits
	}
	if info.HasTL0PicIdx {
		widths[1] = 8
	}
	if info.HasKeyIdx {
		widths[2] = 5
	}
	back, n := codec.PatchNumbers(codec.VP8, &info, payload, in.Info.PictureID, in.Info.TL0PicIdx, in.Info.KeyIdx)
	copy(payload, back[:n])
	if !bytes.Equal(payload, in.Payload) {
		v.t.Fatalf("the patch changed more than picture numbers")
	}
	return numbers, widths
}

// shifts are sent less source's numbers.
func (v *viewer) shifts(in *Input, edit wire.Edit) (shift [3]uint16) {
	numbers, widths := v.pictures(in, edit)
	from := [3]uint16{in.Info.PictureID, uint16(in.Info.TL0PicIdx), uint16(in.Info.KeyIdx)}
	for i := range shift {
		shift[i] = (numbers[i] - from[i]) & (1<<widths[i] - 1)
	}
	return shift
}

// lookup checks the outcome of one Lookup of the number that is behind the newest.
func (v *viewer) lookup(now, rtt time.Duration, behind uint16, found Found, result LookupResult) {
	v.t.Helper()
	r := v.got[v.top-int64(behind)]
	gone := r == nil || r.source != v.layers[r.found.Layer].source
	out := v.top - int64(behind)
	want := Hit
	switch {
	case !v.started || behind >= 1<<15 || out <= int64(v.config.FirstSequence)+1<<32-1:
		want = Unknown
	case v.config.Codec.IsVideo() && out < v.key:
		want = Passed
	case gone:
		want = Hole
	case r.asks >= 10:
		want = TooOften
	case r.answers > 0 && now-r.answered < max(rtt, 20*time.Millisecond):
		want = TooSoon
	}
	if result == Forgotten && (int(behind) >= v.config.Memory || v.mayForget(now, v.top-int64(behind))) {
		return // forgotten, as it may be
	}
	if result != want {
		v.t.Fatalf("lookup %d behind the newest: %v, want %v", behind, result, want)
	}
	if want == Hit || want == TooSoon || want == TooOften {
		r.asks++
	}
	if result == Hit {
		expected := r.found
		expected.Again = r.answers > 0
		if found != expected {
			v.t.Fatalf("lookup found %+v, want %+v", found, expected)
		}
		r.answers++
		r.answered = now
	}
}
