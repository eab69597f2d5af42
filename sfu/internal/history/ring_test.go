package history

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

const ms = time.Millisecond

// packet is told apart from every other by its content and size.
func packet(ext int64) []byte {
	b := binary.BigEndian.AppendUint64(nil, uint64(ext))
	return append(b, bytes.Repeat([]byte{byte(ext)}, int(uint64(ext)*37%300))...)
}

func expect(t *testing.T, r *Ring, ext int64, held bool) {
	t.Helper()
	got, ok := r.Get(ext, []byte("dst"))
	want := []byte("dst")
	if held {
		want = append(want, packet(ext)...)
	}
	if ok != held || !bytes.Equal(got, want) {
		t.Fatalf("%d: held %v, want %v; %x", ext, ok, held, got)
	}
}

func TestRing(t *testing.T) {
	for _, start := range []int64{65536, 65535, 131072 - 3, 1 << 40, 0, -5} {
		r := NewRing(0, 8)
		expect(t, r, start, false)
		for i := range int64(20) {
			if !r.Put(0, start+i, packet(start+i)) {
				t.Fatalf("packet %d is not fresh", i)
			}
			if r.Put(0, start+i, []byte("other")) {
				t.Fatalf("packet %d is fresh twice", i)
			}
		}
		for i := range int64(20) {
			expect(t, r, start+i, i >= 12)
		}
		expect(t, r, start+20, false)
		if r.Put(0, start+11, packet(start+11)) {
			t.Error("one older than all is fresh")
		}
		expect(t, r, start+11, false)
		expect(t, r, start+19, true)
	}
}

func TestLatePackets(t *testing.T) {
	r := NewRing(0, 8)
	for ext := int64(100); ext < 108; ext++ {
		r.Put(0, ext, packet(ext))
	}
	r.Put(0, 112, packet(112)) // 108 to 111 are missing, 100 to 103 stay
	expect(t, r, 109, false)
	for _, ext := range []int64{110, 109, 105} {
		if got, want := r.Put(0, ext, packet(ext)), ext != 105; got != want {
			t.Errorf("%d is fresh: %v", ext, got)
		}
	}
	expect(t, r, 109, true)
	expect(t, r, 110, true)
	expect(t, r, 101, false) // 109 has its place
	expect(t, r, 105, true)
}

func TestFarJump(t *testing.T) {
	r := NewRing(time.Second, 64)
	r.Put(0, 5, packet(5))
	r.Put(1, 1<<50, packet(1<<50))
	expect(t, r, 1<<50, true)
	if r.Put(2, 6, packet(6)) {
		t.Error("a packet from before the jump is fresh")
	}
	r.Reset()
	expect(t, r, 1<<50, false)
	if !r.Put(3, 6, packet(6)) {
		t.Error("a lower number is not fresh after Reset")
	}
	expect(t, r, 6, true)
}

func TestGrowth(t *testing.T) {
	tests := []struct {
		name     string
		span     time.Duration
		most     int
		interval time.Duration
		slots    int
	}{
		{"audio for a second", time.Second, 256, 20 * ms, 64},
		{"video for two", 2 * time.Second, 2048, 5 * ms, 512},
		{"as large as allowed", 2 * time.Second, 256, 1 * ms, 256},
		{"rounded up", 2 * time.Second, 257, 1 * ms, 512},
		{"smaller than the first size", time.Second, 16, 1 * ms, 16},
		{"one", time.Second, 1, 1 * ms, 1},
		{"nonsense", time.Second, -3, 1 * ms, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := NewRing(tt.span, tt.most)
			const total = 10000
			for ext := range int64(total) {
				r.Put(time.Duration(ext)*tt.interval, ext, packet(ext))
				// Growing loses nothing: half of what can be held is there.
				back := min(ext, int64(len(r.slots)/2-1))
				if back > 0 {
					expect(t, r, ext-back, true)
				}
			}
			if len(r.slots) != tt.slots {
				t.Errorf("%d slots, want %d", len(r.slots), tt.slots)
			}
			for back := range int64(len(r.slots)) {
				expect(t, r, total-1-back, true)
			}
		})
	}
}

