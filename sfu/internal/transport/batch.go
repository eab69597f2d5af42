package transport

import "time"

const (
	// batchPackets is how many packets a Batch holds before it flushes by itself:
	// a frame of five packets for fifty viewers.
	batchPackets = 256
	// batchDatagrams is how many it addresses: as many again are RTCP, which is
	// not built in it.
	batchDatagrams = 2 * batchPackets
	// packetRoom holds the largest packet that is forwarded, the header extensions
	// that a viewer's numbering may add, RTX, padding and the SRTP tag. Only while
	// it is built does a packet take so much of the arena, then what it is long.
	packetRoom = 2048
	// Arenas begin at minArena and grow to what was needed, for most batches are
	// for a packet or two. maxArena holds batchPackets of 1,200 bytes but for a few.
	minArena, maxArena = 8 * packetRoom, 256 << 10
	// cacheLine is what packets are aligned to.
	cacheLine = 64
)

// Batch collects encrypted packets of one goroutine for many peers and sends
// them with few system calls: sendmmsg, and segmented where a frame's packets
// for one peer are equally long. The packets for one peer are built in the arena
// (Next, Put) and then encrypted and addressed together (Peer.Send).
type Batch struct {
	engine  *Engine
	arena   []byte
	used    int      // bytes of the arena
	packets int      // since the last Flush
	run     [][]byte // plaintext packets since the last Send
	socket  int      // from which of each port's sockets it sends
	parts   []part   // by the ports' index
	began   time.Duration
	stamped []stamped // what left with a transport-wide number since the last Flush
}

// stamped are packets of one peer with consecutive transport-wide numbers.
type stamped struct {
	peer  *Peer
	first uint16
	count int
}

// lateFlush is how long after a round began its packets may leave and still count as sent
// when it began. Feedback tells arrivals in steps of 250 us, and a round gathers for 1 ms.
const lateFlush = 2 * time.Millisecond

// part is what goes out by one port.
type part struct {
	port      *udpPort
	sender    *sender
	datagrams []outgoing
}

// NewBatch makes a Batch for one more goroutine.
func (e *Engine) NewBatch() *Batch { return e.newBatch(0) }

// newBatch makes a Batch that sends from the socket of that number of each port.
func (e *Engine) newBatch(socket int) *Batch { return &Batch{engine: e, socket: socket} }

// part is what goes out by p.
func (b *Batch) part(p *udpPort) *part {
	if p.index < len(b.parts) && b.parts[p.index].port == p {
		return &b.parts[p.index]
	}
	return b.attach(p)
}

// attach makes room for a port that is new to the Batch, in place of one that is closed.
func (b *Batch) attach(p *udpPort) *part {
	for len(b.parts) <= p.index {
		b.parts = append(b.parts, part{})
	}
	at := &b.parts[p.index]
	at.port, at.sender = p, nil
	clear(at.datagrams)
	at.datagrams = at.datagrams[:0]
	if s, err := newSender(p.sockets[b.socket%len(p.sockets)], p.segments); err == nil { // else the socket is closed
		at.sender = s
	}
	return at
}

// Reserve makes room for n packets (at most 64) that go to one peer.
func (b *Batch) Reserve(n int) {
	room := n * packetRoom
	if b.packets+n > batchPackets || (b.used+room > len(b.arena) && len(b.arena) == maxArena) {
		b.Flush()
	}
	if b.used+room > len(b.arena) {
		// What is in the old arena stays there until it is sent.
		b.arena, b.used = make([]byte, min(max(minArena, 2*len(b.arena), room), maxArena)), 0
	}
}

// Begin starts a round of packets that arrived at now.
func (b *Batch) Begin(now time.Duration) { b.began = now }

// queue addresses one encrypted packet.
func (b *Batch) queue(to *path, packet []byte) {
	part := b.part(to.port)
	part.datagrams = append(part.datagrams, outgoing{to: to.to, bytes: packet})
}

// Next is an empty buffer to append the next packet to.
func (b *Batch) Next() []byte {
	return b.arena[b.used : b.used : b.used+packetRoom-Overhead-1]
}

// Put keeps what was appended to Next for the next Send. A packet that outgrew
// its buffer is dropped, which its size limit on the way in prevents.
func (b *Batch) Put(packet []byte) {
	if len(packet) == 0 || len(packet) > packetRoom-Overhead-1 {
		return
	}
	b.run = append(b.run, packet)
	b.packets++
	// One byte of padding and the tag may follow.
	b.used += (len(packet) + 1 + Overhead + cacheLine - 1) &^ (cacheLine - 1)
}

// pad makes packets equally long that differ by a byte, by RTP padding (RFC 3550
// §5.1), so that they can go out as one segmented message: libwebrtc splits a
// frame evenly, the shorter packets first. A shorter last one needs none.
func (b *Batch) pad() {
	longest := 0
	for _, p := range b.run {
		longest = max(longest, len(p))
	}
	for i, p := range b.run[:len(b.run)-1] {
		if len(p) == longest-1 {
			p = append(p, 1)
			p[0] |= 0x20
			b.run[i] = p
		}
	}
}

// Flush sends everything that was addressed.
func (b *Batch) Flush() {
	sent := 0
	for i := range b.parts {
		part := &b.parts[i]
		if len(part.datagrams) == 0 {
			continue
		}
		if part.sender != nil {
			sent += len(part.datagrams)
			messages, calls := part.sender.send(part.datagrams)
			b.engine.counters.sent(len(part.datagrams), messages, calls)
		}
		clear(part.datagrams)
		part.datagrams = part.datagrams[:0]
	}
	if sent > 0 {
		now := b.engine.config.Now()
		b.engine.counters.Latency.Observe((now - b.began).Seconds())
		if now-b.began > lateFlush {
			b.restamp(now)
		}
	}
	clear(b.stamped) // a Batch outlives peers
	b.stamped = b.stamped[:0]
	b.used, b.packets, b.run = 0, 0, b.run[:0]
}

// restamp corrects the log where this goroutine had no processor for a while: to the
// estimator, packets that left late would look like packets that stood in a queue.
func (b *Batch) restamp(now time.Duration) {
	for i := range b.stamped {
		b.stamped[i].peer.restamp(&b.stamped[i], now)
	}
}
