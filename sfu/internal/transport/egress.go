package transport

import (
	"encoding/binary"
	"sync"
	"time"

	"plenum/sfu/internal/pace"
	"plenum/sfu/internal/wire"
)

// Outgoing says how a run of packets goes out.
type Outgoing struct {
	// Equalise may pad a packet by a byte, which only streams may have whose
	// packets are never sent twice under one SSRC.
	Equalise bool
	// Stamp: the packets have room for a transport-wide number (wire.Stamp). They
	// are logged for TakeSent.
	Stamp bool
	// Pace: they may wait, with what is ahead of them, while the path is full.
	Pace bool
	// Repair: they were sent before. They never wait, for they would be asked for
	// again; MayRepair says whether there is room for one.
	Repair bool
	// Probe is the number of the probe cluster that they belong to, 0 for media.
	Probe uint8
}

// Sent is one packet that left with a transport-wide number.
type Sent struct {
	At       time.Duration
	SSRC     uint32
	Sequence uint16 // transport-wide
	Number   uint16 // the packet's own; of a repair, the original's where it is RTX
	Size     uint16 // bytes on the wire
	Probe    uint8
	Repair   bool
}

const (
	// Headers are those of IPv4 and UDP. What IPv6 adds is too little to tell apart.
	Headers = 28
	// maxLog bounds what is logged between two calls of TakeSent: a second at
	// 80 Mbit/s. What doesn't fit leaves without being logged.
	maxLog = 8192
	// maxWaiting bounds the packets that wait for one peer. At the pacer's rate
	// that is over a second of any estimate up to 2.5 Mbit/s.
	maxWaiting = 768
)

// egress is the state of what leaves for one peer, under keys.outRTPMu.
type egress struct {
	sequence uint16 // transport-wide, of the next packet
	log      []Sent
	pacer    pace.Pacer
	repairs  pace.Pacer // what repairs may take of the estimate
	waiting  []waiting  // from first on
	first    int
	bytes    int  // that wait
	full     bool // a queue stands in the network, or what it kept waiting still leaves
}

// waiting is a packet that the pacer holds.
type waiting struct {
	packet *[packetRoom]byte
	length int
	stamp  bool
	since  time.Duration
}

// slots are buffers for packets that wait.
var slots = sync.Pool{New: func() any { return new([packetRoom]byte) }}

// Send encrypts the packets that were Put since the last Send and addresses them
// to p, or has them wait. Before p is connected and after it is closed they go
// nowhere, which is no error: RTP repairs itself.
func (p *Peer) Send(b *Batch, o Outgoing) {
	if len(b.run) == 0 {
		return
	}
	k := p.keys.Load()
	if k == nil {
		b.drop()
		return
	}
	if o.Equalise && len(b.run) > 1 {
		b.pad()
	}
	to := p.path.Load()
	k.outRTPMu.Lock()
	e := &k.egress
	held := false
	for i, packet := range b.run {
		if o.Pace && (e.first < len(e.waiting) || !e.pacer.Allows(b.began)) {
			p.hold(e, packet, o.Stamp, b.began)
			b.run[i], held = nil, true
			continue
		}
		if o.Repair {
			e.repairs.Sent(b.began, len(packet))
		}
		b.run[i] = k.leave(packet, o, b.began)
	}
	k.outRTPMu.Unlock()
	for _, packet := range b.run {
		p.address(b, to, packet)
	}
	b.run = b.run[:0]
	if held {
		select {
		case p.paced <- struct{}{}:
		default: // told already
		}
	}
}

// leave numbers, logs and encrypts one packet in place; nil where that fails.
// It runs under outRTPMu.
func (k *keys) leave(packet []byte, o Outgoing, now time.Duration) []byte {
	e := &k.egress
	size := len(packet) + Overhead + Headers
	if o.Stamp {
		wire.Stamp(packet, e.sequence)
		if len(e.log) < maxLog {
			e.log = append(e.log, Sent{
				At: now, SSRC: binary.BigEndian.Uint32(packet[8:]), Sequence: e.sequence, Number: number(packet, o.Repair),
				Size: uint16(size), Probe: o.Probe, Repair: o.Repair, //nolint:gosec // a packet's size
			})
		}
		e.sequence++
	}
	if o.Probe == 0 {
		e.pacer.Sent(now, size)
	}
	encrypted, err := k.outRTP.EncryptRTP(packet[:0], packet, &k.outHeader)
	if err != nil {
		return nil
	}
	return encrypted
}

// number is a packet's sequence number; of a repair it is the one ahead of the payload,
// which without RTX means nothing.
func number(packet []byte, repair bool) uint16 {
	at := 2
	if repair {
		at = 12
		if packet[0]&0x10 != 0 {
			at += 4 + 4*int(binary.BigEndian.Uint16(packet[14:]))
		}
	}
	if at+2 > len(packet) {
		return 0
	}
	return binary.BigEndian.Uint16(packet[at:])
}

// address gives an encrypted packet its way out.
func (p *Peer) address(b *Batch, to *path, packet []byte) {
	switch {
	case packet == nil:
	case to == nil: // ICE-TCP, or a network without our sockets
		_, _ = p.conn.Write(packet)
	default:
		b.queue(to, packet)
	}
}

