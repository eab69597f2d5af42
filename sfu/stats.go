package sfu

import (
	"plenum/sfu/internal/alloc"
	"plenum/sfu/internal/bwe"
	"plenum/sfu/internal/forward"
	"plenum/sfu/internal/transport"
	"plenum/sfu/stat"
)

// Results of one sequence number in a viewer's NACK.
const (
	nackAnswered = iota
	nackUnknown  // never sent
	nackTooSoon  // answered less than a round trip ago
	nackTooOften
	nackGone // no longer in the history
	nackTooMany
	nackFull      // the path is
	nackPassed    // a keyframe was sent since
	nackHole      // never came from the publisher
	nackForgotten // sent too long ago
	numNackResults
)

var nackNames = [numNackResults]string{"answered", "unknown", "too_soon", "too_often", "gone", "too_many", "full", "passed", "hole", "forgotten"}

// What becomes of a frame of which nobody can send something again: all wait for
// a keyframe, or it is left out, since nothing below it refers to it.
const (
	lossKeyframe = iota
	lossSkipped
	numLossResults
)

var lossNames = [numLossResults]string{"keyframe", "skipped"}

func nackResult(r forward.LookupResult) int {
	switch r {
	case forward.TooSoon:
		return nackTooSoon
	case forward.TooOften:
		return nackTooOften
	case forward.Passed:
		return nackPassed
	case forward.Hole:
		return nackHole
	case forward.Forgotten:
		return nackForgotten
	}
	return nackUnknown
}

// Directions of a switch of layers; to nothing and from it count as well.
const (
	switchUp = iota
	switchDown
	numDirections
)

var directionNames = [numDirections]string{"up", "down"}

// Kinds as array indices.
const (
	audioIndex = iota
	videoIndex
	numKinds
)

var kindNames = [numKinds]Kind{Audio, Video}

func kindIndex(k Kind) int {
	if k == Video {
		return videoIndex
	}
	return audioIndex
}

// pairProtocols and pairTypes bound the labels of selected ICE pairs.
var (
	pairProtocols = []string{"udp", "tcp"}
	pairTypes     = []string{"host", "srflx", "prflx", "relay"}
)

// counters are what the engine counts as it works; Stats takes a snapshot.
type counters struct {
	packetsIn, packetsOut, bytesIn, bytesOut, lostIn, lostOut [numKinds]stat.Counter

	dropped            [forward.NumVerdicts]stat.Counter
	malformed, unknown stat.Counter
	tooMuch            stat.Counter

	nackIn                   [numNackResults]stat.Counter
	nackOut                  stat.Counter
	repairedIn, recovered    stat.Counter
	repairedOut              stat.Counter
	restored, carried        stat.Counter // packets of sound, by redundancy
	unrepairable             [numLossResults]stat.Counter
	pliIn, pliOut            stat.Counter
	pliMerged, pliIgnored    stat.Counter
	glare, iceRestarts       stat.Counter
	moderated                [numModerated]stat.Counter
	pairs                    [2][4]stat.Counter
	switches                 [numDirections][alloc.NumCauses]stat.Counter
	paused                   [alloc.NumReasons]stat.Gauge // video subscriptions, by why they are
	probes                   [bwe.NumOutcomes]stat.Counter
	padding                  stat.Counter // bytes
	keyframeWait, rtt        *stat.Histogram
	estimate                 *stat.Histogram
	joinConnected, joinMedia *stat.Histogram
}

func newCounters() counters {
	return counters{
		estimate:      stat.NewHistogram(100e3, 250e3, 500e3, 1e6, 1.5e6, 2.5e6, 5e6, 10e6, 20e6, 50e6),
		keyframeWait:  stat.NewHistogram(.02, .05, .1, .15, .2, .3, .5, .75, 1, 2, 5),
		rtt:           stat.NewHistogram(.005, .01, .02, .05, .1, .15, .2, .3, .5, 1, 2),
		joinConnected: stat.NewHistogram(.05, .1, .2, .3, .5, .75, 1, 2, 5, 10, 30),
		joinMedia:     stat.NewHistogram(.05, .1, .2, .3, .5, .75, 1, 2, 5, 10, 30),
	}
}

func (c *counters) selected(protocol, candidate string) {
	for i, p := range pairProtocols {
		for j, t := range pairTypes {
			if p == protocol && t == candidate {
				c.pairs[i][j].Inc()
			}
		}
	}
}

