package codec

import (
	"bytes"
	"testing"
)

func TestREDPrimary(t *testing.T) {
	for name, c := range map[string]struct{ in, want []byte }{
		"empty":            {nil, nil},
		"primary only":     {[]byte{0x6f, 1, 2, 3}, []byte{1, 2, 3}},
		"one redundant":    {[]byte{0x80 | 0x6f, 0x0f, 0x00, 2, 0x6f, 9, 9, 1, 2}, []byte{1, 2}},
		"two redundant":    {[]byte{0xef, 0, 0, 1, 0xef, 0, 0, 2, 0x6f, 7, 8, 8, 5}, []byte{5}},
		"length over end":  {[]byte{0xef, 0, 0x03, 0xff, 0x6f, 1}, nil},
		"cut header":       {[]byte{0xef, 0, 0}, nil},
		"no last header":   {[]byte{0xef, 0, 0, 0}, nil},
		"empty primary":    {[]byte{0xef, 0, 0, 1, 0x6f, 1}, []byte{}},
		"ten-bit length":   {append([]byte{0xef, 0, 0x01, 0x00, 0x6f}, append(make([]byte, 256), 4)...), []byte{4}},
		"nothing but last": {[]byte{0x6f}, []byte{}},
	} {
		if got := REDPrimary(c.in); !bytes.Equal(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func FuzzREDPrimary(f *testing.F) {
	f.Add([]byte{0xef, 0x0f, 0x00, 2, 0x6f, 9, 9, 1, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := REDPrimary(b); len(got) >= len(b) && len(b) > 0 {
			t.Fatalf("primary of %d bytes out of %d", len(got), len(b))
		}
	})
}
