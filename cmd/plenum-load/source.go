package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// media settings of a publisher; the zero bitrate leaves a kind out.
type mediaOptions struct {
	bitrate      int // bit/s of video payload; with simulcast of the highest layer
	fps          float64
	packet       int // bytes of RTP payload at most
	spread       time.Duration
	simulcast    bool
	audioBitrate int
}

// source is one encoding on its way out, driven by a publisher's one goroutine.
type source struct {
	*track
	clock  clock
	window *window
	flow   *flow
	// step sends what is due and tells when the next is.
	step func() (next time.Duration)
	due  time.Duration

	tell    func([]rtcp.Packet) // by the publisher's connection
	tellDue time.Duration

	payload   []byte
	sequence  uint16
	packets   uint32
	octets    uint32
	timestamp uint32
}

// send stamps and sends one packet. What can't be sent (nobody there yet) counts
// as sent: it is lost.
func (s *source) send(payload []byte, timestamp uint32, marker bool) {
	b := s.binding.Load()
	if b == nil {
		return
	}
	s.flow.next(payload, s.clock.now(), s.window)
	s.sequence++
	b.header.SequenceNumber, b.header.Timestamp, b.header.Marker = s.sequence, timestamp, marker
	s.packets++
	s.octets += uint32(len(payload)) //nolint:gosec // small
	_, _ = b.writer.WriteRTP(&b.header, payload)
}

// Opus packets of 20 ms (RFC 7587) at 48 kHz.
const (
	opusInterval = 20 * time.Millisecond
	opusTicks    = 960
	opusHead     = 3
)

func newAudio(o *mediaOptions, c clock, w *window, f *flow) *source {
	s := &source{
		track: &track{id: "audio", stream: "media", kind: webrtc.RTPCodecTypeAudio, mime: client.Opus.MimeType},
		clock: c, window: w, flow: f,
		sequence: uint16(rand.UintN(1 << 15)), timestamp: rand.Uint32(), //nolint:gosec // below 2^16
	}
	s.payload = make([]byte, max(o.audioBitrate/8/50, opusHead+stampSize))
	// CELT, full band, 20 ms, one frame of silence (RFC 6716 section 3.1).
	copy(s.payload, []byte{0xf8, 0xff, 0xfe})
	s.step = func() time.Duration {
		s.send(s.payload, s.timestamp, false)
		s.timestamp += opusTicks
		return s.due + opusInterval
	}
	return s
}

// video is one layer of a camera.
type video struct {
	*source
	picture  picture
	interval time.Duration
	ticks    uint32
	bytes    int // of an average inter frame
	limit    int // of a packet
	spread   time.Duration
	chance   *rand.Rand

	began                      time.Duration // the frame on its way out
	sent, packets, base, short int
}

// A key frame is a few times as large as others, whose sizes vary a little, so
// that packets of different frames are of different sizes, as in real life.
const (
	keyframeFactor = 3
	sizeVariation  = 0.05
)

func newVideo(o *mediaOptions, l client.VideoLayer, c clock, w *window, f *flow) *source {
	v := &video{
		source: &source{
			track: &track{id: "video", stream: "media", rid: l.RID, kind: webrtc.RTPCodecTypeVideo, mime: client.VP8.MimeType},
			clock: c, window: w, flow: f, payload: make([]byte, o.packet),
			sequence: uint16(rand.UintN(1 << 15)), timestamp: rand.Uint32(), //nolint:gosec // below 2^16
		},
		picture:  picture{id: uint16(rand.UintN(1 << 15)), width: uint16(l.Width), height: uint16(l.Height)}, //nolint:gosec // small
		interval: time.Duration(float64(time.Second) / o.fps),
		ticks:    uint32(90000 / o.fps),
		bytes:    int(float64(l.Bitrate) / 8 / o.fps),
		limit:    o.packet - vp8DescriptorSize,
		spread:   o.spread,
		chance:   rand.New(rand.NewPCG(uint64(f.id), 0)), //nolint:gosec // reproducible
	}
	v.wanted.Store(true)
	v.step = v.advance
	return v.source
}

// advance sends the next packets: all of a frame, or one if they are spread.
func (v *video) advance() time.Duration {
	if v.sent == v.packets {
		v.begin()
	}
	for {
		v.next()
		switch {
		case v.sent == v.packets:
			return v.began + v.interval
		case v.spread > 0:
			return v.began + v.spread*time.Duration(v.sent)/time.Duration(v.packets-1)
		}
	}
}

// begin plans a frame.
func (v *video) begin() {
	size := float64(v.bytes) * (1 + sizeVariation*(2*v.chance.Float64()-1))
	v.picture.advance(v.wanted.Swap(false))
	if v.picture.key {
		size *= keyframeFactor
	}
	v.packets, v.base, v.short = frameSizes(int(size), v.limit)
	v.base = max(v.base, vp8HeaderSize+stampSize)
	v.sent, v.began = 0, v.due
	v.timestamp += v.ticks
}

// next sends the frame's next packet.
func (v *video) next() {
	size := v.base
	if v.sent >= v.short {
		size++
	}
	payload := v.payload[:vp8DescriptorSize+size]
	v.picture.put(payload, v.sent == 0)
	v.sent++
	v.send(payload, v.timestamp, v.sent == v.packets)
}

// layers are what a camera sends, lowest first.
func (o *mediaOptions) layers() []client.VideoLayer {
	full := client.VideoLayer{Width: 1280, Height: 720, Bitrate: o.bitrate}
	if !o.simulcast {
		return []client.VideoLayer{full}
	}
	layers := client.SimulcastLayers()
	for i := range layers {
		layers[i].Bitrate = int(int64(layers[i].Bitrate) * int64(o.bitrate) / 1_500_000)
	}
	return layers
}

// maxLate is how much a publisher that was held up makes up for; what is older
// is skipped, which shows as a low rate.
const maxLate = time.Second

// play sends sources until ctx ends, and books how late frames and packets left.
func play(ctx context.Context, sources []*source, late *histogram) {
	c, w := sources[0].clock, sources[0].window
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s := sources[0]
		for _, other := range sources[1:] {
			if other.due < s.due {
				s = other
			}
		}
		timer.Reset(s.due - c.now())
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		for _, s := range sources {
			for now := c.now(); s.due <= now; now = c.now() {
				if behind := now - s.due; behind > maxLate {
					s.due += behind
				}
				if w.contains(now) {
					late.observe(now - s.due)
				}
				s.due = s.step()
			}
			s.report(c.now())
		}
	}
}

// reportInterval is how often a source tells its clock.
const reportInterval = time.Second

// report tells the source's clock if it is time to.
func (s *source) report(now time.Duration) {
	if now < s.tellDue {
		return
	}
	if report := s.senderReport(time.Now()); report != nil {
		s.tellDue = now + reportInterval
		s.tell([]rtcp.Packet{report})
	}
}

// rate is how many packets a second a publisher should send on average.
func (o *mediaOptions) rate() float64 {
	rate := 0.0
	if o.bitrate > 0 {
		for _, l := range o.layers() {
			packets, _, _ := frameSizes(int(float64(l.Bitrate)/8/o.fps), o.packet-vp8DescriptorSize)
			rate += float64(packets) * o.fps
		}
	}
	if o.audioBitrate > 0 {
		rate += float64(time.Second / opusInterval)
	}
	return rate
}
