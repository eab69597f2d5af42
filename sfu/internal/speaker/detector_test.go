package speaker

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestSilence(t *testing.T) {
	tests := []struct {
		name  string
		voice func(time.Duration) (uint8, bool)
	}{
		{"digital silence", steady(127)},
		{"beyond the range", steady(255)},
		{"noise at -55", noise(1, 55, 6)},
		{"steady noise at -55", steady(55)},
		{"just too quiet", steady(threshold + 1)},
		{"cough of 80 ms", sound(80*time.Millisecond, 10*time.Second)},
		{"cough every second", sound(80*time.Millisecond, time.Second)},
		{"two coughs", func(now time.Duration) (uint8, bool) {
			if between(0, 80*time.Millisecond)(now) || between(240*time.Millisecond, 320*time.Millisecond)(now) {
				return 12, true
			}
			return 70, true
		}},
		{"typing", sound(20*time.Millisecond, 120*time.Millisecond)},
		{"cough out of discontinuous sending", func(now time.Duration) (uint8, bool) {
			if now%(2*time.Second) < 80*time.Millisecond {
				return 12, true
			}
			return 70, now%(400*time.Millisecond) == 0
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoom(t)
			r.voices[1] = tt.voice
			r.run(time.Minute)
			if len(r.changes) != 0 {
				t.Errorf("told %v", r.changes)
			}
		})
	}
}

func TestAttackAndRelease(t *testing.T) {
	tests := []struct {
		name  string
		level uint8
	}{{"loud", 0}, {"usual", 25}, {"as quiet as counts", threshold}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const begin, end = 2 * time.Second, 5 * time.Second
			r := newRoom(t)
			r.voices[1] = func(now time.Duration) (uint8, bool) {
				if between(begin, end)(now) {
					return tt.level, true
				}
				return 70, true
			}
			r.run(begin + 200*time.Millisecond)
			r.want()
			r.run(begin + 320*time.Millisecond)
			r.want(1)
			r.run(end + 700*time.Millisecond)
			r.want(1)
			r.run(end + 920*time.Millisecond)
			r.want()
			if got := len(r.orders()); got != 2 {
				t.Errorf("told %v", r.orders())
			}
		})
	}
}

// Somebody who speaks with the pauses of speech is one speaker all the while.
func TestSpeechIsOneTurn(t *testing.T) {
	for _, level := range []int{15, 25, 35, 39} {
		for seed := range uint64(20) {
			r := newRoom(t)
			r.voices[7] = speech(seed, level, between(time.Second, 30*time.Second))
			r.run(40 * time.Second)
			if got := r.orders(); len(got) != 2 || len(got[0]) != 1 || len(got[1]) != 0 {
				t.Errorf("level %d: told %v", level, got)
			}
			if at := r.first(7); at > 1600*time.Millisecond {
				t.Errorf("level %d: first told at %v", level, at)
			}
		}
	}
}

func TestConversation(t *testing.T) {
	// Two people take turns of four seconds, a second apart; a third listens.
	r := newRoom(t)
	turn := func(offset time.Duration) func(time.Duration) bool {
		return func(now time.Duration) bool {
			return now >= offset && (now-offset)%(10*time.Second) < 4*time.Second
		}
	}
	r.voices[1] = speech(1, 22, turn(0))
	r.voices[2] = speech(2, 30, turn(5*time.Second))
	r.voices[3] = noise(3, 58, 5)
	for cycle := time.Duration(0); cycle < time.Minute; cycle += 10 * time.Second {
		r.run(cycle + 2*time.Second)
		r.want(1)
		r.run(cycle + 7*time.Second)
		r.want(2)
	}
	if at := r.first(3); at >= 0 {
		t.Errorf("the listener was told at %v", at)
	}
	if got := len(r.orders()); got > 6*4 {
		t.Errorf("%d orders in 12 turns: %v", got, r.orders())
	}
}

func TestTwoAtOnce(t *testing.T) {
	r := newRoom(t)
	r.voices[1] = speech(1, 32, always)
	r.voices[2] = speech(2, 20, between(3*time.Second, time.Hour))
	r.run(3 * time.Second)
	r.want(1)
	r.run(6 * time.Second)
	r.want(2, 1) // the louder one overtakes
	r.voices[2] = steady(70)
	r.run(7 * time.Second)
	r.want(1)
}

