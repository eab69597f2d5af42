package transport

import (
	"testing"
	"time"
)

func TestBacklog(t *testing.T) {
	for name, c := range map[string]struct {
		more []bool // rounds, 50 ms apart
		want []bool
	}{
		"a burst":                 {[]bool{true, true, true, true, false}, []bool{false, false, false, false, false}},
		"one that stands":         {[]bool{true, true, true, true, true, true}, []bool{false, false, false, false, true, true}},
		"emptied":                 {[]bool{true, true, true, true, true, false, true}, []bool{false, false, false, false, true, false, false}},
		"emptied, and once again": {[]bool{true, false, true, true, true, true, true}, []bool{false, false, false, false, false, false, true}},
	} {
		var b backlog
		for i, more := range c.more {
			if got := b.round(time.Duration(i)*50*time.Millisecond, more); got != c.want[i] {
				t.Errorf("%s: round %d: %v, want %v", name, i, got, c.want[i])
			}
		}
	}
}
