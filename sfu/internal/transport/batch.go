package transport

import "time"

const (
	// batchSlots is how many packets a Batch holds before it flushes by itself:
	// a frame of five packets for fifty viewers.
	batchSlots = 256
	// batchDatagrams is how many it addresses: as many again are RTCP, which has
	// no slots.
	batchDatagrams = 2 * batchSlots
	// slotSize holds the largest packet that is forwarded, the header extensions
	// that a viewer's numbering may add, RTX, padding and the SRTP tag.
	slotSize = 2048
)

// Batch collects encrypted packets of one goroutine for many peers and sends
// them with few system calls: sendmmsg, and segmented where a frame's packets
// for one peer are equally long. The packets for one peer are built in slots
// (Next, Put) and then encrypted and addressed together (Peer.Send).
type Batch struct {
	engine *Engine
	arena  []byte
	used   int      // slots in use
	run    [][]byte // plaintext packets since the last Send
	parts  []part   // by port
	began  time.Duration
}

// part is what goes out by one port.
type part struct {
	sender    *sender
	datagrams []outgoing
}

// NewBatch makes a Batch for one more goroutine.
func (e *Engine) NewBatch() (*Batch, error) { return e.newBatch(0) }

// newBatch makes a Batch that sends from the socket of that number of each port.
func (e *Engine) newBatch(socket int) (*Batch, error) {
	b := &Batch{engine: e, arena: make([]byte, batchSlots*slotSize), run: make([][]byte, 0, batchSlots)}
	for _, p := range e.ports {
		s, err := newSender(p.sockets[socket], batchDatagrams, e.segments)
		if err != nil {
			return nil, err
		}
		b.parts = append(b.parts, part{sender: s, datagrams: make([]outgoing, 0, batchDatagrams)})
	}
	return b, nil
}

// Reserve makes room for n packets (at most 256) that go to one peer.
func (b *Batch) Reserve(n int) {
	if b.used+n > batchSlots {
		b.Flush()
	}
}

// Begin starts a round of packets that arrived at now.
func (b *Batch) Begin(now time.Duration) { b.began = now }

// queue addresses one encrypted packet.
func (b *Batch) queue(to *path, packet []byte) {
	part := &b.parts[to.port]
	part.datagrams = append(part.datagrams, outgoing{to: to.to, bytes: packet})
}

// Next is an empty buffer to append the next packet to.
func (b *Batch) Next() []byte {
	start := b.used * slotSize
	return b.arena[start : start : start+slotSize-Overhead-1]
}

// Put keeps what was appended to Next for the next Send. A packet that outgrew
// its buffer is dropped, which its size limit on the way in prevents.
func (b *Batch) Put(packet []byte) {
	if len(packet) == 0 || len(packet) > slotSize-Overhead-1 {
		return
	}
	b.run = append(b.run, packet)
	b.used++
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
		sent += len(part.datagrams)
		messages, calls := part.sender.send(part.datagrams)
		b.engine.counters.sent(len(part.datagrams), messages, calls)
		clear(part.datagrams)
		part.datagrams = part.datagrams[:0]
	}
	if sent > 0 {
		b.engine.counters.Latency.Observe((b.engine.config.Now() - b.began).Seconds())
	}
	b.used, b.run = 0, b.run[:0]
}
