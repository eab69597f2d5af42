package main

import (
	"math"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"plenum/sfu"
	"plenum/sfu/stat"
	"plenum/signaling"
)

func TestCollectorReportsSnapshot(t *testing.T) {
	wait := stat.NewHistogram(0.1, 1)
	for _, v := range []float64{0.05, 0.5, 5} {
		wait.Observe(v)
	}
	estimate := stat.NewHistogram(250e3, 1e6) // bit/s
	for _, v := range []float64{200e3, 800e3, 2e6} {
		estimate.Observe(v)
	}
	empty := stat.NewHistogram(1).Snapshot()
	engine := sfu.Stats{
		Rooms:    2,
		Packets:  []sfu.Labelled{{Labels: []string{"in", "audio"}, Value: 7}, {Labels: []string{"out", "video"}, Value: 9}},
		Estimate: estimate.Snapshot(), PacerDelay: empty,
		KeyframeWait: wait.Snapshot(), RTT: empty, JoinConnected: empty, JoinMedia: empty,
	}
	sessions := signaling.Stats{
		Received: map[string]uint64{"offer": 3}, Sent: map[string]uint64{"offer": 4},
		Sessions: 5, Detached: 1, Draining: true, Signaled: empty, Rejected: map[string]uint64{"joins": 8},
	}
	c := newCollector(func() sfu.Stats { return engine }, func() signaling.Stats { return sessions }, func() map[string]uint64 { return map[string]uint64{"connections": 7} }, func() uint64 { return 6 })
	const want = `
# HELP plenum_downlink_estimate_bytes_per_second Estimated bandwidth to viewers who give feedback, each observed once a second.
# TYPE plenum_downlink_estimate_bytes_per_second histogram
plenum_downlink_estimate_bytes_per_second_bucket{le="31250"} 1
plenum_downlink_estimate_bytes_per_second_bucket{le="125000"} 2
plenum_downlink_estimate_bytes_per_second_bucket{le="+Inf"} 3
plenum_downlink_estimate_bytes_per_second_sum 375000
plenum_downlink_estimate_bytes_per_second_count 3
# HELP plenum_draining 1 while the server takes no new sessions because it is going away.
# TYPE plenum_draining gauge
plenum_draining 1
# HELP plenum_keyframe_wait_seconds Time from the first wish for a keyframe of a layer to its arrival.
# TYPE plenum_keyframe_wait_seconds histogram
plenum_keyframe_wait_seconds_bucket{le="0.1"} 1
plenum_keyframe_wait_seconds_bucket{le="1"} 2
plenum_keyframe_wait_seconds_bucket{le="+Inf"} 3
plenum_keyframe_wait_seconds_sum 5.55
plenum_keyframe_wait_seconds_count 3
# HELP plenum_log_lines_dropped_total Lines of the log that were dropped because nobody read it, or it could not be written.
# TYPE plenum_log_lines_dropped_total counter
plenum_log_lines_dropped_total 6
# HELP plenum_rejected_total What was turned away because there is too much of it, by what there is too much of.
# TYPE plenum_rejected_total counter
plenum_rejected_total{reason="connections"} 7
plenum_rejected_total{reason="joins"} 8
# HELP plenum_rooms Rooms with someone in them.
# TYPE plenum_rooms gauge
plenum_rooms 2
# HELP plenum_rtp_packets_total RTP packets from publishers (in) and to viewers (out), first transmissions.
# TYPE plenum_rtp_packets_total counter
plenum_rtp_packets_total{direction="in",kind="audio"} 7
plenum_rtp_packets_total{direction="out",kind="video"} 9
# HELP plenum_sessions Sessions with a WebSocket (attached), and those waiting for their client to come back (detached).
# TYPE plenum_sessions gauge
plenum_sessions{state="attached"} 4
plenum_sessions{state="detached"} 1
# HELP plenum_signaling_messages_total Messages from clients (in) and to them (out).
# TYPE plenum_signaling_messages_total counter
plenum_signaling_messages_total{direction="in",type="offer"} 3
plenum_signaling_messages_total{direction="out",type="offer"} 4
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "plenum_downlink_estimate_bytes_per_second", "plenum_draining", "plenum_keyframe_wait_seconds", "plenum_log_lines_dropped_total", "plenum_rejected_total",
		"plenum_rooms", "plenum_rtp_packets_total", "plenum_sessions", "plenum_signaling_messages_total"); err != nil {
		t.Error(err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
}

func TestBucketsAreCumulative(t *testing.T) {
	got := cumulative(stat.HistogramSnapshot{Bounds: []float64{1, 2, 3}, Counts: []uint64{4, 0, 2, 1}, Sum: math.Pi, Count: 7})
	for bound, want := range map[float64]uint64{1: 4, 2: 4, 3: 6} {
		if got[bound] != want {
			t.Errorf("up to %v: %d, want %d", bound, got[bound], want)
		}
	}
}
