package wire

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// testIDs are what a Chromium offer typically negotiates, plus one id that
// only the two-byte form can carry.
var testIDs = ExtensionIDs{
	ExtensionMid:                  4,
	ExtensionRid:                  10,
	ExtensionAudioLevel:           1,
	ExtensionTransportCC:          3,
	ExtensionVideoOrientation:     13,
	ExtensionDependencyDescriptor: 12,
	ExtensionAbsCaptureTime:       200,
}

func header(first byte, rest ...byte) []byte {
	b := []byte{first, 0x80 | 96, 0xFF, 0xFE, 0x01, 0x02, 0x03, 0x04, 0xCA, 0xFE, 0xBA, 0xBE}
	return append(b, rest...)
}

func TestParse(t *testing.T) {
	type elements map[ExtensionKind]string
	tests := []struct {
		name    string
		in      []byte
		err     error
		payload string
		want    elements
	}{
		{name: "empty", in: nil, err: ErrShort},
		{name: "eleven bytes", in: header(0x80)[:11], err: ErrShort},
		{name: "version 0", in: header(0x00), err: ErrVersion},
		{name: "version 3", in: header(0xC0), err: ErrVersion},
		{name: "header only", in: header(0x80)},
		{name: "payload", in: header(0x80, 'a', 'b'), payload: "ab"},
		{name: "csrc", in: header(0x81, 9, 9, 9, 9, 'a'), payload: "a"},
		{name: "csrc cut", in: header(0x82, 9, 9, 9, 9, 9, 9, 9), err: ErrShort},
		{name: "padding", in: header(0xA0, 'a', 0, 0, 3), payload: "a"},
		{name: "padding only", in: header(0xA0, 0, 0, 3)},
		{name: "padding zero", in: header(0xA0, 'a', 0), err: ErrPadding},
		{name: "padding too long", in: header(0xA0, 'a', 3), err: ErrPadding},
		{name: "padding without payload", in: header(0xA0), err: ErrPadding},
		{name: "padding reaching into csrc", in: header(0xA1, 0, 0, 0, 1), err: ErrPadding},
		{name: "extension head cut", in: header(0x90, 0xBE, 0xDE, 0), err: ErrShort},
		{name: "extension cut", in: header(0x90, 0xBE, 0xDE, 0, 1, 0, 0, 0), err: ErrShort},
		{name: "extension empty", in: header(0x90, 0xBE, 0xDE, 0, 0, 'a'), payload: "a"},
		{name: "extension after csrc and with padding",
			in:      header(0xB1, 9, 9, 9, 9, 0xBE, 0xDE, 0, 1, 0x10, 0x7F, 0, 0, 'a', 1),
			payload: "a", want: elements{ExtensionAudioLevel: "\x7f"}},
		{name: "one-byte, padding between", in: header(0x90, 0xBE, 0xDE, 0, 2, 0, 0x10, 0x85, 0, 0x41, '4', '2', 0, 'a'),
			payload: "a", want: elements{ExtensionAudioLevel: "\x85", ExtensionMid: "42"}},
		{name: "one-byte, unknown id skipped", in: header(0x90, 0xBE, 0xDE, 0, 1, 0x70, 1, 0x10, 5),
			want: elements{ExtensionAudioLevel: "\x05"}},
		{name: "one-byte, id 15 ends", in: header(0x90, 0xBE, 0xDE, 0, 1, 0xF0, 0x10, 0x10, 5, 'a'), payload: "a"},
		{name: "one-byte, id 0 with length ends", in: header(0x90, 0xBE, 0xDE, 0, 1, 0x01, 0x10, 0x10, 5, 'a'), payload: "a"},
		{name: "one-byte, overrun keeps what came before", in: header(0x90, 0xBE, 0xDE, 0, 1, 0x10, 5, 0x42, 5, 'a'),
			payload: "a", want: elements{ExtensionAudioLevel: "\x05"}},
		{name: "one-byte, sixteen bytes", in: header(0x90, append([]byte{0xBE, 0xDE, 0, 5, 0xCF}, "0123456789abcdef\x00\x00\x00"...)...),
			want: elements{ExtensionDependencyDescriptor: "0123456789abcdef"}},
		{name: "two-byte", in: header(0x90, 0x10, 0x0F, 0, 2, 200, 1, 'c', 0, 1, 1, 6, 0, 'a'),
			payload: "a", want: elements{ExtensionAbsCaptureTime: "c", ExtensionAudioLevel: "\x06"}},
		{name: "two-byte, empty element is present", in: header(0x90, 0x10, 0x00, 0, 1, 4, 0, 0, 0), want: elements{ExtensionMid: ""}},
		{name: "two-byte, head cut", in: header(0x90, 0x10, 0x00, 0, 1, 1, 1, 6, 4), want: elements{ExtensionAudioLevel: "\x06"}},
		{name: "two-byte, overrun", in: header(0x90, 0x10, 0x00, 0, 1, 4, 3, 1, 1)},
		{name: "other profile", in: header(0x90, 0xAB, 0xCD, 0, 1, 0x10, 5, 0, 0, 'a'), payload: "a"},
	}
	kinds := testIDs.Kinds()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := Packet{Sequence: 7, Payload: []byte("old")}
			p.Extensions[ExtensionRid] = []byte("old")
			err := p.Parse(tt.in, &kinds)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				if p.Sequence != 0 || p.Payload != nil || p.Extensions[ExtensionRid] != nil {
					t.Errorf("packet is not zero after an error: %+v", p)
				}
				return
			}
			if p.Sequence != 0xFFFE || p.Timestamp != 0x01020304 || p.SSRC != 0xCAFEBABE || p.PayloadType != 96 || !p.Marker {
				t.Errorf("header %+v", p)
			}
			if string(p.Payload) != tt.payload {
				t.Errorf("payload %q, want %q", p.Payload, tt.payload)
			}
			for kind, got := range p.Extensions {
				want, present := tt.want[ExtensionKind(kind)]
				if (got != nil) != present || string(got) != want {
					t.Errorf("extension %d is %q, want %q (present %v)", kind, got, want, present)
				}
			}
		})
	}
}

