package sfu

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

// laterPackets is a publisher whose descriptions change; its packets are the test's.
type laterPackets struct {
	t   *testing.T
	p   *Participant
	out *transport.Batch
	now time.Duration
	seq uint16
}

func newLater(t *testing.T) *laterPackets {
	path := newPacketPath(t, 0)
	p := newParticipant(path.publisher.server, JoinRequest{Client: silent{}, Grants: AllGrants})
	p.room = newRoom(p.server, "demo")
	p.room.add(p)
	peer, err := p.server.engine.NewPeer(&p.media)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(peer.Close)
	p.peer, p.media.peer = peer, peer
	return &laterPackets{t: t, p: p, out: path.out, now: time.Second}
}

// described is what a description says that the publisher sends.
func (l *laterPackets) described(in ...jsep.Incoming) { l.p.publish(in) }

// packet comes from the publisher with one-byte extensions; it reports whether the packet
// was taken for one of a track's.
func (l *laterPackets) packet(ssrc uint32, pt byte, extensions map[byte]string) bool {
	l.seq++
	l.now += 150 * time.Millisecond // so that a stream may follow another
	b := []byte{0x90, pt}
	b = binary.BigEndian.AppendUint16(b, l.seq)
	b = binary.BigEndian.AppendUint32(b, uint32(l.seq)*450)
	b = binary.BigEndian.AppendUint32(b, ssrc)
	var list []byte
	for id, value := range extensions {
		list = append(append(list, id<<4|byte(len(value)-1)), value...)
	}
	list = append(list, make([]byte, -len(list)&3)...)
	b = append(b, 0xbe, 0xde, 0, byte(len(list)/4))
	b = append(b, list...)
	b = append(b, 0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1, 0, 0)
	before := l.p.server.counter.unknown.Load()
	l.out.Begin(l.now)
	l.p.media.ReceiveRTP(l.now, b, l.out)
	l.p.media.Land(l.now, l.out)
	l.out.Flush()
	for len(l.p.mailbox) > 0 {
		(<-l.p.mailbox)()
	}
	return l.p.server.counter.unknown.Load() == before
}

// heard is the index of the layer that the stream is, -1 for none, and its track's mid.
func (l *laterPackets) heard(ssrc uint32) (mid string, layer int) {
	if s := l.p.media.sources[ssrc]; s != nil {
		return s.layer.track.mid, int(s.layer.index)
	}
	return "", -1
}

func camera(mid string, codecs ...jsep.Codec) jsep.Incoming {
	in := jsep.Incoming{Mid: mid, Video: true, Sending: true, Codecs: codecs}
	in.Extensions[wire.ExtensionMid], in.Extensions[wire.ExtensionRid] = 4, 10
	return in
}

var vp8 = jsep.Codec{Codec: codec.VP8, PayloadType: 96, ClockRate: 90000, PLI: true}

// Layers stay what they are when others come and go, or are named in another order.
func TestLayersKeepTheirPlaces(t *testing.T) {
	for _, step := range []struct{ before, rids, want string }{
		{"", "", ""},
		{"", "q h f", "q h f"},
		{"q h f", "f h q", "q h f"},
		{"q h f", "h f", "- h f"},
		{"- h f", "h f q", "q h f"},
		{"q h f", "q", "q"},
		{"q", "a q", "q a"},
		{"q h f", "x h y", "x h y"},
		{"q h f", "a b c d", "a b c"},
		{"q h", "", ""},
	} {
		before := strings.Fields(step.before)
		for i := range before {
			before[i] = strings.TrimPrefix(before[i], "-")
		}
		got := assign(before, strings.Fields(step.rids))
		for i := range got {
			if got[i] == "" {
				got[i] = "-"
			}
		}
		if strings.Join(got, " ") != step.want {
			t.Errorf("%q then %q: %q, want %q", step.before, step.rids, got, step.want)
		}
	}
	l := newLater(t)
	in := camera("0", vp8)
	in.RIDs = []string{"q", "h", "f"}
	l.described(in)
	for i, rid := range in.RIDs {
		l.packet(uint32(100+i), 96, map[byte]string{4: "0", 10: rid}) //nolint:gosec // small
	}
	track := l.p.tracks[0]
	in.RIDs = []string{"f", "h"}
	l.described(in)
	if len(l.p.tracks) != 1 || l.p.tracks[0] != track {
		t.Fatal("the track is another one")
	}
	for i := range 3 {
		taken := l.packet(uint32(100+i), 96, nil)                                 //nolint:gosec // small
		if _, layer := l.heard(uint32(100 + i)); taken != (i > 0) || layer != i { //nolint:gosec // small
			t.Errorf("the stream of layer %d is layer %d, taken: %v", i, layer, taken)
		}
	}
	if got := l.p.rids(track); !slices.Equal(got, []string{"", "h", "f"}) {
		t.Errorf("layers are called %q", got)
	}
}

