package codec

import (
	"bytes"
	"testing"
)

func TestSplitRED(t *testing.T) {
	for _, c := range []struct {
		name    string
		in      []byte
		offsets []uint16
		blocks  []string
		primary string
		ok      bool
	}{
		{"nothing", nil, nil, nil, "", false},
		{"primary alone", unhex("6f 01 02"), nil, nil, "0102", true},
		{"empty primary", unhex("6f"), nil, nil, "", true},
		// 960 ticks: the 14 bits of the offset are 0f00>>2.
		{"one block", unhex("ef 0f0003 6f aabbcc 01"), []uint16{960}, []string{"aabbcc"}, "01", true},
		{"two blocks", unhex("ef 1e0001 ef 0f0002 6f aa bbcc 0102"), []uint16{1920, 960}, []string{"aa", "bbcc"}, "0102", true},
		{"an empty block is left out", unhex("ef 0f0000 6f 01"), nil, nil, "01", true},
		{"blocks alone", unhex("ef 0f0001 6f aa"), []uint16{960}, []string{"aa"}, "", true},
		{"short header", unhex("ef 0f00"), nil, nil, "", false},
		{"no last header", unhex("ef 0f0001"), nil, nil, "", false},
		{"short blocks", unhex("ef 0f0003 6f aabb"), nil, nil, "", false},
		{"longest block, missing", unhex("ef 0f03ff 6f aa"), nil, nil, "", false},
	} {
		blocks, primary, _, ok := SplitRED(c.in, nil)
		if ok != c.ok || !bytes.Equal(primary, unhex(c.primary)) || len(blocks) != len(c.blocks) {
			t.Errorf("%s: %d blocks, primary %x, %v", c.name, len(blocks), primary, ok)
			continue
		}
		for i := range blocks {
			if blocks[i].Offset != c.offsets[i] || !bytes.Equal(blocks[i].Payload, unhex(c.blocks[i])) || blocks[i].PayloadType != 0x6f {
				t.Errorf("%s: block %d is %+v", c.name, i, blocks[i])
			}
		}
	}
}

func TestAppendRED(t *testing.T) {
	long := bytes.Repeat([]byte{7}, maxREDBlock)
	blocks := []REDBlock{{maxREDOffset, 111, long}, {1920, 111, []byte{1}}, {960, 111, []byte{2, 3}}}
	b := AppendRED([]byte("head"), 111, blocks, []byte{4, 5, 6})
	got, primary, number, ok := SplitRED(b[4:], nil)
	if !ok || number != 111 || !bytes.Equal(primary, []byte{4, 5, 6}) || len(got) != len(blocks) {
		t.Fatalf("%d blocks, primary %x as %d, %v", len(got), primary, number, ok)
	}
	for i := range got {
		if got[i].Offset != blocks[i].Offset || got[i].PayloadType != 111 || !bytes.Equal(got[i].Payload, blocks[i].Payload) {
			t.Errorf("block %d is %+v", i, got[i])
		}
	}
}

func FuzzSplitRED(f *testing.F) {
	f.Add(unhex("ef 1e0001 ef 0f0002 6f aa bbcc 0102"))
	f.Add(unhex("6f 01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		blocks, primary, number, ok := SplitRED(b, nil)
		if !ok {
			return
		}
		for _, block := range blocks {
			if len(block.Payload) == 0 || len(block.Payload) > maxREDBlock || block.PayloadType != number {
				return // nothing that AppendRED writes
			}
		}
		again, primary2, _, ok := SplitRED(AppendRED(nil, number, blocks, primary), nil)
		if !ok || !bytes.Equal(primary, primary2) || len(again) != len(blocks) {
			t.Errorf("%x: %d blocks of %d come back, %v", b, len(again), len(blocks), ok)
		}
	})
}
