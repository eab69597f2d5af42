package main

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"plenum/sfu"
	"plenum/sfu/stat"
	"plenum/signaling"
)

// snapshot is what one scrape reads.
type snapshot struct {
	engine    sfu.Stats
	signaling signaling.Stats
	rejected  map[string]uint64 // by the HTTP endpoints
	lines     uint64            // of the log that were dropped
	build     build
}

// family is one metric: how it is described and where its values are in a snapshot.
type family struct {
	name, help string
	labels     []string
	kind       prometheus.ValueType // of values
	values     func(*snapshot) []sfu.Labelled
	histograms func(*snapshot) []labelledHistogram // instead of values
}

type labelledHistogram struct {
	labels []string
	value  stat.HistogramSnapshot
}

// families are all metrics of the server. No label names a room or a participant, so
// that their number stays bounded.
var families = []family{
	gauge("plenum_rooms", "Rooms with someone in them.",
		func(s *snapshot) uint64 { return uint64(s.engine.Rooms) }),
	gauge("plenum_participants", "Participants in all rooms.",
		func(s *snapshot) uint64 { return uint64(s.engine.Participants) }),
	gauges("plenum_tracks", "Published tracks.", []string{"kind", "source", "codec"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Tracks }),
	gauges("plenum_subscriptions", "Tracks being forwarded, counted once for each viewer.", []string{"kind"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Subscriptions }),

	counters("plenum_rtp_packets_total", "RTP packets from publishers (in) and to viewers (out), first transmissions.", []string{"direction", "kind"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Packets }),
	counters("plenum_rtp_bytes_total", "Bytes of the packets in plenum_rtp_packets_total.", []string{"direction", "kind"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Bytes }),
	counters("plenum_rtp_lost_total", "Packets that never came from publishers (in), or that viewers report as lost (out).", []string{"direction", "kind"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Lost }),
	counters("plenum_dropped_packets_total", "Packets that were received and not forwarded.", []string{"reason"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Dropped }),
	counters("plenum_discarded_total", "Input to the media port that was discarded because nothing authenticates it.", []string{"reason"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Discarded }),
	counter("plenum_streams_evicted_total", "Streams forgotten as the idlest of a participant that sends too many.",
		func(s *snapshot) uint64 { return s.engine.StreamsEvicted }),
	gauges("plenum_media_addresses", "Addresses of this machine that media could use: those that clients are told (announced), those that are gone and kept for a moment (leaving), and those that can't be bound (unbound).", []string{"state"},
		func(s *snapshot) []sfu.Labelled { return s.engine.MediaAddresses }),
	counter("plenum_ice_tcp_accept_errors_total", "Connections to the media port that could not be accepted, mostly because descriptors ran out.",
		func(s *snapshot) uint64 { return s.engine.AcceptErrors }),
	counters("plenum_nacks_total", "Packets asked for again: of publishers (out) and by viewers (in).", []string{"direction", "result"},
		func(s *snapshot) []sfu.Labelled { return s.engine.NACKs }),
	counters("plenum_retransmissions_total", "Packets sent again by publishers (in) and to viewers (out).", []string{"direction"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Retransmissions }),
	counters("plenum_redundant_packets_total", "Packets of sound that were restored from a publisher's redundancy (in), or that others carried to viewers once more (out).", []string{"direction"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Redundancy }),
	counters("plenum_unrepairable_losses_total", "Losses of viewers that nobody could make up for: a keyframe was wished without being asked for, or the frame was skipped.", []string{"outcome"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Unrepairable }),
	counters("plenum_keyframe_requests_total", "Keyframe requests from viewers (in) and to publishers (out).", []string{"direction", "result"},
		func(s *snapshot) []sfu.Labelled { return s.engine.KeyframeRequests }),
	histogram("plenum_keyframe_wait_seconds", "Time from the first wish for a keyframe of a layer to its arrival.",
		func(s *snapshot) stat.HistogramSnapshot { return s.engine.KeyframeWait }),
	histogram("plenum_send_batch_packets", "Packets of media per system call that sent them.",
		func(s *snapshot) stat.HistogramSnapshot { return s.engine.SendBatch }),
	counter("plenum_send_calls_total", "System calls that sent media.",
		func(s *snapshot) uint64 { return s.engine.SendCalls }),
	counter("plenum_send_messages_total", "Datagrams, or segmented runs of them, given to the kernel.",
		func(s *snapshot) uint64 { return s.engine.SendMessages }),
	histogram("plenum_forward_latency_seconds", "Time from a packet's arrival to its copies' way out, per batch.",
		func(s *snapshot) stat.HistogramSnapshot { return s.engine.ForwardLatency }),
	histogram("plenum_rtt_seconds", "Round-trip times to viewers, from their receiver reports.",
		func(s *snapshot) stat.HistogramSnapshot { return s.engine.RTT }),

	histogram("plenum_downlink_estimate_bytes_per_second", "Estimated bandwidth to viewers who give feedback, each observed once a second.",
		func(s *snapshot) stat.HistogramSnapshot { return inBytes(s.engine.Estimate) }),
	counters("plenum_layer_switches_total", "Changes of the layer that a viewer is sent of a video, by what brought them about.", []string{"direction", "reason"},
		func(s *snapshot) []sfu.Labelled { return s.engine.LayerSwitches }),
	gauges("plenum_paused_subscriptions", "Subscriptions to video of which nothing is sent now, by why.", []string{"reason"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Paused }),
	counters("plenum_probes_total", "Clusters of padding that probed for more bandwidth, by what became of them.", []string{"outcome"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Probes }),
	counter("plenum_padding_bytes_total", "Bytes of padding sent to probe.",
		func(s *snapshot) uint64 { return s.engine.PaddingBytes }),
	histogram("plenum_pacer_delay_seconds", "Time that packets waited in the pacer, of those that had to.",
		func(s *snapshot) stat.HistogramSnapshot { return s.engine.PacerDelay }),

	counters("plenum_ice_selected_total", "ICE candidate pairs chosen, by the type of the client's candidate.", []string{"protocol", "type"},
		func(s *snapshot) []sfu.Labelled { return s.engine.ICESelected }),
	counter("plenum_ice_restarts_total", "ICE restarts.",
		func(s *snapshot) uint64 { return s.engine.ICERestarts }),
	counter("plenum_offer_collisions_total", "Offers of clients that met one of the server's.",
		func(s *snapshot) uint64 { return s.engine.Glare }),

	counters("plenum_joins_total", "New sessions, by whether they were let in.", []string{"result"},
		func(s *snapshot) []sfu.Labelled { return byKey(s.signaling.Joins) }),
	{
		name: "plenum_join_seconds", labels: []string{"stage"},
		help: "Time from a session's request to its first message (signaled), and from its place in the room to a media path (connected) and to the first packet forwarded to it (media).",
		histograms: func(s *snapshot) []labelledHistogram {
			return []labelledHistogram{
				{[]string{"signaled"}, s.signaling.Signaled},
				{[]string{"connected"}, s.engine.JoinConnected},
				{[]string{"media"}, s.engine.JoinMedia},
			}
		},
	},
	counters("plenum_resumes_total", "Attempts to resume a session; unknown ones began anew.", []string{"result"},
		func(s *snapshot) []sfu.Labelled { return byKey(s.signaling.Resumes) }),
	counters("plenum_room_lookups_total", "Requests for who is in a room, before joining it.", []string{"result"},
		func(s *snapshot) []sfu.Labelled { return byKey(s.signaling.Lookups) }),
	counters("plenum_rejected_total", "What was turned away because there is too much of it, by what there is too much of.", []string{"reason"},
		func(s *snapshot) []sfu.Labelled { return slices.Concat(byKey(s.rejected), byKey(s.signaling.Rejected)) }),
	counters("plenum_coalesced_total", "Changes that came so fast that others were shown them later, together with those after them.", []string{"what"},
		func(s *snapshot) []sfu.Labelled { return s.engine.Moderated }),
	counters("plenum_participant_excess_total", "Messages that participants sent in excess of what one, or one room, may cause: those that had to wait (delayed) and those that were not carried out (refused).", []string{"result", "reason"},
		func(s *snapshot) []sfu.Labelled {
			return slices.Concat(byKey(s.signaling.Delayed, "delayed"), byKey(s.signaling.Refused, "refused"))
		}),
	gauges("plenum_sessions", "Sessions with a WebSocket (attached), and those waiting for their client to come back (detached).", []string{"state"},
		func(s *snapshot) []sfu.Labelled {
			attached, detached := s.signaling.Sessions-s.signaling.Detached, s.signaling.Detached
			return []sfu.Labelled{
				{Labels: []string{"attached"}, Value: uint64(max(attached, 0))},
				{Labels: []string{"detached"}, Value: uint64(detached)},
			}
		}),
	counters("plenum_signaling_messages_total", "Messages from clients (in) and to them (out).", []string{"direction", "type"},
		func(s *snapshot) []sfu.Labelled {
			return slices.Concat(byKey(s.signaling.Received, "in"), byKey(s.signaling.Sent, "out"))
		}),
	counters("plenum_signaling_errors_total", "Errors that clients were told.", []string{"code"},
		func(s *snapshot) []sfu.Labelled { return byKey(s.signaling.Errors) }),
	counter("plenum_signaling_dropped_messages_total", "Chat messages dropped for participants who were absent too long or read too slowly.",
		func(s *snapshot) uint64 { return s.signaling.DroppedMessages }),
	gauge("plenum_draining", "1 while the server takes no new sessions because it is going away.",
		func(s *snapshot) uint64 {
			if s.signaling.Draining {
				return 1
			}
			return 0
		}),
	counter("plenum_log_lines_dropped_total", "Lines of the log that were dropped because nobody read it, or it could not be written.",
		func(s *snapshot) uint64 { return s.lines }),
	gauges("plenum_build_info", "1, labelled with what this binary was built from.", []string{"version", "revision", "goversion"},
		func(s *snapshot) []sfu.Labelled {
			return []sfu.Labelled{{Labels: []string{s.build.version, s.build.revision, s.build.goVersion}, Value: 1}}
		}),
}

