package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/sdp/v3"

	"plenum/sfu"
	"plenum/signaling"
)

// serve is a whole server in this process.
func serve(t *testing.T) *server {
	t.Helper()
	loopback := netip.MustParseAddr("127.0.0.1")
	log := slog.New(slog.DiscardHandler)
	engine, err := sfu.New(sfu.Config{MediaAddresses: []netip.Addr{loopback}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := signaling.New(signaling.Config{Engine: engine, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(sessions)
	t.Cleanup(func() {
		sessions.Close()
		h.Close()
		if err := engine.Close(errors.New("test over")); err != nil {
			t.Error(err)
		}
	})
	return &server{
		url:   "ws" + strings.TrimPrefix(h.URL, "http") + "/ws",
		media: netip.AddrPortFrom(loopback, engine.MediaPort()),
		mint:  func(string) (string, error) { return "", nil },
		ended: make(chan struct{}),
	}
}

// A whole trial: people meet, are measured, and attacked. How long anything takes is the
// machine's business.
func TestTrial(t *testing.T) {
	chosen, err := choose([]string{"rubbish"})
	if err != nil {
		t.Fatal(err)
	}
	brief := timing{settle: 50 * ms, baseline: 200 * ms, attack: 400 * ms, linger: 50 * ms}
	trial := &trial{attack: chosen[0], timing: brief, launch: carryOut, server: serve(t)}
	o, err := trial.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.invalid != "" || o.skipped != "" || o.crashed != "" || len(o.attacked.ended) > 0 {
		t.Errorf("%+v", o)
	}
	if o.baseline.gap == 0 || o.baseline.freeze == 0 || o.attacked.gap == 0 || o.attacked.freeze == 0 {
		t.Errorf("nothing was measured: %+v", o)
	}
	for _, did := range []string{"messages", "× bad-message"} {
		if !strings.Contains(o.did, did) {
			t.Errorf("the attackers did %q, want %q in it", o.did, did)
		}
	}
	var out bytes.Buffer
	newTable(&out).row(&o)
	if !strings.HasPrefix(out.String(), "rubbish ") {
		t.Errorf("the table says %q", out.String())
	}
}

func TestAttacksAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range attacks() {
		if a.name == "" || a.about == "" || a.strike == nil || seen[a.name] || strings.Contains(a.name, ",") {
			t.Errorf("%q: %q", a.name, a.about)
		}
		seen[a.name] = true
	}
	if _, err := choose([]string{"no such attack"}); err == nil {
		t.Error("an unknown attack is accepted")
	}
}

// Whatever the attack, attackers refuse to be aimed at others.
func TestAttackersRefuseOthers(t *testing.T) {
	for _, a := range attacks() {
		a.strike = func(context.Context, *striker) error {
			t.Errorf("%s attacks", a.name)
			return nil
		}
		if _, err := carryOut(t.Context(), a, target{URL: "ws://192.0.2.1:80/ws"}, time.Second); err == nil {
			t.Errorf("%s: no error", a.name)
		}
	}
	if code := command(t.Context(), []string{"strike", "rubbish", "--url", "ws://192.0.2.1:80/ws"}, io.Discard, io.Discard); code != 1 {
		t.Errorf("the command ends with %d", code)
	}
}

// The offers are such as the server must look at.
func TestOffersAreOffers(t *testing.T) {
	for _, k := range []sketch{
		{lines: 1, kind: "audio", direction: "recvonly", candidates: []string{"candidate:1 1 udp 1 127.0.0.1 9 typ host"}},
		{lines: 20, kind: "video", direction: "sendrecv", version: 3},
		{lines: 25, kind: "video", direction: "sendrecv", codecs: 90},
		{lines: 2, kind: "video", direction: "recvonly", padding: 240 << 10},
	} {
		message := k.offer()
		if n := len(message); n < k.padding || n > 256<<10 {
			t.Errorf("%d bytes", n)
		}
		var m struct{ Type, SDP string }
		if err := json.Unmarshal([]byte(message), &m); err != nil || m.Type != "offer" {
			t.Fatalf("%q, %v", m.Type, err)
		}
		var parsed sdp.SessionDescription
		if err := parsed.UnmarshalString(m.SDP); err != nil {
			t.Fatal(err)
		}
		if len(parsed.MediaDescriptions) != k.lines {
			t.Errorf("%d m-lines, want %d", len(parsed.MediaDescriptions), k.lines)
		}
	}
}

func TestCommandLine(t *testing.T) {
	var out bytes.Buffer
	if code := command(t.Context(), []string{"--list"}, &out, io.Discard); code != 0 || !strings.Contains(out.String(), "\nslowloris ") {
		t.Errorf("--list: %d\n%s", code, out.String())
	}
	for _, bad := range []string{"--attacks=nonsense", "--duration=0s", "--nonsense"} {
		if code := command(t.Context(), []string{bad}, io.Discard, io.Discard); code != 2 {
			t.Errorf("%s: exit code %d", bad, code)
		}
	}
}
