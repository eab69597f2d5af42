package sfu

import (
	"time"

	"plenum/sfu/internal/forward"
	"plenum/sfu/internal/repair"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

const (
	// maxResend bounds the answers to one NACK message. A viewer that misses more comes
	// out of an outage: a keyframe costs less than all that, and comes sooner.
	maxResend = 256
	// farAway is the round trip from which on the first repeat leaves twice as well, where
	// loss is high: to miss it costs more than the eye forgives.
	farAway = 150 * time.Millisecond
)

// repairs is what the answers to one NACK have in common.
type repairs struct {
	numbers *numbers
	rtt     time.Duration
	spare   int  // copies of the first repeat beside itself; second and later ones have one more
	lossy   bool // there are spare copies: one repeat in twelve is lost as well, and each further one costs a round trip
	fresh   int  // packets that were asked for the first time
	dead    bool // something was asked for that nobody can send again
}

// resend answers a NACK. It runs as part of receiving from the viewer, to whom
// packet, a buffer, belongs.
func (s *Subscription) resend(now time.Duration, sequences []uint16, packet []byte, out *transport.Batch) []byte {
	counter := &s.viewer.server.counter
	if s.track.kind == Video && s.hopeless(sequences) {
		s.giveUp(now)
		return packet
	}
	if len(sequences) > maxResend {
		counter.nackIn[nackTooMany].Add(uint64(len(sequences) - maxResend))
		sequences = sequences[:maxResend]
	}
	latest := s.viewer.downlink.latest()
	r := repairs{numbers: s.numbers.Load()}
	s.mu.Lock()
	again := !s.renumbered
	r.rtt = max(s.rtt, latest)
	r.lossy = s.patience.Loss() >= repair.HighLoss
	s.mu.Unlock()
	if r.lossy && r.rtt >= farAway {
		r.spare = 1
	}
	if (!again || r.numbers.counted()) && r.numbers.RTXSSRC == 0 {
		// The packets can't be made as they were, or had a transport-wide number that is
		// taken by now, and SRTP must not see one packet index with two contents. Of
		// sound that is counted, later packets carry the earlier ones.
		counter.nackIn[nackGone].Add(uint64(len(sequences)))
		return packet
	}
	for _, sequence := range sequences {
		packet = s.repeat(now, sequence, &r, packet, out)
	}
	s.miss(now, r.fresh)
	if r.dead {
		s.giveUp(now)
	}
	return packet
}

// volunteer repeats a packet that feedback showed to be lost and that the viewer doesn't
// ask for, or no longer: it may not know of it, being the last before a pause.
func (s *Subscription) volunteer(now time.Duration, lost repair.Left, packet []byte, out *transport.Batch) []byte {
	n := s.numbers.Load()
	if s.track.kind != Video || n == nil || n.RTXSSRC == 0 {
		return packet
	}
	r := repairs{numbers: n}
	latest := s.viewer.downlink.latest()
	s.mu.Lock()
	r.rtt = max(s.rtt, latest)
	repeated, result := s.stream.Repeated(lost.At, lost.Number)
	s.mu.Unlock()
	if result != forward.Hit || repeated {
		return packet
	}
	packet = s.repeat(now, lost.Number, &r, packet, out)
	if r.dead {
		s.giveUp(now)
	}
	return packet
}

// misses counts what a viewer asks for, which tells of loss sooner than its reports.
type misses struct {
	since  time.Duration
	missed int
	sent   uint32 // the stream's count by then
}

const (
	// missWindow is the time over which loss is counted, and missPackets the packets
	// without which the count says little.
	missWindow  = 400 * time.Millisecond
	missPackets = 40
)

// miss notes that so many packets were asked for the first time.
func (s *Subscription) miss(now time.Duration, fresh int) {
	if s.track.kind != Video || fresh == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, sent := &s.misses, s.stream.Sent()
	switch {
	case m.since == 0 || now-m.since > 3*missWindow:
		*m = misses{now, fresh, sent}
		return
	case now-m.since < missWindow || sent-m.sent < missPackets:
		m.missed += fresh
		return
	}
	s.lose(now, float64(m.missed)/float64(sent-m.sent))
	*m = misses{now, fresh, sent}
}

// lose takes the share that the viewer lost lately, and has it hold pictures back for as
// long as repairs take. It runs under mu.
func (s *Subscription) lose(now time.Duration, share float64) {
	if s.track.kind != Video {
		return
	}
	delay := s.patience.Report(now, s.rtt, share)
	// Without RTX packets are repeated byte by byte, so that what a packet tells may not change.
	if n := s.numbers.Load(); n != nil && n.RTXSSRC != 0 && (delay > 0 || s.playout != 0) {
		s.playout = wire.PlayoutOf(delay)
	}
}

// hopeless reports whether a NACK asks for something that nobody can send again, or
// for so much that nobody should: what follows it shows nothing before a keyframe, so none
// of it is repeated.
func (s *Subscription) hopeless(sequences []uint16) bool {
	counter := &s.viewer.server.counter
	forgotten, other := 0, 0
	s.mu.Lock()
	for _, sequence := range sequences {
		switch s.stream.Find(sequence) {
		case forward.Forgotten:
			forgotten++
		case forward.Hit, forward.Hole:
			other++
		}
	}
	s.mu.Unlock()
	if forgotten == 0 && other <= maxResend {
		return false
	}
	counter.nackIn[nackForgotten].Add(uint64(forgotten))                //nolint:gosec // not negative
	counter.nackIn[nackTooMany].Add(uint64(len(sequences) - forgotten)) //nolint:gosec // not negative
	return true
}

// giveUp wishes a keyframe for a viewer that misses what can't be repeated. It would ask
// for one itself, but only after it has waited for seconds.
func (s *Subscription) giveUp(now time.Duration) {
	s.viewer.server.counter.unrepairable[lossKeyframe].Inc()
	s.mu.Lock()
	target, current := s.stream.Target().Layer, s.stream.Current().Layer
	s.mu.Unlock()
	s.track.mend(now, target)
	if target >= 0 && current != target {
		s.track.mend(now, current)
	}
}

// repeat answers the request for one packet.
func (s *Subscription) repeat(now time.Duration, sequence uint16, r *repairs, packet []byte, out *transport.Batch) []byte {
	counter := &s.viewer.server.counter
	video := s.track.kind == Video
	full := video && !s.viewer.media.peer.MayRepair(now)
	var found forward.Found
	var result forward.LookupResult
	s.mu.Lock()
	if full {
		found, result = s.stream.Refuse(sequence)
	} else {
		found, result = s.stream.Lookup(now, r.rtt, sequence)
	}
	left := result == forward.Hit && s.left(found.Layer)
	s.mu.Unlock()
	if full && (result == forward.TooSoon || result == forward.TooOften) {
		counter.nackIn[nackFull].Inc()
	} else if result != forward.Hit {
		counter.nackIn[nackResult(result)].Inc()
	}
	switch {
	case result == forward.TooOften && found.Upper:
		counter.unrepairable[lossSkipped].Inc()
	case result == forward.TooOften:
		r.dead = r.dead || video
	}
	if result != forward.Hit {
		return packet
	}
	if left {
		counter.nackIn[nackGone].Inc()
		return packet
	}
	var p wire.Packet
	packet, held := s.track.layers[found.Layer].Load().history.Get(found.Ext, packet[:0])
	if !held || p.Parse(packet, &s.track.kinds) != nil {
		counter.nackIn[nackGone].Inc()
		r.dead = r.dead || video && !found.Upper
		return packet
	}
	counter.nackIn[nackAnswered].Inc()
	if !found.Again {
		r.fresh++
	}
	var before *earlier
	if mask := found.Edit.Redundant; mask != 0 {
		before = &earlier{}
		if before.read(s.track, found.Layer, found.Ext, &p, mask) != mask {
			counter.nackIn[nackGone].Inc() // what it carried once more isn't held any longer
			return packet
		}
	}
	copies := 1
	if video && r.lossy {
		copies += r.spare
		if found.Again {
			copies++
		}
	}
	for range copies {
		counter.repairedOut.Inc()
		out.Reserve(1)
		out.Put(s.appendRepair(out.Next(), &p, &found.Edit, before))
	}
	s.viewer.media.peer.Send(out, transport.Outgoing{Stamp: r.numbers.counted(), Repair: true})
	return packet
}

// left reports whether the viewer was switched away from a layer of the track,
// with a keyframe of another, or the track was paused. What was lost of it then
// shows nothing any more, and on a link that has just become narrow its repairs
// would take the place of what does. It runs under mu.
func (s *Subscription) left(layer int8) bool {
	current := s.stream.Current().Layer
	return s.target.layer < 0 || current == s.target.layer && layer != current
}

// appendRepair writes a retransmission: over RTX, or where the viewer has none
// as the very bytes that were sent before (SRTP must not see one packet index
// with two contents).
func (s *Subscription) appendRepair(to []byte, p *wire.Packet, edit *wire.Edit, before *earlier) []byte {
	n := s.numbers.Load()
	if n.RTXSSRC == 0 || n.RTXPayloadType == 0 {
		return n.append(to, p, edit, before)
	}
	s.mu.Lock()
	s.rtxSequence++
	sequence := s.rtxSequence
	s.mu.Unlock()
	return n.AppendRTX(to, p, edit, sequence)
}
