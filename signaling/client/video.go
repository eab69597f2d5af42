package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// VideoLayer is one encoding of a scripted video.
type VideoLayer struct {
	RID           string // empty unless there are several
	Width, Height int    // pixels, up to 16383
	Bitrate       int    // bit/s of RTP payload
}

// VideoConfig describes a scripted VP8 track.
type VideoConfig struct {
	ID, StreamID string       // empty: made up
	Layers       []VideoLayer // empty: one of 640×360 at 500 kbit/s
	FPS          float64      // 0: 30
	PacketSize   int          // bytes of RTP payload at most; 0: 1,100
	// KeyframeInterval makes key frames unasked; 0 makes only the first.
	KeyframeInterval time.Duration
}

// SimulcastLayers are three layers as a browser makes them for 1280×720.
func SimulcastLayers() []VideoLayer {
	return []VideoLayer{
		{"q", 320, 180, 150_000},
		{"h", 640, 360, 500_000},
		{"f", 1280, 720, 1_500_000},
	}
}

// Video is a scripted VP8 track: frames that decode (to grey) at a steady rate,
// in packets that carry stamps, with key frames on request.
type Video struct {
	interval time.Duration
	ticks    float64 // RTP timestamp units per frame
	keyEvery uint64  // frames; 0 is never
	size     int
	layers   []*videoLayer
	paused   atomic.Bool
}

// VideoStats counts what a layer has sent.
type VideoStats struct {
	Packets, Bytes, Frames, Keyframes uint64
	KeyframeRequests                  uint64
}

// videoLayer is a webrtc.TrackLocal and a KeyframeRequester.
type videoLayer struct {
	*webrtc.TrackLocalStaticRTP
	key, inter  []byte // tag, header and first partition
	bytes       int    // of an inter frame
	wanted, off atomic.Bool

	packets, octets, frames, keyframes, requests atomic.Uint64

	// Of the one goroutine in Run.
	header    rtp.Packet
	payload   []byte
	base      uint32 // timestamp
	pictureID uint16 // 15 bits
	tl0       uint8
	keyIdx    uint8
}

// RequestKeyframe makes the layer's next frame a key frame.
func (l *videoLayer) RequestKeyframe() {
	l.requests.Add(1)
	l.wanted.Store(true)
}

// NewVideo makes a scripted video; Run sends it.
func NewVideo(c VideoConfig) (*Video, error) {
	if len(c.Layers) == 0 {
		c.Layers = []VideoLayer{{Width: 640, Height: 360, Bitrate: 500_000}}
	}
	if c.FPS == 0 {
		c.FPS = 30
	}
	if c.PacketSize == 0 {
		c.PacketSize = 1100
	}
	if c.ID == "" {
		c.ID = "video"
	}
	if c.StreamID == "" {
		c.StreamID = "camera"
	}
	if c.FPS < 0 || c.PacketSize < 100 {
		return nil, errors.New("video: frame rate or packet size out of range")
	}
	v := &Video{
		interval: time.Duration(float64(time.Second) / c.FPS),
		ticks:    90000 / c.FPS,
		keyEvery: uint64(c.KeyframeInterval.Seconds() * c.FPS),
		size:     c.PacketSize,
	}
	for _, l := range c.Layers {
		if l.Width <= 0 || l.Height <= 0 || l.Width > 16383 || l.Height > 16383 {
			return nil, errors.New("video: picture size out of range")
		}
		track, err := webrtc.NewTrackLocalStaticRTP(VP8, c.ID, c.StreamID, webrtc.WithRTPStreamID(l.RID))
		if err != nil {
			return nil, err
		}
		layer := &videoLayer{
			TrackLocalStaticRTP: track,
			key:                 vp8Key(l.Width, l.Height),
			inter:               vp8Inter(l.Width, l.Height),
			bytes:               int(float64(l.Bitrate) / 8 / c.FPS),
			payload:             make([]byte, c.PacketSize),
			base:                rand.Uint32(),
			pictureID:           uint16(rand.UintN(1 << 15)),
			tl0:                 uint8(rand.UintN(256)),
		}
		layer.header.Version = 2
		layer.header.SequenceNumber = uint16(rand.UintN(1 << 16))
		layer.wanted.Store(true)
		v.layers = append(v.layers, layer)
	}
	return v, nil
}

