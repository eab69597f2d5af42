package main

import (
	"strings"
	"testing"
	"time"
)

func TestVerdict(t *testing.T) {
	quiet := phase{gap: 40 * ms, freeze: 90 * ms, join: 300 * ms, joins: 5}
	with := func(change func(*phase)) phase {
		p := quiet
		change(&p)
		return p
	}
	usual := memory{heap: 10 << 20, resident: 50 << 20, goroutines: 200}
	for _, c := range []struct {
		name    string
		outcome outcome
		want    verdict
		reason  string // part of the first
	}{
		{"nothing", outcome{baseline: quiet, attacked: quiet, before: usual, after: usual}, unharmed, ""},
		{"silence", outcome{attacked: with(func(p *phase) { p.gap = 201 * ms })}, harmed, "silence of 201 ms"},
		{"as long as may be", outcome{attacked: with(func(p *phase) { p.gap, p.join = maxGap, maxJoin })}, unharmed, ""},
		{"freeze", outcome{attacked: with(func(p *phase) { p.freeze = 2 * time.Second })}, harmed, "picture"},
		{"join", outcome{attacked: with(func(p *phase) { p.join = 1100 * ms })}, harmed, "a join took 1100 ms"},
		{"keyframes", outcome{attacked: with(func(p *phase) { p.keyframes = 3 })}, harmed, "3.0 keyframes a second"},
		{"refusal", outcome{attacked: with(func(p *phase) { p.refused = []string{"server-full"} })}, harmed, "1 of 5 joins failed: server-full"},
		{"end", outcome{attacked: with(func(p *phase) { p.ended = []string{"Ada: closed"} })}, harmed, "1 calls ended: Ada"},
		{"complaint", outcome{attacked: with(func(p *phase) { p.complaints = []string{"Ada: disconnected"} })}, unharmed, ""},
		{"bystanders", outcome{attacked: with(func(p *phase) { p.nearby = time.Second })}, unharmed, ""},
		{"crash", outcome{attacked: quiet, crashed: "panic"}, harmed, "the server ended: panic"},
		{"check", outcome{attacked: quiet, failed: "no screen share"}, harmed, "no screen share"},
		{"noise", outcome{
			baseline: with(func(p *phase) { p.gap = 300 * ms }), attacked: with(func(p *phase) { p.gap = 400 * ms }),
		}, noisy, "silence of 400 ms"},
		{"attackers at a loss", outcome{attacked: quiet, invalid: "connection refused"}, broken, "connection refused"},
		{"no root", outcome{skipped: "needs root"}, passedBy, "needs root"},
		{"leak", outcome{attacked: quiet, before: usual, after: memory{heap: 16 << 20, resident: 50 << 20, goroutines: 200}}, harmed, "heap 10 → 16 MiB"},
		{"goroutines", outcome{attacked: quiet, before: usual, after: memory{heap: 10 << 20, resident: 50 << 20, goroutines: 500}}, harmed, "goroutines 200 → 500"},
		{"wobble", outcome{attacked: quiet, before: usual, after: memory{heap: 14 << 20, resident: 70 << 20, goroutines: 220}}, unharmed, ""},
		{"memory unknown", outcome{attacked: quiet, after: usual}, unharmed, ""},
	} {
		got, reasons := c.outcome.judge()
		if got != c.want {
			t.Errorf("%s: %s %q, want %s", c.name, got, reasons, c.want)
			continue
		}
		if c.reason != "" && (len(reasons) == 0 || !strings.Contains(reasons[0], c.reason)) {
			t.Errorf("%s: %q, want %q", c.name, reasons, c.reason)
		}
	}
}
