package client

import (
	"io"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// writeCapture is the far end of a scripted track: it keeps what was written.
type writeCapture struct{ packets [][]byte }

func (w *writeCapture) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	b, err := (&rtp.Packet{Header: *h, Payload: payload}).Marshal()
	w.packets = append(w.packets, b)
	return len(b), err
}

func (w *writeCapture) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// binding is a TrackLocalContext that writes to a writeCapture.
type binding struct {
	webrtc.TrackLocalContext
	codec      webrtc.RTPCodecParameters
	extensions []webrtc.RTPHeaderExtensionParameter
	writer     *writeCapture
}

func (b *binding) CodecParameters() []webrtc.RTPCodecParameters {
	return []webrtc.RTPCodecParameters{b.codec}
}
func (b *binding) HeaderExtensions() []webrtc.RTPHeaderExtensionParameter { return b.extensions }
func (b *binding) SSRC() webrtc.SSRC                                      { return 1 }
func (b *binding) SSRCRetransmission() webrtc.SSRC                        { return 0 }
func (b *binding) SSRCForwardErrorCorrection() webrtc.SSRC                { return 0 }
func (b *binding) WriteStream() webrtc.TrackLocalWriter                   { return b.writer }
func (b *binding) ID() string                                             { return "x" }

func bind(t *testing.T, track webrtc.TrackLocal, codec webrtc.RTPCodecCapability, extensions ...webrtc.RTPHeaderExtensionParameter) *writeCapture {
	t.Helper()
	w := new(writeCapture)
	_, err := track.Bind(&binding{codec: webrtc.RTPCodecParameters{RTPCodecCapability: codec, PayloadType: 96}, extensions: extensions, writer: w})
	check(t, err)
	return w
}

// film returns the packets of n frames of a scripted video.
func film(t *testing.T, c VideoConfig, n int) [][]byte {
	t.Helper()
	v, err := NewVideo(c)
	check(t, err)
	w := bind(t, v.Tracks()[0], VP8)
	for i := range n {
		v.frame(v.layers[0], uint64(i), time.Unix(1, 0))
	}
	return w.packets
}

func TestReceiverAcceptsScriptedVideo(t *testing.T) {
	for _, c := range []VideoConfig{
		{},
		{Layers: []VideoLayer{{"", 1280, 720, 2_000_000}}, PacketSize: 300},
		{Layers: []VideoLayer{{"", 16, 16, 0}}, FPS: 7.5},
		{Layers: []VideoLayer{{"", 320, 180, 100_000}}, KeyframeInterval: time.Second},
	} {
		r := NewPacketReceiver(nil, ReceiverOptions{VP8: true})
		for _, b := range film(t, c, 300) {
			r.receive(b, false, time.Unix(1, 5e6))
		}
		report := r.Report()
		clean(t, report, 300)
		if report.Frames != 300 || report.Latency.Percentile(0.5)/time.Millisecond != 5 {
			t.Errorf("%d frames, %v", report.Frames, &report.Latency)
		}
		if keys := report.Keyframes; keys != 1 && (c.KeyframeInterval == 0 || keys != 10) {
			t.Errorf("%d key frames", keys)
		}
		if len(c.Layers) > 0 && (report.Width != c.Layers[0].Width || report.Height != c.Layers[0].Height) {
			t.Errorf("%d×%d", report.Width, report.Height)
		}
	}
}

