package bwe

import (
	"encoding/hex"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

// unhex makes bytes of a readable string.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// header of feedback from packet 0xFFFE on, for that many packets (hex), at 64 ms.
const feedbackHeader = "8FCD0005" + "00000001" + "00000002" + "FFFE"

func TestParseFeedback(t *testing.T) {
	at := func(quarters int) time.Duration {
		return 64*time.Millisecond + time.Duration(quarters)*250*time.Microsecond
	}
	tests := []struct {
		name, rest string
		want       []Arrival
	}{
		{"nothing", "0000" + "000001" + "00", nil},
		{"a run", "0003" + "000001" + "00" + "2003" + "010203", []Arrival{{0xFFFE, true, at(1)}, {0xFFFF, true, at(3)}, {0, true, at(6)}}},
		{"a run of missing ones", "0002" + "000001" + "00" + "0002" + "0000", []Arrival{{Sequence: 0xFFFE}, {Sequence: 0xFFFF}}},
		{"one bit each", "0003" + "000001" + "00" + "A800" + "0104", []Arrival{{0xFFFE, true, at(1)}, {Sequence: 0xFFFF}, {0, true, at(5)}}},
		{"two bits each", "0003" + "000001" + "00" + "D200" + "04FFFF", []Arrival{{0xFFFE, true, at(4)}, {Sequence: 0xFFFF}, {0, true, at(3)}}},
		{"two chunks", "0003" + "000001" + "00" + "2001" + "0002" + "08", []Arrival{{0xFFFE, true, at(8)}, {Sequence: 0xFFFF}, {Sequence: 0}}},
		{"a reserved symbol counts as missing", "0001" + "000001" + "00" + "6001", []Arrival{{Sequence: 0xFFFE}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseFeedback(unhex(t, feedbackHeader+tt.rest), nil)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestParseFeedbackMalformed(t *testing.T) {
	for name, rest := range map[string]string{
		"no reference time":   "0001",
		"no chunk":            "0001" + "000001" + "00",
		"half a chunk":        "0001" + "000001" + "00" + "20",
		"an empty run":        "0001" + "000001" + "00" + "0000" + "2001" + "01",
		"no delta":            "0002" + "000001" + "00" + "2002" + "01",
		"half a delta":        "0001" + "000001" + "00" + "4001" + "01",
		"more than can be":    "FFFF" + "000001" + "00" + "1FFF1FFF1FFF1FFF1FFF1FFF1FFF1FFF1FFF",
		"a chunk for nothing": "0008" + "000001" + "00" + "0001",
	} {
		before := []Arrival{{Sequence: 5}}
		got, err := ParseFeedback(unhex(t, feedbackHeader+rest), before)
		if err == nil || len(got) != 1 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func FuzzParseFeedback(f *testing.F) {
	f.Add(unhex(f, feedbackHeader+"0003000001002003010203"))
	f.Add(unhex(f, feedbackHeader+"000300000100D20004FFFF"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := ParseFeedback(b, nil)
		if err != nil && len(got) != 0 {
			t.Fatal("arrivals of what is malformed")
		}
		if len(got) > maxArrivals {
			t.Fatalf("%d arrivals", len(got))
		}
		for i := range got {
			if i > 0 && got[i].Sequence != got[i-1].Sequence+1 {
				t.Fatalf("%d follows %d", got[i].Sequence, got[i-1].Sequence)
			}
		}
		e := New(Config{})
		for i := range 300 {
			e.Sent(time.Duration(i)*time.Millisecond, uint16(i), 1200, 0)
		}
		e.Feedback(400*time.Millisecond, got)
		if target := e.Target(400 * time.Millisecond); target < DefaultMin || target > DefaultMax {
			t.Fatalf("target %d", target)
		}
	})
}

func TestParseFeedbackAllocatesNothing(t *testing.T) {
	b := unhex(t, feedbackHeader+"0003000001002003010203")
	dst := make([]Arrival, 0, 16)
	if n := testing.AllocsPerRun(100, func() { dst, _ = ParseFeedback(b, dst[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkParseFeedback is a message of a hundred packets, a few of them lost.
func BenchmarkParseFeedback(b *testing.B) {
	message := append(unhex(b, feedbackHeader), 0, 98, 0, 0, 1, 0)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test
	var deltas []byte
	for range 7 {
		vector := uint16(0x8000)
		for i := range 14 {
			if random.IntN(20) > 0 {
				vector |= 1 << i
				deltas = append(deltas, 8)
			}
		}
		message = append(message, byte(vector>>8), byte(vector))
	}
	message = append(message, deltas...)
	var dst []Arrival
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = ParseFeedback(message, dst[:0]); err != nil {
			b.Fatal(err)
		}
	}
}
