package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"plenum/sfu"
	"plenum/signaling"
)

// The test binary is a server, as --server starts it, when this variable is set.
const asServer = "TEST_AS_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(asServer) == "" {
		os.Exit(m.Run())
	}
	url, _, err := serve()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	slog.New(slog.NewTextHandler(os.Stderr, nil)).Info("serving", "addr", strings.TrimPrefix(url, "http://"), "media", "127.0.0.1:0")
	select {} // until it is killed
}

// serve is a whole server on loopback.
func serve() (url string, stop func(), err error) {
	log := slog.New(slog.DiscardHandler)
	engine, err := sfu.New(sfu.Config{MediaAddresses: []netip.Addr{netip.MustParseAddr("127.0.0.1")}, Log: log})
	if err != nil {
		return "", nil, err
	}
	sessions, err := signaling.New(signaling.Config{Engine: engine, Log: log})
	if err != nil {
		return "", nil, err
	}
	h := httptest.NewServer(sessions)
	return h.URL, func() {
		sessions.Close()
		h.Close()
		_ = engine.Close(errors.New("test over"))
	}, nil
}

// load runs a load against a server in this process; flags are those of the
// command.
func load(t *testing.T, flags string) *report {
	t.Helper()
	url, stop, err := serve()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	return commanded(t, "--url", "ws"+strings.TrimPrefix(url, "http")+"/ws", flags)
}

// commanded runs the command and parses its JSON.
func commanded(t *testing.T, to, where, flags string) *report {
	t.Helper()
	args := append([]string{to, where, "--json", "--ramp=0s", "--settle=100ms"}, strings.Fields(flags)...)
	var out, progress bytes.Buffer
	if code := command(t.Context(), args, &out, &progress); code != 0 {
		t.Fatalf("exit code %d\n%s", code, progress.String())
	}
	t.Log(progress.String())
	r := new(report)
	d := json.NewDecoder(&out)
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		t.Fatal(err)
	}
	return r
}

// whole checks a report of a load of which nothing may be missing.
func whole(t *testing.T, r *report, joined, copies int) {
	t.Helper()
	m := &r.Media
	if r.Join.Joined != joined || r.Join.Failed != 0 {
		t.Errorf("%+v", r.Join)
	}
	if m.Sent == 0 || m.Received != m.Sent*uint64(copies) || m.Lost+m.Duplicates+m.Malformed != 0 || m.Silent != 0 { //nolint:gosec // few
		t.Errorf("%+v", m)
	}
	if l := &r.Latency; l.P50 <= 0 || l.P50 > l.P95 || l.P95 > l.P99 || l.P99 > l.Max {
		t.Errorf("%+v", l)
	}
	for _, d := range []distribution{r.Join.Signaled, r.Join.Connected, r.Join.FirstPacket} {
		if d.P50 <= 0 || d.P50 > d.P95 || d.P95 > d.Max {
			t.Errorf("%+v", d)
		}
	}
}

// light is a load of which a busy machine loses nothing: what its publisher makes
// up for after standing still for a second is no burst that the server would have to
// drop, and without feedback nobody is paused.
const light = "--no-feedback --bitrate=200 --fps=10 "

func TestOneToThree(t *testing.T) {
	r := load(t, light+"--subscribers=3 --audio --duration=1s")
	whole(t, r, 4, 3)
	if r.Own.Feedbacks != 0 || r.Media.Padding != 0 {
		t.Errorf("%d messages of feedback, %d packets of padding", r.Own.Feedbacks, r.Media.Padding)
	}
	if perPacket := r.Media.BitsPerSecond / r.Media.PerSecond / 8; perPacket < 100 || perPacket > 1200 {
		t.Errorf("%.0f bytes a packet of 80 and 1100", perPacket)
	}
	if r.Server != nil {
		t.Errorf("figures of an unknown process: %+v", r.Server)
	}
}

func TestFeedback(t *testing.T) {
	r := load(t, "--subscribers=3 --audio --duration=1200ms")
	if r.Own.Feedbacks < 3*5 {
		t.Errorf("%d messages of feedback from 3 viewers in over a second", r.Own.Feedbacks)
	}
	if m := &r.Media; m.Received == 0 || m.Duplicates+m.Malformed != 0 {
		t.Errorf("%+v", m)
	}
}