// TestLaterDescriptions: what a later description changes of a track that flows counts
// from then on. Viewers see another track where what they were offered no longer fits.
func TestLaterDescriptions(t *testing.T) {
	renumbered, h264 := vp8, vp8
	renumbered.PayloadType = 120
	h264.Codec, h264.PayloadType, h264.Fmtp = codec.H264, 102, "profile-level-id=42e01f;packetization-mode=1"
	high := h264
	high.PayloadType, high.Fmtp = 104, "profile-level-id=640c1f;packetization-mode=1"
	opus := jsep.Codec{Codec: codec.Opus, PayloadType: 111, ClockRate: 48000, Channels: 2}
	stereo := opus
	stereo.Fmtp = "stereo=1"
	sound := func(c jsep.Codec) jsep.Incoming {
		in := camera("0", c)
		in.Video = false
		return in
	}
	with := func(in jsep.Incoming, ids ...wire.ExtensionKind) jsep.Incoming { // kind, id, …
		for i := 0; i < len(ids); i += 2 {
			in.Extensions[ids[i]] = uint8(ids[i+1])
		}
		return in
	}
	for _, test := range []struct {
		name          string
		before, after jsep.Incoming
		pt            byte // afterwards
		mid           byte // id of its extension afterwards
		another       bool // track
		lost          bool // the packet
	}{
		{name: "nothing", before: camera("0", vp8), after: camera("0", vp8), pt: 96, mid: 4},
		{name: "another number", before: camera("0", vp8), after: camera("0", renumbered), pt: 120, mid: 4},
		{name: "the number before", before: camera("0", vp8), after: camera("0", renumbered), pt: 96, mid: 4, lost: true},
		{name: "another codec", before: camera("0", vp8, h264), after: camera("0", h264), pt: 102, mid: 4, another: true},
		{name: "another profile", before: camera("0", h264, high), after: camera("0", high), pt: 104, mid: 4, another: true},
		{name: "a codec more", before: camera("0", vp8), after: camera("0", vp8, h264), pt: 96, mid: 4},
		{name: "stereo", before: sound(opus), after: sound(stereo), pt: 111, mid: 4, another: true},
		{name: "mid under another id", before: camera("0", vp8), after: with(camera("0", vp8), wire.ExtensionMid, 7), pt: 96, mid: 7},
		{name: "an extension for viewers", before: camera("0", vp8), after: with(camera("0", vp8), wire.ExtensionVideoOrientation, 13), pt: 96, mid: 4, another: true},
		{name: "one of them under another id", before: with(camera("0", vp8), wire.ExtensionVideoOrientation, 13),
			after: with(camera("0", vp8), wire.ExtensionVideoOrientation, 12), pt: 96, mid: 4, another: true},
		{name: "an id that means another", before: with(camera("0", vp8), wire.ExtensionVideoOrientation, 13),
			after: with(camera("0", vp8), wire.ExtensionTransportCC, 13), pt: 96, mid: 4, another: true},
		{name: "one of them gone", before: with(camera("0", vp8), wire.ExtensionVideoOrientation, 13), after: camera("0", vp8), pt: 96, mid: 4},
		{name: "an end", before: camera("0", vp8), after: jsep.Incoming{Mid: "0", Video: true}, pt: 96, mid: 4, another: true, lost: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLater(t)
			l.described(test.before)
			first := test.before.Codecs[0].PayloadType
			if !l.packet(100, first, map[byte]string{4: "0"}) {
				t.Fatal("the first packet is lost")
			}
			track := l.p.tracks[0]
			l.described(test.after)
			l.now += codecChangeInterval
			l.packet(200, test.pt, map[byte]string{test.mid: "0"}) // tells of a change
			if taken := l.packet(200, test.pt, map[byte]string{test.mid: "0"}); taken == test.lost {
				t.Errorf("the packet is taken: %v", taken)
			}
			same := len(l.p.tracks) == 1 && l.p.tracks[0] == track && !track.closed.Load()
			if same == test.another {
				t.Errorf("the track is the same: %v", same)
			}
			if !test.lost {
				if mid, _ := l.heard(200); mid != "0" {
					t.Error("the stream is not the track's")
				}
				if now := l.p.tracks[0]; !now.started || now.source != track.source || track.closed.Load() != test.another {
					t.Errorf("started %v, source %s, the old one closed: %v", now.started, now.source, track.closed.Load())
				}
			}
		})
	}
}

// Two m-lines may have their own ids for one extension.
func TestExtensionIDsOfEachLine(t *testing.T) {
	l := newLater(t)
	one, two := camera("0", vp8), camera("1", vp8)
	two.Extensions[wire.ExtensionMid] = 7
	l.described(one, two)
	l.packet(100, 96, map[byte]string{4: "0"})
	l.packet(200, 96, map[byte]string{7: "1"})
	for ssrc, want := range map[uint32]string{100: "0", 200: "1"} {
		if mid, _ := l.heard(ssrc); mid != want {
			t.Errorf("stream %d is of m-line %q", ssrc, mid)
		}
	}
}

// Streams that are known by the SDP alone follow it; those that said their mid don't.
func TestStreamsFollowTheSDP(t *testing.T) {
	l := newLater(t)
	one, two := camera("0", vp8), camera("1", vp8)
	one.SSRCs, two.SSRCs = []jsep.SSRC{{Primary: 100}}, []jsep.SSRC{{Primary: 200}}
	l.described(one, two)
	expect := func(ssrc uint32, said map[byte]string, want string) {
		t.Helper()
		l.packet(ssrc, 96, said)
		if mid, _ := l.heard(ssrc); mid != want {
			t.Errorf("stream %d is of m-line %q, want %q", ssrc, mid, want)
		}
	}
	expect(100, nil, "0")
	expect(200, nil, "1")
	expect(300, map[byte]string{4: "1"}, "1")
	one.SSRCs, two.SSRCs = two.SSRCs, one.SSRCs
	l.described(one, two)
	expect(100, nil, "1")
	expect(200, nil, "0")
	expect(300, nil, "1")
	if l.packet(400, 96, nil) {
		t.Error("a stream of nowhere is taken for one of two")
	}
}
