package transport

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

func testEngine(tb testing.TB) *Engine {
	tb.Helper()
	start := time.Now()
	e, err := NewEngine(Config{
		Addresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Duration { return time.Since(start) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Error(err)
		}
	})
	return e
}

func listenLoopback(t testing.TB) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func addrPort(c *net.UDPConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// collect reads n datagrams through a receiver.
func collect(t *testing.T, r *receiver, c *net.UDPConn, n int) [][]byte {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	for len(got) < n {
		k, err := r.receive()
		if err != nil {
			t.Fatalf("after %d of %d datagrams: %v", len(got), n, err)
		}
		for i := range k {
			b, _ := r.datagram(i)
			got = append(got, bytes.Clone(b))
		}
	}
	return got
}

// keyed is a peer that encrypts for to, and the context that decrypts it.
func keyed(tb testing.TB, e *Engine, to netip.AddrPort) (*Peer, *srtp.Context) {
	tb.Helper()
	key, salt := make([]byte, 16), make([]byte, 12)
	_, _ = rand.Read(key)
	_, _ = rand.Read(salt)
	context := func() *srtp.Context {
		c, err := srtp.CreateContext(key, salt, srtp.ProtectionProfileAeadAes128Gcm)
		if err != nil {
			tb.Fatal(err)
		}
		return c
	}
	p := &Peer{engine: e}
	p.keys.Store(&keys{outRTP: context()})
	p.path.Store(&path{port: e.ports.all()[0], remote: to, to: makeSockaddr(to)})
	return p, context()
}

// packet appends a plain RTP packet.
func packet(to []byte, sequence uint16, size int) []byte {
	b := append(to, 0x80, 96)
	b = binary.BigEndian.AppendUint16(b, sequence)
	b = append(b, 0, 0, 0, 1, 0, 0, 0, 2)
	return append(b, make([]byte, size-len(b))...)
}

func TestBatchSendsEncryptedAndPadded(t *testing.T) {
	e := testEngine(t)
	to := listenLoopback(t)
	p, decrypt := keyed(t, e, addrPort(to))
	out := e.NewBatch()
	sizes := []int{959, 959, 960, 960, 500}
	out.Reserve(len(sizes))
	for i, size := range sizes {
		out.Put(packet(out.Next(), uint16(i), size)) //nolint:gosec // small
	}
	p.Send(out, Outgoing{Equalise: true})
	out.Flush()
	if e.ports.all()[0].segments && e.counters.Messages.Load() != 1 {
		t.Errorf("a frame made %d messages", e.counters.Messages.Load())
	}
	r, err := newReceiver(to, 8, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range collect(t, r, to, len(sizes)) {
		plain, err := decrypt.DecryptRTP(nil, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got rtp.Packet
		if err := got.Unmarshal(plain); err != nil {
			t.Fatal(err)
		}
		want := packet(nil, uint16(i), sizes[i])[12:] //nolint:gosec // small
		if int(got.SequenceNumber) != i || !bytes.Equal(got.Payload, want) {
			t.Errorf("packet %d came as %d with %d bytes of payload, want %d", i, got.SequenceNumber, len(got.Payload), len(want))
		}
	}
}

func TestBatchFlushesWhenFull(t *testing.T) {
	e := testEngine(t)
	to := listenLoopback(t)
	_ = to.SetReadBuffer(4 << 20)
	p, _ := keyed(t, e, addrPort(to))
	out := e.NewBatch()
	const n = 3*batchPackets + 5
	for i := range n {
		out.Reserve(1)
		out.Put(packet(out.Next(), uint16(i), 100)) //nolint:gosec // small
		p.Send(out, Outgoing{})
	}
	out.Flush()
	r, err := newReceiver(to, 64, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range collect(t, r, to, n) {
		if got := binary.BigEndian.Uint16(b[2:]); int(got) != i {
			t.Fatalf("datagram %d has number %d", i, got)
		}
	}
}

func TestBatchWithoutKeysOrOfNothing(t *testing.T) {
	e := testEngine(t)
	out := e.NewBatch()
	p := &Peer{engine: e}
	p.Send(out, Outgoing{Equalise: true})
	for range 2 * batchPackets {
		out.Reserve(1)
		out.Put(packet(out.Next(), 1, 100))
		p.Send(out, Outgoing{Equalise: true})
		out.Put(nil)
		out.Put(make([]byte, packetRoom))
	}
	out.Flush()
	if calls := e.counters.Calls.Load(); calls != 0 {
		t.Errorf("%d system calls for nothing", calls)
	}
}

func TestSendAllocatesNothing(t *testing.T) {
	e := testEngine(t)
	p, _ := keyed(t, e, addrPort(listenLoopback(t)))
	out := e.NewBatch()
	sequence := uint16(0)
	frame := func() {
		out.Reserve(5)
		for range 5 {
			sequence++
			out.Put(packet(out.Next(), sequence, 1100))
		}
		p.Send(out, Outgoing{Equalise: true})
		out.Flush()
	}
	frame()
	if n := testing.AllocsPerRun(500, frame); n != 0 && !raceDetector {
		t.Errorf("%v allocations per frame", n)
	}
}

// BenchmarkSend is encryption and the way into the kernel: frames of one to ten
// packets of 1,100 bytes to each of 50 viewers.
func BenchmarkSend(b *testing.B) {
	for _, frame := range []int{1, 5, 10} {
		for _, segments := range []bool{true, false} {
			b.Run(fmt.Sprintf("frame=%d/segments=%v", frame, segments), func(b *testing.B) {
				e := testEngine(b)
				port := e.ports.all()[0]
				port.segments = segments && port.segments
				var peers []*Peer
				for range 50 {
					p, _ := keyed(b, e, addrPort(listenLoopback(b)))
					peers = append(peers, p)
				}
				out := e.NewBatch()
				sequence := uint16(0)
				b.ReportAllocs()
				for b.Loop() {
					for _, p := range peers {
						out.Reserve(frame)
						for range frame {
							sequence++
							out.Put(packet(out.Next(), sequence, 1100))
						}
						p.Send(out, Outgoing{Equalise: true})
					}
					out.Flush()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frame*len(peers)), "ns/packet")
			})
		}
	}
}