// Labelled is one value of a family with a few fixed labels.
type Labelled struct {
	Labels []string
	Value  uint64
}

// Stats is a snapshot of the engine for metrics. Counters only ever grow; the
// order of Labels is said with each field.
type Stats struct {
	Rooms, Participants int
	Tracks              []Labelled // kind, source, codec
	Subscriptions       []Labelled // kind

	Packets, Bytes, Lost []Labelled // direction (in, out), kind
	Dropped              []Labelled // reason
	Discarded            []Labelled // reason: input that nobody authenticated, before it changed anything
	StreamsEvicted       uint64     // forgotten, as the idlest of a participant with too many
	AcceptErrors         uint64     // of the ICE-TCP listeners
	MediaAddresses       []Labelled // state
	NACKs                []Labelled // direction, result: sequence numbers
	Retransmissions      []Labelled // direction
	Redundancy           []Labelled // direction (in: restored from a publisher's; out: carried to viewers once more): packets of sound
	Unrepairable         []Labelled // outcome (keyframe, skipped): of what viewers miss and nobody can send again
	KeyframeRequests     []Labelled // direction, result
	ICESelected          []Labelled // protocol, type of the remote candidate
	ICERestarts          uint64
	Glare                uint64
	Moderated            []Labelled // what: changes that others saw later, together with those after them

	KeyframeWait  stat.HistogramSnapshot // seconds, per layer, from the first wish
	RTT           stat.HistogramSnapshot // seconds, from viewers' receiver reports
	JoinConnected stat.HistogramSnapshot // seconds from join to ICE and DTLS up
	JoinMedia     stat.HistogramSnapshot // seconds from join to the first packet forwarded to the viewer

	Estimate      stat.HistogramSnapshot // bit/s, of each viewer with feedback once a second
	LayerSwitches []Labelled             // direction (up, down), cause: of video
	Paused        []Labelled             // reason: video subscriptions that get nothing now
	Probes        []Labelled             // outcome
	PaddingBytes  uint64                 // sent to probe
	PacerDelay    stat.HistogramSnapshot // seconds, of packets that had to wait

	SendBatch      stat.HistogramSnapshot // packets per system call
	ForwardLatency stat.HistogramSnapshot // seconds from arrival to the socket, per batch
	SendCalls      uint64                 // system calls that sent media
	SendMessages   uint64                 // datagrams or segmented messages given to the kernel
}