func TestReceiverCountsFaults(t *testing.T) {
	packets := film(t, VideoConfig{}, 200)
	var nacks, plis int
	r := NewPacketReceiver(nil, ReceiverOptions{VP8: true, RTCP: func(p []rtcp.Packet) error {
		switch p[0].(type) {
		case *rtcp.TransportLayerNack:
			nacks++
		case *rtcp.PictureLossIndication:
			plis++
		}
		return nil
	}})
	now := time.Now()
	feed := func(b []byte, repair bool) {
		now = now.Add(5 * time.Millisecond)
		r.receive(b, repair, now)
	}
	for i, b := range packets[:100] {
		switch i {
		case 50, 70, 71:
		default:
			feed(b, false)
		}
		if i == 80 {
			feed(packets[50], true)
			feed(packets[50], true)
			feed(packets[70], false)
		}
	}
	feed([]byte{1, 2, 3}, false)
	if x := r.Report(); x.Repaired != 1 || x.Reordered != 1 || x.Lost != 1 || x.Duplicates != 1 || x.Malformed != 1 || x.Packets != 99 ||
		x.Asked < 3 || nacks < 2 || x.PictureIDErrors != 0 || plis != 0 {
		t.Errorf("%+v, %d nacks, %d PLIs", &x, nacks, plis)
	}
	now = now.Add(maxAge) // 71 is given up
	feed(packets[100], false)
	if plis != 1 {
		t.Errorf("%d PLIs for an unrepaired loss", plis)
	}

	// Another stream's numbers, as a forwarder that does not rewrite would send.
	other := film(t, VideoConfig{}, 1)[0]
	next := append([]byte(nil), other...)
	copy(next[2:4], packets[101][2:4])
	copy(next[4:8], []byte{packets[100][4] - 1, 0, 0, 0})
	feed(next, false)
	if x := r.Report(); x.TimestampErrors+x.PictureIDErrors == 0 {
		t.Error("foreign numbers were not noticed")
	}
}

func TestReceiverDoesNotAllocate(t *testing.T) {
	packets := film(t, VideoConfig{}, 3000)
	r := NewPacketReceiver(nil, ReceiverOptions{VP8: true, RTCP: func([]rtcp.Packet) error { return nil }})
	i, now := 0, time.Now()
	if n := testing.AllocsPerRun(1000, func() {
		r.receive(packets[i], false, now)
		i++
		now = now.Add(time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

type endless struct{ packets [][]byte }

func (e *endless) Read(b []byte) (int, interceptor.Attributes, error) {
	if len(e.packets) == 0 {
		return 0, nil, io.EOF
	}
	n := copy(b, e.packets[0])
	e.packets = e.packets[1:]
	return n, interceptor.Attributes{webrtc.AttributeRtxSsrc: uint32(1)}, nil
}

func TestReceiverRunsToTheEnd(t *testing.T) {
	packets := film(t, VideoConfig{}, 4)
	packets[0], packets[1] = packets[1], packets[0]
	seen := 0
	r := NewPacketReceiver(&endless{packets}, ReceiverOptions{VP8: true, Packet: func([]byte, uint32, bool) { seen++ }})
	if err := r.Run(); err != io.EOF {
		t.Error(err)
	}
	if x := r.Report(); x.Repaired != 1 || int(x.Packets) != len(packets) || seen != len(packets) {
		t.Errorf("%+v, %d seen", &x, seen)
	}
}

func TestParseRTP(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want int // payload length, -1 for malformed
	}{
		{"plain", []byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9}, 2},
		{"short", []byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0}, -1},
		{"version", []byte{0x40, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}, -1},
		{"csrc", []byte{0x81, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 9}, 1},
		{"csrc missing", []byte{0x82, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2}, -1},
		{"extension", []byte{0x90, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0, 9}, 1},
		{"extension missing", []byte{0x90, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0, 9}, -1},
		{"extension header missing", []byte{0x90, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe}, -1},
		{"padding", []byte{0xa0, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 0, 2}, 1},
		{"padding of none", []byte{0xa0, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 0}, -1},
		{"padding of all", []byte{0xa0, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9}, -1},
	} {
		p, ok := parseRTP(c.b)
		if got := len(p.payload); ok != (c.want >= 0) || ok && got != c.want {
			t.Errorf("%s: %d bytes, %v", c.name, got, ok)
		}
	}
}

func FuzzReceiver(f *testing.F) {
	f.Add([]byte{0x90, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0, 0x90, 0xf0, 0x80, 1, 2, 3}, true)
	f.Add([]byte{0xa0, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0x90, 0x80, 0x80}, false)
	f.Fuzz(func(_ *testing.T, b []byte, repair bool) {
		r := NewPacketReceiver(nil, ReceiverOptions{VP8: true, RTCP: func([]rtcp.Packet) error { return nil }})
		now := time.Now()
		for n := range b {
			r.receive(b[:n], repair, now)
			r.receive(b, !repair, now.Add(time.Duration(n)*time.Second))
		}
		_ = r.Report()
	})
}
