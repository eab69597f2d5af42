package main

import (
	"testing"

	"github.com/pion/rtcp"
)

func TestNumberingOf(t *testing.T) {
	const uri = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	for description, want := range map[string]uint32{
		"": 0,
		"v=0\r\na=extmap:5 " + uri + "\r\na=mid:0\r\n":     5,
		"a=extmap:3/sendonly " + uri + "\n":                3,
		"a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\n": 0,
		"a=extmap:x " + uri:                                0,
		"a=extmap:7":                                       0,
	} {
		if got := numberingOf(description); got != want {
			t.Errorf("%q: %d, want %d", description, got, want)
		}
	}
}

func TestTransportNumber(t *testing.T) {
	packet := func(first byte, extension ...byte) []byte {
		return append([]byte{first, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3}, extension...)
	}
	for name, c := range map[string]struct {
		b    []byte
		want uint16
		ok   bool
	}{
		"one byte":          {packet(0x90, 0xbe, 0xde, 0, 1, 0x51, 1, 2, 0), 0x102, true},
		"behind others":     {packet(0x90, 0xbe, 0xde, 0, 2, 0x10, 9, 0, 0x51, 1, 2, 0, 0), 0x102, true},
		"behind a CSRC":     {packet(0x91, 0, 0, 0, 0, 0xbe, 0xde, 0, 1, 0x51, 1, 2, 0), 0x102, true},
		"two bytes":         {packet(0x90, 0x10, 0, 0, 2, 5, 2, 1, 2, 0, 0, 0, 0), 0x102, true},
		"another id":        {packet(0x90, 0xbe, 0xde, 0, 1, 0x61, 1, 2, 0), 0, false},
		"another length":    {packet(0x90, 0xbe, 0xde, 0, 1, 0x50, 1, 0, 0), 0, false},
		"no extension":      {packet(0x80, 0xbe, 0xde, 0, 1, 0x51, 1, 2, 0), 0, false},
		"another profile":   {packet(0x90, 1, 2, 0, 1, 0x51, 1, 2, 0), 0, false},
		"cut off":           {packet(0x90, 0xbe, 0xde, 0, 2, 0x51, 1, 2, 0), 0, false},
		"beyond the end":    {packet(0x90, 0xbe, 0xde, 0, 1, 0, 0, 0, 0x51), 0, false},
		"half of two bytes": {packet(0x90, 0x10, 0, 0, 1, 0, 0, 0, 5), 0, false},
		"header alone":      {packet(0x90), 0, false},
	} {
		if got, ok := transportNumber(c.b, 5); got != c.want || ok != c.ok {
			t.Errorf("%s: %d %v", name, got, ok)
		}
	}
}

func FuzzTransportNumber(f *testing.F) {
	f.Add([]byte{0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x51, 1, 2, 0})
	f.Add([]byte{0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0x10, 0, 0, 1, 5, 2, 1, 2})
	f.Fuzz(func(_ *testing.T, b []byte) {
		if isRTP, _ := media(b); isRTP {
			transportNumber(b, 5)
		}
	})
}

func TestFeedbackTellsOfArrivals(t *testing.T) {
	tally := newTally(&window{})
	if packets := tally.feedback(); packets != nil {
		t.Errorf("of nothing: %v", packets)
	}
	b := []byte{0x90, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0xbe, 0xde, 0, 1, 0x51, 0, 7, 0}
	tally.record(b, 0) // the id is not known yet
	tally.numbering.Store(5)
	for _, number := range []byte{8, 9, 11} {
		b[18] = number
		tally.record(b, 0)
	}
	packets := tally.feedback()
	if len(packets) != 1 {
		t.Fatalf("%d messages", len(packets))
	}
	cc := packets[0].(*rtcp.TransportLayerCC)
	if cc.BaseSequenceNumber != 8 || cc.PacketStatusCount != 4 || len(cc.RecvDeltas) != 3 {
		t.Errorf("%v", cc)
	}
}

// Padding that probes the path is no media, and no malformed packet.
func TestPaddingIsCountedApart(t *testing.T) {
	tally := newTally(&window{})
	tally.take([]byte{0xa0, 97, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 3}, 0)
	if tally.padding != 1 || tally.malformed != 0 || tally.packets != 0 {
		t.Errorf("%d of padding, %d malformed, %d packets", tally.padding, tally.malformed, tally.packets)
	}
}
