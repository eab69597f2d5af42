// Command bot is a participant on pion for the interop tests: it publishes a
// scripted camera and microphone, receives everyone's, and prints what it got
// as one line of JSON five times a second, until its standard input ends.
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
	Tracks []track  `json:"tracks"`
	Errors []string `json:"errors"`
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
	mu        sync.Mutex
	receivers []received
	errors    []string
	reading   sync.WaitGroup
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

func main() {
	url := flag.String("url", "", "ws://host:port/ws")
	room := flag.String("room", "interop", "room to join")
	name := flag.String("name", "bot", "name to show")
	keyframes := flag.Duration("keyframes", time.Second, "time between key frames; 0 makes them on request only")
	flag.Parse()
	if err := run(*url, *room, *name, *keyframes); err != nil {
		fmt.Fprintln(os.Stderr, "bot:", err)
		os.Exit(1)
	}
}

func run(url, room, name string, keyframes time.Duration) error {
	video, err := client.NewVideo(client.VideoConfig{KeyframeInterval: keyframes})
	if err != nil {
		return err
	}
	audio, err := client.NewAudio(client.AudioConfig{})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	b := new(bot)
	c, err := client.Join(ctx, client.Options{
		URL: url, Room: room, Name: name, On: b.on,
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
			if err := out.Encode(b.line(c.ID())); err != nil {
				c.Leave()
			}
		case <-c.Done():
			b.reading.Wait()
			return nil
		}
	}
}