// Nobody publishes: that is how the cost of an idle participant is found.
func TestIdle(t *testing.T) {
	r := load(t, "--publishers=0 --subscribers=3 --duration=200ms")
	if r.Join.Joined != 3 || r.Join.Failed != 0 || r.Media.Received != 0 || r.Own.Rate != 1 {
		t.Errorf("%+v %+v %q", r.Join, r.Media, r.Warnings)
	}
}

func TestMeetingsInRooms(t *testing.T) {
	r := load(t, light+"--rooms=2 --meeting=3 --no-video --audio --duration=1s")
	whole(t, r, 6, 2)
	if r.Rooms != 2 || r.Publishers != 3 || r.Subscribers != 0 {
		t.Errorf("%+v", r)
	}
}

func TestSpread(t *testing.T) {
	whole(t, load(t, light+"--subscribers=2 --spread=13ms --duration=500ms"), 3, 2)
}

// Of three layers each viewer gets one, whole.
func TestSimulcast(t *testing.T) {
	r := load(t, "--no-feedback --fps=10 --subscribers=2 --simulcast --duration=1s")
	m := &r.Media
	if m.Received == 0 || m.Received >= 2*m.Sent || m.Lost+m.Duplicates+m.Malformed != 0 {
		t.Errorf("%+v", m)
	}
}

// A server in a process of its own is measured.
func TestOwnServer(t *testing.T) {
	t.Setenv(asServer, "1")
	r := commanded(t, "--server", os.Args[0], light+"--subscribers=2 --duration=1s")
	whole(t, r, 3, 2)
	if runtime.GOOS != "linux" {
		return
	}
	s := r.Server
	if s == nil {
		t.Fatal("no figures of the server")
	}
	// So few packets may take less than one tick.
	if s.CPUSeconds < 0 || s.CPUSeconds > 2 || s.PeakMiB < 5 || s.PeakMiB > 1000 {
		t.Errorf("%+v", s)
	}
	if got, want := s.PerPacket, s.CPUSeconds*1e6/float64(r.Media.Received); got < want*0.99 || got > want*1.01 {
		t.Errorf("%v µs per packet, want %v", got, want)
	}
	if m := r.Machine; m == nil || m.Cores < 1 || m.Busy <= 0 || m.Busy > 1 {
		t.Errorf("%+v", m)
	}
}

func TestServerThatDoesNotServe(t *testing.T) {
	var out, progress bytes.Buffer
	code := command(t.Context(), []string{"--server", "/bin/sh"}, &out, &progress)
	if code != 1 || !strings.Contains(progress.String(), "start the server: it ended") {
		t.Errorf("exit code %d: %s", code, progress.String())
	}
}

func TestNobodyCanJoin(t *testing.T) {
	h := httptest.NewServer(nil)
	h.Close()
	var out, progress bytes.Buffer
	code := command(t.Context(), []string{"--url", "ws" + strings.TrimPrefix(h.URL, "http") + "/ws"}, &out, &progress)
	if code != 1 || !strings.Contains(progress.String(), "nobody could join") {
		t.Errorf("exit code %d: %s", code, progress.String())
	}
}

func TestCancelled(t *testing.T) {
	url, stop, err := serve()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	ctx, cancel := context.WithCancelCause(t.Context())
	over := errors.New("interrupted")
	o := &loadOptions{
		URL: "ws" + strings.TrimPrefix(url, "http") + "/ws", Publishers: 1, Subscribers: 1, Rooms: 1, Room: "load",
		Audio: true, FPS: 30, PacketSize: 1100, Duration: time.Hour, JoinTimeout: 20 * time.Second,
	}
	// The load says that it measures once a second.
	log := writerFunc(func(b []byte) (int, error) {
		if bytes.Contains(b, []byte("measuring")) {
			cancel(over)
		}
		return len(b), nil
	})
	if _, err := o.execute(ctx, log); !errors.Is(err, over) {
		t.Errorf("%v", err)
	}
}

