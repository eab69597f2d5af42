package sfu

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

// silent is a client that listens to nothing.
type silent struct{}

func (silent) Send(Event) {}

const (
	testMidID = 4
	testTCCID = 3
	testPT    = 96
)

// packetPath is one VP8 track with one layer and n viewers whose peers are not
// connected: everything up to encryption happens, then the packet is dropped.
type packetPath struct {
	publisher *Participant
	track     *Track
	buffer    []byte
	out       *transport.Batch
	now       time.Duration
	sequence  uint16
	ssrc      uint32
	pt        byte
}

func newPacketPath(tb testing.TB, viewers int) *packetPath {
	tb.Helper()
	s, err := New(Config{MediaAddresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(ErrLeft); err != nil {
			tb.Error(err)
		}
	})
	participant := func() *Participant {
		p := newParticipant(s, JoinRequest{Room: "bench", Client: silent{}})
		peer, err := s.engine.NewPeer(&p.media)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(peer.Close)
		p.peer, p.media.peer = peer, peer
		return p
	}
	path := &packetPath{publisher: participant(), ssrc: 0xabcdef, pt: testPT, buffer: make([]byte, 0, maxPacket), now: time.Second}
	path.out = s.engine.NewBatch()
	parameters := jsep.Codec{Codec: codec.VP8, PayloadType: testPT, ClockRate: 90000, PLI: true}
	path.track = newTrack(path.publisher, "track", "0", Video, Camera, false)
	path.track.begin(parameters, wire.ExtensionIDs{})
	in := jsep.Incoming{Mid: "0", Video: true, Sending: true, Codecs: []jsep.Codec{parameters}}
	in.Extensions[wire.ExtensionMid], in.Extensions[wire.ExtensionTransportCC] = testMidID, testTCCID
	path.publisher.media.table.Store(&ingressTable{
		kinds: in.Extensions.Kinds(), byMid: map[string]*route{"0": newRoute(path.track, in)},
	})
	path.send(true)
	for range viewers {
		viewer := participant()
		sub := newSubscription(path.track, viewer)
		sub.accept(jsep.Result{Accepted: true, Codec: codec.VP8, Format: wire.Format{
			SSRC: sub.ssrc, RTXSSRC: sub.rtxSSRC, PayloadType: 96, RTXPayloadType: 97,
		}})
		path.track.subscribe(sub)
		sub.start()
		sub.aim(path.now, target{0, 7, 7})
	}
	path.send(true)
	return path
}

// send puts one packet of 1,100 bytes on the path, as it comes out of SRTP.
func (p *packetPath) send(key bool) {
	p.sequence++
	p.now += 5 * time.Millisecond
	b := append(p.buffer[:0], 0x90, p.pt)
	b = binary.BigEndian.AppendUint16(b, p.sequence)
	b = binary.BigEndian.AppendUint32(b, uint32(p.sequence)*450) // a packet, a frame
	b = binary.BigEndian.AppendUint32(b, p.ssrc)
	b = append(b, 0xbe, 0xde, 0, 2, testMidID<<4, '0', testTCCID<<4|1)
	b = binary.BigEndian.AppendUint16(b, p.sequence)
	b = append(b, 0, 0, 0)
	b = append(b, 0x90, 0x80, 0x80|byte(p.sequence>>8)&0x7f, byte(p.sequence)) // S, X, I, 15-bit picture id
	if key {
		b = append(b, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1)
	} else {
		b = append(b, 0x11, 0, 0)
	}
	b = append(b, make([]byte, 1100)...)[:1100]
	p.out.Begin(p.now)
	p.publisher.media.ReceiveRTP(p.now, b, p.out)
	p.publisher.media.Land(p.now, p.out)
	p.out.Flush()
}

func TestPacketPathForwards(t *testing.T) {
	path := newPacketPath(t, 3)
	counter := &path.publisher.server.counter
	before := counter.packetsOut[videoIndex].Load()
	for range 100 {
		path.send(false)
	}
	if got := counter.packetsOut[videoIndex].Load() - before; got != 300 {
		t.Errorf("100 packets to 3 viewers made %d", got)
	}
	if n := counter.unknown.Load() + counter.malformed.Load(); n != 0 {
		t.Errorf("%d packets were not recognised", n)
	}
}

