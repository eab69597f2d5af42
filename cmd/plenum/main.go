// Command plenum is the server: it reads flags and configuration, wires the
// engine (plenum/sfu), the signaling (plenum/signaling) and the web app
// (plenum/web) together, exports metrics, and drains on SIGTERM.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alecthomas/kong"
)

// commandLine is what plenum understands. Without a command it serves.
type commandLine struct {
	Serve   serveCommand   `cmd:"" default:"withargs" help:"Serve calls (the default command)."`
	Token   tokenCommand   `cmd:"" help:"Mint an access token."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run carries out one command line and returns the exit code: 1 for a command
// that failed, 2 for one that could not be understood.
func run(args []string, out, errOut io.Writer) int {
	var line commandLine
	parser, err := newParser(&line, out, errOut)
	if err != nil {
		fmt.Fprintln(errOut, "plenum:", err)
		return 2
	}
	command, err := parser.Parse(args)
	var parseErr *kong.ParseError
	switch {
	case errors.As(err, &parseErr):
		fmt.Fprintf(errOut, "plenum: %v\nSee plenum --help.\n", err)
		return 2
	case err != nil:
		fmt.Fprintln(errOut, "plenum:", err)
		return 2
	}
	if err := command.Run(streams{out, errOut}); err != nil {
		complain(errOut, err)
		return 1
	}
	return 0
}

// complain says why a command failed, unless that goes to a pipe which nobody reads: the
// process ends all the same.
func complain(errOut io.Writer, err error) {
	said := make(chan struct{})
	go func() {
		defer close(said)
		fmt.Fprintln(errOut, "plenum:", err)
	}()
	select {
	case <-said:
	case <-time.After(logFlush):
	}
}

// streams are where a command writes: results to out, log lines to err.
type streams struct{ out, err io.Writer }

func newParser(line *commandLine, out, errOut io.Writer) (*kong.Kong, error) {
	return kong.New(line,
		kong.Name("plenum"),
		kong.Description("A WebRTC server for group calls: one binary, one media port."),
		kong.Writers(out, errOut),
		kong.DefaultEnvars("PLENUM"),
		kong.Configuration(loadYAML),
		kong.UsageOnError(),
	)
}
