package sfu

import (
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"plenum/sfu/internal/bwe"
	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/forward"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/repair"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

const (
	// maxPacket is the largest RTP packet that is forwarded: no browser sends
	// beyond 1,200 bytes of payload, and what is larger would be fragmented.
	maxPacket = 1600
	// maxSSRCs bounds the streams of one participant that are remembered; beyond,
	// the one that has been idle for longest gives way.
	maxSSRCs = 256
	// maxArrived is how many packets are delivered together at most: the frames
	// of a publisher come in bursts of up to a dozen.
	maxArrived = 32
	// codecChangeInterval bounds how often a publisher may change a track's
	// codec, each time of which is another track to everyone else.
	codecChangeInterval = time.Second
)

// arrival is one packet on its way from its publisher to all viewers.
type arrival struct {
	packet wire.Packet
	input  forward.Input
	layer  *Layer
	repair []byte // the packet that an RTX or RED packet stands for
	// earlier are packets of sound before this one, as Input.Earlier says; made for the
	// first viewer who wants redundancy.
	earlier *earlier
}

// media is a participant's side of the packet path. It is the Receiver of the
// participant's peer, whose calls never overlap: whoever makes them owns all
// fields but the atomic ones.
//
// What arrives in one round is taken in packet by packet and delivered when the
// round lands, a layer's packets together: so a frame goes to one viewer after
// the other, and leaves as one send for each.
type media struct {
	p    *Participant
	peer *transport.Peer // set once, before the peer starts

	table   atomic.Pointer[ingressTable] // written by the participant's loop
	sources map[uint32]*source
	ingress ingress
	arrived []arrival // packets of this round, to be delivered; made for the first, for most only watch
	count   int
	blocks  []codec.REDBlock
	sum     sum           // of a delivery that others help with
	repair  []byte        // a packet from a history
	unasked []repair.Left // of this feedback

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
	rids     []string         // by the index of the layer; empty where there is none
	red      [128]bool        // the payload type is RED around the codec
}

// newRoute is called by the participant's loop.
func newRoute(t *Track, in jsep.Incoming) *route {
	t.rids = assign(t.rids, in.RIDs)
	r := &route{track: t, incoming: in, rids: t.rids}
	for i := range in.Codecs {
		c := &r.incoming.Codecs[i]
		if c.Codec == codec.RED {
			r.red[c.PayloadType&127] = true
			c = inner(r.incoming.Codecs, c)
			r.codecs[r.incoming.Codecs[i].PayloadType&127] = c
			continue
		}
		r.codecs[c.PayloadType&127] = c
		if c.RTXPayloadType != 0 {
			r.rtx[c.RTXPayloadType&127] = c
		}
	}
	return r
}

// assign gives each of rids the index of a layer: the one that it had before, so that
// layers stay what they are when others come and go.
func assign(before, rids []string) (now []string) {
	rids = rids[:min(len(rids), maxLayers)]
	for i, rid := range before {
		if slices.Contains(rids, rid) {
			now = append(now, make([]string, i-len(now)+1)...)
			now[i] = rid
		}
	}
	for _, rid := range rids {
		switch free := slices.Index(now, ""); {
		case slices.Contains(now, rid):
		case free >= 0:
			now[free] = rid
		default:
			now = append(now, rid)
		}
	}
	return now
}

// source is a stream whose m-line and layer are known.
type source struct {
	mid, rid string        // how its packets said what it is, for when its m-line changes
	table    *ingressTable // by which it was recognised
	route    *route
	layer    *Layer
	ssrc     uint32 // of the layer that it is, or repairs
	rtx      bool
	used     time.Duration // when its last packet came
}

func (m *media) init(p *Participant) {
	m.p = p
	m.ingress = newIngress(&p.server.config)
	m.sources = map[uint32]*source{}
	m.table.Store(&ingressTable{byMid: map[string]*route{}})
	m.egress.Store(&map[uint32]*Subscription{})
}

// ReceiveRTP is where every packet of the participant's comes in.
func (m *media) ReceiveRTP(now time.Duration, b []byte, out *transport.Batch) (more bool) {
	if m.count == maxArrived {
		m.Land(now, out)
	}
	if m.arrived == nil {
		m.arrived = make([]arrival, maxArrived)
	}
	table := m.table.Load()
	a := &m.arrived[m.count]
	p := &a.packet
	if len(b) > maxPacket || p.Parse(b, &table.kinds) != nil {
		m.p.server.counter.malformed.Inc()
		return false
	}
	if tcc := p.Extensions[wire.ExtensionTransportCC]; len(tcc) == 2 {
		m.peer.RecordTransportCC(now, p.SSRC, uint16(tcc[0])<<8|uint16(tcc[1]))
	}
	s := m.sources[p.SSRC]
	if s == nil || s.table != table || s.layer.track.closed.Load() {
		if s = m.resolve(now, table, p, s); s == nil {
			m.p.server.counter.unknown.Inc()
			return false
		}
	}
	s.used = now
	if !m.ingress.admit(now, len(b), s.layer.track.kind == Audio) {
		m.p.server.counter.tooMuch.Inc()
		return false
	}
	if s.ssrc != s.layer.ssrc && (s.rtx || !s.layer.takeOver(now, s.ssrc)) {
		m.p.server.counter.unknown.Inc()
		return false // what is left of a stream that another has replaced
	}
	if s.rtx {
		if b = m.restore(table, s, a); b == nil {
			return false // padding that probes the uplink
		}
	}
	c := s.route.codecs[p.PayloadType&127]
	if c == nil {
		m.p.server.counter.unknown.Inc()
		return false
	}
	if !m.admit(now, s.layer.track, c) {
		return false
	}
	if s.route.red[p.PayloadType&127] {
		if a, b = m.unwrap(now, table, s, a, c); a == nil {
			m.p.server.counter.malformed.Inc()
			return false
		}
	}
	a.layer = s.layer
	if !s.layer.receive(now, a, b, s.rtx) {
		return false
	}
	m.count++
	return !s.rtx && s.layer.unfinished(now, p)
}

// restore turns an RTX packet (RFC 4588) into the one that it repeats, as the
// publisher sent it first; nil if there is none in it.
func (m *media) restore(table *ingressTable, s *source, a *arrival) []byte {
	p := &a.packet
	c := s.route.rtx[p.PayloadType&127]
	sequence, payload, ok := wire.RTXOriginal(p.Payload)
	if c == nil || !ok || len(payload) == 0 {
		return nil
	}
	format := wire.Format{SSRC: s.layer.ssrc, PayloadType: c.PayloadType, Extensions: s.route.incoming.Extensions}
	p.Payload = payload
	a.repair = format.Append(a.repair[:0], p, &wire.Edit{Sequence: sequence, Timestamp: p.Timestamp})
	if p.Parse(a.repair, &table.kinds) != nil {
		return nil
	}
	m.p.server.counter.repairedIn.Inc()
	return a.repair
}

// Land delivers what arrived in this round, runs of one layer together.
func (m *media) Land(now time.Duration, out *transport.Batch) {
	for i := 0; i < m.count; {
		layer, end := m.arrived[i].layer, i+1
		for end < m.count && m.arrived[end].layer == layer {
			end++
		}
		layer.track.deliver(now, m.arrived[i:end], out, &m.sum)
		layer.askAgain(now)
		i = end
	}
	m.count = 0
}

// admit tells the loop of a track's first packet and of a change of codec or
// profile, which makes another track of it; it reports whether the packet belongs to
// the track as it is.
func (m *media) admit(now time.Duration, t *Track, c *jsep.Codec) bool {
	switch {
	case t.sent == c:
		return true
	case t.sent == nil:
		t.sent, t.receiving, t.changed = c, c.Codec, now
		m.p.post(func() { m.p.handleStarted(t, *c) })
		return true
	case t.sent.Same(c):
		t.sent = c // of a later description
		return true
	}
	if (t.changing == nil || t.changing != c && !t.changing.Same(c)) && now-t.changed >= codecChangeInterval {
		t.changing, t.changed = c, now
		m.p.post(func() { m.p.handleStarted(t, *c) })
	}
	return false
}

// resolve finds out what a stream with an unknown SSRC is: by what was learned
// of it before, by the SDP's a=ssrc lines, by its mid and rid (RFC 8843 §9.2,
// RFC 8852), or by a payload type that only one m-line has.
func (m *media) resolve(now time.Duration, table *ingressTable, p *wire.Packet, before *source) *source {
	s := &source{table: table}
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
	if s.route = table.byMid[s.mid]; s.route == nil && p.Extensions[wire.ExtensionMid] == nil {
		s.route = table.guess(p.SSRC, p.PayloadType) // each time: the SDP may say otherwise by now
	}
	if s.route == nil {
		return nil
	}
	c := s.route.codecs[p.PayloadType&127]
	s.rtx = s.route.rtx[p.PayloadType&127] != nil
	if c == nil && !s.rtx {
		return nil
	}
	index := 0
	if len(s.route.incoming.RIDs) > 0 {
		if index = slices.Index(s.route.rids, s.rid); index < 0 || s.rid == "" {
			return nil
		}
	}
	s.layer = s.route.track.layer(now, index, p.SSRC, c)
	if s.layer == nil {
		return nil
	}
	if s.ssrc = p.SSRC; s.rtx {
		s.ssrc = s.layer.ssrc
		if before != nil && before.layer == s.layer {
			s.ssrc = before.ssrc
		}
	}
	if before == nil {
		m.makeRoom()
	}
	m.sources[p.SSRC] = s
	return s
}

// makeRoom lets another stream be remembered: it forgets those of tracks that
// ended, or else the one that has been idle for longest.
func (m *media) makeRoom() {
	if len(m.sources) < maxSSRCs {
		return
	}
	maps.DeleteFunc(m.sources, func(_ uint32, s *source) bool { return s.layer.track.closed.Load() })
	if len(m.sources) < maxSSRCs {
		return
	}
	var idlest uint32
	oldest := time.Duration(math.MaxInt64)
	for ssrc, s := range m.sources {
		if s.used < oldest {
			idlest, oldest = ssrc, s.used
		}
	}
	delete(m.sources, idlest)
	m.p.server.engine.Counters().Evicted.Inc()
}

// guess finds the m-line of a stream that carries no mid.
func (t *ingressTable) guess(ssrc uint32, payloadType uint8) *route {
	var found *route
	ambiguous := false
	for _, r := range t.byMid {
		for _, s := range r.incoming.SSRCs {
			if s.Primary == ssrc || (s.RTX == ssrc && ssrc != 0) {
				return r
			}
		}
		if r.codecs[payloadType&127] != nil || r.rtx[payloadType&127] != nil {
			ambiguous = ambiguous || found != nil
			found = r
		}
	}
	if ambiguous || found == nil || len(found.incoming.RIDs) > 0 {
		return nil
	}
	return found
}

// ReceiveSenderReport passes a publisher's clock to everyone who watches.
func (m *media) ReceiveSenderReport(now time.Duration, r transport.SenderReport, out *transport.Batch) {
	if s := m.sources[r.SSRC]; s != nil && !s.rtx && s.layer.ssrc == r.SSRC {
		s.layer.senderReport(now, r, out)
	}
}

// ReceiveReception is a viewer's report on a subscription.
func (m *media) ReceiveReception(now time.Duration, r transport.Reception) {
	if sub := (*m.egress.Load())[r.SSRC]; sub != nil {
		sub.reception(now, r)
	}
}

// ReceiveNACK answers a viewer's NACK from the track's history.
func (m *media) ReceiveNACK(now time.Duration, ssrc uint32, sequences []uint16, out *transport.Batch) {
	if sub := (*m.egress.Load())[ssrc]; sub != nil {
		m.repair = sub.resend(now, sequences, m.repair, out)
	}
}

// ReceiveFeedback is what the viewer tells of the packets that it was sent.
func (m *media) ReceiveFeedback(now time.Duration, arrivals []bwe.Arrival, out *transport.Batch) {
	if m.p.downlink.feedback(now, m.peer, arrivals) {
		m.p.nudgeLoop()
	}
	m.unasked = m.p.downlink.unasked(now, m.unasked[:0])
	for _, lost := range m.unasked {
		for _, sub := range *m.egress.Load() {
			if sub.ssrc == lost.SSRC || sub.rtxSSRC == lost.SSRC && lost.SSRC != 0 {
				m.repair = sub.volunteer(now, lost, m.repair, out)
			}
		}
	}
}

// ReceiveKeyframeRequest is a viewer's PLI or FIR.
func (m *media) ReceiveKeyframeRequest(now time.Duration, ssrc uint32) {
	if sub := (*m.egress.Load())[ssrc]; sub != nil {
		m.p.server.counter.pliIn.Inc()
		sub.askKeyframe(now)
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
	egress[sub.ssrc] = sub
	m.egress.Store(&egress)
}

func (m *media) forget(sub *Subscription) {
	m.egressMu.Lock()
	defer m.egressMu.Unlock()
	egress := maps.Clone(*m.egress.Load())
	delete(egress, sub.ssrc)
	m.egress.Store(&egress)
}
