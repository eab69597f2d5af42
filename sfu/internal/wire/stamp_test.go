package wire

import (
	"bytes"
	"testing"
)

// stamped formats have a transport-wide number under ids of both forms, with
// and without other extensions.
func stampedFormats() []Format {
	var formats []Format
	for _, id := range []uint8{1, 14, 15, 255} {
		for _, level := range []uint8{0, 2, 200} {
			f := Format{SSRC: 1, RTXSSRC: 2, PayloadType: 96, RTXPayloadType: 97}
			f.Extensions[ExtensionTransportCC] = id
			f.Extensions[ExtensionAudioLevel] = level
			formats = append(formats, f)
		}
	}
	return formats
}

func TestStamp(t *testing.T) {
	p := Packet{Payload: []byte("payload")}
	p.Extensions[ExtensionAudioLevel] = []byte{0x85}
	p.Extensions[ExtensionTransportCC] = []byte{9, 9} // the publisher's: means nothing here
	e := Edit{Sequence: 7, Timestamp: 8}
	for _, f := range stampedFormats() {
		kinds := f.Extensions.Kinds()
		for name, b := range map[string][]byte{
			"media":   f.Append(nil, &p, &e),
			"repeat":  f.AppendRTX(nil, &p, &e, 5),
			"padding": f.AppendPadding(nil, 8, 5, 200),
		} {
			before := bytes.Clone(b)
			Stamp(b, 0xABCD)
			var sent Packet
			if err := sent.Parse(b, &kinds); err != nil {
				t.Fatalf("%s under %v: %v", name, f.Extensions, err)
			}
			if got := sent.Extensions[ExtensionTransportCC]; !bytes.Equal(got, []byte{0xAB, 0xCD}) {
				t.Errorf("%s under %v: number %x", name, f.Extensions, got)
			}
			Stamp(b, 0)
			if !bytes.Equal(b, before) {
				t.Errorf("%s under %v: stamping changed other bytes", name, f.Extensions)
			}
		}
	}
}

func TestStampLeavesOthersAlone(t *testing.T) {
	p := Packet{Payload: []byte("payload")}
	plain := Format{SSRC: 1, PayloadType: 96}
	for _, b := range [][]byte{nil, {0x90}, plain.Append(nil, &p, &Edit{})} {
		before := bytes.Clone(b)
		if Stamp(b, 0xFFFF); !bytes.Equal(b, before) {
			t.Errorf("%x became %x", before, b)
		}
	}
}

func TestAppendPadding(t *testing.T) {
	f := Format{SSRC: 1, RTXSSRC: 2, PayloadType: 96, RTXPayloadType: 97}
	kinds := f.Extensions.Kinds()
	for _, size := range []int{-1, 0, 1, 2, 100, 255, 256} {
		b := f.AppendPadding(nil, 8, 5, size)
		var sent Packet
		if err := sent.Parse(b, &kinds); err != nil {
			t.Fatalf("%d: %v", size, err)
		}
		if len(sent.Payload) != 0 || sent.SSRC != 2 || sent.PayloadType != 97 || sent.Sequence != 5 || sent.Timestamp != 8 {
			t.Errorf("%d: %+v", size, sent)
		}
		if want := headerSize + min(max(size, 1), 255); len(b) != want {
			t.Errorf("%d: %d bytes, want %d", size, len(b), want)
		}
	}
}

func TestStampAllocatesNothing(t *testing.T) {
	f := stampedFormats()[0]
	p := Packet{Payload: make([]byte, 1000)}
	dst := make([]byte, 0, 1500)
	if n := testing.AllocsPerRun(100, func() {
		Stamp(f.Append(dst, &p, &Edit{}), 3)
		f.AppendPadding(dst, 0, 0, 255)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
