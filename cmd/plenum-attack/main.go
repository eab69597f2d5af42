package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type commandLine struct {
	Run    runner        `cmd:"" default:"withargs" help:"Attack a server in turn in all ways (the default command)."`
	Strike strikeCommand `cmd:"" hidden:"" help:"Attack a server in one way: the attackers' process."`
}

// runner attacks a server in turn in several ways.
type runner struct {
	Server   string        `default:"bin/plenum" placeholder:"FILE" type:"path" help:"The server (default ${default})."`
	Attacks  []string      `placeholder:"NAME" help:"Attack in these ways only, separated by commas."`
	List     bool          `help:"List the attacks and do nothing."`
	Duration time.Duration `default:"8s" placeholder:"DURATION" help:"How long each attack lasts (default ${default})."`
	Baseline time.Duration `default:"4s" placeholder:"DURATION" help:"How long to measure before it (default ${default})."`
	Recovery time.Duration `default:"45s" placeholder:"DURATION" help:"How long the server's memory may take to come back (default ${default})."`
	Quick    bool          `help:"Don't try again what did harm."`
}

// Validate is called by kong once all flags are known.
func (r *runner) Validate() error {
	if r.Duration <= 0 || r.Baseline <= 0 || r.Recovery < 0 {
		return errors.New("durations must be positive")
	}
	_, err := choose(r.Attacks)
	return err
}

func (r *runner) timing() timing {
	return timing{
		settle: 1500 * time.Millisecond, baseline: r.Baseline, attack: r.Duration,
		linger: time.Second, recovery: r.Recovery,
	}
}

// errHarm is the outcome that the exit code tells.
var errHarm = errors.New("attacks did harm")

// Run is the command.
func (r *runner) Run(ctx context.Context, s streams) error {
	chosen, err := choose(r.Attacks)
	if err != nil {
		return err
	}
	if r.List {
		for _, a := range chosen {
			fmt.Fprintf(s.out, "%-18s %s\n", a.name, a.about)
		}
		return nil
	}
	defer rankSelf(ranks().measured)()
	table := newTable(s.out)
	table.header()
	var bad []string
	for _, a := range chosen {
		found, err := r.try(ctx, a, table)
		if err != nil {
			return err
		}
		if found != unharmed && found != passedBy {
			bad = append(bad, fmt.Sprintf("%s (%s)", a.name, found))
		}
	}
	if len(bad) > 0 {
		return fmt.Errorf("%d of %d %w: %s", len(bad), len(chosen), errHarm, strings.Join(bad, ", "))
	}
	return nil
}

// try carries out one attack, and once more if something is wrong: what other programs
// do to this machine seldom happens twice.
func (r *runner) try(ctx context.Context, a attack, t *table) (found verdict, err error) {
	for range 2 {
		o, err := r.run(ctx, a)
		if err != nil {
			return broken, err
		}
		t.row(&o)
		found, _ = o.judge()
		if r.Quick || found == unharmed || found == passedBy {
			break
		}
	}
	return found, nil
}

// streams are where a command writes: results to out, complaints to err.
type streams struct{ out, err io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	context.AfterFunc(ctx, stop) // a second signal ends the process
	os.Exit(command(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// command carries out one command line and returns the exit code.
func command(ctx context.Context, args []string, out, errOut io.Writer) int {
	var line commandLine
	parser, err := kong.New(&line,
		kong.Name("plenum-attack"),
		kong.Description("Runs calls on a Plenum server on loopback, attacks it, and tells what harm that did."),
		kong.Writers(out, errOut),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{out, errOut}),
	)
	if err != nil {
		fmt.Fprintln(errOut, "plenum-attack:", err)
		return 2
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errOut, "plenum-attack: %v\nSee plenum-attack --help.\n", err)
		return 2
	}
	if err := chosen.Run(); err != nil {
		fmt.Fprintln(errOut, "plenum-attack:", err)
		return 1
	}
	return 0
}
