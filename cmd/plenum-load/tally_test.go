package main

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// packet is RTP with a stamp; padding is appended if it is not 0.
func packet(ssrc uint32, sequence uint16, s stamp, padding byte) []byte {
	b := make([]byte, 12+8+100+int(padding))
	b[0] = 0x90 // with an extension of one word
	binary.BigEndian.PutUint16(b[2:], sequence)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	binary.BigEndian.PutUint16(b[12:], 0xbede)
	binary.BigEndian.PutUint16(b[14:], 1)
	s.put(b[20:120])
	if padding > 0 {
		b[0] |= 0x20
		b[len(b)-1] = padding
	}
	return b
}

func openWindow() *window {
	w := &window{}
	w.set(time.Second, time.Hour)
	return w
}

func TestTallyCountsWhatCame(t *testing.T) {
	const base = 40_000 // the flow had sent so many before the window
	for name, c := range map[string]struct {
		counters               []uint64 // from base on
		sent                   uint64
		received, dups, losses uint64
	}{
		"all":                {[]uint64{0, 1, 2, 3}, 4, 4, 0, 0},
		"reordered":          {[]uint64{1, 0, 3, 2}, 4, 4, 0, 0},
		"hole":               {[]uint64{0, 1, 3}, 4, 3, 0, 1},
		"head":               {[]uint64{2, 3}, 4, 2, 0, 2},
		"tail":               {[]uint64{0, 1}, 4, 2, 0, 2},
		"twice":              {[]uint64{0, 0, 1, 1, 1, 0}, 2, 2, 4, 0},
		"far jump and back":  {[]uint64{0, 5000, 4500, 4500, 1}, 5001, 3, 2, 4998}, // 1 is too old to tell
		"jump of the bitmap": {[]uint64{0, seenPackets, seenPackets, 1}, seenPackets + 1, 3, 1, seenPackets - 2},
	} {
		w := openWindow()
		tally, f := newTally(w), &flow{id: 7}
		f.sent.Store(c.sent)
		for i, counter := range c.counters {
			tally.take(packet(1, uint16(i), stamp{7, base + counter, 2 * time.Second}, byte(i%2)), 2*time.Second+time.Millisecond)
		}
		got := tally.totals([]*flow{f})
		if got.packets != c.received || got.duplicates != c.dups || got.lost != c.losses || got.malformed+uint64(got.silent) != 0 {
			t.Errorf("%s: %d packets, %d duplicates, %d lost, %d malformed", name, got.packets, got.duplicates, got.lost, got.malformed)
		}
		if got.latency.total != c.received || got.latency.max != time.Millisecond {
			t.Errorf("%s: latencies %d, max %v", name, got.latency.total, got.latency.max)
		}
	}
}

func TestTallyIgnoresWhatIsNotInTheWindow(t *testing.T) {
	tally := newTally(openWindow())
	early, late := &flow{id: 1}, &flow{id: 2}
	tally.take(packet(1, 1, stamp{1, 0, time.Second - 1}, 0), time.Second+1)
	tally.take(packet(1, 2, stamp{1, 1, time.Hour}, 0), time.Hour)
	early.sent.Store(0)
	late.sent.Store(9)
	got := tally.totals([]*flow{early, late})
	if got.packets != 0 || got.lost != 9 || got.silent != 2 {
		t.Errorf("%d packets, %d lost, %d silent", got.packets, got.lost, got.silent)
	}
	if flows, first := tally.heard(); flows != 1 || first != time.Second+1 {
		t.Errorf("%d flows, first at %v", flows, first)
	}
}

