package client

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"plenum/signaling"
)

// usage is what a process must give back.
type usage struct {
	goroutines, files int
	heap              uint64
}

func measure(t *testing.T) usage {
	t.Helper()
	runtime.GC()
	runtime.GC() // what finalizers of the first freed
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skipf("no /proc: %v", err)
	}
	return usage{runtime.NumGoroutine(), len(files), m.HeapAlloc}
}

// TestSoak lets people come and go, politely and not, for PLENUM_SOAK (default
// 10 s), and looks whether goroutines, sockets and heap return to where they were.
func TestSoak(t *testing.T) {
	duration := 10 * time.Second
	if s := os.Getenv("PLENUM_SOAK"); s != "" {
		var err error
		duration, err = time.ParseDuration(s)
		check(t, err)
	}
	c := newCallWith(t, signaling.Config{ResumeTimeout: time.Second}, "127.0.0.1")
	churn(t, c, 3*time.Second) // pools, caches and buffers reach their sizes
	before := settled(t, c, usage{})
	joined := churn(t, c, duration)
	after := settled(t, c, before)
	t.Logf("%d joins in %v: goroutines %d → %d, files %d → %d, heap %d → %d KiB", joined, duration,
		before.goroutines, after.goroutines, before.files, after.files, before.heap>>10, after.heap>>10)
	if after.goroutines > before.goroutines+5 || after.files > before.files+5 {
		t.Errorf("goroutines %d → %d, files %d → %d", before.goroutines, after.goroutines, before.files, after.files)
	}
	if after.heap > before.heap+before.heap/2+4<<20 {
		t.Errorf("heap %d → %d KiB", before.heap>>10, after.heap>>10)
	}
}

// settled waits until the server is empty and the process no longer shrinks, or
// is as small as goal.
func settled(t *testing.T, c *call, goal usage) usage {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	last, same := usage{}, 0
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		now := measure(t)
		if c.engine.Stats().Rooms > 0 {
			continue
		}
		if now.goroutines <= goal.goroutines && now.files <= goal.files {
			return now
		}
		if same++; now.goroutines != last.goroutines || now.files != last.files {
			last, same = now, 0
		}
		if same >= 20 {
			break
		}
	}
	return last
}

// churn keeps a handful of rooms in which people come and go.
func churn(t *testing.T, c *call, duration time.Duration) int {
	t.Helper()
	random := rand.New(rand.NewPCG(3, 3))
	ctx, stop := context.WithTimeout(c.ctx, duration)
	defer stop()
	type guest struct {
		*Client
		*watch
		quiet context.CancelFunc
	}
	var here []guest
	leave := func(i int) {
		g := here[i]
		here = append(here[:i], here[i+1:]...)
		if random.IntN(2) == 0 {
			g.Leave() // else without a goodbye
		}
		g.quiet()
		g.Close()
		g.reading.Wait()
	}
	joined := 0
	for ctx.Err() == nil {
		w := newWatch()
		sending, quiet := context.WithCancel(c.ctx)
		video, err := NewVideo(VideoConfig{})
		check(t, err)
		c.run(func(context.Context) { video.Run(sending) })
		client, err := Join(c.ctx, Options{
			URL: c.url, Room: fmt.Sprint("soak-", random.IntN(3)), Name: "guest", On: w.on,
			Publish: []Local{video.Local(Camera)},
		})
		check(t, err)
		here = append(here, guest{client, w, quiet})
		joined++
		connected := func() bool {
			for _, s := range all[State](w) {
				if s.State == webrtc.PeerConnectionStateConnected {
					return true
				}
			}
			return false
		}
		for random.IntN(4) > 0 && !connected() { // some leave before they are here
			select {
			case <-w.changed:
			case <-ctx.Done():
				quiet()
			}
			if ctx.Err() != nil {
				break
			}
		}
		for len(here) > 6 || (len(here) > 0 && random.IntN(3) == 0) {
			leave(random.IntN(len(here)))
		}
	}
	for len(here) > 0 {
		leave(len(here) - 1)
	}
	return joined
}
