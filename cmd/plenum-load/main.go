// Command plenum-load puts a server under load and tells what that cost: it joins
// rooms as publishers and subscribers through signaling/client, sends stamped
// media, and reports join times, loss, one-way latency and, given the server's
// process, its CPU time per forwarded packet.
//
// It is made to cost little beside the server whose machine it shares: received
// packets never reach pion (see path.go). What it leaves out a browser would do:
// it asks for nothing again and decodes nothing.
//
// The command bench runs the standard scenarios against a server and, in turn,
// against a plain forwarder (reference/) and beside the least that the machine can
// do (limit/), so that its figures are ratios that hold on any machine.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

type commandLine struct {
	Run   loadOptions  `cmd:"" default:"withargs" help:"Run one load (the default command)."`
	Bench benchOptions `cmd:"" help:"Run the standard scenarios and print a table of ratios."`
}

// loadOptions say what load to make.
type loadOptions struct {
	URL     string `placeholder:"URL" help:"WebSocket of the server, as ws://localhost:8080/ws."`
	Server  string `placeholder:"FILE" type:"existingfile" help:"Start this server on free ports of loopback instead, and measure it."`
	PID     int    `name:"pid" placeholder:"PID" help:"Process of the server at --url, to measure its CPU time and memory."`
	Metrics string `placeholder:"URL" help:"/metrics of the server; with --pid by default beside --url."`
	Token   string `placeholder:"JWT" help:"Access token for the rooms."`

	Publishers  int    `default:"1" placeholder:"N" help:"Publishers in each room (default ${default})."`
	Subscribers int    `default:"1" placeholder:"N" help:"Participants in each room who only receive (default ${default})."`
	Meeting     int    `placeholder:"N" help:"N who publish and receive all others, in each room; instead of --publishers and --subscribers."`
	Rooms       int    `default:"1" placeholder:"N" help:"Rooms (default ${default})."`
	Room        string `default:"load" placeholder:"NAME" help:"Name of the room, or what the names of several begin with (default ${default})."`

	Video      bool          `default:"true" negatable:"" help:"Publish VP8 video (the default)."`
	Audio      bool          `help:"Publish Opus audio, 50 packets a second."`
	Bitrate    int           `default:"1500" placeholder:"KBIT" help:"Video bitrate in kbit/s of payload (default ${default})."`
	FPS        float64       `name:"fps" default:"30" placeholder:"N" help:"Frames per second (default ${default})."`
	PacketSize int           `default:"1100" placeholder:"BYTES" help:"RTP payload at most (default ${default})."`
	Spread     time.Duration `placeholder:"DURATION" help:"Pace each frame's packets over this time; by default they leave at once."`
	Simulcast  bool          `help:"Publish three layers of video."`
	Feedback   bool          `default:"true" negatable:"" help:"Tell the server of each packet's arrival, as browsers do (the default), where it numbers packets for that."`

	Ramp        time.Duration `default:"1s" placeholder:"DURATION" help:"Spread the joins of publishers, then those of subscribers, over this time; 0 is all at once (default ${default})."`
	Duration    time.Duration `default:"10s" placeholder:"DURATION" help:"How long to measure once everyone gets media (default ${default})."`
	Settle      time.Duration `default:"1s" placeholder:"DURATION" help:"How long to wait before that (default ${default})."`
	JoinTimeout time.Duration `default:"20s" placeholder:"DURATION" help:"How long a join may take (default ${default})."`

	JSON bool `name:"json" help:"Print JSON instead of a table."`
}

// Validate is called by kong once all flags are known.
func (o *loadOptions) Validate() error {
	if o.Meeting > 0 {
		o.Publishers, o.Subscribers = o.Meeting, 0
	}
	if (o.URL == "") == (o.Server == "") {
		return errors.New("either --url or --server is needed")
	}
	if o.URL != "" {
		if u, err := url.Parse(o.URL); err != nil || u.Host == "" {
			return fmt.Errorf("--url %q is no URL", o.URL)
		}
	}
	switch {
	case o.Publishers < 0 || o.Subscribers < 0 || o.Rooms < 1 || o.Publishers+o.Subscribers == 0:
		return errors.New("nobody to join")
	case !o.Video && !o.Audio && o.Publishers > 0:
		return errors.New("publishers need --video or --audio")
	case o.FPS <= 0 || o.FPS > 240:
		return errors.New("--fps must be above 0 and at most 240")
	case o.PacketSize < 100 || o.PacketSize > 1400:
		return errors.New("--packet-size must be 100 to 1400")
	case o.Bitrate < 1 || o.Bitrate > 100_000:
		return errors.New("--bitrate must be 1 to 100000")
	case o.Spread < 0 || o.Spread.Seconds() > 0.9/o.FPS:
		return errors.New("--spread must be shorter than a frame lasts")
	case o.Duration <= 0 || o.Ramp < 0 || o.Settle < 0 || o.JoinTimeout <= 0:
		return errors.New("durations must be positive")
	}
	return nil
}

// media is what each publisher sends.
func (o *loadOptions) media() mediaOptions {
	m := mediaOptions{fps: o.FPS, packet: o.PacketSize, spread: o.Spread, simulcast: o.Simulcast}
	if o.Video {
		m.bitrate = o.Bitrate * 1000
	}
	if o.Audio {
		m.audioBitrate = audioBitrate
	}
	return m
}

// audioBitrate is what Opus speech takes, in bit/s.
const audioBitrate = 32_000

func (o *loadOptions) room(i int) string {
	if o.Rooms == 1 {
		return o.Room
	}
	return o.Room + "-" + strconv.Itoa(i)
}

// Run is the command.
func (o *loadOptions) Run(ctx context.Context, s streams) error {
	r, err := o.execute(ctx, s.err)
	if err != nil {
		return err
	}
	if o.JSON {
		return json.NewEncoder(s.out).Encode(r)
	}
	return r.table(s.out)
}

// streams are where a command writes: results to out, progress to err.
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
		kong.Name("plenum-load"),
		kong.Description("Puts a Plenum server under load and tells what that cost."),
		kong.Writers(out, errOut),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{out, errOut}),
	)
	if err != nil {
		fmt.Fprintln(errOut, "plenum-load:", err)
		return 2
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(errOut, "plenum-load: %v\nSee plenum-load --help.\n", err)
		return 2
	}
	if err := chosen.Run(); err != nil {
		fmt.Fprintln(errOut, "plenum-load:", err)
		return 1
	}
	return 0
}
