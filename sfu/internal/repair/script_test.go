package repair

import (
	"math/rand/v2"
	"testing"
	"time"
)

// witness watches a Tracker from outside and holds it to its promises.
type witness struct {
	tr       Tracker
	now      time.Duration
	highest  int64
	arrived  map[int64]bool
	asks     map[int64]int
	lastAsk  map[int64]time.Duration
	interval map[int64]time.Duration // the least until the next ask
	total    uint64
	repaired uint64
}

func (w *witness) receive(t *testing.T, ext int64) {
	t.Helper()
	got := w.tr.Receive(w.now, ext)
	switch {
	case ext > w.highest:
		if got != InOrder {
			t.Fatalf("%d, ahead of %d, is %d", ext, w.highest, got)
		}
		w.highest = ext
	case ext <= w.highest-window:
		if got != Old {
			t.Fatalf("%d, far behind %d, is %d", ext, w.highest, got)
		}
	case (got == Duplicate) != w.arrived[ext]:
		t.Fatalf("%d (arrived before: %v) is %d", ext, w.arrived[ext], got)
	case got == Recovered && w.asks[ext] == 0, got == Reordered && w.asks[ext] > 0, got == InOrder:
		t.Fatalf("%d, asked for %d times, is %d", ext, w.asks[ext], got)
	}
	if got == Recovered {
		w.repaired++
	}
	w.arrived[ext] = true
}

func (w *witness) due(t *testing.T, rtt time.Duration) {
	t.Helper()
	at, ok := w.tr.Next(w.now)
	if ok && at < w.now {
		t.Fatalf("next at %v, before %v", at, w.now)
	}
	before := len(w.tr.missing)
	asks := w.tr.Due(w.now, rtt, nil)
	acted := len(asks) > 0 || len(w.tr.missing) < before
	if acted != (ok && at == w.now) {
		t.Fatalf("at %v: next was %v (%v), but acted is %v", w.now, at, ok, acted)
	}
	previous := int64(-1 << 62)
	for _, seq := range asks {
		ext := w.highest - int64(uint16(w.highest)-seq)
		if w.arrived[ext] || ext <= previous || ext <= w.highest-32768 {
			t.Fatalf("asked for %d (arrived %v) after %d, highest %d", ext, w.arrived[ext], previous, w.highest)
		}
		if w.asks[ext] > 0 && w.now-w.lastAsk[ext] < w.interval[ext] {
			t.Fatalf("asked for %d again after %v, not %v", ext, w.now-w.lastAsk[ext], w.interval[ext])
		}
		previous = ext
		w.asks[ext]++
		w.lastAsk[ext] = w.now
		w.interval[ext] = max(20*ms, rtt*5/4)
		if w.asks[ext] > maxTries {
			t.Fatalf("asked for %d %d times", ext, w.asks[ext])
		}
	}
	w.total += uint64(len(asks))
	if len(w.tr.missing) > maxMissing {
		t.Fatalf("%d outstanding", len(w.tr.missing))
	}
	if asked, recovered, _ := w.tr.Stats(); asked != w.total || recovered != w.repaired {
		t.Fatalf("stats %d, %d; want %d, %d", asked, recovered, w.total, w.repaired)
	}
}

// checkScript plays a script of two-byte steps: what to do, and how far.
func checkScript(t *testing.T, start int64, script []byte) {
	t.Helper()
	w := witness{
		highest: start, arrived: map[int64]bool{}, asks: map[int64]int{},
		lastAsk: map[int64]time.Duration{}, interval: map[int64]time.Duration{},
	}
	w.tr.Receive(0, start)
	w.arrived[start] = true
	for ; len(script) >= 2; script = script[2:] {
		n := int64(script[1])
		switch script[0] % 8 {
		case 0, 1:
			w.receive(t, w.highest+1)
		case 2:
			w.receive(t, w.highest+1+n%4)
		case 3:
			w.receive(t, w.highest-n%16)
		case 4:
			w.receive(t, w.highest-n*5)
		case 5:
			w.now += time.Duration(n) * ms / 4
		case 6:
			w.receive(t, w.highest+n*3)
		case 7: // the time that Next promises
			if at, ok := w.tr.Next(w.now); ok {
				w.now = at
			}
		}
		w.due(t, time.Duration(n)*ms/2)
	}
	for range maxTries * maxMissing { // all ends by itself
		at, ok := w.tr.Next(w.now)
		if !ok {
			return
		}
		w.now = at
		w.due(t, 10*ms)
	}
	t.Fatal("something stays missing for ever")
}

func FuzzTracker(f *testing.F) {
	f.Add(int64(65536), []byte{0, 0, 2, 2, 0, 0, 5, 100, 3, 1, 7, 0, 6, 200, 4, 9})
	f.Add(int64(131070), []byte{2, 3, 2, 3, 7, 4, 7, 4, 3, 3, 3, 2, 6, 100, 6, 255})
	f.Fuzz(func(t *testing.T, start int64, script []byte) {
		checkScript(t, start%(1<<48), script[:min(len(script), 400)])
	})
}

func TestRandomScripts(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for i := range 300 {
		script := make([]byte, 400)
		for j := range script {
			script[j] = byte(random.Uint32())
		}
		checkScript(t, starts[i%len(starts)], script)
	}
}
