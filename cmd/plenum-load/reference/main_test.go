package main

import (
	"context"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"plenum/signaling/client"
)

// viewer is a client and the tracks that it was given.
type viewer struct {
	*client.Client
	tracks  chan client.Track
	reading sync.WaitGroup
}

func join(t *testing.T, url string, publish ...client.Local) *viewer {
	t.Helper()
	v := &viewer{tracks: make(chan client.Track, 16)}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := client.Join(ctx, client.Options{URL: url, Room: "room", Publish: publish, On: func(e client.Event) {
		switch e := e.(type) {
		case client.Track:
			v.tracks <- e
		case client.Error:
			t.Errorf("error: %v", e)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	v.Client = c
	t.Cleanup(func() {
		c.Close()
		v.reading.Wait()
	})
	return v
}

// gets reads the next track until it has brought n packets and, of video, a
// keyframe.
func (v *viewer) gets(t *testing.T, n uint64) client.Report {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	var track client.Track
	select {
	case track = <-v.tracks:
	case <-late.C:
		t.Fatal("no track")
	}
	seen := make(chan struct{}, 1)
	r := client.NewPacketReceiver(track.Remote, client.ReceiverOptions{
		RTCP: track.Peer.WriteRTCP, SSRC: uint32(track.Remote.SSRC()), // asks for the keyframe
		VP8: track.Remote.Kind().String() == "video",
		Packet: func([]byte, uint32, bool) {
			select {
			case seen <- struct{}{}:
			default:
			}
		},
	})
	v.reading.Go(func() { _ = r.Run() })
	for {
		select {
		case <-seen:
		case <-late.C:
			r := r.Report()
			t.Fatalf("too little: %d packets, %d keyframes, %d asked for", r.Packets, r.Keyframes, r.PLIs)
		}
		report := r.Report()
		if report.Packets >= n && (report.Keyframes > 0 || track.Remote.Kind().String() == "audio") {
			return report
		}
	}
}

// Two publishers with camera and microphone and a late viewer: everyone gets all
// of the others, whole.
func TestForwards(t *testing.T) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := newForwarder(conn)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	url := "ws" + strings.TrimPrefix(server.URL, "http") + "/ws"

	var playing sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(playing.Wait)
	t.Cleanup(stop)
	var viewers []*viewer
	for range 2 {
		// Nobody asks for anything again: what a publisher makes up for after standing
		// still must fit into a socket.
		video, err := client.NewVideo(client.VideoConfig{Layers: []client.VideoLayer{{Width: 160, Height: 90, Bitrate: 100_000}}})
		if err != nil {
			t.Fatal(err)
		}
		audio, err := client.NewAudio(client.AudioConfig{})
		if err != nil {
			t.Fatal(err)
		}
		playing.Go(func() { video.Run(ctx) })
		playing.Go(func() { audio.Run(ctx) })
		viewers = append(viewers, join(t, url, video.Local(client.Camera), audio.Local(client.Microphone)))
	}
	late := join(t, url)
	for range 4 {
		if r := late.gets(t, 20); r.Lost+r.Duplicates != 0 {
			t.Errorf("%d lost, %d twice", r.Lost, r.Duplicates)
		}
	}
	for _, v := range viewers {
		for range 2 {
			if r := v.gets(t, 20); r.Lost+r.Duplicates != 0 {
				t.Errorf("%d lost, %d twice", r.Lost, r.Duplicates)
			}
		}
	}
}
