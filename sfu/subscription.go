package sfu

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"plenum/sfu/internal/alloc"
	"plenum/sfu/internal/forward"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/repair"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

const (
	// videoMemory and audioMemory are how many sent packets a subscription
	// remembers at most to answer NACKs, at 32 bytes each: a second of 5 Mbit/s,
	// which is several round trips; two seconds of audio.
	videoMemory, audioMemory = 512, 128
)

// Subscription is one participant's view of one track. Whoever
// receives the publisher's packets pushes them through it, whoever receives the
// viewer's answers feedback, the viewer's loop starts it; its mutex is a leaf around numbers.
type Subscription struct {
	track  *Track
	viewer *Participant
	slot   *jsep.Slot
	cname  string

	ssrc, rtxSSRC uint32
	// numbers are nil until the viewer has accepted the track; its later offers
	// may change them.
	numbers atomic.Pointer[numbers]
	// wanted is what the viewer would look at, for the publisher's loop.
	wanted atomic.Pointer[wanted]

	// Owned by the viewer's loop.
	paused  bool         // the viewer paused its end
	choice  alloc.Choice // as last made, if chosen
	seen    *LayerIndex  // likewise, as clients are told
	chosen  bool
	started bool          // the client has accepted it and is reached
	since   time.Duration // when it was started
	told    *TrackQuality // what the client was told, nil for nothing

	mu          sync.Mutex
	stream      *forward.Stream
	target      target // what the viewer's loop aims at
	renumbered  bool   // numbers changed after packets were sent
	open        bool   // packets flow, and the stream sees them
	rtxSequence uint16
	reported    bool // a sender report was sent
	trips       roundTrips
	rtt         time.Duration
	lost        int32
	requests    allowance // of keyframes, by the viewer
	patience    repair.Playout
	playout     wire.Playout // what the viewer is told, 0 until it lost something
	misses      misses
}

// numbers are how packets look to the viewer.
type numbers struct {
	wire.Format
	red wire.Format // of packets with redundancy; its payload type is 0 if the viewer knows none
}

// counted reports whether packets carry transport-wide numbers.
func (n *numbers) counted() bool { return n != nil && n.Extensions[wire.ExtensionTransportCC] != 0 }

func newSubscription(t *Track, viewer *Participant) *Subscription {
	sub := &Subscription{track: t, viewer: viewer, cname: t.stream(), target: nothing, rtxSequence: uint16(rand.Uint32() & 0x7fff)} //nolint:gosec // masked
	memory := audioMemory
	sub.ssrc = viewer.ssrcs.next()
	if t.kind == Video {
		memory = videoMemory
		sub.rtxSSRC = viewer.ssrcs.next()
	}
	sub.stream = forward.NewStream(forward.Config{
		Codec: t.codec, ClockRate: t.codec.ClockRate(),
		// RFC 3550 §5.1: random; the half below the wrap gives SRTP's
		// rollover counter an unambiguous start.
		FirstSequence: uint16(rand.Uint32() & 0x7fff), FirstTimestamp: rand.Uint32(), //nolint:gosec // masked
		Memory: memory,
	})
	return sub
}

// ssrcs are the numbers of a client's streams: none comes twice, for a key and an SSRC
// must not meet twice. An odd step visits all numbers, so none need be remembered.
type ssrcs struct{ last, step uint32 }

func newSSRCs() ssrcs { return ssrcs{rand.Uint32(), rand.Uint32() | 1} }

func (s *ssrcs) next() uint32 {
	if s.last += s.step; s.last == 0 { // what stands for none
		s.last += s.step
	}
	return s.last
}

// accept takes over what the viewer's description settled.
func (s *Subscription) accept(r jsep.Result) {
	now := &numbers{Format: r.Format, red: r.Format}
	now.red.PayloadType = r.REDPayloadType
	if before := s.numbers.Swap(now); before != nil && *before != *now {
		s.mu.Lock()
		s.renumbered = true
		s.mu.Unlock()
	}
}

