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
	// maxEarly bounds those that wait for the keys, and mostEarly for how long: a
	// keyframe and what follows it within the round trips of a slow handshake.
	maxEarly  = 256
	mostEarly = time.Second
)

// egress is the state of what leaves for one peer, under Peer.egressMu.
type egress struct {
	sequence uint16 // transport-wide, of the next packet
	log      []Sent
	pacer    pace.Pacer
	repairs  pace.Pacer // what repairs may take of the estimate
	waiting  []waiting  // from first on
	first    int
	bytes    int  // that wait
	full     bool // a queue stands in the network, or what it kept waiting still leaves
	spilled  bool // what waited for the keys was too much or too old
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
// to p, or has them wait: those that may, and that come before the keys, until the
// handshake is done. Of the others those go nowhere, which is no error: RTP repairs
// itself.
func (p *Peer) Send(b *Batch, o Outgoing) {
	if len(b.run) == 0 {
		return
	}
	if o.Equalise && len(b.run) > 1 {
		b.pad()
	}
	to := p.path.Load()
	p.egressMu.Lock()
	e, k := &p.egress, p.keys.Load()
	held, first := false, e.sequence
	for i, packet := range b.run {
		switch {
		case o.Pace && (k == nil || e.first < len(e.waiting) || !e.pacer.Allows(b.began)):
			p.hold(k == nil, packet, o.Stamp, b.began)
			b.run[i], held = nil, k != nil
			continue
		case k == nil:
			b.run[i] = nil
			continue
		case o.Repair:
			e.repairs.Sent(b.began, len(packet))
		}
		b.run[i] = p.leave(k, packet, o, b.began)
	}
	if e.sequence != first {
		b.stamped = append(b.stamped, stamped{p, first, int(e.sequence - first)})
	}
	p.egressMu.Unlock()
	for _, packet := range b.run {
		p.address(b, to, packet)
	}
	b.run = b.run[:0]
	if held {
		p.tellPaced()
	}
}

// tellPaced asks for a call of Release.
func (p *Peer) tellPaced() {
	select {
	case p.paced <- struct{}{}:
	default: // told already
	}
}

// useKeys lets media flow: at first what has waited for it, if that is still of use.
func (p *Peer) useKeys(now time.Duration, k *keys) {
	p.egressMu.Lock()
	e := &p.egress
	if len(e.waiting) > 0 && now-e.waiting[0].since > mostEarly {
		e.spill(&p.engine.counters)
	}
	early := len(e.waiting) > 0
	p.keys.Store(k)
	p.egressMu.Unlock()
	close(p.keysReady)
	if early {
		p.tellPaced()
	}
}

// spill gives up what waits for the keys.
func (e *egress) spill(c *Counters) {
	for i := range e.waiting {
		slots.Put(e.waiting[i].packet)
		c.PacerStale.Inc()
	}
	e.waiting, e.first, e.bytes, e.spilled = nil, 0, 0, true
}

// Secured reports whether media can flow: the DTLS handshake is done.
func (p *Peer) Secured() bool { return p.keys.Load() != nil }

// Spilled reports, once, that video which was sent before the peer was secured is lost:
// only a keyframe can follow it.
func (p *Peer) Spilled() bool {
	p.egressMu.Lock()
	defer p.egressMu.Unlock()
	spilled := p.egress.spilled
	p.egress.spilled = false
	return spilled
}

// leave numbers, logs and encrypts one packet in place; nil where that fails.
// It runs under egressMu.
func (p *Peer) leave(k *keys, packet []byte, o Outgoing, now time.Duration) []byte {
	e := &p.egress
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

// restamp corrects when packets left, as far as they are still in the log. What was taken
// from it meanwhile stays as it was.
func (p *Peer) restamp(s *stamped, now time.Duration) {
	p.egressMu.Lock()
	defer p.egressMu.Unlock()
	log := p.egress.log
	for i := len(log) - 1; i >= 0; i-- {
		switch age := int(log[i].Sequence - s.first); { // in numbers that wrap
		case age >= 1<<15:
			return // before the first
		case age < s.count:
			log[i].At = max(log[i].At, now)
		}
	}
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

// hold keeps a copy of a packet until Release; early says that it waits for the keys. It
// runs under egressMu.
func (p *Peer) hold(early bool, packet []byte, stamp bool, now time.Duration) {
	e, limit := &p.egress, maxWaiting
	if early {
		if limit = maxEarly; len(e.waiting) >= limit {
			e.spill(&p.engine.counters)
		}
		if e.spilled {
			return
		}
	}
	if len(e.waiting)-e.first >= limit {
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
	p.egressMu.Lock()
	defer p.egressMu.Unlock()
	e := &p.egress
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
// back, 0 if none is left. Before the keys it does nothing.
func (p *Peer) Release(now time.Duration) (wait time.Duration) {
	k := p.keys.Load()
	if k == nil {
		return 0
	}
	out := p.engine.batches.Get().(*Batch)
	out.Begin(now)
	p.egressMu.Lock()
	e := &p.egress
	first := e.sequence
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
		out.run[len(out.run)-1] = p.leave(k, packet, Outgoing{Stamp: w.stamp}, now)
	}
	if e.first == len(e.waiting) {
		e.waiting, e.first = e.waiting[:0], 0
	} else {
		wait = max(e.pacer.Wait(now), time.Microsecond)
	}
	if e.sequence != first {
		out.stamped = append(out.stamped, stamped{p, first, int(e.sequence - first)})
	}
	p.egressMu.Unlock()
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
	p.egressMu.Lock()
	defer p.egressMu.Unlock()
	e := &p.egress
	full = full || e.full && e.bytes > 0
	e.full = full
	e.pacer.SetEstimate(now, bits, full)
	if full {
		bits = uint64(repairShare * float64(bits))
	}
	e.repairs.SetEstimate(now, bits, true)
}

// Stand tells the pacer that so many bytes stand in a queue of the network.
func (p *Peer) Stand(now time.Duration, bytes int) {
	p.egressMu.Lock()
	defer p.egressMu.Unlock()
	p.egress.pacer.Stand(now, bytes)
	p.egress.repairs.Stand(now, int(repairShare*float64(bytes)))
}

// repairShare is what repairs may take while a queue stands in the network. Without
// a bound they fill it anew, and what is lost of them is asked for again.
const repairShare = 0.3

// MayRepair reports whether a packet may be sent again now. Who misses one that may
// not will ask again.
func (p *Peer) MayRepair(now time.Duration) bool {
	if !p.Secured() {
		return false
	}
	p.egressMu.Lock()
	defer p.egressMu.Unlock()
	return p.egress.repairs.Allows(now)
}

// Waiting is how many bytes the pacer holds.
func (p *Peer) Waiting() int {
	p.egressMu.Lock()
	defer p.egressMu.Unlock()
	return p.egress.bytes
}

// TakeSent returns what left with a transport-wide number since the last call,
// in order; it takes free, whose contents it overwrites, for the next ones.
func (p *Peer) TakeSent(free []Sent) []Sent {
	p.egressMu.Lock()
	defer p.egressMu.Unlock()
	taken := p.egress.log
	p.egress.log = free[:0]
	return taken
}

// Compose gives fill a batch to build and Send packets in, for those that come of no
// packet's arrival.
func (p *Peer) Compose(now time.Duration, fill func(out *Batch)) {
	out := p.engine.batches.Get().(*Batch)
	out.Begin(now)
	fill(out)
	out.Flush()
	p.engine.batches.Put(out)
}

// Pad sends what padding puts into the batch as part of a probe: packets of a
// retransmission stream that are numbered and never wait.
func (p *Peer) Pad(now time.Duration, probe uint8, padding func(out *Batch)) {
	p.Compose(now, func(out *Batch) {
		padding(out)
		p.Send(out, Outgoing{Stamp: true, Probe: probe})
	})
}