// A repair of its own SSRC fills the hole; a layer switch is no loss.
func TestTallyOfRepairAndLayers(t *testing.T) {
	tally := newTally(openWindow())
	low, high := &flow{id: 1, simulcast: true}, &flow{id: 2, simulcast: true}
	sequence := uint16(65530)
	put := func(ssrc, flow uint32, counters ...uint64) {
		for _, c := range counters {
			sequence++
			tally.take(packet(ssrc, sequence, stamp{flow, c, 2 * time.Second}, 0), 2*time.Second)
		}
	}
	put(10, 1, 100, 101, 103)
	put(11, 1, 102) // RTX
	put(10, 2, 500, 501)
	put(10, 1, 190, 191, 193) // one lost
	put(10, 2, 580)
	got := tally.totals([]*flow{low, high})
	if got.packets != 10 || got.lost != 1 || got.duplicates != 0 {
		t.Errorf("%d packets, %d lost, %d duplicates", got.packets, got.lost, got.duplicates)
	}
}

func TestTallyRefusesRubbish(t *testing.T) {
	good := packet(1, 1, stamp{1, 1, 2 * time.Second}, 3)
	for name, spoil := range map[string]func([]byte) []byte{
		"short":     func(b []byte) []byte { return b[:11] },
		"no stamp":  func(b []byte) []byte { b[len(b)-3-stampSize] ^= 1; return b },
		"padding 0": func(b []byte) []byte { b[len(b)-1] = 0; return b },
		"padding":   func(b []byte) []byte { b[len(b)-1] = 255; return b },
		"extension": func(b []byte) []byte { b[14] = 255; return b },
		"csrc":      func(b []byte) []byte { b[0] |= 15; return b[:40] },
	} {
		tally := newTally(openWindow())
		tally.take(spoil(append([]byte(nil), good...)), 3*time.Second)
		if tally.malformed != 1 || tally.packets != 0 {
			t.Errorf("%s: %d malformed, %d packets", name, tally.malformed, tally.packets)
		}
	}
}

func TestReceiverReport(t *testing.T) {
	tally := newTally(openWindow())
	number := uint16(65533)
	for i := range 8 { // wraps; the fourth is missing
		if i != 3 {
			tally.take(packet(9, number, stamp{1, uint64(i), time.Duration(i) * time.Millisecond}, 0), time.Duration(i)*time.Millisecond+time.Second)
		}
		number++
	}
	tally.reported(9, 0xabcd1234, 2*time.Second)
	tally.reported(8, 1, 2*time.Second) // unknown
	packets := tally.receiverReport(2500 * time.Millisecond)
	if len(packets) != 1 {
		t.Fatalf("%d packets", len(packets))
	}
	want := rtcp.ReceptionReport{
		SSRC: 9, FractionLost: 32, TotalLost: 1, LastSequenceNumber: 65536 + 4,
		LastSenderReport: 0xabcd1234, Delay: 32768,
	}
	if got := packets[0].(*rtcp.ReceiverReport).Reports[0]; got != want {
		t.Errorf("%+v", got)
	}
	if got := tally.receiverReport(3 * time.Second)[0].(*rtcp.ReceiverReport).Reports[0]; got.FractionLost != 0 || got.TotalLost != 1 {
		t.Errorf("without news: %+v", got)
	}
}

func TestTakeDoesNotAllocate(t *testing.T) {
	tally := newTally(openWindow())
	b := packet(1, 1, stamp{1, 1, 2 * time.Second}, 0)
	counter := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		counter++
		stamp{1, counter, 2 * time.Second}.put(b)
		tally.take(b, 3*time.Second)
	}); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

// What a server sends must never stop the generator.
func FuzzTake(f *testing.F) {
	f.Add(packet(1, 1, stamp{1, 1, 2 * time.Second}, 3))
	f.Add([]byte{0x80, 200, 0, 6})
	f.Add([]byte{22, 0xfe, 0xfd})
	f.Fuzz(func(t *testing.T, b []byte) {
		tally := newTally(openWindow())
		tally.take(b, 3*time.Second)
		if tally.packets+tally.malformed > 1 {
			t.Error("counted twice")
		}
		isRTP, isRTCP := media(b)
		if _, ok := serverHello(b); ok && (isRTP || isRTCP) {
			t.Error("both media and handshake")
		}
		senderReport(b)
	})
}