// aim says what the viewer should get; packets follow at the next legal one.
func (s *Subscription) aim(now time.Duration, to target) {
	s.mu.Lock()
	s.open, s.target = true, to
	s.stream.SetTarget(forward.Target{Layer: to.layer, Spatial: to.spatial, Temporal: to.temporal})
	layer, wants := s.stream.WantsKeyframe()
	if wants && s.stream.Sent() == 0 && s.replay(now, layer) {
		layer, wants = s.stream.WantsKeyframe()
	}
	s.mu.Unlock()
	if wants {
		s.track.wish(now, layer)
	}
}

// flowing is what the viewer is being sent now. It runs under mu.
func (s *Subscription) flowing() target {
	current := s.stream.Current()
	return target{current.Layer, current.Spatial, current.Temporal}
}

// wanted is the target that a viewer's tile asks for, whatever the bandwidth; short
// is whether the bandwidth doesn't suffice for it, so that a lower one may have to do.
type wanted struct {
	target
	short bool
}

// want tells the publisher's loop what the viewer would look at.
func (s *Subscription) want(w wanted) {
	if before := s.wanted.Load(); before == nil || *before != w {
		s.wanted.Store(&w)
	}
}

// start lets packets flow as soon as the viewer's loop has aimed: the answer is
// in and the viewer is reached.
func (s *Subscription) start() {
	if s.started || s.numbers.Load() == nil {
		return
	}
	s.viewer.media.remember(s)
	s.started, s.since = true, s.viewer.server.now()
	for i := range s.track.layers {
		if l := s.track.layers[i].Load(); l != nil {
			if r, arrived, ok := l.lastReport(); ok {
				s.senderReport(int8(i), r, arrived) //nolint:gosec // below maxLayers
			}
		}
	}
}

// watches reports whether packets of the layer flow to the viewer.
func (s *Subscription) watches(layer int8) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.target.layer >= 0 && s.stream.Current().Layer == layer
}

func (s *Subscription) restart(layer int8) {
	s.mu.Lock()
	s.stream.Restart(layer)
	s.mu.Unlock()
}

