package client

import (
	"net"
	"slices"
	"testing"

	"github.com/pion/webrtc/v4"
)

// over joins two people whose media may use just these networks, and checks
// that both hear and see each other by the protocol that the server counts.
func over(t *testing.T, c *call, protocol string, networks ...webrtc.NetworkType) {
	t.Helper()
	var people []*caller
	for _, name := range []string{"ada", "bob"} {
		video, err := NewVideo(VideoConfig{StreamID: name})
		check(t, err)
		audio, err := NewAudio(AudioConfig{StreamID: name})
		check(t, err)
		c.run(video.Run)
		c.run(audio.Run)
		people = append(people, c.join(Options{
			Name: name, Publish: []Local{video.Local(Camera), audio.Local(Microphone)},
			Setting: func(s *webrtc.SettingEngine) {
				s.SetNetworkTypes(networks)
				s.SetIncludeLoopbackCandidate(true)
			},
		}))
	}
	people[0].hears(people[1].ID(), 100)
	people[1].hears(people[0].ID(), 100)
	people[0].unspoilt(people[1].ID())
	people[1].unspoilt(people[0].ID())
	for _, s := range c.engine.Stats().ICESelected {
		if used := slices.Contains(s.Labels, protocol); !used && s.Value > 0 {
			t.Errorf("%d pairs are %v", s.Value, s.Labels)
		}
	}
}

func TestInteropOverTCP(t *testing.T) {
	over(t, newCall(t), "tcp", webrtc.NetworkTypeTCP4)
}

func TestInteropOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("no IPv6 here: %v", err)
	}
	_ = l.Close()
	over(t, newCallOn(t, "::1"), "udp", webrtc.NetworkTypeUDP6)
}

func TestInteropOnSeveralAddresses(t *testing.T) {
	over(t, newCallOn(t, "127.0.0.1", "127.0.0.2"), "udp", webrtc.NetworkTypeUDP4)
}