func TestPacketPathAllocatesNothing(t *testing.T) {
	for _, viewers := range []int{1, 16, 100} {
		path := newPacketPath(t, viewers)
		for range 5000 { // until every history slot has its buffer
			path.send(false)
		}
		if n := testing.AllocsPerRun(2000, func() { path.send(false) }); n != 0 {
			t.Errorf("%d viewers: %v allocations per packet", viewers, n)
		}
	}
}

// BenchmarkPacketPath is a packet's way from decrypted in the publisher's
// reader to ready for encryption, for all viewers.
func BenchmarkPacketPath(b *testing.B) {
	for _, viewers := range []int{1, 16, 100, 500} {
		b.Run(fmt.Sprintf("viewers=%d", viewers), func(b *testing.B) {
			path := newPacketPath(b, viewers)
			for range 5000 {
				path.send(false)
			}
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				path.send(false)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*viewers), "ns/forwarded")
		})
	}
}

func TestPacketPathSurvivesASourceThatRestarts(t *testing.T) {
	for name, restart := range map[string]func(*packetPath){
		"with another SSRC":         func(p *packetPath) { p.ssrc++ },
		"with other numbers":        func(p *packetPath) { p.sequence -= 10_000 },
		"with both":                 func(p *packetPath) { p.ssrc++; p.sequence -= 10_000 },
		"far ahead":                 func(p *packetPath) { p.sequence += 20_000 },
		"with an SSRC used already": func(p *packetPath) { p.ssrc++; p.send(true); p.ssrc-- },
	} {
		path := newPacketPath(t, 2)
		out := &path.publisher.server.counter.packetsOut[videoIndex]
		for range 100 {
			path.send(false)
		}
		restart(path)
		for range restartAfter + 5 { // until it is noticed
			path.send(false)
		}
		path.send(true)
		before := out.Load()
		for range 100 {
			path.send(false)
		}
		if got := out.Load() - before; got != 200 {
			t.Errorf("%s: 100 packets to 2 viewers made %d", name, got)
		}
	}
}

func TestPacketPathIgnoresWhatItDoesNotKnow(t *testing.T) {
	path := newPacketPath(t, 1)
	counter := &path.publisher.server.counter
	for _, b := range [][]byte{
		nil, {0x80}, make([]byte, 12), make([]byte, maxPacket+1),
		{0x80, 99, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9},                                             // no such payload type
		{0x90, testPT, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0xbe, 0xde, 0, 1, 4 << 4, 'x', 0, 0, 1}, // no such mid
		{0x90, testPT, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff},                 // extensions beyond the end
	} {
		path.publisher.media.ReceiveRTP(path.now, b, path.out)
	}
	path.publisher.media.Land(path.now, path.out)
	if n := counter.malformed.Load() + counter.unknown.Load(); n != 7 {
		t.Errorf("%d of 7 packets were refused", n)
	}
	// As many SSRCs as one likes cost no more than the limit.
	for range 10 * maxSSRCs {
		path.ssrc++
		path.send(true)
	}
	if n := len(path.publisher.media.sources); n > maxSSRCs {
		t.Errorf("%d sources are remembered", n)
	}
	if path.publisher.media.sources[path.ssrc] == nil {
		t.Error("the newest stream is not heard")
	}
	if path.publisher.server.engine.Counters().Evicted.Load() == 0 {
		t.Error("the streams that gave way are not counted")
	}
}

func TestPacketPathFollowsARenegotiation(t *testing.T) {
	path := newPacketPath(t, 2)
	before := path.publisher.media.table.Load()
	in := before.byMid["0"].incoming
	in.Codecs = []jsep.Codec{{Codec: codec.VP8, PayloadType: 100, ClockRate: 90000, PLI: true}}
	path.publisher.media.table.Store(&ingressTable{
		kinds: before.kinds, byMid: map[string]*route{"0": newRoute(path.track, in)},
	})
	counter := &path.publisher.server.counter
	out := counter.packetsOut[videoIndex].Load()
	path.pt = 100
	for range 50 {
		path.send(false)
	}
	if got := counter.packetsOut[videoIndex].Load() - out; got != 100 {
		t.Errorf("50 packets with the new payload type to 2 viewers made %d", got)
	}
	path.pt = testPT
	path.send(false)
	if n := counter.unknown.Load(); n != 1 {
		t.Errorf("%d packets with the old payload type were refused, want 1", n)
	}
}