func (s *Subscription) wantsKeyframe() (int8, bool) {
	if s.track.kind != Video {
		return 0, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stream.WantsKeyframe()
}

// push sends packets of one layer to the viewer, or drops them; it returns how
// many packets and bytes go out. Whoever received the packets calls it.
func (s *Subscription) push(now time.Duration, arrived []arrival, out *transport.Batch) (packets, bytes uint64) {
	n := s.numbers.Load()
	out.Reserve(len(arrived))
	s.mu.Lock()
	if !s.open {
		s.mu.Unlock()
		return 0, 0
	}
	before, carried := s.stream.Current().Layer, 0
	if s.track.kind == Audio {
		s.stream.SetRedundancy(s.redundancy(now, n))
	}
	for i := range arrived {
		edit, verdict := s.stream.Push(now, &arrived[i].input)
		if verdict != forward.Forward {
			s.viewer.server.counter.dropped[verdict].Inc()
			continue
		}
		edit.Playout = s.playout
		carried += bits.OnesCount8(edit.Redundant)
		b := n.append(out.Next(), &arrived[i].packet, &edit, arrived[i].earlier)
		out.Put(b)
		packets++
		bytes += uint64(len(b))
	}
	forwarded := packets > 0
	report := forwarded && !s.reported && s.viewer.media.peer.Secured()
	fell := s.track.kind == Video && s.stream.Current().Layer < before
	s.mu.Unlock()
	if carried > 0 {
		s.viewer.server.counter.carried.Add(uint64(carried)) //nolint:gosec // not negative
	}
	if fell {
		s.viewer.media.peer.Discard(s.ssrc)
	}
	if forwarded {
		// Without RTX a packet may be sent again as it was, which padding that
		// depends on its company would make another under the same number.
		s.viewer.media.peer.Send(out, transport.Outgoing{
			Equalise: n.RTXSSRC != 0, Stamp: n.counted(), Pace: s.track.kind == Video,
		})
	}
	if report {
		s.viewer.media.first()
		s.report(now, arrived[0].input.Layer, out)
	}
	return packets, bytes
}

// padding is the size of the packets that probe, in bytes: the most that RTP's
// padding can be.
const padding = 255

// pad puts a packet that holds up to size bytes of padding into a batch, and
// returns how much goes over the wire.
func (s *Subscription) pad(size int, out *transport.Batch) int {
	n := s.numbers.Load()
	s.mu.Lock()
	s.rtxSequence++
	sequence := s.rtxSequence
	timestamp := s.stream.Timestamp()
	s.mu.Unlock()
	out.Reserve(1)
	b := n.AppendPadding(out.Next(), timestamp, sequence, min(size, padding))
	out.Put(b)
	return len(b) + transport.Overhead + transport.Headers
}

// requestKeyframe passes a viewer's PLI on to the layer that it should get, and
// to the one that it still gets while a switch is pending.
func (s *Subscription) requestKeyframe(now time.Duration) {
	s.mu.Lock()
	target, current := s.stream.Target().Layer, s.stream.Current().Layer
	s.mu.Unlock()
	s.track.wish(now, target)
	if target >= 0 && current != target {
		s.track.wish(now, current)
	}
}

// A viewer's own requests for keyframes: a few at once, then one in a while. What it
// loses is known here as well, and then a keyframe is wished without its request.
const (
	keyframeRequests = 5
	keyframeInterval = 2 * time.Second
)

// askKeyframe is a viewer's PLI or FIR. It costs everyone who watches the layer, so that
// one viewer may not ask all the time, and all of them at most once a second.
func (s *Subscription) askKeyframe(now time.Duration) {
	s.mu.Lock()
	allowed := s.requests.take(now)
	target, current := s.stream.Target().Layer, s.stream.Current().Layer
	s.mu.Unlock()
	if !allowed {
		s.viewer.server.counter.pliIgnored.Inc()
		return
	}
	s.track.ask(now, target)
	if target >= 0 && current != target {
		s.track.ask(now, current)
	}
}

// allowance is a token bucket of keyframe requests; the zero value is full.
type allowance struct {
	used    int
	updated time.Duration
}

func (a *allowance) take(now time.Duration) bool {
	if n := int((now - a.updated) / keyframeInterval); n > 0 {
		a.used = max(0, a.used-n)
		a.updated += time.Duration(n) * keyframeInterval
	}
	if a.used >= keyframeRequests {
		return false
	}
	a.used++
	return true
}

// senderReport takes over the publisher's clock.
func (s *Subscription) senderReport(layer int8, r transport.SenderReport, arrived time.Duration) {
	s.mu.Lock()
	s.stream.SenderReport(layer, wire.NTP(r.NTP), r.RTP, arrived)
	s.mu.Unlock()
}

// report sends the viewer a sender report on the publisher's clock, so that the
// viewer plays the publisher's streams in step. layer is the one that just
// reported or flowed: others than the current one say nothing new.
func (s *Subscription) report(now time.Duration, layer int8, out *transport.Batch) {
	s.mu.Lock()
	r, ok := s.stream.Report(now)
	ok = ok && layer == s.stream.Current().Layer
	if ok {
		s.reported = true
		s.trips.note(now, r.NTP.Middle())
	}
	s.mu.Unlock()
	if ok {
		s.viewer.media.peer.SendSenderReport(transport.SenderReportOut{
			SSRC: s.ssrc, NTP: uint64(r.NTP), RTP: r.RTP, Packets: r.Packets, Octets: r.Octets, CNAME: s.cname,
		}, out)
	}
}

// reception is the viewer's report. Our sender reports carry the publisher's
// clock, so the round-trip time comes from when each was sent (RFC 3550 §6.4.1).
func (s *Subscription) reception(now time.Duration, r transport.Reception) {
	s.mu.Lock()
	rtt, measured := s.trips.measure(now, r.LastReport, r.Delay)
	if measured {
		s.rtt = rtt
	}
	s.lose(now, float64(r.FractionLost)/256)
	// No more can be lost than was sent.
	total := int32(min(uint64(max(0, r.TotalLost)), uint64(s.stream.Sent()), math.MaxInt32)) //nolint:gosec // bounded
	lost := max(0, total-s.lost)
	s.lost = max(s.lost, total)
	s.mu.Unlock()
	if s.track.kind == Audio {
		s.viewer.downlink.reported(float64(r.FractionLost) / 256)
	}
	counter := &s.viewer.server.counter
	if measured {
		counter.rtt.Observe(rtt.Seconds())
		s.viewer.downlink.measured(now, rtt)
	}
	counter.lostOut[kindIndex(s.track.kind)].Add(uint64(lost)) //nolint:gosec // not negative
}
