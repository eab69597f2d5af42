// Command call keeps calls going on a server: rooms of bots that publish and watch
// each other. One in each room shows somebody small, and the next not at all, as people
// do whose window is full. The tests of what watches a server watch these; see deploy/test.
//
// It prints "connected" once everyone receives everyone's media, and leaves when it
// is told to (SIGTERM, SIGINT, or the end of its standard input) and when the server
// drains.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"plenum/signaling/client"
)

func main() {
	url := flag.String("url", "ws://localhost:8080/ws", "signaling `URL` of the server")
	rooms := flag.Int("rooms", 1, "number of rooms")
	people := flag.Int("people", 3, "participants in each room")
	prefix := flag.String("prefix", "call", "what names of rooms and participants begin with")
	token := flag.String("token", "", "access token, for servers that want one")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started this is gone
		stop()
	}()
	c := call{url: *url, token: *token, people: *people, everyone: make(chan struct{}), videos: map[string][]string{}}
	c.missing = *rooms * *people * (*people - 1) * tracksEach
	if err := c.run(ctx, *rooms, *prefix); err != nil {
		log.Fatal(err)
	}
}

// tracksEach is how many tracks a participant publishes: a camera and a microphone.
const tracksEach = 2

// call is all bots of one process.
type call struct {
	url, token string
	people     int

	media sync.WaitGroup // senders and receivers

	mu       sync.Mutex
	missing  int                 // remote tracks that no packet came of yet
	videos   map[string][]string // ids of remote videos, by who watches: the first in each room
	everyone chan struct{}       // closed when none is missing
}

// run holds the calls until ctx is done, or somebody is thrown out.
func (c *call) run(ctx context.Context, rooms int, prefix string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer c.media.Wait()
	defer cancel(nil)
	var clients []*client.Client
	choosy := map[string]*client.Client{} // by room
	defer func() {
		for _, bot := range clients {
			bot.Leave()
			bot.Close()
		}
	}()
	for room := range rooms {
		for n := range c.people {
			name := fmt.Sprintf("%s-%d", prefix, room)
			bot, err := c.join(ctx, cancel, name, fmt.Sprintf("%s person %d", prefix, n), n == 0)
			if err != nil {
				return err
			}
			clients = append(clients, bot)
			if n == 0 {
				choosy[name] = bot
			}
		}
	}
	select {
	case <-c.everyone:
		for room, bot := range choosy {
			if err := bot.Subscribe(c.choose(room)); err != nil {
				return fmt.Errorf("subscribe in %s: %w", room, err)
			}
		}
		fmt.Println("connected")
	case <-ctx.Done():
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

func (c *call) join(ctx context.Context, fail context.CancelCauseFunc, room, name string, choosy bool) (*client.Client, error) {
	video, err := client.NewVideo(client.VideoConfig{Layers: client.SimulcastLayers()})
	if err != nil {
		return nil, err
	}
	audio, err := client.NewAudio(client.AudioConfig{})
	if err != nil {
		return nil, err
	}
	bot, err := client.Join(ctx, client.Options{
		URL: c.url, Room: room, Name: name, Token: c.token,
		Publish: []client.Local{audio.Local(client.Microphone), video.Local(client.Camera)},
		On: func(e client.Event) {
			switch e := e.(type) {
			case client.Track:
				if choosy && e.Info.Kind == "video" {
					c.remember(room, e.Info.ID)
				}
				c.watch(e)
			case client.Drain:
				fail(nil) // the server goes away, and so does everyone
			case client.Error:
				log.Printf("%s in %s: %v", name, room, e)
			case client.Closed:
				if !errors.Is(e.Cause, client.ErrLeft) {
					fail(fmt.Errorf("%s in %s: %w", name, room, e.Cause))
				}
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("%s in %s: %w", name, room, err)
	}
	c.media.Go(func() { video.Run(ctx) })
	c.media.Go(func() { audio.Run(ctx) })
	return bot, nil
}

// watch receives a track, whose packets have begun to come, as a browser does: with
// reports, NACKs and keyframe requests.
func (c *call) watch(t client.Track) {
	c.arrived()
	receiver := client.NewReceiver(t)
	c.media.Go(func() { _ = receiver.Run() }) // it ends with the track
}

func (c *call) remember(room, video string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.videos[room] = append(c.videos[room], video)
}

// choose is what the choosy one of a room wants of the videos there: the first in a
// thumbnail, the second not at all, the rest as good as can be.
func (c *call) choose(room string) map[string]client.Wish {
	c.mu.Lock()
	defer c.mu.Unlock()
	wishes := map[string]client.Wish{}
	for i, video := range c.videos[room] {
		switch i {
		case 0:
			wishes[video] = client.Wish{Enabled: true, Width: 160, Height: 90}
		case 1:
			wishes[video] = client.Wish{}
		}
	}
	return wishes
}

func (c *call) arrived() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.missing--; c.missing == 0 {
		close(c.everyone)
	}
}
