package sfu

import (
	"sync"
	"sync/atomic"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/forward"
	"plenum/sfu/internal/history"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/repair"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

const (
	// layerTimeout is how long a layer may be silent before viewers are moved
	// to another: a publisher's browser drops layers without a word.
	layerTimeout = 700 * time.Millisecond
	// restartAfter is how many packets in a row may be too old before they are
	// taken for a source that began anew.
	restartAfter = 32
	// takeOverAfter is how long a layer's stream must be silent before one with
	// another SSRC may take its place.
	takeOverAfter = 100 * time.Millisecond
	// reportInterval is the least time between sender reports that are passed on.
	reportInterval = 500 * time.Millisecond
	// History: the retransmission window of RFC 4588 that browsers use is about
	// a second; twice that covers one retry over a slow path.
	videoHistory, audioHistory           = 2 * time.Second, time.Second
	videoHistoryLimit, audioHistoryLimit = 2048, 128
)

// Layer is one encoding of a track. Its mutex is a leaf; it is shared by
// whoever receives the publisher's packets, its loop (time) and the viewers' read
// goroutines (keyframe requests).
type Layer struct {
	track   *Track
	index   int8
	history *history.Ring
	ssrc    uint32 // written under mu by the read goroutine, which alone reads it without

	lastPacket atomic.Int64              // time.Duration
	aliveSince atomic.Int64              // time.Duration: of the first packet after a silence
	sizes      [maxSpatial]atomic.Uint32 // of the picture: width<<16 | height, 0 where not known
	meter      meter
	rates      rates // owned by the publisher's loop, as off
	off        bool  // it is silent while others of the track are not: its rates are of another time
	nack, fir  bool  // what the publisher answers: NACK at all; FIR but not PLI

	mu        sync.Mutex
	unwrapper wire.Unwrapper
	tracker   repair.Tracker
	spacing   repair.Spacing // of sound
	gate      repair.Gate
	mends     allowance // keyframes at once for what can\'t be repaired
	reception repair.Reception
	exported  lossCount
	hasReport bool
	clock     transport.SenderReport
	clockAt   time.Duration
	key       keyframe

	// Owned by whoever receives the publisher's packets.
	parser codec.Parser
	old    int // packets in a row that were too old
	burst  burst
	due    []uint16
}

// keyframe is the first packet of a layer's newest keyframe.
type keyframe struct {
	ext       int64
	timestamp uint32
	at        time.Duration // when its first packet came; 0 where there is none
}

// lossCount is what the tracker's counters were when last exported.
type lossCount struct{ asked, recovered, lost uint64 }

func newLayer(t *Track, index int, ssrc uint32, c *jsep.Codec) *Layer {
	l := &Layer{track: t, index: int8(index), ssrc: ssrc, nack: c.NACK, fir: c.FIR && !c.PLI} //nolint:gosec // below maxLayers
	if t.kind == Video {
		l.history = history.NewRing(videoHistory, videoHistoryLimit)
	} else {
		l.history = history.NewRing(audioHistory, audioHistoryLimit)
	}
	l.reception.ClockRate = c.ClockRate
	return l
}

// restart begins anew with another SSRC, whose numbers mean nothing to the old.
func (l *Layer) restart(now time.Duration, ssrc uint32) {
	l.mu.Lock()
	l.ssrc = ssrc
	l.unwrapper = wire.Unwrapper{}
	l.tracker, l.spacing = repair.Tracker{}, repair.Spacing{}
	l.reception = repair.Reception{ClockRate: l.reception.ClockRate}
	l.hasReport, l.key = false, keyframe{}
	l.mu.Unlock()
	l.parser = codec.Parser{}
	l.history.Reset()
	for _, sub := range *l.track.subs.Load() {
		sub.restart(l.index)
	}
	l.track.wish(now, l.index)
}

// receive takes in one packet from the publisher; raw is its bytes. It reports
// whether the packet is to be delivered.
func (l *Layer) receive(now time.Duration, a *arrival, raw []byte, repaired bool) bool {
	t, p := l.track, &a.packet
	counter := &t.publisher.server.counter
	k := kindIndex(t.kind)
	counter.packetsIn[k].Inc()
	counter.bytesIn[k].Add(uint64(len(raw)))

	l.mu.Lock()
	ext := l.unwrapper.Unwrap(p.Sequence)
	arrived := l.tracker.Receive(now, ext)
	if arrived != repair.Duplicate {
		l.reception.Receive(now, ext, p.Timestamp, repaired)
	}
	if t.kind == Audio {
		l.spacing.Receive(ext, p.Timestamp)
	}
	lostSync := l.tracker.Gap()
	if lostSync {
		l.reception = repair.Reception{ClockRate: l.reception.ClockRate}
	}
	l.mu.Unlock()

	if arrived != repair.Old {
		l.old = 0
	} else if l.old++; l.old >= restartAfter {
		l.restart(now, l.ssrc) // the source counts from elsewhere under the same SSRC
		return false
	}
	if arrived == repair.Duplicate || !l.history.Put(now, ext, raw) {
		counter.dropped[forward.DropDuplicate].Inc()
		return false
	}
	if lostSync {
		t.wish(now, l.index)
	}
	a.input = forward.Input{
		Layer: l.index, Ext: ext, Timestamp: p.Timestamp, Marker: p.Marker, Payload: p.Payload,
		Info: l.parser.Parse(t.receiving, p.Payload, p.Extensions[wire.ExtensionDependencyDescriptor], arrived != repair.InOrder),
	}
	if t.kind == Audio && now < time.Duration(t.redundantUntil.Load()) {
		if a.earlier == nil {
			a.earlier = &earlier{}
		}
		a.input.Earlier = a.earlier.read(t, l.index, ext, p, allEarlier)
	}
	l.observe(now, a)
	return true
}

// lacks is the number of the redundant block that is older by offset than the packet with
// that number and timestamp, if the layer lacks it.
func (l *Layer) lacks(sequence uint16, timestamp, offset uint32) (uint16, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	number, ok := l.spacing.Number(l.unwrapper.Peek(sequence), timestamp, offset)
	return uint16(number), ok && l.tracker.Lacks(number) //nolint:gosec // what the wire carries
}

// observe follows what a packet tells of its layer besides its bytes.
func (l *Layer) observe(now time.Duration, a *arrival) {
	t, info := l.track, &a.input.Info
	before := time.Duration(l.lastPacket.Swap(int64(now)))
	l.meter.add(now, info, a.packet.Timestamp, len(a.packet.Payload))
	if t.kind == Audio {
		if level, _, ok := wire.AudioLevel(a.packet.Extensions[wire.ExtensionAudioLevel]); ok {
			t.heard(level)
		}
	}
	if info.Keyframe && t.kind == Video {
		if info.Width > 0 {
			for s := range l.sizes {
				width, height := l.parser.Size(uint8(s)) //nolint:gosec // small
				l.sizes[s].Store(uint32(width)<<16 | uint32(height))
			}
		}
		l.mu.Lock()
		switch k := &l.key; {
		case k.at == 0 || k.timestamp != a.packet.Timestamp && a.input.Ext > k.ext:
			*k = keyframe{a.input.Ext, a.packet.Timestamp, now}
		case k.timestamp == a.packet.Timestamp:
			k.ext = min(k.ext, a.input.Ext)
		}
		waited, wished := l.gate.Arrived(now)
		l.mu.Unlock()
		if wished {
			t.publisher.server.counter.keyframeWait.Observe(waited.Seconds())
		}
	}
	if before == 0 || now-before > layerTimeout {
		l.aliveSince.Store(int64(now))
	}
}

// askAgain NACKs what is missing and due.
func (l *Layer) askAgain(now time.Duration) {
	rtt := l.track.publisher.media.peer.RoundTrip()
	l.mu.Lock()
	l.due = l.tracker.Due(now, rtt, l.due[:0])
	gaveUp := l.tracker.GaveUp()
	ssrc := l.ssrc
	l.mu.Unlock()
	l.sendNACK(ssrc, l.due)
	if gaveUp {
		l.lostForGood(now)
	}
}

func (l *Layer) sendNACK(ssrc uint32, due []uint16) {
	if len(due) > 0 && l.nack {
		l.track.publisher.server.counter.nackOut.Add(uint64(len(due)))
		l.track.publisher.media.peer.SendNACK(ssrc, due)
	}
}

// live reports whether packets have arrived lately.
func (l *Layer) live(now time.Duration) bool {
	last := time.Duration(l.lastPacket.Load())
	return last > 0 && now-last <= layerTimeout
}

// steady reports whether the layer has flowed long enough to be sure that a
// silent one next to it is dead.
func (l *Layer) steady(now time.Duration) bool {
	return now-time.Duration(l.aliveSince.Load()) > layerTimeout
}

// takeOver makes a stream with another SSRC the layer's source, unless the old
// one still sends.
func (l *Layer) takeOver(now time.Duration, ssrc uint32) bool {
	if now-time.Duration(l.lastPacket.Load()) < takeOverAfter {
		return false
	}
	l.restart(now, ssrc)
	return true
}

// pixels is the size of the largest picture in the layer, 0 where no keyframe told it yet.
func (l *Layer) pixels() int {
	most := 0
	for s := range l.sizes {
		width, height := l.size(s)
		most = max(most, int(width)*int(height))
	}
	return most
}

// size is that of the picture of a spatial layer in pixels, 0 where it isn't known.
func (l *Layer) size(spatial int) (width, height uint16) {
	v := l.sizes[spatial].Load()
	return uint16(v >> 16), uint16(v) //nolint:gosec // halves
}

// wish asks the publisher for a keyframe, once for everyone who wishes one.
func (l *Layer) wish(now time.Duration) { l.wishAs(now, (*repair.Gate).Wish) }

// mend is wish for those who lost something: at once as long as they don't all the time.
func (l *Layer) mend(now time.Duration) {
	l.mu.Lock()
	prompt := l.mends.take(now)
	l.mu.Unlock()
	if prompt {
		l.wish(now)
	} else {
		l.wishAs(now, (*repair.Gate).Ask)
	}
}

func (l *Layer) wishAs(now time.Duration, wish func(g *repair.Gate, now, rtt time.Duration) bool) {
	rtt := l.track.publisher.media.peer.RoundTrip()
	l.mu.Lock()
	send := wish(&l.gate, now, rtt)
	ssrc := l.ssrc
	l.mu.Unlock()
	if send {
		l.sendKeyframeRequest(ssrc)
	} else {
		l.track.publisher.server.counter.pliMerged.Inc()
	}
}

func (l *Layer) sendKeyframeRequest(ssrc uint32) {
	t := l.track
	t.publisher.server.counter.pliOut.Inc()
	t.publisher.media.peer.SendKeyframeRequest(ssrc, l.fir)
}

// tick repeats what is unanswered. It runs on the publisher's loop.
func (l *Layer) tick(now time.Duration) {
	rtt := l.track.publisher.media.peer.RoundTrip()
	var due []uint16
	l.mu.Lock()
	due = l.tracker.Due(now, rtt, nil)
	gaveUp := l.tracker.GaveUp()
	send := l.live(now) && l.gate.Tick(now, rtt)
	ssrc := l.ssrc
	l.mu.Unlock()
	l.sendNACK(ssrc, due)
	if send {
		l.sendKeyframeRequest(ssrc)
	}
	if gaveUp {
		l.lostForGood(now)
	}
}

// lostForGood wishes a keyframe for those who watch a layer of which something will
// never come: each of their decoders would wait for it, and ask in the end.
func (l *Layer) lostForGood(now time.Duration) {
	if l.track.kind == Video && l.live(now) && l.watched() {
		l.wish(now)
	}
}

// watched reports whether anybody is being sent the layer.
func (l *Layer) watched() bool {
	for _, sub := range *l.track.subs.Load() {
		if sub.watches(l.index) {
			return true
		}
	}
	return false
}

// senderReport passes the publisher's clock to everyone who watches this layer.
func (l *Layer) senderReport(now time.Duration, r transport.SenderReport, out *transport.Batch) {
	l.mu.Lock()
	if l.hasReport && now-l.clockAt < reportInterval {
		l.mu.Unlock()
		return
	}
	l.clock, l.clockAt, l.hasReport = r, now, true
	l.reception.SenderReport(now, wire.NTP(r.NTP).Middle())
	l.mu.Unlock()
	for _, sub := range *l.track.subs.Load() {
		sub.senderReport(l.index, r, now)
		sub.report(now, l.index, out)
	}
}

// lastReport is the publisher's clock for a subscription that comes later.
func (l *Layer) lastReport() (r transport.SenderReport, arrived time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clock, l.clockAt, l.hasReport
}

// report is our reception report to the publisher; it also exports what was
// lost for good.
func (l *Layer) report(now time.Duration) (transport.ReceptionOut, bool) {
	l.mu.Lock()
	r, ok := l.reception.Report(now)
	asked, recovered, lost := l.tracker.Stats()
	before := l.exported
	l.exported = lossCount{asked, recovered, lost}
	ssrc := l.ssrc
	l.mu.Unlock()
	counter := &l.track.publisher.server.counter
	counter.recovered.Add(recovered - min(before.recovered, recovered))
	counter.lostIn[kindIndex(l.track.kind)].Add(lost - min(before.lost, lost))
	return transport.ReceptionOut{
		SSRC: ssrc, FractionLost: r.FractionLost, TotalLost: r.TotalLost, HighestSeq: r.HighestSeq,
		Jitter: r.Jitter, LastReport: r.LastReport, Delay: r.Delay,
	}, ok
}