func gauges(name, help string, labels []string, values func(*snapshot) []sfu.Labelled) family {
	return family{name: name, help: help, labels: labels, kind: prometheus.GaugeValue, values: values}
}

func counters(name, help string, labels []string, values func(*snapshot) []sfu.Labelled) family {
	return family{name: name, help: help, labels: labels, kind: prometheus.CounterValue, values: values}
}

func gauge(name, help string, value func(*snapshot) uint64) family {
	return gauges(name, help, nil, func(s *snapshot) []sfu.Labelled { return []sfu.Labelled{{Value: value(s)}} })
}

func counter(name, help string, value func(*snapshot) uint64) family {
	return counters(name, help, nil, func(s *snapshot) []sfu.Labelled { return []sfu.Labelled{{Value: value(s)}} })
}

func histogram(name, help string, value func(*snapshot) stat.HistogramSnapshot) family {
	return family{name: name, help: help, histograms: func(s *snapshot) []labelledHistogram {
		return []labelledHistogram{{value: value(s)}}
	}}
}

// inBytes is a histogram of bits as one of bytes, Prometheus's base unit.
func inBytes(h stat.HistogramSnapshot) stat.HistogramSnapshot {
	bounds := slices.Clone(h.Bounds)
	for i := range bounds {
		bounds[i] /= 8
	}
	h.Bounds, h.Sum = bounds, h.Sum/8
	return h
}