func TestParseWithoutKinds(t *testing.T) {
	var p Packet
	if err := p.Parse(header(0x90, 0xBE, 0xDE, 0, 1, 0x10, 5, 0, 0, 'a'), nil); err != nil {
		t.Fatal(err)
	}
	if string(p.Payload) != "a" || p.Extensions[ExtensionAudioLevel] != nil {
		t.Errorf("got %+v", p)
	}
}

// TestParseBadKinds shows that a table with kinds of a later version, or any
// nonsense, is ignored.
func TestParseBadKinds(t *testing.T) {
	var kinds ExtensionKinds
	kinds[1] = 255
	var p Packet
	if err := p.Parse(header(0x90, 0xBE, 0xDE, 0, 1, 0x10, 5, 0, 0, 'a'), &kinds); err != nil {
		t.Fatal(err)
	}
	for kind, b := range p.Extensions {
		if b != nil {
			t.Errorf("extension %d is %q", kind, b)
		}
	}
}

// checkParse holds for every input: Parse does not panic, what it finds lies
// within the input, and what Append makes of it parses to the same media.
func checkParse(t *testing.T, in []byte) {
	t.Helper()
	before := bytes.Clone(in)
	kinds := testIDs.Kinds()
	var p Packet
	if err := p.Parse(in, &kinds); err != nil {
		return
	}
	total := len(p.Payload)
	for _, b := range p.Extensions {
		total += len(b)
	}
	if headerSize+total > len(in) {
		t.Fatalf("found %d bytes of content in %d", total, len(in))
	}
	f := Format{SSRC: 1, RTXSSRC: 2, PayloadType: 100, RTXPayloadType: 101, Extensions: testIDs}
	e := Edit{Sequence: p.Sequence + 9, Timestamp: p.Timestamp + 9}
	checkRoundTrip(t, &f, &p, &e)
	if !bytes.Equal(in, before) {
		t.Fatal("the input was changed")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(header(0x80, 'a'))
	f.Add(header(0xB1, 9, 9, 9, 9, 0xBE, 0xDE, 0, 1, 0x10, 0x7F, 0, 0, 'a', 1))
	f.Add(header(0x90, 0x10, 0x0F, 0, 2, 200, 1, 'c', 0, 1, 1, 6, 0, 'a'))
	f.Add(header(0x90, 0xBE, 0xDE, 0, 1, 0x10, 5, 0x42, 5, 'a'))
	f.Fuzz(checkParse)
}

// TestParseRandom runs the property over packets that are mostly well-formed,
// which random bytes rarely are.
func TestParseRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		b := make([]byte, random.IntN(80))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		if len(b) > 0 {
			b[0] = 0x80 | b[0]&0x33
		}
		if len(b) > 16 && random.IntN(4) > 0 {
			b[0] = 0x90
			b[12], b[13], b[14], b[15] = 0xBE, 0xDE, 0, byte(random.IntN(len(b)/4-3))
			if random.IntN(2) == 0 {
				b[12], b[13] = 0x10, 0x00
			}
		}
		checkParse(t, b)
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	in, kinds := videoPacket(), testIDs.Kinds()
	var p Packet
	if n := testing.AllocsPerRun(100, func() {
		if p.Parse(in, &kinds) != nil {
			t.Fatal("not parsed")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// videoPacket is of the size and with the extensions of Chromium's video.
func videoPacket() []byte {
	b := header(0x90, 0xBE, 0xDE, 0, 4,
		0x32, 1, 2, 3, // transport-cc
		0x40, '1', // mid
		0xA0, 'f', // rid
		0xC2, 0x80, 0x01, 0x02, // dependency descriptor
		0xD0, 0, // orientation
		0, 0)
	return append(b, make([]byte, 1100)...)
}

func BenchmarkParse(b *testing.B) {
	in, kinds := videoPacket(), testIDs.Kinds()
	var p Packet
	b.ReportAllocs()
	for b.Loop() {
		if p.Parse(in, &kinds) != nil {
			b.Fatal("not parsed")
		}
	}
}
