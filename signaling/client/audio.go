package client

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// Opus at 48 kHz (RFC 7587) in frames of 20 ms; with DTX one packet in 400 ms
// keeps a silent stream alive.
const (
	opusInterval = 20 * time.Millisecond
	opusTicks    = 960
	opusDTXEvery = 20
)

// Silence is the audio level of digital silence in -dBov (RFC 6464).
const Silence = 127

// AudioConfig describes a scripted Opus track.
type AudioConfig struct {
	ID, StreamID string // empty: made up
	Bitrate      int    // bit/s of RTP payload; 0: 32,000
	DTX          bool   // send little while the level is Silence
}

// Audio is a scripted Opus track of 50 packets a second that decode to silence
// and carry stamps; what they claim of their loudness is SetLevel's.
type Audio struct {
	*webrtc.TrackLocalStaticRTP
	dtx     bool
	level   atomic.Uint32 // RFC 6464: voice bit and -dBov
	id      atomic.Uint32 // of the audio-level extension; 0 if not negotiated
	paused  atomic.Bool
	packets atomic.Uint64

	// Of the one goroutine in Run.
	header  rtp.Packet
	payload []byte
	base    uint32
	resting bool
}

// NewAudio makes a scripted audio at -30 dBov; Run sends it.
func NewAudio(c AudioConfig) (*Audio, error) {
	if c.ID == "" {
		c.ID = "audio"
	}
	if c.StreamID == "" {
		c.StreamID = "camera"
	}
	if c.Bitrate == 0 {
		c.Bitrate = 32_000
	}
	track, err := webrtc.NewTrackLocalStaticRTP(Opus, c.ID, c.StreamID)
	if err != nil {
		return nil, err
	}
	a := &Audio{TrackLocalStaticRTP: track, dtx: c.DTX, base: rand.Uint32(), resting: true}
	a.payload = make([]byte, max(c.Bitrate/8/50, 3+stampSize))
	// TOC: CELT, full band, 20 ms, one frame; then its silence flag, after which a
	// decoder reads no further (RFC 6716 sections 3.1 and 4.3).
	copy(a.payload, []byte{0xf8, 0xff, 0xfe})
	a.header.Version = 2
	a.header.SequenceNumber = uint16(rand.UintN(1 << 16))
	a.header.Payload = a.payload
	a.SetLevel(30, true)
	return a, nil
}

// Local is the track for Options.Publish.
func (a *Audio) Local(source Source) Local { return Local{Track: a, Source: source} }

// SetLevel sets the loudness that packets claim: -dBov, 0 (loudest) to Silence.
func (a *Audio) SetLevel(level uint8, voice bool) {
	v := uint32(min(level, Silence))
	if voice {
		v |= 0x80
	}
	a.level.Store(v)
}

// SetPaused stops or resumes the packets; the clock goes on.
func (a *Audio) SetPaused(paused bool) { a.paused.Store(paused) }

// Packets is how many were sent.
func (a *Audio) Packets() uint64 { return a.packets.Load() }

// Bind learns the extension's id.
func (a *Audio) Bind(t webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, e := range t.HeaderExtensions() {
		if e.URI == sdp.AudioLevelURI {
			a.id.Store(uint32(e.ID)) //nolint:gosec // ids are 1..255
		}
	}
	return a.TrackLocalStaticRTP.Bind(t)
}

// Run sends until ctx ends. Before the track is negotiated it sends to nobody.
func (a *Audio) Run(ctx context.Context) {
	var level [1]byte
	pace(ctx, opusInterval, func(n uint64, now time.Time) {
		level[0] = byte(a.level.Load())
		silent := a.dtx && level[0]&0x7f == Silence
		if a.paused.Load() || silent && n%opusDTXEvery != 0 {
			a.resting = true
			return
		}
		h := &a.header.Header
		h.Timestamp = a.base + uint32(n*opusTicks)
		h.SequenceNumber++
		h.Marker = a.resting && !silent // the first of a talk spurt (RFC 7587 section 4.2)
		a.resting = silent
		if id := a.id.Load(); id != 0 {
			if err := h.SetExtension(uint8(id), level[:]); err != nil {
				return
			}
		}
		putStamp(a.payload, a.packets.Load(), now)
		_ = a.WriteRTP(&a.header) // an error means that nobody is there yet
		a.packets.Add(1)
	})
}