// Local is the track for Options.Publish.
func (v *Video) Local(source Source) Local {
	tracks := v.Tracks()
	return Local{Track: tracks[0], Source: source, Layers: tracks[1:]}
}

// Tracks are the layers, for Client.Publish.
func (v *Video) Tracks() []webrtc.TrackLocal {
	tracks := make([]webrtc.TrackLocal, len(v.layers))
	for i, l := range v.layers {
		tracks[i] = l
	}
	return tracks
}

// SetPaused stops or resumes all layers, as muting a camera does: the clock goes
// on, and the first frame after a pause is a key frame.
func (v *Video) SetPaused(paused bool) {
	if v.paused.Swap(paused) && !paused {
		for _, l := range v.layers {
			l.wanted.Store(true)
		}
	}
}

// SetLayer starts or stops one layer. A started one begins with a key frame.
func (v *Video) SetLayer(i int, on bool) {
	l := v.layers[i]
	if l.off.Swap(!on) && on {
		l.wanted.Store(true)
	}
}

// Stats counts what layer i has sent.
func (v *Video) Stats(i int) VideoStats {
	l := v.layers[i]
	return VideoStats{l.packets.Load(), l.octets.Load(), l.frames.Load(), l.keyframes.Load(), l.requests.Load()}
}

// Run sends until ctx ends. Before the track is negotiated it sends to nobody.
func (v *Video) Run(ctx context.Context) {
	pace(ctx, v.interval, func(n uint64, now time.Time) {
		if v.paused.Load() {
			return
		}
		for _, l := range v.layers {
			if !l.off.Load() {
				v.frame(l, n, now)
			}
		}
	})
}

func (v *Video) frame(l *videoLayer, n uint64, now time.Time) {
	head, size := l.inter, l.bytes
	key := l.wanted.Swap(false) || v.keyEvery != 0 && n%v.keyEvery == 0
	if key {
		head, size = l.key, l.bytes*3 // a key frame is a few times as large
		l.keyIdx = (l.keyIdx + 1) & 0x1f
		l.keyframes.Add(1)
	}
	l.pictureID = (l.pictureID + 1) & 0x7fff
	l.tl0++
	size = max(size, len(head)+stampSize)
	l.header.Timestamp = l.base + uint32(uint64(float64(n)*v.ticks))

	chunk := v.size - vp8DescriptorSize
	packets := (size + chunk - 1) / chunk
	for i := range packets {
		l.header.Marker = i == packets-1
		l.send(head, size*i/packets, size*(i+1)/packets, now)
	}
	l.frames.Add(1)
}

// vp8DescriptorSize is the payload descriptor with everything in it (RFC 7741
// section 4.2): 15-bit picture id, TL0PICIDX, TID and KEYIDX.
const vp8DescriptorSize = 6

// send sends the bytes from..to of a frame that begins with head.
func (l *videoLayer) send(head []byte, from, to int, now time.Time) {
	b := l.payload[:vp8DescriptorSize+to-from]
	b[0] = 0x80 // extended
	if from == 0 {
		b[0] |= 0x10 // start of partition 0
	}
	b[1] = 0xf0 // I, L, T, K
	b[2], b[3] = 0x80|byte(l.pictureID>>8), byte(l.pictureID)
	b[4] = l.tl0
	b[5] = l.keyIdx // temporal layer 0, no sync
	body := b[vp8DescriptorSize:]
	n := 0
	if from < len(head) {
		n = copy(body, head[from:])
	}
	clear(body[n:])
	if len(body)-n >= stampSize {
		putStamp(body, l.packets.Load(), now)
	}
	l.header.Payload = b
	l.header.SequenceNumber++
	// An error means that a viewer is gone or not there yet; others may be.
	_ = l.WriteRTP(&l.header)
	l.packets.Add(1)
	l.octets.Add(uint64(len(b)))
}
