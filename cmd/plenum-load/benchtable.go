package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// of is the median over runs; runs that don't know the figure don't count.
func of(reports []*report, figure func(*report) float64) float64 {
	values := make([]float64, 0, len(reports))
	for _, r := range reports {
		values = append(values, figure(r))
	}
	return median(values)
}

// ofServer is of a figure of the server's process, 0 where there is none.
func ofServer(reports []*report, figure func(*serverReport) float64) float64 {
	return of(reports, func(r *report) float64 {
		if r.Server == nil {
			return 0
		}
		return figure(r.Server)
	})
}

func perPacket(s *serverReport) float64 { return s.PerPacket }

// ratio prints a/b.
func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

// limitOf is the median of one way of sending.
func limitOf(results []limitResult, mode string) float64 {
	var values []float64
	for _, r := range results {
		if r.Mode == mode {
			values = append(values, r.PerPacket)
		}
	}
	return median(values)
}

// printBench prints the tables.
func printBench(out io.Writer, flat []limitResult, results []*benchResult) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(format string, args ...any) { fmt.Fprintf(t, format+"\t\n", args...) }
	title := func(text string) {
		_ = t.Flush() // the last Flush tells
		fmt.Fprintln(out, text)
	}
	title("CPU time of the server per forwarded packet in µs (medians), and its ratio to the reference")
	title("forwarder and to the machine's limit: encrypt and send only, paced as the scenario is")
	row("scenario\tpackets/s\tplenum\treference\tof ref.\tlimit: sendto\tsendmmsg 64\tGSO 6\tof sendto\tof sendmmsg\tof GSO\tgenerator")
	for _, r := range results {
		if r.storm {
			continue
		}
		own, ref := ofServer(r.Server, perPacket), ofServer(r.Reference, perPacket)
		a, b, c := limitOf(r.Limit, "sendto"), limitOf(r.Limit, "sendmmsg"), limitOf(r.Limit, "gso")
		row("%s\t%.0f\t%.2f\t%.2f\t%s\t%.2f\t%.2f\t%.2f\t%s\t%s\t%s\t%.2f", r.Scenario,
			of(r.Server, func(r *report) float64 { return r.Media.PerSecond }), own, ref, ratio(own, ref),
			a, b, c, ratio(own, a), ratio(own, b), ratio(own, c),
			of(r.Server, func(r *report) float64 { return r.Own.PerPacket }))
	}
	row("limit flat out\t\t\t\t\t%.2f\t%.2f\t%.2f\t\t\t\t", limitOf(flat, "sendto"), limitOf(flat, "sendmmsg"), limitOf(flat, "gso"))
	title("")
	_ = t.Flush()
	title("\nDelivery: plenum / reference")
	row("scenario\tp50 ms\tp99 ms\tlost %%\tpeak MiB\tpackets per call\tper message\tmachine busy %%\tsteal %%")
	for _, r := range results {
		both := func(format string, figure func(*report) float64) string {
			return fmt.Sprintf(format+" / "+format, of(r.Server, figure), of(r.Reference, figure))
		}
		row("%s\t%s\t%s\t%s\t%.1f / %.1f\t%.1f\t%.2f\t%s\t%s", r.Scenario,
			both("%.2f", func(r *report) float64 { return r.Latency.P50 }),
			both("%.2f", func(r *report) float64 { return r.Latency.P99 }),
			both("%.3f", func(r *report) float64 { return r.Media.LostShare * 100 }),
			ofServer(r.Server, peak), ofServer(r.Reference, peak),
			ofServer(r.Server, func(s *serverReport) float64 { return s.PerCall }),
			ofServer(r.Server, func(s *serverReport) float64 { return s.PerMessage }),
			both("%.0f", machineShare(func(m *machineReport) float64 { return m.Busy })),
			both("%.1f", machineShare(func(m *machineReport) float64 { return m.Steal })))
	}
	title("\nJoining: plenum / reference")
	row("scenario\tjoins\tall in, s\tconnected p50 ms\tp95\tmax\tfirst packet p95 ms")
	for _, r := range results {
		both := func(format string, figure func(*joinReport) float64) string {
			of := func(reports []*report) float64 {
				return of(reports, func(r *report) float64 { return figure(&r.Join) })
			}
			return fmt.Sprintf(format+" / "+format, of(r.Server), of(r.Reference))
		}
		row("%s\t%s\t%s\t%s\t%s\t%s\t%s", r.Scenario,
			both("%.0f", func(j *joinReport) float64 { return float64(j.Joined) }),
			both("%.2f", func(j *joinReport) float64 { return j.All }),
			both("%.0f", func(j *joinReport) float64 { return j.Connected.P50 }),
			both("%.0f", func(j *joinReport) float64 { return j.Connected.P95 }),
			both("%.0f", func(j *joinReport) float64 { return j.Connected.Max }),
			both("%.0f", func(j *joinReport) float64 { return j.FirstPacket.P95 }))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printWarnings(out, results)
}

func peak(s *serverReport) float64 { return s.PeakMiB }

func machineShare(share func(*machineReport) float64) func(*report) float64 {
	return func(r *report) float64 {
		if r.Machine == nil {
			return 0
		}
		return share(r.Machine) * 100
	}
}

// printWarnings prints every kind of warning once for each scenario.
func printWarnings(out io.Writer, results []*benchResult) error {
	digits := func(r rune) bool { return r >= '0' && r <= '9' || r == '.' }
	for _, r := range results {
		seen := map[string]bool{}
		for _, run := range slices.Concat(r.Server, r.Reference) {
			for _, w := range run.Warnings {
				kind := strings.Join(strings.FieldsFunc(w, digits), "")
				if seen[kind] {
					continue
				}
				seen[kind] = true
				if _, err := fmt.Fprintf(out, "WARNING %s: %s\n", r.Scenario, w); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
