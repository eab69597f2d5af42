package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/alecthomas/kong"
)

// scenario is one of the standard loads: flags of the run command.
type scenario struct {
	name  string
	flags string
	// storm: how fast people get in is what counts, not the packets.
	storm bool
}

// scenarios are what bench runs. A camera sends 1.5 Mbit/s in 6 packets a frame;
// in the rooms of two, of which there are many, a third of it, in 2 packets.
var scenarios = []scenario{
	{name: "1-30", flags: "--publishers 1 --subscribers 30"},
	{name: "1-100", flags: "--publishers 1 --subscribers 100"},
	{name: "meeting-6", flags: "--meeting 6 --audio"},
	{name: "audio-3-60", flags: "--publishers 3 --subscribers 60 --no-video --audio"},
	{name: "rooms-50x2", flags: "--rooms 50 --meeting 2 --audio --bitrate 500"},
	{name: "storm-100", flags: "--publishers 1 --subscribers 100 --ramp 0s --duration 1s --settle 500ms", storm: true},
}

// options parses the flags.
func (s *scenario) options() (*loadOptions, error) {
	var o loadOptions
	parser, err := kong.New(&o)
	if err != nil {
		return nil, err
	}
	_, err = parser.Parse(append(strings.Fields(s.flags), "--url", "ws://127.0.0.1/ws"))
	return &o, err
}

// choose picks scenarios by name; none means all.
func choose(names []string) ([]scenario, error) {
	if len(names) == 0 {
		return scenarios, nil
	}
	var chosen []scenario
	for _, name := range names {
		found := false
		for _, s := range scenarios {
			if s.name == name {
				chosen, found = append(chosen, s), true
			}
		}
		if !found {
			return nil, fmt.Errorf("no scenario %q", name)
		}
	}
	return chosen, nil
}

// What an RTP packet carries beside its payload.
const (
	rtpHeaderSize = 12
	extensionSize = 8
	gcmTag        = 16
)

// limitFlags describe the scenario's packets to the program that measures the
// machine's limit: their mean size, how many leave together, and for how many.
func (o *loadOptions) limitFlags() []string {
	m := o.media()
	rate := m.rate()
	bytes, events := 0.0, 0.0
	if o.Video {
		video := mediaOptions{bitrate: m.bitrate, fps: m.fps, packet: m.packet}
		bytes += float64(m.bitrate)/8 + video.rate()*vp8DescriptorSize
		events += m.fps
	}
	if o.Audio {
		bytes += float64(m.audioBitrate) / 8
		events += 50
	}
	fanout := o.Publishers + o.Subscribers - 1
	flag := func(name string, value float64) string { return fmt.Sprintf("-%s=%.0f", name, math.Round(value)) }
	return []string{
		flag("size", bytes/rate+rtpHeaderSize+extensionSize+gcmTag),
		flag("destinations", float64(o.Rooms*(o.Publishers+o.Subscribers))),
		flag("fanout", float64(fanout)),
		flag("burst", max(rate/events, 1)),
		flag("rate", rate*float64(o.Rooms*o.Publishers*fanout)),
	}
}
