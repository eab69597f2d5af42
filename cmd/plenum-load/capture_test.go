package main

import (
	"context"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// capture is a participant's socket that keeps a copy of every datagram as it came
// from the network. Pion gets them all.
type capture struct {
	*path
	enough chan struct{} // closed when want datagrams of RTP are there

	mu        sync.Mutex
	datagrams [][]byte
	want      int
}

// ReadFromAddrPort is how pion's mux reads.
func (c *capture) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := c.conn.ReadFromUDPAddrPort(b)
	if err != nil {
		return n, from, err
	}
	if random, ok := serverHello(b[:n]); ok {
		c.hello(random, true)
	}
	if isRTP, _ := media(b[:n]); isRTP {
		c.mu.Lock()
		c.datagrams = append(c.datagrams, append([]byte(nil), b[:n]...))
		if len(c.datagrams) == c.want {
			close(c.enough)
		}
		c.mu.Unlock()
	}
	return n, from, nil
}

// stream is what a capture showed of one SSRC.
type stream struct {
	packets   int
	sequence  uint16
	timestamp uint32
	marker    bool
	counter   uint64
}

// TestCaptureShowsValidRTP looks at what leaves the server byte by byte: every
// datagram is SRTP that pion decrypts, and RTP by RFC 3550 and 8285, with unbroken
// numbering, whole frames, and transport-wide numbers without a hole.
func TestCaptureShowsValidRTP(t *testing.T) {
	url, stop, err := serve()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	o := &loadOptions{
		URL: "ws" + strings.TrimPrefix(url, "http") + "/ws", Room: "capture", Rooms: 1, Publishers: 1, Subscribers: 1,
		Video: true, Audio: true, Bitrate: 1500, FPS: 30, PacketSize: 1100, Feedback: true,
		JoinTimeout: 20 * time.Second, Duration: time.Second,
	}
	if err := o.Validate(); err != nil {
		t.Fatal(err)
	}
	r := &run{options: o, clock: clock{time.Now()}, window: &window{}, log: io.Discard, server: &server{}}
	r.plan()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	playing, halt := context.WithCancel(ctx)
	r.halt = halt
	viewer := r.viewers[0]
	r.viewers = nil // who leaves by disperse: the viewer is ours
	defer r.disperse()
	if err := r.gather(ctx, playing, r.publishers); err != nil {
		t.Fatal(err)
	}
	captured := watch(ctx, t, viewer)
	select {
	case <-captured.enough:
	case <-ctx.Done():
		t.Fatal("too few packets")
	}
	captured.path.mu.Lock()
	keys, err := captured.handshake.incoming()
	captured.path.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	captured.mu.Lock()
	defer captured.mu.Unlock()
	examine(t, captured.datagrams, keys, viewer.tally.numbering.Load())
}

// watch lets p join with a socket that is captured.
func watch(ctx context.Context, t *testing.T, p *person) *capture {
	t.Helper()
	own, err := newPath(p.run.options.host(), p.run.clock, p.tally)
	if err != nil {
		t.Fatal(err)
	}
	c := &capture{path: own, want: 700, enough: make(chan struct{})}
	silent := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: c, Logger: silent.NewLogger("ice")})
	var s webrtc.SettingEngine
	s.LoggerFactory = silent
	s.SetICEUDPMux(mux)
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetDTLSKeyLogWriter(own)
	limitCiphers(&s)
	api, err := newAPI(s, true)
	if err != nil {
		t.Fatal(err)
	}
	p.state = make(chan struct{})
	p.client, err = client.Join(ctx, client.Options{URL: p.run.options.URL, Room: p.room, Name: p.name, API: api, On: p.on})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.client.Leave()
		p.client.Close()
		_ = mux.Close()
	})
	select {
	case <-p.state:
	case <-ctx.Done():
		t.Fatal("not connected")
	}
	if p.broken != nil {
		t.Fatal(p.broken)
	}
	p.tally.numbering.Store(numberingOf(p.client.PeerConnection().RemoteDescription().SDP))
	return c
}

