package repair

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	const wish, tick, arrive = 'w', 't', 'a'
	type step struct {
		at   time.Duration
		what rune
		want int // wish, tick: 1 if a request is sent; arrive: ms waited, or -1 where nobody wished
	}
	tests := []struct {
		name  string
		rtt   time.Duration
		steps []step
	}{
		{"one wish", 50, []step{{0, wish, 1}, {60, tick, 0}, {90, arrive, 90}, {500, tick, 0}, {501, arrive, -1}}},
		{"a keyframe nobody asked for", 50, []step{{0, tick, 0}, {1, arrive, -1}, {2, wish, 1}}},
		{"merged", 50, []step{{0, wish, 1}, {1, wish, 0}, {150, wish, 0}, {190, arrive, 190}}},
		{"repeated every 200 ms", 50, []step{{0, wish, 1}, {199, tick, 0}, {200, tick, 1}, {399, tick, 0}, {405, tick, 1}, {604, tick, 0}, {605, tick, 1}, {610, arrive, 610}}},
		{"repeated every two RTTs", 150, []step{{0, wish, 1}, {299, tick, 0}, {300, tick, 1}, {599, tick, 0}, {600, tick, 1}}},
		{"a wish doesn't hasten the repeat", 50, []step{{0, wish, 1}, {199, wish, 0}, {200, wish, 0}, {200, tick, 1}}},
		{"right after arrival, deferred", 20, []step{{0, wish, 1}, {30, arrive, 30}, {31, wish, 0}, {99, tick, 0}, {100, tick, 1}, {130, arrive, 99}}},
		{"deferred for an RTT", 180, []step{{0, wish, 1}, {150, arrive, 150}, {151, wish, 0}, {179, tick, 0}, {180, tick, 1}}},
		{"deferred, then sent by the next wish", 20, []step{{0, wish, 1}, {30, arrive, 30}, {31, wish, 0}, {60, wish, 0}, {120, wish, 1}, {121, tick, 0}}},
		{"deferred, then fulfilled", 20, []step{{0, wish, 1}, {30, arrive, 30}, {31, wish, 0}, {80, arrive, 49}, {300, tick, 0}}},
		{"long after arrival", 20, []step{{0, wish, 1}, {30, arrive, 30}, {130, wish, 1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var g Gate
			var wishes, sent uint64
			for i, s := range tt.steps {
				now, rtt := s.at*ms, tt.rtt*ms
				if s.what == arrive {
					pending := g.Pending()
					waited, wished := g.Arrived(now)
					if wished != (s.want >= 0) || wished != pending || wished && waited != time.Duration(s.want)*ms {
						t.Errorf("step %d: waited %v, wished %v", i, waited, wished)
					}
					continue
				}
				act := g.Tick
				if s.what == wish {
					act = g.Wish
					wishes++
				}
				if got := act(now, rtt); got != (s.want == 1) {
					t.Errorf("step %d: send %v", i, got)
				}
				sent += uint64(s.want)
			}
			if w, s := g.Stats(); w != wishes || s != sent {
				t.Errorf("stats %d, %d; want %d, %d", w, s, wishes, sent)
			}
		})
	}
}

// TestStormCostsOneRequest is the case of 100 viewers who lose the same packet.
func TestStormCostsOneRequest(t *testing.T) {
	var g Gate
	for i := range 100 {
		g.Wish(time.Duration(i)*ms, 30*ms)
	}
	if wishes, sent := g.Stats(); wishes != 100 || sent != 1 {
		t.Errorf("%d wishes led to %d requests", wishes, sent)
	}
	if waited, wished := g.Arrived(120 * ms); !wished || waited != 120*ms {
		t.Errorf("waited %v, %v", waited, wished)
	}
	if _, ok := g.Next(); ok || g.Pending() {
		t.Error("something is pending after the keyframe")
	}
}

// TestAskingIsBounded: viewers who ask all the time get a keyframe a second, and one who
// comes meanwhile does not wait for that.
func TestAskingIsBounded(t *testing.T) {
	var g Gate
	requests := 0
	step := func(now time.Duration, send bool) {
		if send {
			requests++
		}
		if g.inFlight && now-g.lastSent >= 30*ms {
			g.Arrived(now)
		}
	}
	for now := time.Duration(0); now < 10*time.Second; now += 10 * ms {
		step(now, g.Ask(now, 30*ms))
		step(now, g.Tick(now, 30*ms))
	}
	if requests > 10 {
		t.Errorf("%d keyframes in 10 s", requests)
	}
	g.Arrived(10 * time.Second)
	if g.Ask(10*time.Second+200*ms, 30*ms) {
		t.Error("requested 0.2 s after a keyframe")
	}
	if !g.Wish(10*time.Second+210*ms, 30*ms) {
		t.Error("a newcomer waits behind the one who asked")
	}
}

// checkGate drives a Gate at random: requests keep their distance, and while a
// wish is pending the time of Next sends one.
func checkGate(t *testing.T, script []byte) {
	t.Helper()
	var g Gate
	var now time.Duration
	last, ever, answered := time.Duration(0), false, true
	keyframe, arrived := time.Duration(0), false
	for ; len(script) >= 2; script = script[2:] {
		n := time.Duration(script[1])
		rtt := n * ms
		sent := false
		switch script[0] % 5 {
		case 4:
			was := g.Pending()
			if sent = g.Ask(now, rtt); sent && !was && arrived && now-keyframe < time.Second {
				t.Fatalf("asked %v after a keyframe, and requested at once", now-keyframe)
			}
			if !g.Pending() {
				t.Fatal("a request was lost")
			}
		case 0:
			sent = g.Wish(now, rtt)
			if !g.Pending() {
				t.Fatal("a wish was lost")
			}
		case 1:
			now += n * ms
			sent = g.Tick(now, rtt)
		case 2:
			g.Arrived(now)
			answered, arrived, keyframe = true, true, now
			if g.Pending() {
				t.Fatal("still pending after arrival")
			}
		case 3:
			at, ok := g.Next()
			if ok != g.Pending() {
				t.Fatalf("Next %v, Pending %v", ok, g.Pending())
			}
			if !ok {
				continue
			}
			now = max(now, at)
			if sent = g.Tick(now, rtt); !sent {
				t.Fatalf("nothing sent at %v, when Next said", now)
			}
		}
		if !sent {
			continue
		}
		if apart := now - last; ever && (apart < 100*ms || !answered && apart < 200*ms) {
			t.Fatalf("requests %v apart, answered %v", apart, answered)
		}
		last, ever, answered = now, true, false
	}
}

func FuzzGate(f *testing.F) {
	f.Add([]byte{0, 50, 1, 50, 2, 0, 0, 50, 3, 50, 1, 200})
	f.Fuzz(checkGate)
}

func TestRandomGates(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for range 300 {
		script := make([]byte, 400)
		for i := range script {
			script[i] = byte(random.Uint32())
		}
		checkGate(t, script)
	}
}