// Two who are about as loud keep their places, whatever the order of their
// syllables.
func TestOrderIsStable(t *testing.T) {
	for seed := range uint64(20) {
		r := newRoom(t)
		r.voices[1] = speech(seed, 26, between(time.Second, time.Minute))
		r.voices[2] = speech(seed+100, 24, between(3*time.Second, time.Minute))
		r.run(time.Minute)
		if got := r.orders(); len(got) > 4 {
			t.Errorf("seed %d: %d orders: %v", seed, len(got), got)
		}
	}
}

// Who begins at the same moment comes in the order of loudness, then of ids.
func TestOrderOfBeginners(t *testing.T) {
	for range 20 {
		r := newRoom(t)
		r.voices[1] = steady(30)
		r.voices[2] = steady(20)
		r.voices[3] = steady(25)
		r.voices[4] = steady(25)
		r.run(time.Second)
		r.want(2, 3, 4, 1)
	}
}

// The loudest goes ahead of everyone who is clearly quieter, past those between.
func TestLoudestFirst(t *testing.T) {
	levels := map[uint32]uint8{1: 30, 2: 28, 3: 26}
	r := newRoom(t)
	for id := range levels {
		begin := time.Duration(id) * time.Second
		r.voices[id] = sending(begin, time.Hour, func(time.Duration) (uint8, bool) { return levels[id], true })
	}
	r.run(5 * time.Second)
	r.want(1, 2, 3)
	levels[3] = 24 // 4 dB louder than 2, 6 dB than 1
	r.run(7 * time.Second)
	r.want(3, 1, 2)
}

func TestStopsSending(t *testing.T) {
	for _, length := range []time.Duration{400 * time.Millisecond, 3 * time.Second, 30 * time.Second} {
		end := time.Second + length
		r := newRoom(t)
		r.voices[1] = sending(time.Second, end, steady(20))
		r.run(end + 600*time.Millisecond)
		r.want(1)
		r.run(end + 1020*time.Millisecond)
		r.want()
	}
}

// A track that returns after a long time is no speaker at once.
func TestReturns(t *testing.T) {
	r := newRoom(t)
	r.voices[1] = sending(0, time.Second, steady(20))
	r.run(time.Second)
	r.want(1)
	r.now = time.Hour // and not one update in between
	r.d.Level(1, 20, r.now)
	r.update()
	r.want()
}

// Discontinuous sending, one packet per 400 ms of silence, is silence.
func TestDiscontinuousSending(t *testing.T) {
	r := newRoom(t)
	r.voices[1] = func(now time.Duration) (uint8, bool) {
		if now%(5*time.Second) < 2*time.Second {
			return 25, true
		}
		return 127, now%(400*time.Millisecond) == 0
	}
	r.run(2 * time.Second)
	r.want(1)
	r.run(3100 * time.Millisecond)
	r.want()
	r.run(6 * time.Second)
	r.want(1)
}

