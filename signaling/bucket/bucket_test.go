package bucket

import (
	"testing"
	"time"
)

var start = time.Unix(1e9, 0)

// all takes what there is without patience and counts it.
func all(table *Table[string], now time.Time, key string) (n int) {
	for {
		if _, ok := table.Take(now, key, 0); !ok {
			return n
		}
		n++
	}
}

func TestAllowance(t *testing.T) {
	table := New[string](Limit{20, 100}, 10)
	now := start
	got := []int{all(table, now, "a"), all(table, now, "a"), all(table, now, "b")}
	now = now.Add(time.Second)
	got = append(got, all(table, now, "a"))
	now = now.Add(time.Hour)
	got = append(got, all(table, now, "a"))
	for i, want := range []int{100, 0, 100, 20, 100} {
		if got[i] != want {
			t.Errorf("%d: %d, want %d", i, got[i], want)
		}
	}
}

// With patience an office of 200 comes in over some seconds: each waits for a turn of its own.
func TestPatience(t *testing.T) {
	table := New[string](Limit{50, 100}, 10)
	var last time.Duration
	for n := range 250 {
		wait, ok := table.Take(start, "office", 3*time.Second)
		want := time.Duration(0)
		if n >= 100 {
			want = time.Duration(n-99) * time.Second / 50
		}
		if !ok || (wait-want).Abs() > time.Microsecond {
			t.Fatalf("number %d waits %v, %v, want %v", n, wait, ok, want)
		}
		last = wait
	}
	if wait, ok := table.Take(start, "office", 3*time.Second); ok || wait != 20*time.Millisecond {
		t.Errorf("one more may come back after %v: %v", wait, ok)
	}
	if n := all(table, start.Add(last), "office"); n != 0 {
		t.Errorf("%d more when the last came in", n)
	}
	if _, ok := table.Take(start.Add(last+time.Second/50), "office", 0); !ok {
		t.Error("none more after that")
	}
}

func TestLeft(t *testing.T) {
	table := New[string](Limit{2, 1}, 10)
	if _, ok := table.Left(start, "a"); !ok || table.Len() != 0 {
		t.Error("an unknown key has none, or is remembered")
	}
	table.Take(start, "a", 0)
	if wait, ok := table.Left(start, "a"); ok || wait != time.Second/2 {
		t.Errorf("%v, %v", wait, ok)
	}
	if _, ok := table.Left(start.Add(time.Second/2), "a"); !ok {
		t.Error("none after its time")
	}
}

func TestNoLimit(t *testing.T) {
	table := New[string](Limit{}, 10)
	for range 1000 {
		if wait, ok := table.Take(start, "a", 0); !ok || wait != 0 {
			t.Fatal(wait)
		}
	}
	if _, ok := table.Left(start, "a"); !ok || table.Len() != 0 {
		t.Error("no limit, and yet")
	}
}

// A clock that goes back gives and takes nothing.
func TestClockBack(t *testing.T) {
	table := New[string](Limit{1, 2}, 10)
	all(table, start, "a")
	if n := all(table, start.Add(-time.Hour), "a"); n != 0 {
		t.Error(n)
	}
	if n := all(table, start.Add(time.Second), "a"); n != 1 {
		t.Error(n)
	}
}

// Memory is bounded whoever comes, and those who rest are forgotten first.
func TestMemory(t *testing.T) {
	table := New[int](Limit{1, 5}, 100)
	for key := range 1000 {
		table.Take(start, key, 0)
		if n := table.Len(); n > 100 {
			t.Fatalf("%d are remembered", n)
		}
	}
	if _, ok := table.Left(start, 999); !ok || table.Len() != 100 {
		t.Errorf("%d are remembered", table.Len())
	}
	later := start.Add(5 * time.Second) // all are full again
	for key := range 60 {
		table.Take(later, 5000+key, 0)
	}
	if n := table.Len(); n != 60 {
		t.Errorf("%d are remembered, want those of late", n)
	}
	for range 5 { // the busy one is not the one to go
		table.Take(later, 1, 0)
	}
	for key := range 99 {
		table.Take(later, 9000+key, 0)
	}
	if _, ok := table.Take(later, 1, 0); ok {
		t.Error("the busy one was forgotten")
	}
}

func TestText(t *testing.T) {
	for text, want := range map[string]Limit{"0": {}, "20:100": {20, 100}, "0.5:1": {0.5, 1}} {
		var l Limit
		if err := l.UnmarshalText([]byte(text)); err != nil || l != want || l.String() != text {
			t.Errorf("%s: %v, %v", text, l, err)
		}
	}
	for _, text := range []string{"", "20", "20:", ":5", "-1:5", "NaN:5", "Inf:5", "5:0", "5:-1", "0:5", "a:b", "5:5:5"} {
		var l Limit
		if l.UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is read as %v", text, l)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	table := New[int](Limit{1, 5}, 1<<14)
	b.ReportAllocs()
	for n := range b.N {
		table.Take(start.Add(time.Duration(n)*time.Microsecond), n&(1<<15-1), 0)
	}
}
