package transport

import (
	"testing"
	"time"
)

func TestWhichChecksMoveThePath(t *testing.T) {
	for name, c := range map[string]struct {
		check check
		want  bool
	}{
		"nominated, the old path is silent":      {check{nominates: true, valid: true, silent: time.Second}, true},
		"nominated beside a path that is in use": {check{nominates: true, valid: true, silent: 20 * time.Millisecond}, false},
		"nominated, but it never answered":       {check{nominates: true, silent: time.Minute}, false},
		"another port of a silent client":        {check{valid: true, sameHost: true, silent: 4 * time.Second}, true},
		"another port between two checks":        {check{valid: true, sameHost: true, silent: 2 * time.Second}, false},
		"another port that never answered":       {check{sameHost: true, silent: time.Minute}, false},
		"a spare path's keepalive":               {check{valid: true, silent: time.Minute}, false},
	} {
		if got := c.check.follows(); got != c.want {
			t.Errorf("%s: follows %v", name, got)
		}
	}
}
