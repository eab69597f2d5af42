package main

import (
	"context"
	"math/rand/v2"
	"sync"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// participantsReports send RTCP that nobody has reason to send.
var participantsReports = []attack{
	{name: "pli", about: "1,000 requests for keyframes a second by each of four", nearby: true, strike: reports(4, 1000, pli)},
	{name: "fir", about: "full intra requests, likewise", nearby: true, strike: reports(4, 1000, fir)},
	{name: "nack", about: "everything asked for again, all the time, by each of four", nearby: true, strike: reports(4, 500, nackEverything)},
	{name: "reports", about: "receiver reports of losses and delays that never were", nearby: true, strike: reports(4, 500, lies)},
	{name: "remb", about: "bandwidths from nothing to everything", nearby: true, strike: reports(4, 500, remb)},
	{name: "feedback", about: "transport-wide feedback of packets that were never sent", nearby: true, strike: reports(4, 500, feedback)},
}

// reports has n viewers send RTCP of the tracks that they watch.
func reports(n int, rate float64, lie func(own, media uint32, i int) rtcp.Packet) func(context.Context, *striker) error {
	return func(ctx context.Context, s *striker) error {
		return together(n, func(attacker int) error {
			var mu sync.Mutex
			var peer *webrtc.PeerConnection
			var watched []uint32
			c := s.accomplice(ctx, attacker, nil, func(e client.Event) {
				if t, ok := e.(client.Track); ok {
					mu.Lock()
					peer, watched = t.Peer, append(watched, uint32(t.Remote.SSRC()))
					mu.Unlock()
					go func() { _ = client.NewPacketReceiver(t.Remote, client.ReceiverOptions{}).Run() }() // ends with the client
				}
			})
			if c == nil {
				return nil // refused, which is counted
			}
			defer c.Close()
			own, sent := rand.Uint32(), 0
			defer func() { s.count("reports", sent) }()
			return every(ctx, rate, func(i int) error {
				mu.Lock()
				to, media := peer, watched
				mu.Unlock()
				if to == nil {
					return nil
				}
				sent++
				return to.WriteRTCP([]rtcp.Packet{lie(own, media[i%len(media)], i)})
			})
		})
	}
}

func pli(own, media uint32, _ int) rtcp.Packet {
	return &rtcp.PictureLossIndication{SenderSSRC: own, MediaSSRC: media}
}

func fir(own, media uint32, i int) rtcp.Packet {
	return &rtcp.FullIntraRequest{SenderSSRC: own, MediaSSRC: media, FIR: []rtcp.FIREntry{{SSRC: media, SequenceNumber: uint8(i)}}}
}

func nackEverything(own, media uint32, i int) rtcp.Packet {
	p := &rtcp.TransportLayerNack{SenderSSRC: own, MediaSSRC: media}
	for k := range 250 {
		p.Nacks = append(p.Nacks, rtcp.NackPair{PacketID: uint16((i*250 + k) * 17), LostPackets: 0xffff})
	}
	return p
}

func lies(own, media uint32, i int) rtcp.Packet {
	return &rtcp.ReceiverReport{SSRC: own, Reports: []rtcp.ReceptionReport{{
		SSRC: media, FractionLost: 255, TotalLost: uint32(i*100_000) & 0x7fffff, LastSequenceNumber: rand.Uint32(),
		Jitter: rand.Uint32(), LastSenderReport: rand.Uint32(), Delay: rand.Uint32(),
	}}}
}

func remb(own, media uint32, i int) rtcp.Packet {
	rates := []float32{0, 1, 1e4, 1e9, 1e18}
	return &rtcp.ReceiverEstimatedMaximumBitrate{SenderSSRC: own, Bitrate: rates[i%len(rates)], SSRCs: []uint32{media}}
}

func feedback(own, media uint32, i int) rtcp.Packet {
	const packets = 64
	p := &rtcp.TransportLayerCC{
		Header:     rtcp.Header{Count: rtcp.FormatTCC, Type: rtcp.TypeTransportSpecificFeedback},
		SenderSSRC: own, MediaSSRC: media, BaseSequenceNumber: uint16(rand.Uint32()), PacketStatusCount: packets,
		ReferenceTime: rand.Uint32() & 0xffffff, FbPktCount: uint8(i),
		PacketChunks: []rtcp.PacketStatusChunk{&rtcp.RunLengthChunk{
			Type: rtcp.TypeTCCRunLengthChunk, PacketStatusSymbol: rtcp.TypeTCCPacketReceivedSmallDelta, RunLength: packets,
		}},
	}
	for range packets {
		p.RecvDeltas = append(p.RecvDeltas, &rtcp.RecvDelta{Type: rtcp.TypeTCCPacketReceivedSmallDelta, Delta: int64(rand.N(255)) * rtcp.TypeTCCDeltaScaleFactor})
	}
	p.Header.Length = uint16(p.MarshalSize()/4) - 1
	return p
}
