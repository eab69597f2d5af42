package wire

import (
	"bytes"
	"testing"
)

// checkRoundTrip parses what Append and AppendRTX make of p and compares.
func checkRoundTrip(t *testing.T, f *Format, p *Packet, e *Edit) {
	t.Helper()
	payload := bytes.Clone(p.Payload)
	copy(payload, e.Patch[:min(e.PatchLen, MaxPatch)])
	kinds := f.Extensions.Kinds()

	prefix := []byte("before")
	out := f.Append(prefix, p, e)
	if !bytes.HasPrefix(out, prefix) {
		t.Fatalf("Append overwrote what was there: %q", out[:6])
	}
	out = out[len(prefix):]
	if out[0]&0x2F != 0 {
		t.Fatalf("padding or contributing sources in %#x", out[0])
	}
	var sent Packet
	if err := sent.Parse(out, &kinds); err != nil {
		t.Fatalf("Append's packet: %v", err)
	}
	compare(t, f, p, &sent)
	if sent.Sequence != e.Sequence || sent.Timestamp != e.Timestamp || sent.SSRC != f.SSRC || sent.PayloadType != f.PayloadType {
		t.Fatalf("numbers of %+v", sent)
	}
	if !bytes.Equal(sent.Payload, payload) {
		t.Fatalf("payload %x, want %x", sent.Payload, payload)
	}

	if err := sent.Parse(f.AppendRTX(nil, p, e, 777), &kinds); err != nil {
		t.Fatalf("AppendRTX's packet: %v", err)
	}
	compare(t, f, p, &sent)
	if sent.Sequence != 777 || sent.Timestamp != e.Timestamp || sent.SSRC != f.RTXSSRC || sent.PayloadType != f.RTXPayloadType {
		t.Fatalf("numbers of RTX %+v", sent)
	}
	original, rest, ok := RTXOriginal(sent.Payload)
	if !ok || original != e.Sequence || !bytes.Equal(rest, payload) {
		t.Fatalf("RTX of %d: %x, want %d: %x", original, rest, e.Sequence, payload)
	}
}

// compare checks the marker and that exactly the right extensions arrived.
func compare(t *testing.T, f *Format, in, sent *Packet) {
	t.Helper()
	if sent.Marker != in.Marker {
		t.Fatalf("marker %v", sent.Marker)
	}
	for kind, got := range sent.Extensions {
		want := in.Extensions[kind]
		if f.Extensions[kind] == 0 || !ExtensionKind(kind).Forwarded() {
			want = nil
		}
		if ExtensionKind(kind) == ExtensionTransportCC && f.Extensions[kind] != 0 {
			want = []byte{0, 0} // for Stamp
		}
		if !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Fatalf("extension %d is %x, want %x", kind, got, want)
		}
	}
}

func TestAppendBytes(t *testing.T) {
	p := Packet{Marker: true, Payload: []byte("payload")}
	p.Extensions[ExtensionAudioLevel] = []byte{0x85}
	p.Extensions[ExtensionMid] = []byte("0")
	f := Format{SSRC: 0x0A0B0C0D, RTXSSRC: 0x01020304, PayloadType: 111, RTXPayloadType: 112}
	f.Extensions[ExtensionAudioLevel] = 2
	f.Extensions[ExtensionMid] = 3
	e := Edit{Sequence: 0xFFFF, Timestamp: 0xFFFFFFFE, PatchLen: 2, Patch: [MaxPatch]byte{'P', 'A', 'x'}}

	want := "\x90\xEF\xFF\xFF\xFF\xFF\xFF\xFE\x0A\x0B\x0C\x0D\xBE\xDE\x00\x01\x20\x85\x00\x00PAyload"
	if got := f.Append(nil, &p, &e); string(got) != want {
		t.Errorf("Append\n%x, want\n%x", got, want)
	}
	want = "\x90\xF0\x00\x00\xFF\xFF\xFF\xFE\x01\x02\x03\x04\xBE\xDE\x00\x01\x20\x85\x00\x00\xFF\xFFPAyload"
	if got := f.AppendRTX(nil, &p, &e, 0); string(got) != want {
		t.Errorf("AppendRTX\n%x, want\n%x", got, want)
	}
	f.Extensions[ExtensionAudioLevel] = 0
	want = "\x80\xEF\xFF\xFF\xFF\xFF\xFF\xFE\x0A\x0B\x0C\x0DPAyload"
	if got := f.Append(nil, &p, &e); string(got) != want {
		t.Errorf("Append without extensions\n%x, want\n%x", got, want)
	}
}

