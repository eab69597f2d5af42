package forward

import (
	"math/rand/v2"
	"testing"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

func TestLookupAnswers(t *testing.T) {
	const slow = 100 * ms
	asks := []struct {
		at, rtt time.Duration
		want    LookupResult
	}{
		{50 * ms, slow, Hit}, // at once: no answer is on its way
		{51 * ms, slow, TooSoon},
		{149 * ms, slow, TooSoon},
		{150 * ms, slow, Hit},
		{169 * ms, 0, TooSoon},
		{140 * ms, 0, TooSoon}, // an earlier reading of the clock
		{145 * ms, 0, TooSoon},
		{155 * ms, 0, TooSoon},
		{170 * ms, 0, Hit},
		{190 * ms, 0, Hit}, // ten requests so far
		{time.Hour, slow, TooOften},
	}
	s := NewStream(Config{Codec: codec.Opus, ClockRate: 48000, FirstSequence: 65535, Memory: 16})
	s.SetTarget(all(0))
	edit, _ := s.Push(0, &Input{Ext: 77, Payload: []byte{1}, Info: plain(false)})
	for i, a := range asks {
		found, got := s.Lookup(a.at, a.rtt, edit.Sequence)
		if got != a.want {
			t.Fatalf("ask %d: %v, want %v", i, got, a.want)
		}
		again := a.at > 50*ms
		if want := (Found{Layer: 0, Ext: 77, Edit: edit, Again: again}); got == Hit && found != want {
			t.Fatalf("ask %d: found %+v, want %+v", i, found, want)
		}
	}
}

func TestLookupUnknown(t *testing.T) {
	for _, b := range bases {
		s := NewStream(Config{Codec: codec.Opus, ClockRate: 48000, FirstSequence: b.sequence, Memory: 16})
		lookup := func(out int) LookupResult {
			_, r := s.Lookup(time.Hour, 0, b.sequence+uint16(out))
			return r
		}
		check := func(when string, out int, want LookupResult) {
			t.Helper()
			if got := lookup(out); got != want {
				t.Fatalf("first %d, %s, number %d: %v, want %v", b.sequence, when, out, got, want)
			}
		}
		for out := range 1 << 16 {
			check("nothing sent", out, Unknown)
		}
		s.SetTarget(all(0))
		for ext := range int64(40) {
			if ext == 35 {
				continue
			}
			s.Push(0, &Input{Ext: ext, Payload: []byte{1}, Info: plain(true)})
		}
		check("the newest", 39, Hit)
		check("the oldest held", 24, Hit)
		check("older", 23, Forgotten)
		check("never sent", -1, Unknown)
		check("lost", 35, Hole)
		check("not sent yet", 40, Unknown)
		check("half the range away", 39+1<<15, Unknown)
		s.Push(0, &Input{Ext: 35, Payload: []byte{1}, Info: plain(true)})
		check("come late", 35, Hit)
		s.Restart(1)
		check("another layer restarted", 30, Hit)
		s.Restart(0)
		check("its layer restarted", 31, Hole)
		// Once around all numbers: every slot's number returns.
		for ext := range int64(1<<16 - 40) {
			s.Push(0, &Input{Ext: ext, Payload: []byte{1}, Info: plain(true)})
		}
		check("one round earlier", 35, Unknown)
	}
}

func TestMemorySizes(t *testing.T) {
	for size, want := range map[int]int64{-1: 1, 0: 1, 1: 1, 2: 2, 3: 4, 512: 512, 513: 1024, 1 << 15: 1 << 15, 1 << 20: 1 << 15} {
		m := newMemory(size)
		for out := range 8 * want {
			m.advance(0, 1<<16+out-1, 1<<16+out)
		}
		if m.size() != want {
			t.Errorf("memory of %d holds %d, want %d", size, m.size(), want)
		}
	}
}

// A memory holds what was sent within the time remembered, grows for nothing else,
// and forgets nothing by growing; what it had forgotten before does not become a
// hole that may be filled.
func TestMemoryGrows(t *testing.T) {
	for _, c := range []struct {
		rate, want int // packets in a second, and the size that they need
	}{{20, 64}, {60, 64}, {120, 128}, {250, 256}, {500, 512}, {5000, 512}} {
		for _, b := range bases {
			s := NewStream(Config{Codec: codec.Opus, ClockRate: 48000, FirstSequence: b.sequence, Memory: 512})
			s.SetTarget(all(0))
			at := func(ext int) time.Duration { return time.Second * time.Duration(ext) / time.Duration(c.rate) }
			for ext := range 4 * c.rate {
				if ext%10 == 7 {
					continue // lost
				}
				s.Push(at(ext), &Input{Ext: int64(ext), Payload: []byte{1}, Info: plain(true)})
				held := min(ext, c.rate*3/4-1, 511)
				for _, back := range []int{0, held / 2, held} {
					want := (ext-back)%10 != 7
					if got := s.memory.holds(s.numbers.top - int64(back)); got != want {
						t.Fatalf("%d a second, number %d, %d back: %v, want %v", c.rate, ext, back, got, want)
					}
				}
			}
			if s.memory.size() != int64(c.want) {
				t.Errorf("%d a second: memory of %d, want %d", c.rate, s.memory.size(), c.want)
			}
		}
	}

	s := NewStream(Config{Codec: codec.Opus, ClockRate: 48000, Memory: 512})
	s.SetTarget(all(0))
	push := func(now time.Duration, ext int64) Verdict {
		_, v := s.Push(now, &Input{Ext: ext, Payload: []byte{1}, Info: plain(true)})
		return v
	}
	for ext := range int64(200) { // slowly: it stays small
		push(time.Duration(ext)*time.Second/20, ext)
	}
	for ext := int64(200); ext < 400; ext++ { // at once: it grows
		push(10*time.Second, ext)
	}
	if s.memory.size() < 256 {
		t.Fatalf("memory of %d after a burst", s.memory.size())
	}
	if v := push(10*time.Second, 399-250); v != DropLate {
		t.Errorf("a number that was forgotten before the memory grew: %v", v)
	}
}

// Spans give every number below the newest what a plain list of the skipped ones gives.
func TestNumbersAgainstList(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := newNumbers(uint16(rnd.Uint32()))
		start, length := int64(rnd.IntN(1<<17)), int64(rnd.IntN(500))
		first := n.top + 1
		n.begin(start)
		n.newest, n.top = start, first
		out, runs := first, 0
		type entry struct {
			out  int64
			skip bool
			runs int // how many spans had begun by then
		}
		list := map[int64]entry{start: {out: first}}
		skipping := false
		newest := start
		for ext := start + 1; ext < start+length; ext++ {
			newest = ext
			if rnd.IntN(3) == 0 {
				if !skipping {
					runs++
				}
				skipping = true
				n.skip(ext, ext)
				list[ext] = entry{skip: true, runs: runs - 1}
				continue
			}
			skipping = false
			out++
			if got := n.next(ext); got != out {
				t.Fatalf("next(%d) = %d, want %d", ext, got, out)
			}
			n.newest, n.top = ext, out
			list[ext] = entry{out: out, runs: runs}
		}
		for ext := start - 3; ext <= newest; ext++ {
			e, in := list[ext]
			want := before
			switch {
			case !in, runs-e.runs >= maxSpans:
			case e.skip:
				want = skipped
			default:
				want = within
			}
			got, p := n.find(ext)
			if p != want || p == within && got != e.out {
				t.Fatalf("find(%d) = %d, %d; want %d, %d", ext, got, p, e.out, want)
			}
		}
	}
}

