package wire

import (
	"bytes"
	"testing"
)

func TestEditOfLayers(t *testing.T) {
	kinds := testIDs.Kinds()
	var p Packet
	p.Payload = []byte("media")
	p.Extensions[ExtensionDependencyDescriptor] = []byte{0xC1, 0x12, 0x34, 0x80}
	f := Format{SSRC: 1, RTXSSRC: 2, PayloadType: 100, RTXPayloadType: 101, Extensions: testIDs}
	parse := func(b []byte) (out Packet) {
		t.Helper()
		if err := out.Parse(b, &kinds); err != nil {
			t.Fatal(err)
		}
		return out
	}
	e := Edit{Sequence: 7, Marker: true, Renumber: true, Frame: 0xABCD}
	for name, got := range map[string]Packet{"first": parse(f.Append(nil, &p, &e)), "again": parse(f.AppendRTX(nil, &p, &e, 9))} {
		want := []byte{0xC1, 0xAB, 0xCD, 0x80}
		if b := got.Extensions[ExtensionDependencyDescriptor]; !got.Marker || !bytes.Equal(b, want) {
			t.Errorf("%s: marker %v, descriptor %x, want %x", name, got.Marker, b, want)
		}
	}
	if b := p.Extensions[ExtensionDependencyDescriptor]; b[1] != 0x12 {
		t.Errorf("the publisher's packet was changed: %x", b)
	}
	short := p
	short.Extensions[ExtensionDependencyDescriptor] = []byte{0xC1, 0x12}
	if got := parse(f.Append(nil, &short, &e)); !bytes.Equal(got.Extensions[ExtensionDependencyDescriptor], []byte{0xC1, 0x12}) {
		t.Errorf("a descriptor cut short became %x", got.Extensions[ExtensionDependencyDescriptor])
	}
	p.Marker = true
	e = Edit{Sequence: 8, Empty: true}
	if got := parse(f.Append(nil, &p, &e)); len(got.Payload) != 0 || got.Marker || got.Sequence != 8 {
		t.Errorf("empty: %+v", got)
	}
	if got := parse(f.AppendRTX(nil, &p, &e, 9)); !bytes.Equal(got.Payload, []byte{0, 8}) {
		t.Errorf("empty, again: payload %x, want only the number", got.Payload)
	}
}
