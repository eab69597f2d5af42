package usage

import (
	"testing"
	"time"
)

// A busy loop is counted, and not for more than it lasted.
func TestSelfCountsWork(t *testing.T) {
	if (Self() == CPU{}) {
		t.Skip("not known on this system")
	}
	const enough = 20 * time.Millisecond
	before := Self()
	n := 0
	for Self().Sub(before).Total() < enough {
		n++
	}
	used := Self().Sub(before)
	if n == 0 || used.Total() < enough || used.User < 0 || used.System < 0 {
		t.Errorf("%v after %d rounds", used, n)
	}
	if c := (CPU{3 * time.Second, 2 * time.Second}); c.Sub(CPU{time.Second, time.Second}) != (CPU{2 * time.Second, time.Second}) || c.Total() != 5*time.Second {
		t.Error("arithmetic")
	}
}
