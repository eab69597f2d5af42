package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// participantsRoom do what everyone may do, but to everyone in the room, all the time.
var participantsRoom = []attack{
	{name: "sources", about: "32 tracks whose sources flip 45 times a second", nearby: true, strike: sources},
	{name: "mute", about: "8 tracks muted and unmuted 45 times a second", nearby: true, strike: mutes},
	{name: "chat", about: "messages to everyone, 45 a second each of four", nearby: true, strike: chat(200)},
	{name: "chat-large", about: "messages of 15 KiB to everyone, 45 a second each of four", nearby: true, strike: chat(15 << 10)},
	{name: "churn", about: "joins and leaves in the room, as fast as can be", nearby: true, strike: churn},
	{name: "republish", about: "tracks that come and go, 45 offers a second each of two", nearby: true, strike: republish},
	{name: "restarts", about: "ICE restarts in a loop by two", nearby: true, strike: restarts},
	{name: "resume", about: "a session resumed over and over, as fast as can be", nearby: true, strike: resumes},
}

// accomplice joins the room with a client that has a media path. It is nil if the server
// does not let it in; that is counted.
func (s *striker) accomplice(ctx context.Context, attacker int, publish []client.Local, on func(client.Event)) *client.Client {
	connected := make(chan struct{})
	once := sync.OnceFunc(func() { close(connected) })
	c, err := client.Join(ctx, client.Options{
		URL: s.URL, Room: s.Room, Name: "Mallory", Token: s.Token, Publish: publish,
		Dialer: dialer(strangerAddress(attacker)), Setting: local(false),
		On: func(e client.Event) {
			switch e := e.(type) {
			case client.State:
				if e.State == webrtc.PeerConnectionStateConnected {
					once()
				}
			case client.Error:
				s.count("× "+e.Code, 1)
			}
			if on != nil {
				on(e)
			}
		},
	})
	if err != nil {
		s.count("joins refused", 1)
		return nil
	}
	late := time.NewTimer(joinTimeout)
	defer late.Stop()
	select {
	case <-connected:
		return c
	case <-c.Done():
	case <-ctx.Done():
	case <-late.C:
		s.count("not connected", 1)
	}
	c.Close()
	return nil
}

// keepAt joins with tracks and does f at a rate; who is thrown out comes back.
func (s *striker) keepAt(ctx context.Context, attacker int, rate float64, tracks int, f func(c *client.Client, i int) error) error {
	for ctx.Err() == nil {
		locals, err := silentTracks(tracks)
		if err != nil {
			return err
		}
		c := s.accomplice(ctx, attacker, locals, nil)
		if c == nil {
			pause(ctx, 200*time.Millisecond)
			continue
		}
		s.count("joins", 1)
		done := 0
		packet := rtp.Packet{Header: rtp.Header{Version: 2, Marker: true}, Payload: vp8(20)}
		err = every(ctx, rate, func(i int) error {
			select {
			case <-c.Done():
				return errors.New("thrown out")
			default:
			}
			if i%16 == 0 {
				packet.SequenceNumber, packet.Timestamp = uint16(i/16), uint32(i*2000)
				for _, l := range locals {
					_ = l.Track.(*webrtc.TrackLocalStaticRTP).WriteRTP(&packet) // some signs of life
				}
			}
			done++
			return f(c, i)
		})
		s.count("done", done)
		if err != nil {
			s.count("thrown out", 1)
		}
		c.Close()
	}
	return nil
}

// silentTracks are videos that send next to nothing, see keepAt.
func silentTracks(n int) ([]client.Local, error) {
	var locals []client.Local
	for i := range n {
		track, err := webrtc.NewTrackLocalStaticRTP(client.VP8, fmt.Sprintf("t%d", i), fmt.Sprintf("s%d", i))
		if err != nil {
			return nil, err
		}
		locals = append(locals, client.Local{Track: track, Source: client.Camera})
	}
	return locals, nil
}

func sources(ctx context.Context, s *striker) error {
	return s.keepAt(ctx, 0, messagesRate, 32, func(c *client.Client, i int) error {
		m := client.Message{Type: "publish"}
		for k, p := range c.Publications() {
			source := client.Camera
			if (i+k)%2 == 0 {
				source = client.Screen
			}
			m.Tracks = append(m.Tracks, client.TrackInfo{Mid: p.Mid, Source: source})
		}
		return c.Send(m)
	})
}

func mutes(ctx context.Context, s *striker) error {
	return s.keepAt(ctx, 0, messagesRate, 8, func(c *client.Client, i int) error {
		return c.Mute(c.Publications()[i%8].Mid, i/8%2 == 0)
	})
}

func chat(size int) func(context.Context, *striker) error {
	return func(ctx context.Context, s *striker) error {
		message := `{"type":"message","body":{"text":"` + strings.Repeat("x", size) + `"}}`
		return s.flood(ctx, 4, messagesRate, func(int) string { return message })
	}
}

func churn(ctx context.Context, s *striker) error {
	hello := sketch{lines: 2, kind: "video", direction: "sendrecv"}.offer()
	return together(8, func(attacker int) error {
		for ctx.Err() == nil {
			c, err := s.dial(ctx, strangerAddress(attacker%2), s.Room, s.Token, "")
			if err != nil {
				pause(ctx, 10*time.Millisecond)
				continue
			}
			_ = c.send(hello)
			_, _, _ = c.ws.ReadMessage()
			_ = c.send(`{"type":"leave"}`)
			_ = c.ws.Close()
		}
		return nil
	})
}

func republish(ctx context.Context, s *striker) error {
	with := sketch{lines: 20, kind: "video", direction: "sendrecv"}.offer()
	without := sketch{lines: 20, kind: "video", direction: "inactive", version: 1}.offer()
	return s.flood(ctx, 2, messagesRate, func(i int) string { return []string{with, without}[i%2] })
}

func restarts(ctx context.Context, s *striker) error {
	return together(2, func(attacker int) error {
		return s.keepAt(ctx, attacker, messagesRate, 4, func(c *client.Client, _ int) error {
			c.RestartICE()
			return nil
		})
	})
}

func resumes(ctx context.Context, s *striker) error {
	c := s.accomplice(ctx, 0, nil, nil)
	if c == nil {
		return nil // refused, which is counted
	}
	defer c.Close()
	secret := c.Session()
	return together(8, func(attacker int) error {
		for ctx.Err() == nil {
			c, err := s.dial(ctx, strangerAddress(attacker%2), s.Room, s.Token, secret)
			if err != nil {
				pause(ctx, 10*time.Millisecond)
				continue
			}
			_ = c.ws.SetReadDeadline(time.Now().Add(time.Second))
			_, _, _ = c.ws.ReadMessage()
			_ = c.ws.Close()
		}
		return nil
	})
}

// status is what a page of the server answers.
func status(ctx context.Context, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
