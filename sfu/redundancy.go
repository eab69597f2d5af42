package sfu

import (
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/forward"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/wire"
)

// This file is about sound that carries what was said a moment before once more (RED,
// RFC 2198). A publisher's RED is taken apart as it comes in: what is missing is
// restored from it, and the room's histories hold plain Opus. Viewers who lose packets
// get RED that is made for them, the others don't pay for it.

const (
	// allEarlier are all the packets that redundancy may reach back to.
	allEarlier = 1<<forward.MaxRedundancy - 1
	// maxRED is the size that a payload with redundancy may have, in bytes: with headers
	// it must fit a path of 1,280 bytes.
	maxRED = 1100
	// redundantFor is for how long a viewer's wish for redundancy holds at the publisher's.
	redundantFor = time.Second
)

// inner is the codec that RED carries, nil if it isn't among codecs.
func inner(codecs []jsep.Codec, red *jsep.Codec) *jsep.Codec {
	for i := range codecs {
		if c := &codecs[i]; c.Codec == codec.Opus && c.PayloadType == red.Carried() {
			return c
		}
	}
	return nil
}

// unwrap takes in the redundant blocks of a RED packet that are missing, as packets of
// their own, and returns an arrival and the bytes of what the packet newly brings; nil
// if it is malformed.
func (m *media) unwrap(now time.Duration, table *ingressTable, s *source, a *arrival, c *jsep.Codec) (*arrival, []byte) {
	whole := a.packet
	blocks, primary, number, ok := codec.SplitRED(whole.Payload, m.blocks[:0])
	m.blocks = blocks[:0]
	if !ok || number != c.PayloadType {
		return nil, nil
	}
	format := wire.Format{SSRC: s.layer.ssrc, PayloadType: c.PayloadType, Extensions: s.route.incoming.Extensions}
	for i := range blocks {
		sequence, lacked := s.layer.lacks(whole.Sequence, whole.Timestamp, uint32(blocks[i].Offset))
		if !lacked || blocks[i].PayloadType != number || m.count >= maxArrived-1 {
			continue
		}
		block := wire.Packet{Payload: blocks[i].Payload}
		restored := &m.arrived[m.count]
		edit := wire.Edit{Sequence: sequence, Timestamp: whole.Timestamp - uint32(blocks[i].Offset)}
		restored.repair = format.Append(restored.repair[:0], &block, &edit)
		if restored.packet.Parse(restored.repair, &table.kinds) != nil {
			continue
		}
		restored.layer = s.layer
		if s.layer.receive(now, restored, restored.repair, true) {
			m.p.server.counter.restored.Inc()
			m.count++
		}
	}
	a = &m.arrived[m.count]
	whole.Payload = primary
	a.repair = format.Append(a.repair[:0], &whole, &wire.Edit{Sequence: whole.Sequence, Timestamp: whole.Timestamp})
	if a.packet.Parse(a.repair, &table.kinds) != nil {
		return nil, nil
	}
	return a, a.repair
}

// earlier are the packets before one of sound, by how far back.
type earlier struct {
	blocks [forward.MaxRedundancy]codec.REDBlock
	buf    []byte
}

// read gets from a layer's history those of the packets before p, whose number is ext, that
// mask names and that fit into one payload with it. It returns which they are.
func (e *earlier) read(t *Track, layer int8, ext int64, p *wire.Packet, mask uint8) (held uint8) {
	l := t.layers[layer].Load()
	room := maxRED - len(p.Payload)
	e.buf = e.buf[:0]
	var before wire.Packet
	for i := range e.blocks {
		if mask&(1<<i) == 0 {
			continue
		}
		start := len(e.buf)
		var ok bool
		if e.buf, ok = l.history.Get(ext-int64(i)-1, e.buf); !ok || before.Parse(e.buf[start:], &t.kinds) != nil {
			continue
		}
		offset := p.Timestamp - before.Timestamp
		room -= len(before.Payload)
		if room < 0 || !codec.REDBlockFits(offset, len(before.Payload)) {
			break
		}
		e.blocks[i] = codec.REDBlock{Offset: uint16(offset), Payload: before.Payload} //nolint:gosec // it fits
		held |= 1 << i
	}
	return held
}

// redundancy is which packets before it each packet to the viewer should carry once
// more; it makes the publisher's side hold them ready. It runs under mu.
func (s *Subscription) redundancy(now time.Duration, n *numbers) uint8 {
	mask := uint8(s.viewer.redundancy.Load()) //nolint:gosec // four bits
	if mask == 0 || n.red.PayloadType == 0 {
		return 0
	}
	if until := now + redundantFor; time.Duration(s.track.redundantUntil.Load()) < until-redundantFor/2 {
		s.track.redundantUntil.Store(int64(until))
	}
	return mask
}

// append writes a packet as the viewer gets it; before are those that it may carry
// once more.
func (n *numbers) append(to []byte, p *wire.Packet, edit *wire.Edit, before *earlier) []byte {
	if edit.Redundant == 0 {
		return n.Append(to, p, edit)
	}
	var blocks [forward.MaxRedundancy]codec.REDBlock
	count := 0
	for i := forward.MaxRedundancy - 1; i >= 0; i-- {
		if edit.Redundant&(1<<i) != 0 {
			blocks[count] = before.blocks[i]
			count++
		}
	}
	header := *p
	header.Payload = nil
	return codec.AppendRED(n.red.Append(to, &header, edit), n.PayloadType, blocks[:count], p.Payload)
}
