package sfu

import (
	"testing"
	"time"
)

// TestIngressIsCapped: a participant who sends ten times what it may gets the cap
// through, its sound all the same, and everything again once it sends less.
func TestIngressIsCapped(t *testing.T) {
	i := newIngress(&Config{MaxIngressBitrate: 1_000_000, MaxIngressPackets: 10_000})
	video, audio, audioSent := 0, 0, 0
	for now := time.Duration(0); now < 10*time.Second; now += time.Millisecond {
		if i.admit(now, 1250, false) { // 10 Mbit/s
			video += 1250 * 8
		}
		if now%(20*time.Millisecond) == 0 {
			audioSent++
			if i.admit(now, 100, true) {
				audio++
			}
		}
	}
	if video < 9_000_000 || video > 11_000_000 {
		t.Errorf("%d bits of video in 10 s", video)
	}
	if audio != audioSent {
		t.Errorf("%d of %d packets of sound", audio, audioSent)
	}
	if now := 12 * time.Second; !i.admit(now, 1250, false) {
		t.Error("refused after a rest")
	}
	few := newIngress(&Config{MaxIngressPackets: 100})
	packets := 0
	for now := time.Duration(0); now < 10*time.Second; now += time.Millisecond {
		if few.admit(now, 20, false) {
			packets++
		}
	}
	if packets < 900 || packets > 1100 {
		t.Errorf("%d packets in 10 s", packets)
	}
	if n := testing.AllocsPerRun(100, func() { i.admit(13*time.Second, 100, false) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
