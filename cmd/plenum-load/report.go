package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what a run found; its JSON is for programs, its table for people.
// Times are in milliseconds unless the name says otherwise.
type report struct {
	Rooms       int     `json:"rooms"`
	Publishers  int     `json:"publishers"`  // in each room
	Subscribers int     `json:"subscribers"` // in each room
	Seconds     float64 `json:"seconds"`     // of the steady window

	Join     joinReport      `json:"join"`
	Media    mediaReport     `json:"media"`
	Latency  distribution    `json:"latency_ms"`
	Server   *serverReport   `json:"server,omitempty"`
	Own      generatorReport `json:"generator"`
	Machine  *machineReport  `json:"machine,omitempty"`
	Warnings []string        `json:"warnings"`
}

// distribution tells of many values what matters.
type distribution struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func distributionOf(values []time.Duration) distribution {
	at := func(p float64) float64 { return milliseconds(percentile(values, p)) }
	return distribution{at(0.5), at(0.95), at(0.99), at(1)}
}

func (h *histogram) distribution() distribution {
	at := func(p float64) float64 { return milliseconds(h.percentile(p)) }
	return distribution{at(0.5), at(0.95), at(0.99), milliseconds(h.max)}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

type joinReport struct {
	Joined int `json:"joined"`
	Failed int `json:"failed"`
	// From the start of each join: to the server's first message, to a media path
	// with keys, to the first packet of anyone.
	Signaled    distribution `json:"signaled_ms"`
	Connected   distribution `json:"connected_ms"`
	FirstPacket distribution `json:"first_packet_ms"`
	// All is from the first join to the last that was connected, and AllMedia to
	// the last first packet, of the subscribers if there are any, in seconds.
	All      float64 `json:"all_s"`
	AllMedia float64 `json:"all_media_s"`
}

type mediaReport struct {
	Sent          uint64  `json:"sent"`     // packets by all publishers
	Received      uint64  `json:"received"` // packets by everyone, without duplicates
	PerSecond     float64 `json:"packets_per_second"`
	BitsPerSecond float64 `json:"bits_per_second"` // RTP header and payload
	Lost          uint64  `json:"lost"`
	LostShare     float64 `json:"lost_share"`
	Duplicates    uint64  `json:"duplicates"`
	Malformed     uint64  `json:"malformed"` // of the whole run
	Padding       uint64  `json:"padding"`   // packets that probe the path, of the whole run
	Silent        int     `json:"silent"`    // subscriptions of which nothing came
}

type serverReport struct {
	CPUSeconds float64 `json:"cpu_s"`
	UserShare  float64 `json:"user_share"`  // of the CPU time
	CPUPercent float64 `json:"cpu_percent"` // of one core
	PerPacket  float64 `json:"us_per_packet"`
	PeakMiB    float64 `json:"peak_mib"`
	Goroutines float64 `json:"goroutines,omitempty"`
	PerCall    float64 `json:"packets_per_call,omitempty"`    // segments counted
	PerMessage float64 `json:"packets_per_message,omitempty"` // by segmentation
	// Of the server's heap, by everything that it does, for each packet received.
	AllocBytes float64 `json:"alloc_bytes_per_packet,omitempty"`
	Allocs     float64 `json:"allocs_per_packet,omitempty"`
	Dropped    float64 `json:"dropped,omitempty"` // packets, for whatever reason, by the server's own count
}

type generatorReport struct {
	CPUSeconds float64 `json:"cpu_s"`
	CPUPercent float64 `json:"cpu_percent"` // of one core
	PerPacket  float64 `json:"us_per_packet"`
	Late       float64 `json:"late_p99_ms"` // how late frames left
	Rate       float64 `json:"rate"`        // packets sent of those planned
	Feedbacks  uint64  `json:"feedbacks"`   // transport-wide, sent in the whole run
}

type machineReport struct {
	Cores int     `json:"cores"`
	Busy  float64 `json:"busy_share"`
	Steal float64 `json:"steal_share"`
	Other float64 `json:"other_share"` // busy with neither server nor generator
}

// Limits beyond which figures say more of the generator or the machine than of
// the server.
const (
	tooBusy  = 0.9
	tooStole = 0.02
	tooOther = 0.1
	tooLate  = 10.0 // ms
	tooSlow  = 0.98
)

// judge adds warnings.
func (r *report) judge() {
	warn := func(format string, args ...any) { r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...)) }
	if m := r.Machine; m != nil {
		if m.Busy > tooBusy {
			warn("the machine is the bottleneck: its CPUs are %.0f %% busy", m.Busy*100)
		}
		if m.Steal > tooStole {
			warn("the hypervisor takes %.1f %% of the CPU time", m.Steal*100)
		}
		if m.Other > tooOther {
			warn("other programs take %.0f %% of the machine", m.Other*100)
		}
	}
	if r.Own.Late > tooLate {
		warn("the generator is the bottleneck: frames leave up to %.1f ms late (p99)", r.Own.Late)
	}
	if r.Own.Rate < tooSlow {
		warn("the generator is the bottleneck: it sent %.1f %% of what it should", r.Own.Rate*100)
	}
	if r.Join.Failed > 0 {
		warn("%d of %d joins failed", r.Join.Failed, r.Join.Failed+r.Join.Joined)
	}
	if r.Media.Silent > 0 {
		warn("%d subscriptions got nothing", r.Media.Silent)
	}
	if r.Media.Malformed > 0 {
		warn("%d packets could not be read", r.Media.Malformed)
	}
}

