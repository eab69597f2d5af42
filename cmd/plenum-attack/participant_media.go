package main

import (
	"context"
	"fmt"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// participantsMedia send more than anybody can watch. Nobody watches it either, but
// other attackers: the honest would be busy with it, not the server.
var participantsMedia = []attack{
	{name: "ingress-bits", about: "200 Mbit/s of video by one", strike: ingress(1, 22_000, 1150)},
	{name: "ingress-packets", about: "40,000 small packets a second by two", strike: ingress(2, 20_000, 20)},
	{name: "ingress-watched", about: "80 Mbit/s of video by two who watch each other", strike: ingress(2, 4_000, 1150)},
}

// ingress has n publishers send packets of a size at a rate.
func ingress(n int, rate float64, size int) func(context.Context, *striker) error {
	return func(ctx context.Context, s *striker) error {
		return together(n, func(attacker int) error {
			track, err := webrtc.NewTrackLocalStaticRTP(client.VP8, fmt.Sprintf("t%d", attacker), fmt.Sprintf("s%d", attacker))
			if err != nil {
				return err
			}
			c := s.accomplice(ctx, attacker, []client.Local{{Track: track, Source: client.Camera}}, func(e client.Event) {
				if t, ok := e.(client.Track); ok {
					go func() { _ = client.NewPacketReceiver(t.Remote, client.ReceiverOptions{}).Run() }() // ends with the client
				}
			})
			if c == nil {
				return nil // refused, which is counted
			}
			defer c.Close()
			pause(ctx, 500*time.Millisecond) // until the others watch
			packet := rtp.Packet{Header: rtp.Header{Version: 2}, Payload: vp8(size)}
			sent := 0
			defer func() { s.count("packets", sent) }()
			return every(ctx, rate, func(i int) error {
				packet.SequenceNumber, packet.Timestamp = uint16(i), uint32(i/8*3000)
				packet.Marker = i%8 == 7
				sent++
				return track.WriteRTP(&packet)
			})
		})
	}
}

// vp8 is the beginning of a keyframe (RFC 7741, section 4; RFC 6386, section 9.1) and
// then nothing.
func vp8(size int) []byte {
	p := make([]byte, size)
	copy(p, []byte{0x10, 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01})
	return p
}
