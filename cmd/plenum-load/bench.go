package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// benchOptions say what to compare.
type benchOptions struct {
	Server    string        `required:"" placeholder:"FILE" type:"existingfile" help:"The server."`
	Reference string        `required:"" placeholder:"FILE" type:"existingfile" help:"The plain forwarder (cmd/plenum-load/reference)."`
	Limit     string        `required:"" placeholder:"FILE" type:"existingfile" help:"The program that measures the machine's limit (cmd/plenum-load/limit)."`
	Scenarios []string      `placeholder:"NAME,…" help:"Scenarios to run, all by default: 1-30, 1-100, meeting-6, audio-3-60, rooms-50x2, storm-100."`
	Duration  time.Duration `default:"4s" placeholder:"DURATION" help:"Steady window of each run (default ${default})."`
	Runs      int           `default:"3" placeholder:"N" help:"Runs of each scenario against each server, in turn (default ${default})."`
	Spread    time.Duration `placeholder:"DURATION" help:"Pace each frame's packets over this time; by default they leave at once."`
	JSON      bool          `name:"json" help:"Print JSON instead of tables."`
}

// benchResult is what was found of one scenario.
type benchResult struct {
	Scenario  string        `json:"scenario"`
	Server    []*report     `json:"server"`
	Reference []*report     `json:"reference"`
	Limit     []limitResult `json:"limit,omitempty"`

	storm bool
}

// limitDuration is how long each way of sending is measured, between two runs.
const limitDuration = 700 * time.Millisecond

// limitResult is one way of sending, as the limit program prints it.
type limitResult struct {
	Mode      string  `json:"mode"`
	Paced     bool    `json:"paced"`
	PerPacket float64 `json:"us_per_packet"`
}

// Run is the command.
func (b *benchOptions) Run(ctx context.Context, s streams) error {
	chosen, err := choose(b.Scenarios)
	if err != nil {
		return err
	}
	if b.Runs < 1 || b.Duration <= 0 {
		return fmt.Errorf("--runs and --duration must be positive")
	}
	bench := &bench{options: b, streams: s, began: time.Now()}
	flat, err := bench.limits(ctx, "-rate=0")
	if err != nil {
		return err
	}
	var results []*benchResult
	for i := range chosen {
		r, err := bench.scenario(ctx, &chosen[i])
		if err != nil {
			return fmt.Errorf("%s: %w", chosen[i].name, err)
		}
		results = append(results, r)
	}
	if b.JSON {
		return json.NewEncoder(s.out).Encode(struct {
			FlatOut   []limitResult  `json:"limit_flat_out"`
			Scenarios []*benchResult `json:"scenarios"`
		}{flat, results})
	}
	return printBench(s.out, flat, results)
}

// bench is one run of the command.
type bench struct {
	options *benchOptions
	streams streams
	began   time.Time
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.streams.err, "%4.0f s  %s\n", time.Since(b.began).Seconds(), fmt.Sprintf(format, args...))
}

// scenario runs one scenario against both servers in turn, so that what changes
// on the machine meanwhile meets both, and measures the limit in between.
func (b *bench) scenario(ctx context.Context, s *scenario) (*benchResult, error) {
	options, err := s.options()
	if err != nil {
		return nil, err
	}
	result := &benchResult{Scenario: s.name, storm: s.storm}
	for i := range b.options.Runs {
		for _, side := range []struct {
			name, path string
			reports    *[]*report
		}{
			{"plenum", b.options.Server, &result.Server},
			{"reference", b.options.Reference, &result.Reference},
		} {
			r, err := b.load(ctx, s, side.path)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", side.name, err)
			}
			*side.reports = append(*side.reports, r)
			b.told(s, side.name, i, r)
		}
		if !s.storm {
			limit, err := b.limits(ctx, append(options.limitFlags(), "-duration="+limitDuration.String())...)
			if err != nil {
				return nil, err
			}
			result.Limit = append(result.Limit, limit...)
		}
	}
	return result, nil
}

// told prints what one run found.
func (b *bench) told(s *scenario, side string, i int, r *report) {
	cost := "unknown"
	if r.Server != nil {
		cost = fmt.Sprintf("%.2f µs", r.Server.PerPacket)
	}
	b.say("%s, %s, run %d of %d: %s per packet, p99 %.1f ms, %d lost, all in within %.2f s",
		s.name, side, i+1, b.options.Runs, cost, r.Latency.P99, r.Media.Lost, r.Join.All)
}

// benchSettle is how long a load flows before it is measured: a server that fits
// itself to its load has done so by then.
const benchSettle = 2 * time.Second

// load runs one scenario in a process of its own, so that no run inherits
// another's heap.
func (b *bench) load(ctx context.Context, s *scenario, server string) (*report, error) {
	args := []string{"run", "--json", "--server", server, "--duration", b.options.Duration.String(), "--spread", b.options.Spread.String(), "--settle", benchSettle.String()}
	out, err := b.output(ctx, "", append(args, strings.Fields(s.flags)...))
	if err != nil {
		return nil, err
	}
	r := new(report)
	return r, json.Unmarshal(out, r)
}

// limits measures the machine's limit.
func (b *bench) limits(ctx context.Context, flags ...string) ([]limitResult, error) {
	out, err := b.output(ctx, b.options.Limit, flags)
	if err != nil {
		return nil, fmt.Errorf("limit: %w", err)
	}
	var results []limitResult
	return results, json.Unmarshal(out, &results)
}

// output runs a program, this one if path is empty, and returns what it prints.
// What it says meanwhile is shown only if it fails.
func (b *bench) output(ctx context.Context, path string, args []string) ([]byte, error) {
	if path == "" {
		var err error
		if path, err = os.Executable(); err != nil {
			return nil, err
		}
	}
	var said bytes.Buffer
	c := exec.CommandContext(ctx, path, args...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) } // it has a server to stop
	c.WaitDelay = 2 * stopTimeout
	c.Stderr = &said
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, said.String())
	}
	return out, nil
}
