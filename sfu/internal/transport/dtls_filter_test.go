package transport

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func record(content byte, epoch uint16, body ...byte) []byte {
	b := []byte{content, 254, 253}
	b = binary.BigEndian.AppendUint16(b, epoch)
	b = append(b, 0, 0, 0, 0, 0, 1)
	b = binary.BigEndian.AppendUint16(b, uint16(len(body))) //nolint:gosec // short
	return append(b, body...)
}

// fragment is a handshake fragment, with its data.
func fragment(length, offset, data int, serial byte) []byte {
	b := []byte{1, 0, byte(length >> 8), byte(length), 0, serial, 0, byte(offset >> 8), byte(offset), 0, byte(data >> 8), byte(data)} //nolint:gosec // short
	return append(b, make([]byte, data)...)
}

func TestDTLSRecords(t *testing.T) {
	encrypted := bytes.Repeat([]byte{7}, 40)
	wrongVersion := record(contentHandshake, 0, fragment(4, 0, 4, 0)...)
	wrongVersion[1] = 3
	tooLong := record(contentApplicationData, 1, encrypted...)
	tooLong[11] = 0xff
	for name, c := range map[string]struct {
		record             []byte
		handshake, secured bool // kept during the handshake, once it is done
	}{
		"handshake":               {record(contentHandshake, 0, fragment(40, 0, 40, 0)...), true, false},
		"part of a message":       {record(contentHandshake, 0, fragment(400, 100, 40, 3)...), true, false},
		"ChangeCipherSpec":        {record(contentChangeCipherSpec, 0, 1), true, false},
		"Finished":                {record(contentHandshake, 1, encrypted...), true, true},
		"encrypted alert":         {record(21, 1, encrypted...), true, true},
		"encrypted data":          {record(contentApplicationData, 1, encrypted...), true, true},
		"plain fatal alert":       {record(21, 0, 2, 40), false, false},
		"plain close_notify":      {record(21, 0, 1, 0), false, false},
		"plain data":              {record(contentApplicationData, 0, 1, 2, 3, 4, 5), false, false},
		"bad ChangeCipherSpec":    {record(contentChangeCipherSpec, 0, 2), false, false},
		"long ChangeCipherSpec":   {record(contentChangeCipherSpec, 0, 1, 1), false, false},
		"later ChangeCipherSpec":  {record(contentChangeCipherSpec, 1, 1), false, false},
		"garbage as the same":     {record(contentChangeCipherSpec, 1, encrypted...), false, false},
		"unknown content":         {record(99, 0, 1, 2, 3), false, false},
		"unknown encrypted":       {record(99, 1, encrypted...), false, false},
		"connection id":           {record(25, 1, encrypted...), false, false},
		"epoch 2":                 {record(contentApplicationData, 2, encrypted...), false, false},
		"wrong version":           {wrongVersion, false, false},
		"beyond the datagram":     {tooLong, false, false},
		"cut header":              {record(contentHandshake, 0)[:9], false, false},
		"empty handshake record":  {append(record(contentHandshake, 0), 0), false, false},
		"empty":                   {record(contentApplicationData, 1), false, false},
		"huge message":            {record(contentHandshake, 0, fragment(handshakeLimit+1, 0, 40, 0)...), false, false},
		"fragment of more":        {record(contentHandshake, 0, fragment(40, 20, 40, 0)...), false, false},
		"cut fragment":            {record(contentHandshake, 0, fragment(40, 0, 40, 0)[:30]...), false, false},
		"empty fragment":          {record(contentHandshake, 0, fragment(40, 0, 0, 0)...), false, false},
		"message of far ahead":    {record(contentHandshake, 0, fragment(40, 0, 40, 200)...), false, false},
		"bytes behind a fragment": {record(contentHandshake, 0, append(fragment(4, 0, 4, 0), 1, 2)...), false, false},
	} {
		for secured, want := range map[bool]bool{false: c.handshake, true: c.secured} {
			kept, dropped := dtlsRecords(bytes.Clone(c.record), secured)
			if (len(kept) > 0) != want || (dropped > 0) == want || (want && !bytes.Equal(kept, c.record)) {
				t.Errorf("%s, secured %v: kept %d bytes, dropped %d", name, secured, len(kept), dropped)
			}
		}
	}
}

func TestGoodRecordsBesideForgedOnes(t *testing.T) {
	good := record(contentHandshake, 1, bytes.Repeat([]byte{7}, 40)...)
	both := append(append(append(record(21, 0, 2, 40), good...), record(contentApplicationData, 0, 1)...), good...)
	kept, dropped := dtlsRecords(both, true)
	if want := append(bytes.Clone(good), good...); !bytes.Equal(kept, want) || dropped != 2 {
		t.Errorf("kept %d bytes, dropped %d", len(kept), dropped)
	}
}

func FuzzDTLSRecords(f *testing.F) {
	f.Add(record(contentHandshake, 0, fragment(40, 0, 40, 0)...), false)
	f.Add(record(contentApplicationData, 1, 1, 2, 3), true)
	f.Fuzz(func(t *testing.T, b []byte, secured bool) {
		size := len(b)
		kept, dropped := dtlsRecords(b, secured)
		if len(kept) > size || (len(kept) < size) != (dropped > 0) {
			t.Fatalf("kept %d of %d bytes, dropped %d", len(kept), size, dropped)
		}
		again, dropped := dtlsRecords(bytes.Clone(kept), secured)
		if dropped != 0 || !bytes.Equal(again, kept) {
			t.Fatalf("of what was kept %d records are dropped", dropped)
		}
	})
}
