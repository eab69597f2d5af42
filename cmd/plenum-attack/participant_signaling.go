package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// participantsSignaling say more than anybody has to say. They come back when they are
// thrown out. messagesRate is below what the server throws out for.
const messagesRate = 45

var participantsSignaling = []attack{
	{name: "big-offers", about: "offers of 240 KiB, 45 a second each of four", nearby: true, strike: offers(sketch{lines: 2, kind: "video", direction: "recvonly", padding: 240 << 10})},
	{name: "codec-offers", about: "offers of 90 codecs in each of 25 m-lines, 45 a second each of four", nearby: true, strike: offers(sketch{lines: 25, kind: "video", direction: "sendrecv", codecs: 90})},
	{name: "long-offers", about: "offers of 1,000 m-lines in a loop by four", nearby: true, strike: longOffers},
	{name: "growing-offers", about: "offers of one m-line more each, 45 a second each of four", nearby: true, strike: growingOffers},
	{name: "subscribe", about: "subscribe of 512 entries, 45 a second each of four", nearby: true, strike: subscribe},
	{name: "candidate-burst", about: "2,000 candidates at once, again and again", nearby: true, strike: candidateBurst},
	{name: "rubbish", about: "what is no message, or no JSON, or no text", nearby: true, strike: rubbish},
	{name: "deep", about: "JSON of 240 KiB that nests and repeats", nearby: true, strike: deepJSON},
	{name: "large-frames", about: "frames of 32 MiB", nearby: true, strike: largeFrames},
}

func offers(k sketch) func(context.Context, *striker) error {
	return func(ctx context.Context, s *striker) error {
		message := k.offer() // the same: what is new in it costs the attacker, not the server
		return s.flood(ctx, 4, messagesRate, func(int) string { return message })
	}
}

func longOffers(ctx context.Context, s *striker) error {
	// With little in each line 1,000 of them stay below the limit of a frame.
	var b strings.Builder
	b.WriteString(`{"type":"offer","sdp":"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE`)
	for i := range 1000 {
		fmt.Fprintf(&b, " %d", i)
	}
	b.WriteString(`\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\na=fingerprint:sha-256 ` + strings.Repeat("AB:", 31) + `AB\r\n`)
	for i := range 1000 {
		fmt.Fprintf(&b, `m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:%d\r\na=sendrecv\r\na=rtcp-mux\r\na=msid:s t%d\r\na=rtpmap:96 VP8/90000\r\n`, i, i)
	}
	b.WriteString(`"}`)
	message := b.String()
	s.count("bytes each", len(message))
	return s.flood(ctx, 4, messagesRate, func(int) string { return message })
}

func growingOffers(ctx context.Context, s *striker) error {
	var messages []string
	for i := range 200 {
		messages = append(messages, sketch{lines: 1 + i, kind: []string{"audio", "video"}[i/100], direction: "sendrecv", version: i}.offer())
	}
	return s.flood(ctx, 4, messagesRate, func(i int) string { return messages[i%len(messages)] })
}

func subscribe(ctx context.Context, s *striker) error {
	messages := make([]string, 8)
	for k := range messages {
		var entries []string
		for i := range 512 {
			entries = append(entries, fmt.Sprintf(`{"id":"track%d%d","width":%d,"height":%d,"priority":%d}`, k, i, 1+i, 1+k, i%10))
		}
		messages[k] = `{"type":"subscribe","tracks":[` + strings.Join(entries, ",") + `]}`
	}
	return s.flood(ctx, 4, messagesRate, func(i int) string { return messages[i%len(messages)] })
}

func candidateBurst(ctx context.Context, s *striker) error {
	hello := sketch{lines: 1, kind: "audio", direction: "recvonly"}.offer()
	return together(4, func(attacker int) error {
		s.persist(ctx, attacker, s.Room, func(ctx context.Context, c *socket) error {
			if err := c.send(hello); err != nil {
				return err
			}
			for i := range 2000 {
				candidate := fmt.Sprintf(`{"type":"candidate","candidate":{"candidate":"candidate:%d 1 udp 2122260223 127.1.%d.%d %d typ host","sdpMid":"0"}}`, i, i>>8, 1+i&0x7f, 1024+i)
				if err := c.send(candidate); err != nil {
					return err
				}
			}
			s.count("bursts", 1)
			pause(ctx, time.Second)
			return nil
		})
		return nil
	})
}

func rubbish(ctx context.Context, s *striker) error {
	messages := []string{
		"", "{", "null", "[]", `"x"`, `{"type":1}`, `{"type":"nothing"}`, `{"type":"offer"}`, `{"type":"offer","sdp":"v=0"}`,
		`{"type":"candidate","candidate":{"candidate":"candidate:rubbish"}}`, `{"type":"mute","mid":"9","muted":true}`,
		`{"type":"publish","tracks":[{"mid":"0","source":"nose"}]}`, `{"type":"answer","sdp":"x"}`, "\xff\xfe", strings.Repeat("x", 200<<10),
	}
	return s.flood(ctx, 8, messagesRate, func(i int) string { return messages[i%len(messages)] })
}

func deepJSON(ctx context.Context, s *striker) error {
	const size = 240 << 10
	messages := []string{
		`{"type":"message","body":` + strings.Repeat("[", size/2) + strings.Repeat("]", size/2) + `}`,
		`{"type":"message","body":` + strings.Repeat(`{"a":`, size/6) + "1" + strings.Repeat("}", size/6) + `}`,
		`{"type":"message","body":[` + strings.Repeat("{},", size/3) + `{}]}`,
		`{` + strings.Repeat(`"type":"message",`, size/17) + `"body":1}`,
		`{"type":"subscribe","tracks":[` + strings.Repeat(`{"id":"a"},`, size/11) + `{"id":"a"}]}`,
		`{"type":"publish","tracks":[` + strings.Repeat(`{"mid":"0","source":"camera"},`, size/30) + `{"mid":"0","source":"camera"}]}`,
	}
	return s.flood(ctx, 4, messagesRate, func(i int) string { return messages[i%len(messages)] })
}

func largeFrames(ctx context.Context, s *striker) error {
	frame := strings.Repeat("x", 32<<20)
	return together(2, func(attacker int) error {
		s.persist(ctx, attacker, s.Room, func(ctx context.Context, c *socket) error {
			err := c.send(frame)
			s.count("frames", 1)
			pause(ctx, 100*time.Millisecond)
			return err
		})
		return nil
	})
}
