package repair

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

// starts put a table at the places where numbers wrap, and at the lowest that
// an extended number can be.
var starts = []int64{65536, 2*65536 - 1, 2*65536 - 2, 2*65536 - 3, 3*65536 - 300, 32768, 1<<40 - 2, 0, -2}

func TestArrivals(t *testing.T) {
	type step struct {
		at   time.Duration
		ext  int64
		want Arrival
		ask  []int64 // what is due right after, with an RTT of 40 ms
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"in order", []step{{0, 0, InOrder, nil}, {1, 1, InOrder, nil}, {2, 2, InOrder, nil}}},
		{"repeated", []step{{0, 0, InOrder, nil}, {1, 0, Duplicate, nil}, {1, 1, InOrder, nil}, {1, 0, Duplicate, nil}}},
		{"overtaken by one", []step{{0, 0, InOrder, nil}, {1, 2, InOrder, nil}, {2, 1, Reordered, nil}, {60, 3, InOrder, nil}}},
		{"asked after two later ones", []step{{0, 0, InOrder, nil}, {1, 2, InOrder, nil}, {2, 3, InOrder, []int64{1}},
			{3, 4, InOrder, nil}, {40, 1, Recovered, nil}, {41, 1, Duplicate, nil}, {500, 5, InOrder, nil}}},
		{"a burst lost", []step{{0, 0, InOrder, nil}, {1, 4, InOrder, nil}, {2, 5, InOrder, []int64{1, 2, 3}}, {3, 2, Recovered, nil}}},
		{"asked after 15 ms", []step{{0, 0, InOrder, nil}, {1, 2, InOrder, nil}, {15, 2, Duplicate, nil}, {16, 2, Duplicate, []int64{1}}}},
		{"asked again after 1.25 RTT", []step{{0, 0, InOrder, nil}, {0, 2, InOrder, nil}, {0, 3, InOrder, []int64{1}},
			{49, 3, Duplicate, nil}, {50, 3, Duplicate, []int64{1}}, {99, 3, Duplicate, nil}, {100, 4, InOrder, []int64{1}}}},
		{"before the first", []step{{0, 0, InOrder, nil}, {0, -1, Reordered, nil}, {1, -1, Duplicate, nil}, {1, -1023, Reordered, nil}, {1, -1024, Old, nil}}},
		{"jump", []step{{0, 0, InOrder, nil}, {0, 2, InOrder, nil}, {0, 515, InOrder, nil}, {1, 1, Old, nil}, {1, 300, Old, nil},
			{1, 0, Duplicate, nil}, {1, 300, Duplicate, nil}, {20, 516, InOrder, nil}}},
		{"jump beyond the window", []step{{0, 0, InOrder, nil}, {0, 2000, InOrder, nil}, {1, 0, Old, nil}, {1, 976, Old, nil}, {1, 977, Old, nil}, {20, 2001, InOrder, nil}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, start := range starts {
				var tr Tracker
				for i, s := range tt.steps {
					now := s.at * ms
					if got := tr.Receive(now, start+s.ext); got != s.want {
						t.Errorf("start %d, step %d: %d is %d, want %d", start, i, s.ext, got, s.want)
					}
					var want []uint16
					for _, n := range s.ask {
						want = append(want, uint16(start+n))
					}
					if got := tr.Due(now, 40*ms, nil); !slices.Equal(got, want) {
						t.Errorf("start %d, step %d: asks for %d, want %d", start, i, got, want)
					}
				}
			}
		})
	}
}

func TestWindowEdge(t *testing.T) {
	var tr Tracker
	for ext := int64(0); ext < window; ext++ {
		tr.Receive(0, ext)
	}
	if got := tr.Receive(0, 0); got != Duplicate {
		t.Errorf("the oldest number in the window is %d", got)
	}
	tr.Receive(0, window)
	if got := tr.Receive(0, 0); got != Old {
		t.Errorf("the first number behind the window is %d", got)
	}
	if got := tr.Receive(0, 1); got != Duplicate {
		t.Errorf("the oldest number in the moved window is %d", got)
	}
}

func TestGap(t *testing.T) {
	tests := []struct {
		name string
		jump int64
		lost uint64 // given up at once
		left int    // still to be asked for, with the one missing before
	}{
		{"next", 1, 0, 1},
		{"as many as are tracked", 256, 0, 256},
		{"one more", 257, 1, 256},
		{"largest", 512, 256, 256},
		{"too large", 513, 1, 0},
		{"huge", 1 << 33, 1, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, start := range starts {
				var tr Tracker
				tr.Receive(0, start)
				tr.Receive(0, start+2)
				if tr.Gap() {
					t.Error("a single missing packet is a gap")
				}
				tr.Receive(0, start+2+tt.jump)
				if got := tr.Gap(); got != (tt.lost > 0) {
					t.Errorf("Gap %v", got)
				}
				if tr.Gap() {
					t.Error("Gap reported twice")
				}
				if _, _, lost := tr.Stats(); lost != tt.lost {
					t.Errorf("%d lost, want %d", lost, tt.lost)
				}
				if got := len(tr.Due(15*ms, 0, nil)); got != tt.left {
					t.Errorf("%d asked for, want %d", got, tt.left)
				}
			}
		})
	}
}

