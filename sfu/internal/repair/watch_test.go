package repair

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	const ms = time.Millisecond
	var w Watch
	w.Feedback(0, 7, false) // before anything was sent
	for i := range uint16(10) {
		w.Sent(65530+i, Left{SSRC: 1, Number: 100 + i})
	}
	w.Feedback(100*ms, 65530, true)
	w.Feedback(100*ms, 65531, false)
	w.Feedback(150*ms, 0, false) // 65536
	w.Feedback(150*ms, 65531, false)
	w.Feedback(150*ms, 65532-watched, false) // of another that shares its place
	for _, c := range []struct {
		at, rtt time.Duration
		want    []Left
	}{
		{299 * ms, 50 * ms, nil},
		{300 * ms, 150 * ms, nil}, // far away requests take longer
		{300 * ms, 50 * ms, []Left{{SSRC: 1, Number: 101}}},
		{349 * ms, 0, nil},
		{350 * ms, 0, []Left{{SSRC: 1, Number: 106}}},
		{time.Hour, 0, nil},
	} {
		if got := w.Due(c.at, c.rtt, nil); !reflect.DeepEqual(got, c.want) {
			t.Errorf("at %v: %v, want %v", c.at, got, c.want)
		}
	}
}

// Of copies that leave together one is enough; where all are lost, that is one loss.
func TestWatchOfCopies(t *testing.T) {
	for _, arrived := range []string{"10", "01", "00", "011", "000"} {
		var w Watch
		for i := range arrived {
			w.Sent(uint16(65535+i), Left{SSRC: 1, Number: 5})
		}
		for i := range arrived {
			w.Feedback(0, uint16(65535+i), arrived[i] == '1')
		}
		want := 1
		if strings.Contains(arrived, "1") {
			want = 0
		}
		if got := w.Due(time.Second, 0, nil); len(got) != want {
			t.Errorf("arrived %s: %v", arrived, got)
		}
	}
}

// However much is lost, a Watch stays small, and allocates nothing once it has grown.
func TestWatchIsBounded(t *testing.T) {
	var w Watch
	now, due := time.Duration(0), make([]Left, 0, maxLost)
	round := func() {
		for i := range 4 * maxLost {
			w.Sent(uint16(i), Left{SSRC: 1, Number: uint16(i)}) //nolint:gosec // wraps
			w.Feedback(now, uint16(i), false)                   //nolint:gosec // wraps
		}
		now += time.Second
		if due = w.Due(now, 0, due[:0]); len(due) != maxLost {
			t.Fatalf("%d are due", len(due))
		}
	}
	round()
	if n := testing.AllocsPerRun(10, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