// checkScript holds a Ring to a model that forgets nothing: what Get finds was
// put, and the newest packets are found.
func checkScript(t *testing.T, start int64, span uint8, script []byte) {
	t.Helper()
	r := NewRing(time.Duration(span)*ms, 256)
	put := map[int64]bool{}
	highest, empty := start, true
	var now time.Duration
	for ; len(script) >= 2; script = script[2:] {
		n := int64(script[1])
		ext := highest + 1
		switch script[0] % 8 {
		case 0, 1, 2:
		case 3:
			ext = highest + 1 + n%4
		case 4:
			ext = highest - n%32
		case 5:
			ext = highest - n*2
		case 6:
			ext = highest + n*4
		case 7:
			if n == 0 {
				r.Reset()
				clear(put)
				empty = true
			}
			now += time.Duration(n) * ms / 8
			continue
		}
		size := int64(len(r.slots))
		_, held := r.Get(ext, nil)
		fresh := r.Put(now, ext, packet(ext))
		if held && !put[ext] || held && fresh {
			t.Fatalf("%d: held %v, put before %v, fresh %v", ext, held, put[ext], fresh)
		}
		if !empty && ext > highest-size && fresh == held {
			t.Fatalf("%d, within %d of %d: held %v, fresh %v", ext, size, highest, held, fresh)
		}
		if empty {
			highest, empty = ext, false
		}
		highest = max(highest, ext)
		if fresh {
			put[ext] = true
			expect(t, r, ext, true)
		}
		if len(r.slots) > 256 || len(r.slots) < int(size) {
			t.Fatalf("%d slots", len(r.slots))
		}
		for back := range int64(8) {
			expect(t, r, highest-back, put[highest-back])
		}
	}
}

func FuzzRing(f *testing.F) {
	f.Add(int64(65536), uint8(100), []byte{0, 0, 3, 2, 4, 1, 6, 100, 5, 9, 7, 0, 0, 0})
	f.Add(int64(131071), uint8(255), bytes.Repeat([]byte{0, 0, 0, 0, 7, 1}, 70))
	f.Fuzz(func(t *testing.T, start int64, span uint8, script []byte) {
		checkScript(t, start%(1<<48), span, script[:min(len(script), 800)])
	})
}

func TestRandomScripts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 100 {
		script := make([]byte, 800)
		for j := range script {
			script[j] = byte(random.Uint32())
		}
		checkScript(t, int64(i-50)*65536/10, uint8(random.Uint32()), script)
	}
}

// TestConcurrentReaders shows readers whole packets only while a writer
// replaces them and the ring grows.
func TestConcurrentReaders(t *testing.T) {
	r := NewRing(time.Hour, 1024)
	const total = 5000
	done := make(chan struct{})
	var readers sync.WaitGroup
	for i := range 4 {
		readers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 3))
			var b []byte
			for {
				select {
				case <-done:
					return
				default:
				}
				ext := random.Int64N(total)
				var ok bool
				if b, ok = r.Get(ext, b[:0]); ok && !bytes.Equal(b, packet(ext)) {
					t.Errorf("%d: %x", ext, b)
					return
				}
			}
		})
	}
	for ext := range int64(total) {
		r.Put(time.Duration(ext), ext, packet(ext))
	}
	close(done)
	readers.Wait()
}

// TestAllocatesNothing counts after every slot has seen the largest packet.
func TestAllocatesNothing(t *testing.T) {
	r := NewRing(time.Second, 128)
	raw, dst := make([]byte, 1200), make([]byte, 0, 1500)
	var ext int64
	next := func() {
		if !r.Put(time.Duration(ext)*ms, ext, raw[:600+ext*31%600]) {
			t.Fatal("not fresh")
		}
		if _, ok := r.Get(ext-50, dst); !ok && ext > 50 {
			t.Fatal("not held")
		}
		ext++
	}
	for range 128 {
		r.Put(time.Duration(ext)*ms, ext, raw)
		ext++
	}
	if n := testing.AllocsPerRun(1000, next); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestBuffersAreKept shows that what a slot has grown to survives Reset, and
// that sizes of one class share a buffer.
func TestBuffersAreKept(t *testing.T) {
	r := NewRing(time.Second, 1)
	raw := make([]byte, 1217)
	sizes := []struct{ size, room int }{{0, 0}, {1, 64}, {64, 64}, {65, 128}, {10, 128}, {1216, 1216}, {1217, 1280}}
	for i, tt := range sizes {
		if i%2 == 1 {
			r.Reset()
		}
		r.Put(0, int64(i), raw[:tt.size])
		if got := cap(r.slots[0].buf); got != tt.room {
			t.Errorf("room for %d after a packet of %d, want %d", got, tt.size, tt.room)
		}
		if got, ok := r.Get(int64(i), nil); !ok || len(got) != tt.size {
			t.Errorf("packet of %d: %d bytes, %v", tt.size, len(got), ok)
		}
	}
}

func filled() (*Ring, []byte) {
	r, raw := NewRing(time.Second, 1024), make([]byte, 1150)
	for ext := range int64(1024) {
		r.Put(0, ext, raw)
	}
	return r, raw
}

func BenchmarkPut(b *testing.B) {
	r, raw := filled()
	ext := int64(1024)
	b.ReportAllocs()
	for b.Loop() {
		r.Put(0, ext, raw)
		ext++
	}
}

func BenchmarkGet(b *testing.B) {
	r, raw := filled()
	ext := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		raw, _ = r.Get(ext&1023, raw[:0])
		ext++
	}
}