// Stats takes a snapshot.
func (s *Server) Stats() Stats {
	c, sent := &s.counter, s.engine.Counters()
	out := Stats{
		ICERestarts: c.iceRestarts.Load(), Glare: c.glare.Load(),
		KeyframeWait: c.keyframeWait.Snapshot(), RTT: c.rtt.Snapshot(),
		JoinConnected: c.joinConnected.Snapshot(), JoinMedia: c.joinMedia.Snapshot(),
		SendBatch: sent.Batch.Snapshot(), ForwardLatency: sent.Latency.Snapshot(),
		SendCalls: sent.Calls.Load(), SendMessages: sent.Messages.Load(),
		Estimate: c.estimate.Snapshot(), PaddingBytes: c.padding.Load(), PacerDelay: sent.PacerDelay.Snapshot(),
		NACKs: []Labelled{
			{[]string{"out", "asked"}, c.nackOut.Load()},
			{[]string{"out", "recovered"}, c.recovered.Load()},
		},
		Retransmissions: []Labelled{
			{[]string{"in"}, c.repairedIn.Load()}, {[]string{"out"}, c.repairedOut.Load()},
		},
		Redundancy: []Labelled{{[]string{"in"}, c.restored.Load()}, {[]string{"out"}, c.carried.Load()}},
		KeyframeRequests: []Labelled{
			{[]string{"in", "received"}, c.pliIn.Load()}, {[]string{"in", "ignored"}, c.pliIgnored.Load()},
			{[]string{"out", "sent"}, c.pliOut.Load()},
			{[]string{"out", "merged"}, c.pliMerged.Load()},
		},
		Dropped: []Labelled{
			{[]string{"malformed"}, c.malformed.Load()}, {[]string{"unknown_stream"}, c.unknown.Load()},
			{[]string{"ingress_limit"}, c.tooMuch.Load()}, {[]string{"rtcp_limit"}, sent.RTCPExcess.Load()},
			{[]string{"ice_queue_full"}, s.engine.MuxDrops()}, {[]string{"pacer_full"}, sent.PacerDrops.Load()},
			{[]string{"pacer_stale"}, sent.PacerStale.Load()},
			{[]string{"socket_full"}, s.engine.SocketDrops()}, {[]string{"overload"}, sent.Overload.Load()},
		},
	}
	addresses := s.engine.Addresses()
	out.MediaAddresses = []Labelled{
		{[]string{"announced"}, uint64(addresses.Announced)}, {[]string{"leaving"}, uint64(addresses.Leaving)}, //nolint:gosec // counts
		{[]string{"unbound"}, uint64(addresses.Unbound)}, //nolint:gosec // likewise
	}
	out.StreamsEvicted, out.AcceptErrors = sent.Evicted.Load(), sent.AcceptErrors.Load()
	for _, d := range transport.DiscardReasons() {
		out.Discarded = append(out.Discarded, Labelled{[]string{d.String()}, sent.Discarded[d].Load()})
	}
	for i, kind := range kindNames {
		k := string(kind)
		out.Packets = append(out.Packets, Labelled{[]string{"in", k}, c.packetsIn[i].Load()}, Labelled{[]string{"out", k}, c.packetsOut[i].Load()})
		out.Bytes = append(out.Bytes, Labelled{[]string{"in", k}, c.bytesIn[i].Load()}, Labelled{[]string{"out", k}, c.bytesOut[i].Load()})
		out.Lost = append(out.Lost, Labelled{[]string{"in", k}, c.lostIn[i].Load()}, Labelled{[]string{"out", k}, c.lostOut[i].Load()})
	}
	for i := range c.nackIn {
		out.NACKs = append(out.NACKs, Labelled{[]string{"in", nackNames[i]}, c.nackIn[i].Load()})
	}
	for i := range c.unrepairable {
		out.Unrepairable = append(out.Unrepairable, Labelled{[]string{lossNames[i]}, c.unrepairable[i].Load()})
	}
	for i := range c.moderated {
		out.Moderated = append(out.Moderated, Labelled{[]string{moderatedNames[i]}, c.moderated[i].Load()})
	}
	for v := range c.dropped {
		if verdict := forward.Verdict(v); verdict != forward.Forward { //nolint:gosec // small
			out.Dropped = append(out.Dropped, Labelled{[]string{verdict.String()}, c.dropped[v].Load()})
		}
	}
	for i, protocol := range pairProtocols {
		for j, t := range pairTypes {
			out.ICESelected = append(out.ICESelected, Labelled{[]string{protocol, t}, c.pairs[i][j].Load()})
		}
	}
	c.quality(&out)
	s.countRooms(&out)
	return out
}

// quality adds what the allocation and the estimators counted.
func (c *counters) quality(out *Stats) {
	for d := range c.switches {
		for cause := alloc.CauseStart; cause < alloc.NumCauses; cause++ {
			out.LayerSwitches = append(out.LayerSwitches, Labelled{[]string{directionNames[d], cause.String()}, c.switches[d][cause].Load()})
		}
	}
	for r := alloc.ReasonBandwidth; r < alloc.NumReasons; r++ {
		out.Paused = append(out.Paused, Labelled{[]string{r.String()}, uint64(max(0, c.paused[r].Load()))}) //nolint:gosec // not negative
	}
	for o := bwe.Passed; o < bwe.NumOutcomes; o++ {
		out.Probes = append(out.Probes, Labelled{[]string{o.String()}, c.probes[o].Load()})
	}
}

func (s *Server) countRooms(out *Stats) {
	rooms := s.allRooms()
	s.mu.Lock()
	out.Rooms, out.Participants = len(rooms), s.participants
	s.mu.Unlock()

	type trackLabels struct{ kind, source, codec string }
	tracks := map[trackLabels]uint64{}
	var subscriptions [numKinds]uint64
	for _, r := range rooms {
		for _, m := range r.members() {
			for _, info := range m.info.Tracks {
				tracks[trackLabels{string(info.Kind), string(info.Source), info.Codec}]++
			}
			for _, t := range m.tracks {
				subscriptions[kindIndex(t.kind)] += uint64(len(*t.subs.Load()))
			}
		}
	}
	for l, n := range tracks {
		out.Tracks = append(out.Tracks, Labelled{[]string{l.kind, l.source, l.codec}, n})
	}
	for i, kind := range kindNames {
		out.Subscriptions = append(out.Subscriptions, Labelled{[]string{string(kind)}, subscriptions[i]})
	}
}