// Loss, packets of 60 ms and bursts delay a speaker, but don't hide one.
func TestSparsePackets(t *testing.T) {
	lossy := rand.New(rand.NewPCG(5, 5))
	tests := []struct {
		name  string
		voice func(time.Duration) (uint8, bool)
	}{
		{"30 % loss", func(time.Duration) (uint8, bool) { return 25, lossy.IntN(10) >= 3 }},
		{"60 ms packets", func(now time.Duration) (uint8, bool) { return 25, now%(60*time.Millisecond) == 0 }},
		{"bursts each 100 ms", func(now time.Duration) (uint8, bool) { return 25, now%period == 0 }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRoom(t)
			r.voices[1] = tt.voice
			r.run(20 * time.Second)
			if at := r.first(1); at < 0 || at > 700*time.Millisecond {
				t.Errorf("first told at %v", at)
			}
			if got := r.orders(); len(got) != 1 {
				t.Errorf("told %v", got)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	r := newRoom(t)
	r.voices[1] = steady(20)
	r.voices[2] = steady(35)
	r.run(time.Second)
	r.want(1, 2)
	delete(r.voices, 1)
	r.d.Remove(1)
	r.d.Remove(1)
	r.d.Remove(99)
	r.run(1100 * time.Millisecond)
	r.want(2)
	// The same id again is another track, which must earn its place.
	r.voices[1] = steady(20)
	r.run(1220 * time.Millisecond)
	r.want(2)
	r.run(2 * time.Second)
	r.want(1, 2)
}

// An id removed and used again between two updates must not appear twice.
func TestRemoveAndReturn(t *testing.T) {
	r := newRoom(t)
	r.voices[1] = steady(20)
	r.run(time.Second)
	r.want(1)
	r.d.Remove(1)
	r.run(1020 * time.Millisecond)
	r.want()
}

// Another speaker who is just as loud is news, however short after the last.
func TestReplaced(t *testing.T) {
	r := newRoom(t)
	r.voices[1] = sending(0, time.Second, steady(20))
	r.voices[2] = sending(700*time.Millisecond, time.Hour, steady(20))
	r.run(920 * time.Millisecond)
	r.want(1)
	r.d.Remove(1)
	delete(r.voices, 1)
	r.run(1020 * time.Millisecond)
	r.want(2)
}

func TestLevelUpdates(t *testing.T) {
	level := uint8(20)
	r := newRoom(t)
	r.voices[1] = func(time.Duration) (uint8, bool) { return level, true }
	r.run(3 * time.Second)
	settled := len(r.changes)
	r.run(10 * time.Second)
	if len(r.changes) != settled {
		t.Errorf("a steady level was told again: %v", r.changes[settled:])
	}
	if got := r.speakers[0].Level; math.Abs(got-0.8) > 0.1 {
		t.Errorf("level %v of -20 dBov", got)
	}
	level = 40
	r.run(13 * time.Second)
	if got := r.speakers[0].Level; math.Abs(got-0.4) > 0.1 {
		t.Errorf("level %v of -40 dBov", got)
	}
	for i, c := range r.changes[settled:] {
		if gap := c.at - r.changes[settled+i-1].at; gap < levelInterval {
			t.Errorf("told at %v, %v after the last", c.at, gap)
		}
	}
	if len(r.changes) == settled {
		t.Error("a level 20 dB lower was not told")
	}
}

// Time that stands still or runs backwards, as between sockets, does no harm.
func TestTimeBackwards(t *testing.T) {
	r := newRoom(t)
	r.voices[1] = func(now time.Duration) (uint8, bool) {
		r.d.Level(1, 20, now-time.Second)
		r.d.Level(1, 20, now)
		return 20, true
	}
	r.run(180 * time.Millisecond)
	r.want()
	r.run(time.Second)
	r.want(1)
	if _, changed := r.d.Update(0); changed {
		t.Error("an update in the past changed something")
	}
}

func TestAllocatesNothing(t *testing.T) {
	d := New()
	var now time.Duration
	step := func() {
		for id := range uint32(50) {
			level := uint8(20)
			if id > 3 {
				level = 60
			}
			d.Level(id, level, now)
		}
		d.Update(now)
		now += packet
	}
	for range 500 {
		step()
	}
	if speakers, _ := d.Update(now); len(speakers) != 4 {
		t.Fatalf("speaking %v", speakers)
	}
	if allocs := testing.AllocsPerRun(500, step); allocs != 0 {
		t.Errorf("%v allocations per step", allocs)
	}
}

// FuzzDetector drives a Detector with any calls: each byte triple is an id and
// what to do, a level, and how time moves.
func FuzzDetector(f *testing.F) {
	f.Add([]byte{1, 20, 20, 2, 30, 0, 0x81, 0, 20, 0x41, 0, 0})
	f.Add(slices.Repeat([]byte{1, 20, 20, 2, 25, 0, 0x80, 0, 0}, 40))
	f.Fuzz(func(t *testing.T, calls []byte) {
		r := newRoom(t)
		calls = calls[:min(len(calls), 3000)] // less than the two hours below
		for ; len(calls) >= 3; calls = calls[3:] {
			id, level := uint32(calls[0]&7), calls[1]
			r.now += time.Duration(int8(calls[2])) * 5 * time.Millisecond
			switch calls[0] >> 6 {
			case 1:
				r.d.Remove(id)
			case 2:
				r.update()
			default:
				r.d.Level(id, level, r.now)
			}
		}
		r.now += 2 * time.Hour
		r.update()
		r.want()
	})
}

func BenchmarkLevel(b *testing.B) {
	d := New()
	var now time.Duration
	b.ReportAllocs()
	for b.Loop() {
		now += time.Millisecond
		d.Level(uint32(now/time.Millisecond)%50, 30, now)
	}
}

func BenchmarkUpdate(b *testing.B) {
	d := New()
	var now time.Duration
	for ; now < time.Second; now += packet {
		for id := range uint32(500) {
			d.Level(id, 20+uint8(id%100), now)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		d.Update(now)
	}
}
