package main

import (
	"runtime"
	"time"
)

// collect sums what everyone got in the window.
func (r *run) collect() *report {
	o := r.options
	out := &report{Rooms: o.Rooms, Publishers: o.Publishers, Subscribers: o.Subscribers, Seconds: o.Duration.Seconds(), Warnings: []string{}}
	var latency histogram
	m := &out.Media
	for _, p := range r.everyone() {
		t := p.tally.totals(p.expected)
		m.Received += t.packets
		m.BitsPerSecond += float64(t.octets*8) / out.Seconds
		m.Lost += t.lost
		m.Duplicates += t.duplicates
		m.Malformed += t.malformed
		m.Padding += t.padding
		out.Own.Feedbacks += t.feedbacks
		m.Silent += t.silent
		latency.add(&t.latency)
	}
	for _, f := range r.flows {
		m.Sent += f.sent.Load()
	}
	m.PerSecond = float64(m.Received) / out.Seconds
	if m.Lost > 0 {
		m.LostShare = float64(m.Lost) / float64(m.Lost+m.Received)
	}
	out.Latency = latency.distribution()
	return out
}

// costs fills in what the window cost.
func (r *run) costs(out *report, first, last snapshot, scraped, before, after metrics) {
	packets := max(float64(out.Media.Received), 1)
	perPacket := func(d time.Duration) float64 { return d.Seconds() * 1e6 / packets }
	own := last.own.Sub(first.own).Total()
	var late histogram
	rate := 0.0
	for _, p := range r.publishers {
		late.add(&p.late)
		media := r.options.media()
		rate += media.rate()
	}
	out.Own = generatorReport{
		Feedbacks: out.Own.Feedbacks, CPUSeconds: own.Seconds(), CPUPercent: own.Seconds() / out.Seconds * 100, PerPacket: perPacket(own),
		Late: milliseconds(late.percentile(0.99)), Rate: 1,
	}
	if rate > 0 {
		out.Own.Rate = float64(out.Media.Sent) / (rate * out.Seconds)
	}
	used := last.server.Sub(first.server)
	if first.measured && last.measured {
		s := &serverReport{
			CPUSeconds: used.Total().Seconds(), CPUPercent: used.Total().Seconds() / out.Seconds * 100,
			UserShare: used.User.Seconds() / max(used.Total().Seconds(), tick.Seconds()), PerPacket: perPacket(used.Total()),
		}
		if peak, err := processPeak(r.server.pid); err == nil {
			s.PeakMiB = float64(peak) / (1 << 20)
		}
		s.Goroutines = after["go_goroutines"]
		rise := func(name string) float64 { return after[name] - before[name] }
		sent := rise("plenum_send_batch_packets_sum")
		if calls := rise("plenum_send_batch_packets_count"); calls > 0 {
			s.PerCall = sent / calls
		}
		if messages := rise("plenum_send_messages_total"); messages > 0 {
			s.PerMessage = sent / messages
		}
		allocated := func(name string) float64 {
			return max(rise(name)-(before[name]-scraped[name]), 0) / packets
		}
		s.AllocBytes, s.Allocs = allocated("go_memstats_alloc_bytes_total"), allocated("go_memstats_mallocs_total")
		s.Dropped = rise("plenum_dropped_packets_total")
		out.Server = s
	}
	if total := (last.machine.total - first.machine.total).Seconds(); first.readMachine && last.readMachine && total > 0 {
		idle := (last.machine.idle - first.machine.idle).Seconds()
		steal := (last.machine.steal - first.machine.steal).Seconds()
		known := own.Seconds() + used.Total().Seconds()
		out.Machine = &machineReport{
			Cores: runtime.NumCPU(), Busy: (total - idle) / total, Steal: steal / total,
			Other: max(total-idle-steal-known, 0) / total,
		}
	}
}

// joins fills in how long it took to get in; began is when the first of the
// subscribers, or of everyone if there are none, tried.
func (r *run) joins(out *report, began time.Duration) {
	people := r.viewers
	if len(people) == 0 {
		people = r.publishers
	}
	var signaled, connected, first []time.Duration
	j := &out.Join
	j.Joined, j.Failed = r.joined, r.failed
	for _, p := range people {
		if p.connected == 0 {
			continue
		}
		signaled = append(signaled, p.signaled)
		connected = append(connected, p.connected)
		j.All = max(j.All, (p.began + p.connected - began).Seconds())
		if _, at := p.tally.heard(); at > 0 {
			first = append(first, at-p.began)
			j.AllMedia = max(j.AllMedia, (at - began).Seconds())
		}
	}
	j.Signaled, j.Connected, j.FirstPacket = distributionOf(signaled), distributionOf(connected), distributionOf(first)
}
