package wire

import "testing"

func TestExtensionURIs(t *testing.T) {
	seen := map[string]ExtensionKind{}
	for kind := ExtensionNone + 1; kind < NumExtensions; kind++ {
		uri := ExtensionURI(kind)
		if uri == "" {
			t.Errorf("kind %d has no URI", kind)
		}
		if other, dup := seen[uri]; dup {
			t.Errorf("kinds %d and %d share %s", other, kind, uri)
		}
		seen[uri] = kind
		if got := ExtensionByURI(uri); got != kind {
			t.Errorf("ExtensionByURI(%s) = %d, want %d", uri, got, kind)
		}
	}
	for _, uri := range []string{"", "urn:ietf:params:rtp-hdrext:toffset"} {
		if got := ExtensionByURI(uri); got != ExtensionNone {
			t.Errorf("ExtensionByURI(%q) = %d", uri, got)
		}
	}
	for _, kind := range []ExtensionKind{ExtensionNone, NumExtensions, 255} {
		if got := ExtensionURI(kind); got != "" {
			t.Errorf("ExtensionURI(%d) = %q", kind, got)
		}
		if kind.Forwarded() {
			t.Errorf("kind %d is forwarded", kind)
		}
	}
}

func TestForwarded(t *testing.T) {
	hop := map[ExtensionKind]bool{
		ExtensionMid: true, ExtensionRid: true, ExtensionRepairedRid: true,
		ExtensionAbsSendTime: true, ExtensionTransportCC: true,
	}
	for kind := ExtensionNone + 1; kind < NumExtensions; kind++ {
		if kind.Forwarded() == hop[kind] {
			t.Errorf("%s: forwarded %v", ExtensionURI(kind), kind.Forwarded())
		}
	}
}

func TestKindsInvertsIDs(t *testing.T) {
	ids := testIDs
	ids[ExtensionNone] = 77 // names no extension
	kinds := ids.Kinds()
	for id, kind := range kinds {
		if kind != ExtensionNone && int(ids[kind]) != id {
			t.Errorf("id %d is kind %d, whose id is %d", id, kind, ids[kind])
		}
	}
	for kind := ExtensionNone + 1; kind < NumExtensions; kind++ {
		if id := ids[kind]; id != 0 && kinds[id] != kind {
			t.Errorf("id %d of kind %d leads to kind %d", id, kind, kinds[id])
		}
	}
	if kinds[77] != ExtensionNone || kinds[0] != ExtensionNone {
		t.Error("an id that was not negotiated has a kind")
	}
}

func TestAudioLevel(t *testing.T) {
	tests := []struct {
		in    []byte
		level uint8
		voice bool
		ok    bool
	}{
		{nil, 0, false, false},
		{[]byte{}, 0, false, false},
		{[]byte{0x00}, 0, false, true},
		{[]byte{0x80}, 0, true, true},
		{[]byte{0x7F}, 127, false, true},
		{[]byte{0xFF, 1}, 127, true, true},
		{[]byte{0x80 | 40}, 40, true, true},
	}
	for _, tt := range tests {
		level, voice, ok := AudioLevel(tt.in)
		if level != tt.level || voice != tt.voice || ok != tt.ok {
			t.Errorf("%x: %d, %v, %v", tt.in, level, voice, ok)
		}
	}
}
