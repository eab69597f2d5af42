package client

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestSequence(t *testing.T) {
	for _, start := range []uint16{0, 1, 100, 65530, 65535} {
		var s sequence
		for i, step := range []struct {
			offset uint16
			want   arrival
			lost   uint64
		}{
			{0, arrivalNext, 0}, {1, arrivalNext, 0}, {1, arrivalDuplicate, 0},
			{4, arrivalJump, 2}, {3, arrivalLate, 1}, {3, arrivalDuplicate, 1},
			{2, arrivalLate, 0}, {5, arrivalNext, 0}, {10, arrivalJump, 4}, {0, arrivalDuplicate, 4},
			{10 + window, arrivalJump, 3 + window}, {10, arrivalDuplicate, 3 + window}, {11, arrivalLate, 2 + window},
		} {
			if _, got := s.add(start + step.offset); got != step.want || s.lost() != step.lost {
				t.Fatalf("start %d, step %d: %v with %d lost, want %v with %d", start, i, got, s.lost(), step.want, step.lost)
			}
		}
	}
}

func TestSequenceBeforeTheFirst(t *testing.T) {
	var s sequence
	s.add(2)
	if _, kind := s.add(65535); kind != arrivalLate || s.lost() != 2 {
		t.Errorf("%v, %d lost", kind, s.lost())
	}
}

// Whatever order packets come in, each counts once.
func TestSequenceCountsEachOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s sequence
	next := uint16(65000)
	s.add(next - 1)
	var unique uint64
	for range 2000 {
		batch := make([]uint16, 0, 20)
		for range 10 {
			if r.IntN(10) != 0 {
				batch = append(batch, next)
				unique++
				if r.IntN(5) == 0 {
					batch = append(batch, next)
				}
			}
			next++
		}
		r.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
		for _, n := range batch {
			s.add(n)
		}
	}
	if got := s.unique - 1; got != unique {
		t.Errorf("%d unique packets, want %d", got, unique)
	}
}

func TestAsker(t *testing.T) {
	a := newAsker()
	const ms = time.Millisecond
	if a.gap(0, 65535, 65538) {
		t.Fatal("three packets are hopeless")
	}
	if ask, _ := a.due(9*ms, nil); len(ask) != 0 {
		t.Errorf("asked for %v at once", ask)
	}
	a.arrived(9*ms, 65536)
	if ask, _ := a.due(10*ms, nil); !slices.Equal(ask, []uint16{65535, 1}) {
		t.Errorf("asked for %v", ask)
	}
	a.arrived(30*ms, 65535) // after 20 ms
	if a.rtt >= 100*ms {
		t.Errorf("rtt %v did not learn", a.rtt)
	}
	asks, at := 1, 10*ms
	for ; ; at += ms {
		ask, gaveUp := a.due(at, nil)
		asks += len(ask)
		if gaveUp {
			break
		}
	}
	if asks > maxAsks || asks < 5 || at > maxAge+ms {
		t.Errorf("gave up after %d tries, at %v", asks, at)
	}
	if !a.gap(at, 0, maxMissing+1) || len(a.missing) != 0 {
		t.Error("a huge gap is not hopeless")
	}
}

func TestLatencies(t *testing.T) {
	var l Latencies
	if l.Percentile(0.5) != 0 {
		t.Error("a percentile of nothing")
	}
	for us := range 10000 {
		l.observe(time.Duration(us) * time.Microsecond)
	}
	for _, p := range []float64{0.001, 0.01, 0.5, 0.9, 0.99, 1} {
		want := time.Duration(p*10000) * time.Microsecond
		if got := l.Percentile(p); got < want-time.Microsecond || got > want+want/16+time.Microsecond {
			t.Errorf("percentile %v is %v, want %v", p, got, want)
		}
	}
	var sum Latencies
	sum.observe(-time.Second) // clocks that disagree
	sum.observe(100 * 24 * time.Hour)
	sum.Add(&l)
	if sum.Count() != 10002 || sum.Percentile(1) < time.Hour {
		t.Errorf("%d, %v", sum.Count(), &sum)
	}
}
