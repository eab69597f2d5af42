package client

import (
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// Packets is where a Receiver reads: a webrtc.TrackRemote.
type Packets interface {
	Read(b []byte) (n int, a interceptor.Attributes, err error)
}

// ReceiverOptions say how a Receiver behaves.
type ReceiverOptions struct {
	// RTCP sends requests to the server; nil asks for nothing.
	RTCP func([]rtcp.Packet) error
	// SSRC of the track, for RTCP.
	SSRC uint32
	// VP8 checks payload descriptors and looks for key frames.
	VP8 bool
	// Packet, if not nil, sees every packet's RTP payload and marker, in order of
	// arrival. It must not keep the bytes.
	Packet func(payload []byte, timestamp uint32, marker bool)
}

// Report is what a Receiver has seen so far.
type Report struct {
	Packets    uint64 // without duplicates
	Bytes      uint64 // of RTP payload
	Lost       uint64 // numbers that never came
	Duplicates uint64
	Reordered  uint64 // came late, not repaired
	Repaired   uint64 // came over RTX
	Malformed  uint64

	Frames    uint64 // by timestamps, in packets that came in order
	Keyframes uint64
	// Errors of a sender or forwarder: a timestamp that runs backwards, a VP8
	// picture id that does not follow the one before though no packet is missing.
	TimestampErrors uint64
	PictureIDErrors uint64

	Asked uint64 // packets asked for by NACK
	PLIs  uint64 // key frames asked for

	FirstPacket   time.Time
	FirstKeyframe time.Time
	LastPacket    time.Time
	LongestGap    time.Duration // between two packets
	Shown         uint64        // frames that a decoder could show, of VP8
	LongestFreeze time.Duration // between two of them
	Width, Height int           // of the last key frame

	Latency Latencies // of stamped packets
}

// Receiver reads a remote track to its end, checks and measures it, and asks
// for lost packets and key frames as a browser does. It does not allocate per
// packet.
type Receiver struct {
	packets Packets
	options ReceiverOptions
	start   time.Time

	mu      sync.Mutex // a leaf: guards the fields below
	report  Report
	numbers sequence
	frames  *frames // of VP8
	asker   asker
	due     []uint16

	timestamp     uint32 // of the packet with the highest number
	pictureID     uint16
	havePicture   bool
	gapSince      bool // packets are missing since the last picture began
	wantsKeyframe bool // a loss could not be repaired
	lastPLI       time.Duration
}

// NewReceiver makes a Receiver of a Track event.
func NewReceiver(t Track) *Receiver {
	return NewPacketReceiver(t.Remote, ReceiverOptions{
		RTCP: t.Peer.WriteRTCP,
		SSRC: uint32(t.Remote.SSRC()),
		VP8:  t.Remote.Codec().MimeType == webrtc.MimeTypeVP8,
	})
}

// NewPacketReceiver makes a Receiver of anything that packets can be read from.
func NewPacketReceiver(p Packets, o ReceiverOptions) *Receiver {
	r := &Receiver{
		packets: p,
		options: o,
		start:   time.Now(),
		asker:   newAsker(),
		due:     make([]uint16, 0, maxMissing),
		lastPLI: -time.Hour,
	}
	if o.VP8 {
		r.frames = &frames{}
	}
	return r
}

// Run reads until the track ends, and returns why.
func (r *Receiver) Run() error {
	b := make([]byte, 1500)
	for {
		n, a, err := r.packets.Read(b)
		if err != nil {
			return err
		}
		repair := a != nil && a.Get(webrtc.AttributeRtxSsrc) != nil
		r.receive(b[:n], repair, time.Now())
	}
}

// Report is a snapshot.
func (r *Receiver) Report() Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	report := r.report
	report.Lost = r.numbers.lost()
	report.Asked = r.asker.asked
	if r.frames != nil {
		report.Shown, report.LongestFreeze = r.frames.shown, r.frames.longest
	}
	return report
}

