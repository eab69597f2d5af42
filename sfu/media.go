package sfu

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

const (
	// maxPacket is the largest RTP packet that is forwarded: no browser sends
	// beyond 1,200 bytes of payload, and what is larger would be fragmented.
	maxPacket = 1600
	// maxSSRCs bounds the streams that one participant may send.
	maxSSRCs = 256
)

// media is a participant's side of the packet path. It is the Receiver of the
// participant's peer: every method runs on that peer's read goroutine, which
// owns all fields but the atomic ones.
type media struct {
	p    *Participant
	peer *transport.Peer // set once, before the peer starts

	table   atomic.Pointer[ingressTable] // written by the participant's loop
	sources map[uint32]*source
	packet  wire.Packet
	buffer  []byte // an outgoing packet being built
	repair  []byte // a packet from a history

	firstOnce atomic.Bool                              // the viewer got its first packet
	egressMu  sync.Mutex                               // guards writes of egress
	egress    atomic.Pointer[map[uint32]*Subscription] // by the SSRC that the viewer sees
}

// ingressTable says what the client's m-lines may carry. It is immutable.
type ingressTable struct {
	kinds wire.ExtensionKinds
	byMid map[string]*route
}

// route is one m-line of the client.
type route struct {
	track    *Track
	incoming jsep.Incoming
	codecs   [128]*jsep.Codec // by payload type
	rtx      [128]*jsep.Codec // by the RTX payload type
}

func newRoute(t *Track, in jsep.Incoming) *route {
	r := &route{track: t, incoming: in}
	for i := range in.Codecs {
		c := &r.incoming.Codecs[i]
		r.codecs[c.PayloadType&127] = c
		if c.RTXPayloadType != 0 {
			r.rtx[c.RTXPayloadType&127] = c
		}
	}
	return r
}

// source is a stream that has been recognised.
type source struct {
	mid, rid string // how it said what it is, for when its m-line gets another track
	route    *route
	layer    *Layer
	rtx      bool
}

func (m *media) init(p *Participant) {
	m.p = p
	m.sources = map[uint32]*source{}
	m.buffer = make([]byte, 0, maxPacket+128)
	m.table.Store(&ingressTable{byMid: map[string]*route{}})
	m.egress.Store(&map[uint32]*Subscription{})
}

// ReceiveRTP is where every packet of the participant's comes in.
func (m *media) ReceiveRTP(now time.Duration, b []byte) {
	table := m.table.Load()
	p := &m.packet
	if len(b) > maxPacket || p.Parse(b, &table.kinds) != nil {
		m.p.server.counter.malformed.Inc()
		return
	}
	if tcc := p.Extensions[wire.ExtensionTransportCC]; len(tcc) == 2 {
		m.peer.RecordTransportCC(now, p.SSRC, uint16(tcc[0])<<8|uint16(tcc[1]))
	}
	s := m.sources[p.SSRC]
	if s == nil || s.layer.track.closed.Load() {
		if s = m.resolve(table, s); s == nil {
			m.p.server.counter.unknown.Inc()
			return
		}
	}
	if s.rtx {
		c := s.route.rtx[p.PayloadType&127]
		sequence, payload, ok := wire.RTXOriginal(p.Payload)
		if c == nil || !ok {
			return // padding that probes the uplink
		}
		p.Sequence, p.Payload = sequence, payload
		p.PayloadType, p.SSRC = c.PayloadType, s.layer.ssrc
		m.buffer = s.layer.original(m.buffer[:0], p, s.route.incoming.Extensions)
		b = m.buffer
		if p.Parse(b, &table.kinds) != nil {
			return
		}
		m.p.server.counter.repairedIn.Inc()
	}
	c := s.route.codecs[p.PayloadType&127]
	if c == nil {
		m.p.server.counter.unknown.Inc()
		return
	}
	if !m.admit(s.layer.track, c) {
		return
	}
	s.layer.receive(now, p, b, s.rtx, m)
}

// admit tells the loop of a track's first packet and of a change of codec,
// which makes another track of it; it reports whether the packet belongs to
// the track as it is.
func (m *media) admit(t *Track, c *jsep.Codec) bool {
	switch t.receiving {
	case c.Codec:
		return true
	case codec.Unknown:
		t.receiving = c.Codec
		m.p.post(func() { m.p.handleStarted(t, *c) })
		return true
	}
	if t.changing != c.Codec {
		t.changing = c.Codec
		m.p.post(func() { m.p.handleStarted(t, *c) })
	}
	return false
}

