package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"plenum/signaling/client"
)

// level is how much of what can leak a server holds.
type level struct {
	participants, sessions, rooms float64
	goroutines, sockets, heap     float64
}

func (l level) String() string {
	return fmt.Sprintf("%.0f participants, %.0f sessions, %.0f rooms, %.0f goroutines, %.0f file descriptors, %.1f MB of heap",
		l.participants, l.sessions, l.rooms, l.goroutines, l.sockets, l.heap/1e6)
}

var sample = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{[^}]*\})? ([0-9.e+]+)$`)

// measure reads the level out of a scrape.
func measure(t *testing.T, p *process) level {
	t.Helper()
	_, _, text := get(t, http.DefaultClient, "http://"+p.metrics+"/metrics")
	sums := map[string]float64{}
	for _, found := range sample.FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(found[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		sums[found[1]] += value
	}
	return level{
		sums["plenum_participants"], sums["plenum_sessions"], sums["plenum_rooms"],
		sums["go_goroutines"], sums["process_open_fds"], sums["go_memstats_heap_alloc_bytes"],
	}
}

// settle scrapes until nobody is left and fits says so, and fails after within.
func settle(t *testing.T, p *process, within time.Duration, fits func(level) bool) level {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		now := measure(t, p)
		if now.participants+now.sessions+now.rooms == 0 && fits(now) {
			return now
		}
		select {
		case <-deadline:
			t.Fatalf("after %v there are still %v", within, now)
		case <-tick.C:
		}
	}
}

// TestSoakLeavesNothing has people with camera and microphone come and go, some of
// them without a word, for PLENUM_SOAK (a few seconds if not set). In the end the
// server must hold what it held before.
func TestSoakLeavesNothing(t *testing.T) {
	duration := 5 * time.Second
	if text := os.Getenv("PLENUM_SOAK"); text != "" {
		var err error
		if duration, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		t.Skip("takes seconds")
	}
	p := start(t, "--resume-timeout", "1s", "--limit-connections", "0", "--limit-joins", "0", "--limit-resumes", "0")
	p.quiet.Store(true)
	defer func() {
		if err := p.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if code := p.ends(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}()

	// What is made once and kept (pools, TLS tables, lazily started goroutines) is no leak.
	comeAndGo(t, p, 2*time.Second)
	http.DefaultClient.CloseIdleConnections()
	before := settle(t, p, 30*time.Second, func(level) bool { return true })
	visits := comeAndGo(t, p, duration)
	t.Logf("%d visits in %v, before: %v", visits, duration, before)
	if visits == 0 {
		t.Fatal("nobody came")
	}
	// An idle Go process collects its garbage every two minutes.
	within := 30 * time.Second
	if os.Getenv("PLENUM_SOAK") != "" {
		within = 150 * time.Second
	}
	after := settle(t, p, within, func(now level) bool {
		return now.goroutines <= before.goroutines+3 && now.sockets <= before.sockets+2 &&
			(os.Getenv("PLENUM_SOAK") == "" || now.heap <= before.heap+8e6)
	})
	t.Logf("after: %v", after)
}

// comeAndGo runs visitors for that long and returns how many visits there were.
func comeAndGo(t *testing.T, p *process, duration time.Duration) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), duration)
	defer cancel()
	end, _ := ctx.Deadline() // which a dialer notices before the context does
	var visits atomic.Int64
	var visitors sync.WaitGroup
	for range 6 {
		visitors.Go(func() {
			for ctx.Err() == nil {
				if err := visit(ctx, p); err != nil && time.Now().Before(end) {
					t.Error(err)
					return
				}
				visits.Add(1)
			}
		})
	}
	visitors.Wait()
	return visits.Load()
}

// visit joins one of two rooms, stays up to two seconds, and leaves in one of three ways.
func visit(ctx context.Context, p *process) error {
	video, err := client.NewVideo(client.VideoConfig{FPS: 15})
	if err != nil {
		return err
	}
	audio, err := client.NewAudio(client.AudioConfig{})
	if err != nil {
		return err
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	c, err := client.Join(ctx, client.Options{
		URL: "ws://" + p.addr + "/ws", Room: "soak" + strconv.Itoa(rand.IntN(2)), Name: strings.Repeat("x", rand.IntN(20)),
		Publish: []client.Local{video.Local(client.Camera), audio.Local(client.Microphone)},
		On: func(event client.Event) {
			if track, ok := event.(client.Track); ok {
				reading.Go(func() { // until the track ends
					packet := make([]byte, 1500)
					for {
						if _, _, err := track.Remote.Read(packet); err != nil {
							return
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
	playing, stop := context.WithCancel(ctx)
	var sources sync.WaitGroup
	sources.Go(func() { video.Run(playing) })
	sources.Go(func() { audio.Run(playing) })
	defer sources.Wait()
	defer stop()
	select {
	case <-ctx.Done():
	case <-time.After(time.Duration(rand.IntN(2000)) * time.Millisecond):
	}
	switch rand.IntN(3) {
	case 0:
		c.Leave()
	case 1:
		c.CutSignal() // and then the media path goes too
	}
	return nil
}