// byKey makes the last label of a map's keys, after those given.
func byKey(counts map[string]uint64, labels ...string) []sfu.Labelled {
	values := make([]sfu.Labelled, 0, len(counts))
	for key, n := range counts {
		values = append(values, sfu.Labelled{Labels: append(slices.Clone(labels), key), Value: n})
	}
	return values
}

// collector pulls a snapshot for each scrape.
type collector struct {
	read         func() *snapshot
	descriptions []*prometheus.Desc // of families, in their order
}

func newCollector(engine func() sfu.Stats, sessions func() signaling.Stats, rejected func() map[string]uint64, linesDropped func() uint64) *collector {
	info := buildInfo()
	c := &collector{read: func() *snapshot { return &snapshot{engine(), sessions(), rejected(), linesDropped(), info} }}
	for _, f := range families {
		c.descriptions = append(c.descriptions, prometheus.NewDesc(f.name, f.help, f.labels, nil))
	}
	return c
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descriptions {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.read()
	for i, f := range families {
		if f.histograms != nil {
			for _, h := range f.histograms(s) {
				out <- prometheus.MustNewConstHistogram(c.descriptions[i], h.value.Count, h.value.Sum, cumulative(h.value), h.labels...)
			}
			continue
		}
		for _, v := range f.values(s) {
			out <- prometheus.MustNewConstMetric(c.descriptions[i], f.kind, float64(v.Value), v.Labels...)
		}
	}
}

// cumulative turns counts of each bucket into counts up to each bound.
func cumulative(h stat.HistogramSnapshot) map[float64]uint64 {
	buckets := make(map[float64]uint64, len(h.Bounds))
	var sum uint64
	for i, bound := range h.Bounds {
		sum += h.Counts[i]
		buckets[bound] = sum
	}
	return buckets
}
