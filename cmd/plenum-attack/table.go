package main

import (
	"fmt"
	"io"
	"strings"
)

// table prints a row for each attack as it ends: minutes pass between them.
type table struct{ to io.Writer }

func newTable(to io.Writer) *table { return &table{to} }

const (
	columns = "%-18s %9s %9s %9s %6s %7s %6s %15s %15s %11s %-7s %s\n"
	maxWhy  = 400 // bytes of a row's last column
)

func (t *table) header() {
	fmt.Fprintln(t.to, "In ms: longest silence, longest stop of a picture, slowest join, each in peace → under attack; the attacker's own room;")
	fmt.Fprintln(t.to, "how late this process was itself. Heap and RSS in MiB: before, at most, after. Recovery: until memory was back.")
	fmt.Fprintf(t.to, columns, "attack", "silence", "picture", "join", "near", "own", "joins", "heap", "RSS", "goroutines", "verdict", "why, and what was done")
}

func (t *table) row(o *outcome) {
	found, reasons := o.judge()
	b, a := &o.baseline, &o.attacked
	change := func(from, to int64) string { return fmt.Sprintf("%d→%d", from, to) }
	words := reasons
	if len(a.complaints) > 0 {
		words = append(words, fmt.Sprintf("%d complaints: %s", len(a.complaints), a.complaints[0]))
	}
	if o.did != "" {
		words = append(words, "done: "+o.did)
	}
	if a.keyframes > 0 {
		words = append(words, fmt.Sprintf("%.1f keyframes a second", a.keyframes))
	}
	if o.recovery > 0 {
		words = append(words, fmt.Sprintf("recovery %.1f s", o.recovery.Seconds()))
	}
	why := oneLine(strings.Join(words, "; "))
	fmt.Fprintf(t.to, columns, o.attack,
		change(b.gap.Milliseconds(), a.gap.Milliseconds()),
		change(b.freeze.Milliseconds(), a.freeze.Milliseconds()),
		change(b.join.Milliseconds(), a.join.Milliseconds()),
		fmt.Sprint(a.nearby.Milliseconds()),
		change(b.own.Milliseconds(), a.own.Milliseconds()),
		fmt.Sprintf("%d/%d", a.joins-len(a.refused), a.joins),
		mebibytes(o.before.heap, o.peak.heap, o.after.heap),
		mebibytes(o.before.resident, o.peak.resident, o.after.resident),
		fmt.Sprintf("%d %d %d", o.before.goroutines, o.peak.goroutines, o.after.goroutines),
		found, why[:min(len(why), maxWhy)])
}

func mebibytes(values ...uint64) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = fmt.Sprintf("%.1f", float64(v)/(1<<20))
	}
	return strings.Join(words, " ")
}