func TestGiveUp(t *testing.T) {
	tests := []struct {
		name  string
		rtt   time.Duration
		asked []time.Duration
		lost  time.Duration
	}{
		{"shortest interval", 1 * ms, []time.Duration{15, 35, 55, 75, 95, 115, 135, 155}, 175},
		{"RTT unknown", 0, []time.Duration{15, 140, 265, 390, 515, 640, 765, 890}, 1000},
		{"long RTT", 300 * ms, []time.Duration{15, 390, 765}, 1000},
		{"longer than worth it", 2 * time.Second, []time.Duration{15}, 1000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var tr Tracker
			tr.Receive(0, 9)
			tr.Receive(0, 11)
			var asked []time.Duration
			var lostAt time.Duration
			for {
				at, ok := tr.Next(lostAt)
				if !ok {
					break
				}
				lostAt = at
				if got := tr.Due(at, tt.rtt, nil); len(got) == 1 && got[0] == 10 {
					asked = append(asked, at/ms)
				}
			}
			if !slices.Equal(asked, tt.asked) || lostAt != tt.lost*ms {
				t.Errorf("asked at %d, given up at %v", asked, lostAt)
			}
			if asks, recovered, lost := tr.Stats(); asks != uint64(len(asked)) || recovered != 0 || lost != 1 {
				t.Errorf("stats %d, %d, %d", asks, recovered, lost)
			}
			if got := tr.Receive(lostAt, 10); got != Old {
				t.Errorf("a packet that was given up is %d", got)
			}
		})
	}
}

// TestRepairOverLossyLink loses packets both ways and answers what is asked:
// all must be restored, for little more than one repeat per lost packet.
func TestRepairOverLossyLink(t *testing.T) {
	const rtt, total = 40 * ms, 20000
	for _, start := range starts {
		random := rand.New(rand.NewPCG(uint64(start), 1))
		type event struct {
			at  time.Duration
			ext int64
		}
		var tr Tracker
		var answers []event // in order of time: every answer takes one RTT
		repeats, lost := 0, 0
		for i := range int64(total) {
			now := time.Duration(i) * 3 * ms
			for len(answers) > 0 && answers[0].at <= now {
				if got := tr.Receive(answers[0].at, answers[0].ext); got != Recovered {
					t.Fatalf("an answer is %d", got)
				}
				answers = answers[1:]
			}
			if i > 0 && i < total-500 && random.IntN(20) == 0 {
				lost++
			} else if got := tr.Receive(now, start+i); got != InOrder {
				t.Fatalf("packet %d is %d", i, got)
			}
			for _, seq := range tr.Due(now, rtt, nil) {
				repeats++
				if random.IntN(20) > 0 {
					back := int64(uint16(start+i) - seq)
					answers = append(answers, event{now + rtt, start + i - back})
				}
			}
		}
		asked, recovered, gaveUp := tr.Stats()
		if recovered != uint64(lost) || gaveUp != 0 || asked != uint64(repeats) {
			t.Errorf("%d lost: %d asked (%d seen), %d recovered, %d given up", lost, asked, repeats, recovered, gaveUp)
		}
		if repeats > lost+lost/10 {
			t.Errorf("%d repeats for %d lost", repeats, lost)
		}
	}
}

func TestTrackerAllocatesNothing(t *testing.T) {
	var tr Tracker
	var now time.Duration
	var ext int64
	dst := make([]uint16, 0, maxMissing)
	round := func() {
		for range 100 {
			now += ms
			ext++
			if ext%5 != 0 {
				tr.Receive(now, ext)
			}
			dst = tr.Due(now, 30*ms, dst[:0])
			for _, seq := range dst {
				tr.Receive(now, ext-int64(uint16(ext)-seq))
			}
			tr.Next(now)
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReceive(b *testing.B) {
	var tr Tracker
	var ext int64
	b.ReportAllocs()
	for b.Loop() {
		ext++
		tr.Receive(time.Duration(ext), ext)
	}
}

// What was asked for eight times, or is missing for a second, is told as given up, once.
func TestGivingUpIsTold(t *testing.T) {
	for _, rtt := range []time.Duration{20 * time.Millisecond, 400 * time.Millisecond} {
		var tracker Tracker
		tracker.Receive(0, 1)
		tracker.Receive(0, 3)
		told := 0
		for now := time.Duration(0); now < 2*time.Second; now += 5 * time.Millisecond {
			tracker.Due(now, rtt, nil)
			if tracker.GaveUp() {
				told++
			}
		}
		if _, _, lost := tracker.Stats(); told != 1 || lost != 1 {
			t.Errorf("round trip %v: told %d times, %d lost", rtt, told, lost)
		}
	}
}