// receive takes one packet and sends what it gives reason to ask.
func (r *Receiver) receive(b []byte, repair bool, now time.Time) {
	p, ok := parseRTP(b)
	r.mu.Lock()
	if !ok {
		r.report.Malformed++
		r.mu.Unlock()
		return
	}
	fresh := r.count(&p, repair, now)
	ask, pli := r.ask(now)
	r.mu.Unlock()
	if fresh && r.options.Packet != nil {
		r.options.Packet(p.payload, p.timestamp, p.marker)
	}
	if len(ask) > 0 {
		// An error means that the peer is gone: Read says so too.
		_ = r.options.RTCP([]rtcp.Packet{&rtcp.TransportLayerNack{
			MediaSSRC: r.options.SSRC, Nacks: rtcp.NackPairsFromSequenceNumbers(ask),
		}})
	}
	if pli {
		_ = r.options.RTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: r.options.SSRC}})
	}
}

// count books one packet; r.mu is held.
func (r *Receiver) count(p *rtpPacket, repair bool, now time.Time) (fresh bool) {
	at := now.Sub(r.start)
	highest := r.numbers.highest
	ext, kind := r.numbers.add(p.sequence)
	if kind == arrivalDuplicate {
		r.report.Duplicates++
		return false
	}
	r.report.Packets++
	r.report.Bytes += uint64(len(p.payload))
	if r.report.FirstPacket.IsZero() {
		r.report.FirstPacket = now
		r.timestamp = p.timestamp - 1
	} else if gap := now.Sub(r.report.LastPacket); gap > r.report.LongestGap {
		r.report.LongestGap = gap
	}
	r.report.LastPacket = now
	if _, sent, ok := Stamp(p.payload); ok {
		r.report.Latency.observe(time.Duration(now.UnixNano() - sent))
	}

	switch kind {
	case arrivalLate:
		if repair {
			r.report.Repaired++
		} else {
			r.report.Reordered++
		}
		r.asker.arrived(at, ext)
	case arrivalJump:
		r.gapSince = true
		if r.asker.gap(at, highest+1, ext) {
			r.wantsKeyframe = true
		}
		r.inOrder(p)
	case arrivalNext:
		r.inOrder(p)
	}
	if r.options.VP8 {
		key := r.keyframe(p.payload, now)
		if r.frames.add(at, ext, key, p.marker) {
			r.asker.forget(r.frames.next)
			r.wantsKeyframe = false
		}
	}
	return true
}

// inOrder checks a packet whose number is the highest yet.
func (r *Receiver) inOrder(p *rtpPacket) {
	switch d := int32(p.timestamp - r.timestamp); {
	case d < 0:
		r.report.TimestampErrors++
	case d > 0:
		r.report.Frames++
	}
	r.timestamp = p.timestamp
	if !r.options.VP8 {
		return
	}
	v, ok := parseVP8(p.payload)
	if !ok || !v.begins || !v.hasPictureID {
		return
	}
	step := (v.pictureID - r.pictureID) & 0x7fff
	if r.havePicture && (step == 0 || step > 1 && !r.gapSince || step > 1<<14) {
		r.report.PictureIDErrors++
	}
	r.pictureID, r.havePicture, r.gapSince = v.pictureID, true, false
}

// keyframe looks for the beginning of a key frame, whenever it comes.
func (r *Receiver) keyframe(payload []byte, now time.Time) (found bool) {
	v, ok := parseVP8(payload)
	if !ok || !v.key {
		return false
	}
	r.report.Keyframes++
	r.report.Width, r.report.Height = v.width, v.height
	if r.report.FirstKeyframe.IsZero() {
		r.report.FirstKeyframe = now
	}
	return true
}

// A key frame is asked for if the stream has run for keyframeWait without one,
// and not again within minPLIGap.
const (
	keyframeWait = 200 * time.Millisecond
	minPLIGap    = 500 * time.Millisecond
)

// ask returns what to ask for now; r.mu is held. The slice is valid until the
// next call, which is the same goroutine's.
func (r *Receiver) ask(now time.Time) (numbers []uint16, pli bool) {
	if r.options.RTCP == nil {
		return nil, false
	}
	at := now.Sub(r.start)
	numbers, gaveUp := r.asker.due(at, r.due[:0])
	r.wantsKeyframe = r.wantsKeyframe || gaveUp
	if r.report.FirstKeyframe.IsZero() && now.Sub(r.report.FirstPacket) >= keyframeWait {
		r.wantsKeyframe = true
	}
	if !r.options.VP8 || !r.wantsKeyframe || at-r.lastPLI < minPLIGap {
		return numbers, false
	}
	r.wantsKeyframe, r.lastPLI = false, at
	r.report.PLIs++
	return numbers, true
}