type writerFunc func(b []byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestBadFlags(t *testing.T) {
	for _, flags := range []string{
		"", "--url=ws://x/ws --server=/bin/sh", "--url=nothing", "--url=ws://x/ws --fps=0", "--url=ws://x/ws --no-video",
		"--url=ws://x/ws --publishers=0 --subscribers=0", "--url=ws://x/ws --packet-size=20", "--url=ws://x/ws --spread=1s",
		"--url=ws://x/ws --duration=0s", "--url=ws://x/ws --bitrate=0", "--server=/does/not/exist",
		"bench --server=/bin/sh",
	} {
		if code := command(t.Context(), strings.Fields(flags), io.Discard, io.Discard); code != 2 {
			t.Errorf("%q: exit code %d", flags, code)
		}
	}
}

// Programs read these names.
func TestShapeOfJSON(t *testing.T) {
	b, err := json.Marshal(&report{Server: &serverReport{Goroutines: 1, PerCall: 1, PerMessage: 1, AllocBytes: 1, Allocs: 1, Dropped: 1}, Machine: &machineReport{}})
	if err != nil {
		t.Fatal(err)
	}
	var shape map[string]any
	if err := json.Unmarshal(b, &shape); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"":           "generator join latency_ms machine media publishers rooms seconds server subscribers warnings",
		"join":       "all_media_s all_s connected_ms failed first_packet_ms joined signaled_ms",
		"latency_ms": "max p50 p95 p99",
		"media":      "bits_per_second duplicates lost lost_share malformed packets_per_second padding received sent silent",
		"server":     "alloc_bytes_per_packet allocs_per_packet cpu_percent cpu_s dropped goroutines packets_per_call packets_per_message peak_mib us_per_packet user_share",
		"generator":  "cpu_percent cpu_s feedbacks late_p99_ms rate us_per_packet",
		"machine":    "busy_share cores other_share steal_share",
	} {
		part := shape
		if name != "" {
			part = shape[name].(map[string]any)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(part)), " "); got != want {
			t.Errorf("%q has %s, want %s", name, got, want)
		}
	}
}

func TestTableAndWarnings(t *testing.T) {
	r := &report{
		Rooms: 1, Publishers: 1, Subscribers: 30, Seconds: 10,
		Join:   joinReport{Joined: 30, Failed: 1},
		Media:  mediaReport{Malformed: 3, Silent: 2},
		Server: &serverReport{PerPacket: 6.25, PeakMiB: 40, Goroutines: 99, PerCall: 190, PerMessage: 3.5, AllocBytes: 7.5, Allocs: 0.125},
		Own:    generatorReport{Late: 12, Rate: 0.9}, Machine: &machineReport{Cores: 2, Busy: 0.95, Steal: 0.05, Other: 0.2},
	}
	r.judge()
	if len(r.Warnings) != 8 {
		t.Errorf("%d warnings: %q", len(r.Warnings), r.Warnings)
	}
	var out bytes.Buffer
	if err := r.table(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"6.25 µs per packet", "peak 40.0 MiB", "190.0 packets per system call, 3.50 per message", "7.5 bytes in 0.125 allocations per packet", "WARNING", "30, 1 failed"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	good := &report{Own: generatorReport{Rate: 1}, Machine: &machineReport{Busy: 0.5}}
	good.judge()
	if len(good.Warnings) != 0 {
		t.Errorf("%q", good.Warnings)
	}
}

func TestBenchTable(t *testing.T) {
	side := func(costs ...float64) (all []*report) {
		for _, c := range costs {
			all = append(all, &report{
				Server: &serverReport{PerPacket: c}, Media: mediaReport{PerSecond: 18000}, Warnings: []string{fmt.Sprintf("busy by %v %%", c)},
			})
		}
		return all
	}
	results := []*benchResult{
		{Scenario: "one", Server: side(4, 9, 5), Reference: side(10, 20, 9), Limit: []limitResult{{"sendto", true, 8}, {"gso", true, 2.5}}},
		{Scenario: "storm", storm: true, Server: side(1), Reference: side(1)},
	}
	var out bytes.Buffer
	if err := printBench(&out, []limitResult{{"sendto", false, 5.6}}, results); err != nil {
		t.Fatal(err)
	}
	var fields []string
	for line := range strings.Lines(out.String()) {
		if f := strings.Fields(line); len(f) > 3 && f[0] == "one" && fields == nil {
			fields = f
		}
	}
	want := "one 18000 5.00 10.00 0.50 8.00 0.00 2.50 0.62 - 2.00 0.00"
	if got := strings.Join(fields, " "); got != want {
		t.Errorf("%s\nwant %s\nin\n%s", got, want, out.String())
	}
	if n := strings.Count(out.String(), "WARNING one"); n != 1 {
		t.Errorf("%d warnings of one kind", n)
	}
}