// table writes the report for people.
func (r *report) table(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	spread := func(name string, d distribution, suffix string) {
		row(name, "p50 %.1f  p95 %.1f  p99 %.1f  max %.1f ms%s", d.P50, d.P95, d.P99, d.Max, suffix)
	}
	row("load", "%d rooms of %d publishers and %d subscribers, %.1f s", r.Rooms, r.Publishers, r.Subscribers, r.Seconds)
	row("joins", "%d, %d failed; all connected in %.2f s, with media in %.2f s", r.Join.Joined, r.Join.Failed, r.Join.All, r.Join.AllMedia)
	spread("signaled", r.Join.Signaled, "")
	spread("connected", r.Join.Connected, "")
	spread("first packet", r.Join.FirstPacket, "")
	m := &r.Media
	row("received", "%d packets, %.0f /s, %.1f Mbit/s", m.Received, m.PerSecond, m.BitsPerSecond/1e6)
	row("lost", "%d (%.3f %%), %d duplicates", m.Lost, m.LostShare*100, m.Duplicates)
	row("feedback", "%d messages sent, %d packets of padding received", r.Own.Feedbacks, m.Padding)
	spread("latency", r.Latency, "")
	if s := r.Server; s != nil {
		row("server", "%.2f µs per packet (%.0f %% user), %.1f %% of a core, peak %.1f MiB", s.PerPacket, s.UserShare*100, s.CPUPercent, s.PeakMiB)
		if s.Goroutines > 0 {
			row("", "%.0f goroutines, %.1f packets per system call, %.2f per message", s.Goroutines, s.PerCall, s.PerMessage)
			row("", "%.1f bytes in %.3f allocations per packet, %.0f packets dropped", s.AllocBytes, s.Allocs, s.Dropped)
		}
	}
	row("generator", "%.2f µs per packet, %.1f %% of a core, frames %.1f ms late (p99), %.1f %% of the rate",
		r.Own.PerPacket, r.Own.CPUPercent, r.Own.Late, r.Own.Rate*100)
	if m := r.Machine; m != nil {
		row("machine", "%d cores %.0f %% busy, %.1f %% stolen, %.1f %% with other programs", m.Cores, m.Busy*100, m.Steal*100, m.Other*100)
	}
	for _, w := range r.Warnings {
		row("WARNING", "%s", strings.TrimSpace(w))
	}
	return t.Flush()
}
