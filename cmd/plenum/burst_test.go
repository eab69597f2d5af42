package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// burst is how many join a room at once.
const burst = 20

// TestBurstsOfJoins has PLENUM_JOINS people (40 if not set) join rooms in which somebody
// already sends, twenty at a time, and no one may fail to connect or to see the
// camera that is there: the server's own offer comes while their ICE begins.
func TestBurstsOfJoins(t *testing.T) {
	joins := 2 * burst
	if text := os.Getenv("PLENUM_JOINS"); text != "" {
		var err error
		if joins, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		t.Skip("takes seconds")
	}
	p := start(t, "--limit-connections", "0", "--limit-joins", "0", "--limit-resumes", "0")
	p.quiet.Store(true)
	connected := 0
	var slowest time.Duration
	for i := 0; i < joins; i += burst {
		room := fmt.Sprintf("burst%d", i)
		host, leave := occupy(t, p, room)
		results := make(chan error, burst)
		var guests sync.WaitGroup
		began := time.Now()
		for range burst {
			guests.Go(func() { results <- arrive(t.Context(), p, room, host) })
		}
		guests.Wait()
		slowest = max(slowest, time.Since(began))
		for range burst {
			if err := <-results; err != nil {
				t.Error(err)
			} else {
				connected++
			}
		}
		leave()
	}
	t.Logf("%d of %d connected and saw the camera; the slowest %d took %v", connected, joins, burst, slowest)
}

// occupy joins a room with a camera, which others see by the time it returns.
func occupy(t *testing.T, p *process, room string) (id string, leave func()) {
	t.Helper()
	video, err := client.NewVideo(client.VideoConfig{FPS: 5})
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Join(t.Context(), client.Options{
		URL: "ws://" + p.addr + "/ws", Room: room, Publish: []client.Local{video.Local(client.Camera)},
	})
	if err != nil {
		t.Fatal(err)
	}
	playing, stop := context.WithCancel(t.Context())
	var sources sync.WaitGroup
	sources.Go(func() { video.Run(playing) })
	if err := arrive(t.Context(), p, room, c.ID()); err != nil {
		t.Fatal(err)
	}
	return c.ID(), func() {
		stop()
		sources.Wait()
		c.Leave()
		c.Close()
	}
}

// arrive joins a room with a camera of its own, and leaves when the media path is there and
// the host's track has come.
func arrive(ctx context.Context, p *process, room, host string) error {
	const patience = time.Minute
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("no connection or no track"))
	defer cancel()
	video, err := client.NewVideo(client.VideoConfig{FPS: 5})
	if err != nil {
		return err
	}
	connected, seen := make(chan struct{}), make(chan struct{})
	var once, onceSeen sync.Once
	var state webrtc.PeerConnectionState
	var mu sync.Mutex
	var reading sync.WaitGroup
	defer reading.Wait()
	c, err := client.Join(ctx, client.Options{
		URL: "ws://" + p.addr + "/ws", Room: room, Publish: []client.Local{video.Local(client.Camera)},
		On: func(event client.Event) {
			switch e := event.(type) {
			case client.State:
				mu.Lock()
				state = e.State
				mu.Unlock()
				if e.State == webrtc.PeerConnectionStateConnected {
					once.Do(func() { close(connected) })
				}
			case client.Track:
				reading.Go(func() { // until the track ends
					packet := make([]byte, 1500)
					for {
						if _, _, err := e.Remote.Read(packet); err != nil {
							return
						}
						if e.Info.Participant == host {
							onceSeen.Do(func() { close(seen) })
						}
					}
				})
			}
		},
	})
	if err != nil {
		return err
	}
	defer c.Close()
	defer c.Leave()
	for _, event := range []chan struct{}{connected, seen} {
		select {
		case <-event:
		case <-ctx.Done():
			mu.Lock()
			defer mu.Unlock()
			return fmt.Errorf("%s in %s: %w, state %v", c.ID(), room, context.Cause(ctx), state)
		}
	}
	return nil
}
