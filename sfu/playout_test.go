package sfu

import (
	"testing"
	"time"

	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

// A viewer that loses packets is told to hold its pictures back, and told again that it
// need not when the loss is over; one on a clean path is never told anything. Where packets
// are repeated as they were, for want of RTX, nobody is told.
func TestPlayoutDelayFollowsTheLoss(t *testing.T) {
	for _, rtx := range []bool{true, false} {
		path := newPacketPath(t, 2)
		subs := *path.track.subs.Load()
		lossy, clean := subs[0], subs[1]
		if !rtx {
			lossy.numbers.Store(&numbers{Format: wire.Format{SSRC: lossy.ssrc, PayloadType: 96}})
		}
		told := func(sub *Subscription) wire.Playout { return sub.playout }
		report := func(seconds int, fraction uint8) {
			for range seconds {
				path.now += time.Second
				lossy.reception(path.now, transport.Reception{SSRC: lossy.ssrc, FractionLost: fraction})
				clean.reception(path.now, transport.Reception{SSRC: clean.ssrc})
			}
		}
		report(5, 0)
		if told(lossy) != 0 {
			t.Errorf("told %d without loss", told(lossy))
		}
		report(5, 40)
		if (told(lossy) > 5) != rtx {
			t.Errorf("RTX %v: told %d at 16 %% of loss", rtx, told(lossy))
		}
		report(40, 0)
		if (told(lossy) == 1) != rtx || told(clean) != 0 {
			t.Errorf("RTX %v: told %d when the loss was over, and %d on a clean path", rtx, told(lossy), told(clean))
		}
	}
}