// examine checks everything that was captured.
func examine(t *testing.T, datagrams [][]byte, keys *srtp.Context, numbering uint32) {
	t.Helper()
	streams := map[uint32][]captured{}
	padded := 0
	var numbers []uint16
	for i, raw := range datagrams {
		plain, err := keys.DecryptRTP(nil, raw, nil)
		if err != nil {
			t.Fatalf("datagram %d of %d bytes: %v", i, len(raw), err)
		}
		var p rtp.Packet // a new one each time: it is kept
		if err := p.Unmarshal(plain); err != nil {
			t.Fatalf("datagram %d: %v", i, err)
		}
		if p.Version != 2 || len(p.CSRC) != 0 || len(raw) > 1250 {
			t.Errorf("datagram %d of %d bytes: %v", i, len(raw), &p)
		}
		if n, ok := transportNumber(plain, numbering); numbering != 0 && ok {
			numbers = append(numbers, n)
		}
		payload, ok := rtpPayload(plain)
		if !ok {
			t.Fatalf("datagram %d: bad padding", i)
		}
		if len(payload) == 0 {
			continue // a probe
		}
		if p.Padding {
			padded++
			if pad := plain[len(plain)-1]; pad != 1 || p.PayloadType == opusPayload {
				t.Errorf("datagram %d of payload type %d has %d bytes of padding", i, p.PayloadType, pad)
			}
		}
		streams[p.SSRC] = append(streams[p.SSRC], captured{i, &p, payload})
	}
	for _, packets := range streams {
		var s stream
		for _, one := range inOrder(t, packets) {
			s.check(t, one.place, one.packet, one.payload)
		}
	}
	if len(streams) != 2 {
		t.Errorf("%d streams, want audio and video", len(streams))
	}
	if numbering != 0 && len(numbers) == 0 {
		t.Error("transport-wide numbers were agreed on, but no packet has one")
	}
	countUp(t, numbers)
	t.Logf("%d datagrams, %d numbered, %d padded by a byte", len(datagrams), len(numbers), padded)
}

// overtaken is by how much packets may come out of order: what the pacer held back,
// media, and the padding of probes leave by different goroutines, which may overtake
// each other by a batch.
const overtaken = 64

// captured is a packet of media: its place among the datagrams, and what it carries.
type captured struct {
	place   int
	packet  *rtp.Packet
	payload []byte
}

// inOrder sorts a stream by its numbers.
func inOrder(t *testing.T, packets []captured) []captured {
	t.Helper()
	number := func(c captured) int {
		return int(int16(c.packet.SequenceNumber - packets[0].packet.SequenceNumber)) //nolint:gosec // serial number arithmetic
	}
	sorted := slices.SortedStableFunc(slices.Values(packets), func(a, b captured) int { return number(a) - number(b) })
	for i, one := range sorted {
		if moved := slices.IndexFunc(packets, func(c captured) bool { return c.place == one.place }) - i; moved < -overtaken || moved > overtaken {
			t.Errorf("datagram %d comes %d packets too late", one.place, moved)
		}
	}
	return sorted
}

// countUp checks that each number comes once and none is left out.
func countUp(t *testing.T, numbers []uint16) {
	t.Helper()
	came := map[uint16]bool{}
	for i, n := range numbers {
		place := int(int16(n - numbers[0]))
		if came[n] || place < i-overtaken || place > i+overtaken {
			t.Errorf("transport-wide number %d as the %d. from %d on", n, i, numbers[0])
		}
		came[n] = true
	}
	for i := range len(numbers) - overtaken {
		if n := numbers[0] + uint16(i); !came[n] { //nolint:gosec // small
			t.Errorf("no packet has transport-wide number %d", n)
		}
	}
}

// check compares a packet with the one before of its stream.
func (s *stream) check(t *testing.T, i int, p *rtp.Packet, payload []byte) {
	t.Helper()
	stamp, ok := readStamp(payload)
	if !ok {
		t.Fatalf("datagram %d: the payload is not what was published", i)
	}
	if s.packets > 0 {
		if p.SequenceNumber != s.sequence+1 || stamp.counter != s.counter+1 {
			t.Errorf("datagram %d: number %d after %d, counter %d after %d", i, p.SequenceNumber, s.sequence, stamp.counter, s.counter)
		}
		if video := len(payload) > 500; video && (p.Timestamp != s.timestamp) != s.marker { // a frame ends with its marker
			t.Errorf("datagram %d: timestamp %d after %d, marker %v", i, p.Timestamp, s.timestamp, s.marker)
		}
		if int32(p.Timestamp-s.timestamp) < 0 { //nolint:gosec // serial number arithmetic
			t.Errorf("datagram %d: the timestamp runs backwards", i)
		}
	}
	s.packets++
	s.sequence, s.timestamp, s.marker, s.counter = p.SequenceNumber, p.Timestamp, p.Marker, stamp.counter
}
