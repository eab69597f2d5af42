// Command bot is a participant on pion for the interop and browser tests: it
// publishes a scripted camera and microphone, which cost no encoder, receives
// everyone's, and prints what it sent and got as one line of JSON five times a
// second, until its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"plenum/signaling/client"
)

// line is what the bot prints.
type line struct {
	ID     string   `json:"id"`
	Sent   []layer  `json:"sent"` // of the camera, lowest first
	Tracks []track  `json:"tracks"`
	Errors []string `json:"errors"`
}

type layer struct {
	Active    bool   `json:"active"` // anyone wants it, as the server says
	Frames    uint64 `json:"frames"`
	Keyframes uint64 `json:"keyframes"`
	Requests  uint64 `json:"requests"` // for key frames
}

type track struct {
	Participant string        `json:"participant"`
	Source      client.Source `json:"source"`
	Codec       string        `json:"codec"`
	Packets     uint64        `json:"packets"`
	Lost        uint64        `json:"lost"`
	Frames      uint64        `json:"frames"`
	Keyframes   uint64        `json:"keyframes"`
	Width       int           `json:"width"`
	Height      int           `json:"height"`
	Faults      uint64        `json:"faults"` // numbers that run backwards or repeat
}

type bot struct {
	video   *client.Video
	rids    []string
	reading sync.WaitGroup

	mu        sync.Mutex
	receivers []received
	errors    []string
	off       map[int]bool           // layers that nobody wants
	remote    map[string]client.Wish // what others publish, where the bot wants none of it
}

type received struct {
	track    client.Track
	receiver *client.Receiver
}

func (b *bot) on(e client.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := e.(type) {
	case client.Track:
		r := client.NewReceiver(e)
		b.receivers = append(b.receivers, received{e, r})
		b.reading.Go(func() { _ = r.Run() }) // ends with the track
	case client.Tracks:
		for _, t := range e.Tracks {
			b.remote[t.ID] = client.Wish{Enabled: false}
		}
	case client.Layers:
		for i, rid := range b.rids {
			if active, said := e.Active[rid]; said {
				b.off[i] = !active
				b.video.SetLayer(i, active)
			}
		}
	case client.Error:
		b.errors = append(b.errors, e.Error())
	case client.SignalLost:
		b.errors = append(b.errors, e.Err.Error())
	}
}

func (b *bot) line(id string) line {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := line{ID: id, Tracks: []track{}, Errors: append([]string{}, b.errors...)}
	for i := range max(1, len(b.rids)) {
		s := b.video.Stats(i)
		l.Sent = append(l.Sent, layer{!b.off[i], s.Frames, s.Keyframes, s.KeyframeRequests})
	}
	for _, r := range b.receivers {
		report := r.receiver.Report()
		l.Tracks = append(l.Tracks, track{
			Participant: r.track.Info.Participant, Source: r.track.Info.Source, Codec: r.track.Remote.Codec().MimeType,
			Packets: report.Packets, Lost: report.Lost, Frames: report.Frames, Keyframes: report.Keyframes,
			Width: report.Width, Height: report.Height,
			Faults: report.Duplicates + report.TimestampErrors + report.PictureIDErrors + report.Malformed,
		})
	}
	return l
}

// unwanted takes what the server is to be told that the bot doesn't want.
func (b *bot) unwanted() map[string]client.Wish {
	b.mu.Lock()
	defer b.mu.Unlock()
	wishes := b.remote
	b.remote = map[string]client.Wish{}
	return wishes
}

// options say what kind of participant the bot is.
type options struct {
	url, room, name string
	keyframes       time.Duration
	fps             float64
	simulcast       bool
	deaf            bool
}

func main() {
	var o options
	flag.StringVar(&o.url, "url", "", "ws://host:port/ws")
	flag.StringVar(&o.room, "room", "interop", "room to join")
	flag.StringVar(&o.name, "name", "bot", "name to show")
	flag.DurationVar(&o.keyframes, "keyframes", time.Second, "time between key frames; 0 makes them on request only")
	flag.Float64Var(&o.fps, "fps", 30, "frames per second")
	flag.BoolVar(&o.simulcast, "simulcast", false, "publish the camera in three layers")
	flag.BoolVar(&o.deaf, "deaf", false, "receive nobody's tracks")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "bot:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	b := &bot{off: map[int]bool{}, remote: map[string]client.Wish{}}
	config := client.VideoConfig{KeyframeInterval: o.keyframes, FPS: o.fps}
	if o.simulcast {
		config.Layers = client.SimulcastLayers()
		for _, l := range config.Layers {
			b.rids = append(b.rids, l.RID)
		}
	}
	video, err := client.NewVideo(config)
	if err != nil {
		return err
	}
	b.video = video
	audio, err := client.NewAudio(client.AudioConfig{})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c, err := client.Join(ctx, client.Options{
		URL: o.url, Room: o.room, Name: o.name, On: b.on,
		Publish: []client.Local{video.Local(client.Camera), audio.Local(client.Microphone)},
	})
	if err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started the bot is done with it
		c.Leave()
	}()
	go video.Run(ctx)
	go audio.Run(ctx)

	out := json.NewEncoder(os.Stdout)
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if wishes := b.unwanted(); o.deaf && len(wishes) > 0 {
				_ = c.Subscribe(wishes) // fails where the signaling is lost, which ends the bot's use anyway
			}
			if err := out.Encode(b.line(c.ID())); err != nil {
				c.Leave()
			}
		case <-c.Done():
			b.reading.Wait()
			return nil
		}
	}
}
