package repair

import (
	"math"
	"testing"
	"time"
)

func TestReceptionLoss(t *testing.T) {
	type interval struct {
		from, to int64          // numbers that arrive: [from, to)
		except   map[int64]bool // but not these
		repaired []int64        // and these, late
		want     ReceptionReport
	}
	none := map[int64]bool{}
	tests := []struct {
		name      string
		intervals []interval
	}{
		{"all arrive", []interval{
			{0, 100, none, nil, ReceptionReport{HighestSeq: 99, Expected: 100}},
			{100, 101, none, nil, ReceptionReport{HighestSeq: 100, Expected: 1}},
		}},
		{"a quarter lost", []interval{
			{0, 8, map[int64]bool{2: true, 3: true}, nil, ReceptionReport{HighestSeq: 7, Expected: 8, Lost: 2, FractionLost: 64, TotalLost: 2}},
			{8, 16, none, nil, ReceptionReport{HighestSeq: 15, Expected: 8, TotalLost: 2}},
		}},
		{"repaired in the same interval", []interval{
			{0, 8, map[int64]bool{2: true, 3: true}, []int64{2, 3}, ReceptionReport{HighestSeq: 7, Expected: 8}},
		}},
		{"repaired in the next", []interval{
			{0, 8, map[int64]bool{2: true}, nil, ReceptionReport{HighestSeq: 7, Expected: 8, Lost: 1, FractionLost: 32, TotalLost: 1}},
			{8, 16, map[int64]bool{9: true}, []int64{2}, ReceptionReport{HighestSeq: 15, Expected: 8, TotalLost: 1}},
		}},
		{"nothing in between", []interval{
			{0, 8, none, nil, ReceptionReport{HighestSeq: 7, Expected: 8}},
			{8, 8, none, nil, ReceptionReport{HighestSeq: 7}},
		}},
		{"nearly all lost", []interval{
			{0, 1, none, nil, ReceptionReport{Expected: 1}},
			{9999, 10000, none, nil, ReceptionReport{HighestSeq: 9999, Expected: 9999, Lost: 9998, FractionLost: 255, TotalLost: 9998}},
		}},
		{"more lost than 23 bits hold", []interval{
			{0, 1, none, nil, ReceptionReport{Expected: 1}},
			{1 << 24, 1<<24 + 1, none, nil, ReceptionReport{HighestSeq: 1 << 24, Expected: 1 << 24, Lost: 1<<24 - 1, FractionLost: 255, TotalLost: 1<<23 - 1}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, start := range []int64{65536, 2*65536 - 4, 1<<32 - 3} {
				r := Reception{ClockRate: 90000}
				for i, in := range tt.intervals {
					for n := in.from; n < in.to; n++ {
						if !in.except[n] {
							r.Receive(0, start+n, 0, false)
						}
					}
					for _, n := range in.repaired {
						r.Receive(0, start+n, 0, true)
					}
					in.want.HighestSeq += uint32(start)
					if got, ok := r.Report(0); !ok || got != in.want {
						t.Errorf("start %d, interval %d:\n%+v, want\n%+v", start, i, got, in.want)
					}
				}
			}
		})
	}
}

func TestReceptionBeforeTheFirstPacket(t *testing.T) {
	r := Reception{ClockRate: 48000}
	r.SenderReport(time.Second, 77)
	if _, ok := r.Report(2 * time.Second); ok {
		t.Error("a report without a packet")
	}
	r.Receive(3*time.Second, 5, 0, false)
	got, ok := r.Report(time.Second * 7 / 2)
	if !ok || got.LastReport != 77 || got.Delay != 65536*5/2 {
		t.Errorf("%+v, %v", got, ok)
	}
	r.SenderReport(4*time.Second, 78)
	if got, _ := r.Report(4 * time.Second); got.LastReport != 78 || got.Delay != 0 {
		t.Errorf("%+v", got)
	}
}

// TestReceptionJitter compares with RFC 3550 §6.4.1: a steady stream has none,
// and where every transit time differs by D from the last, jitter tends to D.
func TestReceptionJitter(t *testing.T) {
	for _, first := range []uint32{0, math.MaxUint32 - 96000} {
		steady, uneven := Reception{ClockRate: 48000}, Reception{ClockRate: 48000}
		for i := range int64(500) {
			now := time.Duration(i) * 20 * ms
			timestamp := first + uint32(i)*960
			steady.Receive(now, i, timestamp, false)
			uneven.Receive(now+time.Duration(i%2)*10*ms, i, timestamp, false)
			// A repair arrives late by its nature and says nothing.
			steady.Receive(now+300*ms, i, timestamp, true)
		}
		if got, _ := steady.Report(0); got.Jitter > 1 {
			t.Errorf("first timestamp %d: steady jitter %d", first, got.Jitter)
		}
		if got, _ := uneven.Report(0); got.Jitter < 478 || got.Jitter > 481 {
			t.Errorf("first timestamp %d: uneven jitter %d, want 480", first, got.Jitter)
		}
	}
}

func TestReceptionAllocatesNothing(t *testing.T) {
	r := Reception{ClockRate: 90000}
	var ext int64
	if n := testing.AllocsPerRun(100, func() {
		ext++
		r.Receive(time.Duration(ext)*ms, ext, uint32(ext)*90, false)
		r.Report(time.Duration(ext) * ms)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
