package wire

import (
	"bytes"
	"testing"
	"time"
)

// A viewer is told the delay in the form that its ids ask for, beside what else there is;
// the publisher's own, where it has one, goes before.
func TestAppendPlayout(t *testing.T) {
	for _, c := range []struct {
		name      string
		id, other uint8
		own       []byte
		delay     time.Duration
		want      []byte
	}{
		{"none", 5, 3, nil, 0, []byte{0, 0x03, 0xe8}},
		{"170 ms", 5, 3, nil, 179 * time.Millisecond, []byte{1, 0x13, 0xe8}},
		{"a second", 14, 3, nil, time.Second, []byte{6, 0x43, 0xe8}},
		{"too much", 5, 3, nil, time.Hour, []byte{0x0f, 0xe3, 0xe8}},
		{"two-byte id", 15, 3, nil, 100 * time.Millisecond, []byte{0, 0xa3, 0xe8}},
		{"two-byte company", 5, 20, nil, 100 * time.Millisecond, []byte{0, 0xa3, 0xe8}},
		{"publisher's", 5, 3, []byte{1, 2, 3}, time.Second, []byte{1, 2, 3}},
		{"not negotiated", 0, 3, nil, time.Second, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := Format{SSRC: 1, RTXSSRC: 2, PayloadType: 96, RTXPayloadType: 97}
			f.Extensions[ExtensionPlayoutDelay] = c.id
			f.Extensions[ExtensionVideoOrientation] = c.other
			f.Extensions[ExtensionTransportCC] = 6
			p := Packet{Payload: []byte("payload")}
			p.Extensions[ExtensionPlayoutDelay] = c.own
			p.Extensions[ExtensionVideoOrientation] = []byte{1}
			kinds := f.Extensions.Kinds()
			var sent Packet
			if err := sent.Parse(f.Append(nil, &p, &Edit{Playout: PlayoutOf(c.delay)}), &kinds); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(sent.Extensions[ExtensionPlayoutDelay], c.want) || !bytes.Equal(sent.Payload, p.Payload) ||
				!bytes.Equal(sent.Extensions[ExtensionVideoOrientation], []byte{1}) || len(sent.Extensions[ExtensionTransportCC]) != 2 {
				t.Errorf("sent %+v", sent)
			}
			if err := sent.Parse(f.Append(nil, &p, &Edit{}), &kinds); err != nil || !bytes.Equal(sent.Extensions[ExtensionPlayoutDelay], c.own) {
				t.Errorf("untold, sent %+v (%v)", sent, err)
			}
		})
	}
}