func TestVP8Patches(t *testing.T) {
	const start = 10
	for _, bits := range []uint8{7, 15} {
		mask := uint16(1)<<bits - 1
		s := NewStream(Config{Codec: codec.VP8, ClockRate: 90000, Memory: 64})
		push := func(layer int8, ext int64, keyframe bool, picture uint16, tl0, keyIdx uint8) (codec.Info, wire.Edit) {
			t.Helper()
			payload := vp8Payload(vp8Fields{bits: bits, tl0: true, key: true}, true, keyframe, picture, tl0, keyIdx)
			in := Input{Layer: layer, Ext: ext, Timestamp: uint32(ext), Payload: payload, Info: parse(codec.VP8, payload)}
			edit, v := s.Push(0, &in)
			if v != Forward {
				t.Fatalf("layer %d ext %d: %v", layer, ext, v)
			}
			return parse(codec.VP8, patched(payload, &edit)), edit
		}
		check := func(info codec.Info, picture uint16, tl0, keyIdx uint8) {
			t.Helper()
			if info.PictureID != picture&mask || info.TL0PicIdx != tl0 || info.KeyIdx != keyIdx&31 {
				t.Fatalf("%d bits: picture %d, TL0 %d, key %d; want %d, %d, %d", bits,
					info.PictureID, info.TL0PicIdx, info.KeyIdx, picture&mask, tl0, keyIdx&31)
			}
		}
		s.SetTarget(all(0))
		info, edit := push(0, start, true, mask-1, 254, 30)
		check(info, mask-1, 254, 30)
		if edit.PatchLen != 0 {
			t.Errorf("%d bits: patched where nothing changes", bits)
		}
		s.SetTarget(all(1))
		info, _ = push(1, 1, true, 50, 7, 3)
		check(info, mask, 255, 31)
		info, _ = push(1, 5, false, 54, 9, 3) // pictures 51 to 53 are late
		check(info, mask+4, 1, 31)
		info, _ = push(1, 3, false, 52, 8, 3)
		check(info, mask+2, 0, 31)
		s.SetTarget(all(0))
		info, _ = push(0, start+9, true, 20, 0, 0) // after the newest, not the last pushed
		check(info, mask+5, 2, 0)
		s.Restart(0)
		info, _ = push(0, start+9, true, 20, 0, 0)
		check(info, mask+6, 3, 1)
	}
}