func TestAppendForms(t *testing.T) {
	tests := []struct {
		name    string
		id      uint8
		size    int
		profile uint16 // 0: no extension
	}{
		{"smallest one-byte", 1, 1, profileOneByte},
		{"largest one-byte", 14, 16, profileOneByte},
		{"id 15", 15, 1, profileTwoByte},
		{"id 255", 255, 3, profileTwoByte},
		{"empty element", 1, 0, profileTwoByte},
		{"17 bytes", 1, 17, profileTwoByte},
		{"255 bytes", 1, 255, profileTwoByte},
		{"256 bytes fit no form", 1, 256, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f Format
			f.Extensions[ExtensionDependencyDescriptor] = tt.id
			f.Extensions[ExtensionVideoOrientation] = 9
			p := Packet{Payload: []byte("x")}
			p.Extensions[ExtensionDependencyDescriptor] = bytes.Repeat([]byte{7}, tt.size)
			out := f.Append(nil, &p, &Edit{})
			if has := out[0]&0x10 != 0; has != (tt.profile != 0) {
				t.Fatalf("extension bit %v", has)
			}
			if tt.profile == 0 {
				return
			}
			if got := uint16(out[12])<<8 | uint16(out[13]); got != tt.profile {
				t.Errorf("profile %#x, want %#x", got, tt.profile)
			}
			p.Extensions[ExtensionVideoOrientation] = []byte{3}
			checkRoundTrip(t, &f, &p, &Edit{})
		})
	}
}

func TestAppendPatchIsClamped(t *testing.T) {
	f := Format{SSRC: 1}
	e := Edit{PatchLen: 200, Patch: [MaxPatch]byte{1, 2, 3, 4, 5, 6}}
	for size := range 10 {
		p := Packet{Payload: make([]byte, size)}
		out := f.Append(nil, &p, &e)
		if len(out) != headerSize+size {
			t.Fatalf("payload of %d became %d", size, len(out)-headerSize)
		}
		n := min(size, MaxPatch)
		if !bytes.Equal(out[headerSize:headerSize+n], e.Patch[:n]) {
			t.Errorf("payload %x", out[headerSize:])
		}
		if !bytes.Equal(p.Payload, make([]byte, size)) {
			t.Error("the source's payload was changed")
		}
	}
}

// FuzzAppend lets the fuzzer choose the viewer's format as well.
func FuzzAppend(f *testing.F) {
	f.Add([]byte("payload"), []byte{1, 2, 3}, []byte("descriptor of an AV1 frame"), uint8(1), uint8(15), uint8(3))
	f.Add([]byte{}, []byte{}, []byte{9}, uint8(14), uint8(0), uint8(9))
	f.Fuzz(checkAppend)
}

func checkAppend(t *testing.T, payload, first, second []byte, firstID, secondID, patch uint8) {
	if len(first) > twoByteMaxSize || len(second) > twoByteMaxSize || firstID == secondID {
		return
	}
	p := Packet{Payload: payload}
	p.Extensions[ExtensionPlayoutDelay] = first
	p.Extensions[ExtensionColorSpace] = second
	p.Extensions[ExtensionRid] = []byte("hop by hop")
	f := Format{SSRC: 5, RTXSSRC: 6, PayloadType: 127, RTXPayloadType: 1}
	f.Extensions[ExtensionPlayoutDelay] = firstID
	f.Extensions[ExtensionColorSpace] = secondID
	e := Edit{Sequence: 65535, Timestamp: 1<<32 - 1, PatchLen: patch, Patch: [MaxPatch]byte{6, 5, 4, 3, 2, 1}}
	checkRoundTrip(t, &f, &p, &e)
}

func TestRTXOriginal(t *testing.T) {
	tests := []struct {
		in       string
		original uint16
		rest     string
		ok       bool
	}{
		{"", 0, "", false},
		{"\x01", 0, "", false},
		{"\xFF\xFF", 65535, "", true},
		{"\x01\x02abc", 0x0102, "abc", true},
	}
	for _, tt := range tests {
		original, rest, ok := RTXOriginal([]byte(tt.in))
		if original != tt.original || string(rest) != tt.rest || ok != tt.ok {
			t.Errorf("%x: %d, %q, %v", tt.in, original, rest, ok)
		}
	}
}

func viewerFormat() Format {
	return Format{SSRC: 1, RTXSSRC: 2, PayloadType: 96, RTXPayloadType: 97, Extensions: testIDs}
}

func TestAppendAllocatesNothing(t *testing.T) {
	var p Packet
	kinds := testIDs.Kinds()
	if err := p.Parse(videoPacket(), &kinds); err != nil {
		t.Fatal(err)
	}
	f, e, dst := viewerFormat(), Edit{PatchLen: 4}, make([]byte, 0, 1500)
	if n := testing.AllocsPerRun(100, func() {
		f.Append(dst, &p, &e)
		f.AppendRTX(dst, &p, &e, 3)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkAppend(b *testing.B) {
	var p Packet
	kinds := testIDs.Kinds()
	if err := p.Parse(videoPacket(), &kinds); err != nil {
		b.Fatal(err)
	}
	f, e, dst := viewerFormat(), Edit{PatchLen: 4}, make([]byte, 0, 1500)
	b.ReportAllocs()
	for b.Loop() {
		dst = f.Append(dst[:0], &p, &e)
	}
	b.SetBytes(int64(len(dst)))
}