// hold keeps a copy of a packet until Release. It runs under outRTPMu.
func (p *Peer) hold(e *egress, packet []byte, stamp bool, now time.Duration) {
	if len(e.waiting)-e.first >= maxWaiting {
		p.engine.counters.PacerDrops.Inc()
		return
	}
	if e.first >= maxWaiting { // of a queue that never runs empty, only what waits is kept
		e.waiting, e.first = append(e.waiting[:0], e.waiting[e.first:]...), 0
	}
	w := waiting{packet: slots.Get().(*[packetRoom]byte), length: len(packet), stamp: stamp, since: now}
	copy(w.packet[:], packet)
	e.waiting = append(e.waiting, w)
	e.bytes += w.length
}

// Discard drops what waits of a stream: a keyframe of a smaller picture is about to
// make it useless, and would come the later for it.
func (p *Peer) Discard(ssrc uint32) {
	k := p.keys.Load()
	if k == nil {
		return
	}
	k.outRTPMu.Lock()
	defer k.outRTPMu.Unlock()
	e := &k.egress
	kept := e.waiting[:e.first]
	for _, w := range e.waiting[e.first:] {
		if binary.BigEndian.Uint32(w.packet[8:]) != ssrc {
			kept = append(kept, w)
			continue
		}
		e.bytes -= w.length
		slots.Put(w.packet)
		p.engine.counters.PacerStale.Inc()
	}
	clear(e.waiting[len(kept):])
	e.waiting = kept
}

// Paced delivers a value when packets have begun to wait: somebody must call
// Release from then on.
func (p *Peer) Paced() <-chan struct{} { return p.paced }

// mostReleased is how many packets one Release lets go.
const mostReleased = batchPackets / 2

// Release lets packets leave that have waited long enough. wait is when to come
// back, 0 if none is left.
func (p *Peer) Release(now time.Duration) (wait time.Duration) {
	k := p.keys.Load()
	if k == nil {
		return 0
	}
	out := p.engine.batches.Get().(*Batch)
	out.Begin(now)
	k.outRTPMu.Lock()
	e := &k.egress
	for n := 0; n < mostReleased && e.first < len(e.waiting) && e.pacer.Allows(now); n++ {
		w := e.waiting[e.first]
		e.waiting[e.first] = waiting{}
		e.first++
		e.bytes -= w.length
		p.engine.counters.PacerDelay.Observe((now - w.since).Seconds())
		out.Reserve(1)
		packet := append(out.Next(), w.packet[:w.length]...)
		slots.Put(w.packet)
		out.Put(packet)
		out.run[len(out.run)-1] = k.leave(packet, Outgoing{Stamp: w.stamp}, now)
	}
	if e.first == len(e.waiting) {
		e.waiting, e.first = e.waiting[:0], 0
	} else {
		wait = max(e.pacer.Wait(now), time.Microsecond)
	}
	k.outRTPMu.Unlock()
	to := p.path.Load()
	for _, packet := range out.run {
		p.address(out, to, packet)
	}
	out.Flush()
	p.engine.batches.Put(out)
	return wait
}

// SetEstimate tells the pacer what the path carries, in bit/s; 0 paces nothing. While
// full, a queue stands in the network, and no more than that leaves; nor does it until
// what had to wait meanwhile has left, or that would fill the queue anew.
func (p *Peer) SetEstimate(now time.Duration, bits uint64, full bool) {
	if k := p.keys.Load(); k != nil {
		k.outRTPMu.Lock()
		e := &k.egress
		full = full || e.full && e.bytes > 0
		e.full = full
		e.pacer.SetEstimate(now, bits, full)
		if full {
			bits = uint64(repairShare * float64(bits))
		}
		k.egress.repairs.SetEstimate(now, bits, true)
		k.outRTPMu.Unlock()
	}
}

// Stand tells the pacer that so many bytes stand in a queue of the network.
func (p *Peer) Stand(now time.Duration, bytes int) {
	if k := p.keys.Load(); k != nil {
		k.outRTPMu.Lock()
		k.egress.pacer.Stand(now, bytes)
		k.egress.repairs.Stand(now, int(repairShare*float64(bytes)))
		k.outRTPMu.Unlock()
	}
}

// repairShare is what repairs may take while a queue stands in the network. Without
// a bound they fill it anew, and what is lost of them is asked for again.
const repairShare = 0.3

// MayRepair reports whether a packet may be sent again now. Who misses one that may
// not will ask again.
func (p *Peer) MayRepair(now time.Duration) bool {
	k := p.keys.Load()
	if k == nil {
		return false
	}
	k.outRTPMu.Lock()
	defer k.outRTPMu.Unlock()
	return k.egress.repairs.Allows(now)
}

// Waiting is how many bytes the pacer holds.
func (p *Peer) Waiting() int {
	k := p.keys.Load()
	if k == nil {
		return 0
	}
	k.outRTPMu.Lock()
	defer k.outRTPMu.Unlock()
	return k.egress.bytes
}

// TakeSent returns what left with a transport-wide number since the last call,
// in order; it takes free, whose contents it overwrites, for the next ones.
func (p *Peer) TakeSent(free []Sent) []Sent {
	k := p.keys.Load()
	if k == nil {
		return free[:0]
	}
	k.outRTPMu.Lock()
	defer k.outRTPMu.Unlock()
	taken := k.egress.log
	k.egress.log = free[:0]
	return taken
}

// Pad sends what padding puts into the batch as part of a probe: packets of a
// retransmission stream that are numbered and never wait.
func (p *Peer) Pad(now time.Duration, probe uint8, padding func(out *Batch)) {
	out := p.engine.batches.Get().(*Batch)
	out.Begin(now)
	padding(out)
	p.Send(out, Outgoing{Stamp: true, Probe: probe})
	out.Flush()
	p.engine.batches.Put(out)
}