// resolve finds out what a stream with an unknown SSRC is: by what was learned
// of it before, by the SDP's a=ssrc lines, by its mid and rid (RFC 8843 §9.2,
// RFC 8852), or by a payload type that only one m-line has.
func (m *media) resolve(table *ingressTable, before *source) *source {
	p := &m.packet
	s := &source{}
	if before != nil {
		s.mid, s.rid = before.mid, before.rid
	}
	if mid := p.Extensions[wire.ExtensionMid]; mid != nil {
		s.mid = string(mid)
	}
	if rid := p.Extensions[wire.ExtensionRid]; rid != nil {
		s.rid = string(rid)
	} else if rid := p.Extensions[wire.ExtensionRepairedRid]; rid != nil {
		s.rid = string(rid)
	}
	s.route = table.byMid[s.mid]
	if s.route == nil {
		s.mid, s.route = table.guess(p.SSRC, p.PayloadType)
	}
	if s.route == nil || (before == nil && len(m.sources) >= maxSSRCs) {
		return nil
	}
	c := s.route.codecs[p.PayloadType&127]
	s.rtx = s.route.rtx[p.PayloadType&127] != nil
	if c == nil && !s.rtx {
		return nil
	}
	index := 0
	if rids := s.route.incoming.RIDs; len(rids) > 0 {
		if index = indexOf(rids, s.rid); index < 0 {
			return nil
		}
	}
	s.layer = s.route.track.layer(m.p.server.now(), index, p.SSRC, c)
	if s.layer == nil {
		return nil
	}
	m.sources[p.SSRC] = s
	return s
}

// guess finds the m-line of a stream that carries no mid.
func (t *ingressTable) guess(ssrc uint32, payloadType uint8) (string, *route) {
	var foundMid string
	var found *route
	ambiguous := false
	for mid, r := range t.byMid {
		for _, s := range r.incoming.SSRCs {
			if s.Primary == ssrc || (s.RTX == ssrc && ssrc != 0) {
				return mid, r
			}
		}
		if r.codecs[payloadType&127] != nil || r.rtx[payloadType&127] != nil {
			ambiguous = found != nil
			foundMid, found = mid, r
		}
	}
	if ambiguous || found == nil || len(found.incoming.RIDs) > 0 {
		return "", nil
	}
	return foundMid, found
}

func indexOf(list []string, s string) int {
	for i, x := range list {
		if x == s && i < maxLayers {
			return i
		}
	}
	return -1
}

// ReceiveSenderReport passes a publisher's clock to everyone who watches.
func (m *media) ReceiveSenderReport(now time.Duration, r transport.SenderReport) {
	if s := m.sources[r.SSRC]; s != nil && !s.rtx {
		s.layer.senderReport(now, r)
	}
}

// ReceiveReception is a viewer's report on a subscription.
func (m *media) ReceiveReception(now time.Duration, r transport.Reception) {
	if sub := (*m.egress.Load())[r.SSRC]; sub != nil {
		sub.reception(now, r)
	}
}

// ReceiveNACK answers a viewer's NACK from the track's history.
func (m *media) ReceiveNACK(now time.Duration, ssrc uint32, sequences []uint16) {
	if sub := (*m.egress.Load())[ssrc]; sub != nil {
		m.buffer, m.repair = sub.resend(now, sequences, m.buffer, m.repair)
	}
}

// ReceiveKeyframeRequest is a viewer's PLI or FIR.
func (m *media) ReceiveKeyframeRequest(now time.Duration, ssrc uint32) {
	if sub := (*m.egress.Load())[ssrc]; sub != nil {
		m.p.server.counter.pliIn.Inc()
		sub.requestKeyframe(now)
	}
}

// first notes that the viewer's first packet is on its way. It runs on
// publishers' read goroutines.
func (m *media) first() {
	if !m.firstOnce.Swap(true) {
		m.p.server.counter.joinMedia.Observe(time.Since(m.p.joined).Seconds())
	}
}

// remember makes feedback for sub's SSRC find it; forget undoes that.
func (m *media) remember(sub *Subscription) {
	m.egressMu.Lock()
	defer m.egressMu.Unlock()
	egress := maps.Clone(*m.egress.Load())
	egress[sub.format.SSRC] = sub
	m.egress.Store(&egress)
}

func (m *media) forget(sub *Subscription) {
	m.egressMu.Lock()
	defer m.egressMu.Unlock()
	egress := maps.Clone(*m.egress.Load())
	delete(egress, sub.format.SSRC)
	m.egress.Store(&egress)
}
