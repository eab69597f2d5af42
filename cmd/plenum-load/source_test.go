package main

import (
	"context"
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"plenum/signaling/client"
)

// recorder is where a track writes.
type recorder struct {
	clock   clock
	packets []sentPacket
}

type sentPacket struct {
	rtp.Header
	payload []byte
	at      time.Duration
}

func (r *recorder) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	r.packets = append(r.packets, sentPacket{h.Clone(), append([]byte(nil), payload...), r.clock.now()})
	return len(payload), nil
}

func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }

// played is what a source sends in a virtual time.
func played(t *testing.T, duration time.Duration, make func(clock, *window, *flow) *source, during ...func(*source)) []sentPacket {
	t.Helper()
	var out recorder
	synctest.Test(t, func(t *testing.T) {
		c, w, f := clock{time.Now()}, &window{}, &flow{id: 3}
		w.set(0, time.Hour)
		s := make(c, w, f)
		out.clock = c
		s.binding.Store(&binding{writer: &out, header: rtp.Header{Version: 2, SSRC: 5, PayloadType: 96}})
		ctx, stop := context.WithTimeout(t.Context(), duration)
		defer stop()
		for _, d := range during {
			time.AfterFunc(duration/2, func() { d(s) })
		}
		var reports []*rtcp.SenderReport
		s.tell = func(packets []rtcp.Packet) { reports = append(reports, packets[0].(*rtcp.SenderReport)) }
		var late histogram
		play(ctx, []*source{s}, &late)
		for i, r := range reports {
			if r.SSRC != 5 || r.PacketCount == 0 || r.OctetCount == 0 || (i > 0 && r.NTPTime>>32-reports[i-1].NTPTime>>32 < 1) {
				t.Errorf("sender report %d: %+v", i, r)
			}
		}
		if len(reports) < int(duration/reportInterval) {
			t.Errorf("%d sender reports in %v", len(reports), duration)
		}
		if f.sent.Load() != uint64(len(out.packets)) || late.max != 0 {
			t.Errorf("%d counted of %d, %v late", f.sent.Load(), len(out.packets), late.max)
		}
	})
	for i, p := range out.packets {
		s, ok := readStamp(p.payload)
		if !ok || s.flow != 3 || s.counter != uint64(i) || s.sent != p.at {
			t.Fatalf("packet %d: %+v %v", i, s, ok)
		}
		if i > 0 && p.SequenceNumber != out.packets[i-1].SequenceNumber+1 {
			t.Fatalf("packet %d: number %d after %d", i, p.SequenceNumber, out.packets[i-1].SequenceNumber)
		}
	}
	return out.packets
}

// frames groups packets by timestamp.
func frames(packets []sentPacket) [][]sentPacket {
	var all [][]sentPacket
	for i, p := range packets {
		if i == 0 || p.Timestamp != packets[i-1].Timestamp {
			all = append(all, nil)
		}
		all[len(all)-1] = append(all[len(all)-1], p)
	}
	return all
}

func camera(o mediaOptions) func(clock, *window, *flow) *source {
	return func(c clock, w *window, f *flow) *source {
		return newVideo(&o, client.VideoLayer{Width: 1280, Height: 720, Bitrate: o.bitrate}, c, w, f)
	}
}

func TestVideoLooksLikeChromium(t *testing.T) {
	o := mediaOptions{bitrate: 1_500_000, fps: 30, packet: 1100}
	all := frames(played(t, 10*time.Second-time.Millisecond, camera(o), func(s *source) { s.RequestKeyframe() }))
	if len(all) < 299 || len(all) > 301 {
		t.Fatalf("%d frames in 10 s", len(all))
	}
	keys, octets, sizes := 0, 0, map[int]bool{}
	for i, f := range all {
		key := f[0].payload[vp8DescriptorSize]&1 == 0
		if key {
			keys++
			if b := f[0].payload[vp8DescriptorSize+3:]; b[0] != 0x9d || binary.LittleEndian.Uint16(b[3:]) != 1280 || binary.LittleEndian.Uint16(b[5:]) != 720 {
				t.Errorf("frame %d: key frame header % x", i, b[:7])
			}
		} else if len(f) != 6 {
			t.Errorf("frame %d: %d packets", i, len(f))
		}
		first := len(f[0].payload)
		sizes[first] = true
		for j, p := range f {
			octets += len(p.payload) - vp8DescriptorSize
			grown := len(p.payload) - first
			if grown < 0 || grown > 1 || len(p.payload) > 1100 || j > 0 && len(p.payload) < len(f[j-1].payload) {
				t.Errorf("frame %d: packet %d of %d bytes after %d", i, j, len(p.payload), first)
			}
			if p.Marker != (j == len(f)-1) || p.at != f[0].at || (p.payload[0]&0x10 != 0) != (j == 0) {
				t.Errorf("frame %d: packet %d: marker %v at %v", i, j, p.Marker, p.at)
			}
		}
		if i == 0 {
			continue
		}
		last := all[i-1][0]
		id := func(p sentPacket) uint16 { return binary.BigEndian.Uint16(p.payload[2:]) & 0x7fff }
		if f[0].Timestamp-last.Timestamp != 3000 || id(f[0]) != (id(last)+1)&0x7fff || f[0].payload[4] != last.payload[4]+1 {
			t.Errorf("frame %d does not follow", i)
		}
	}
	if keys != 2 {
		t.Errorf("%d key frames, want the first and the one asked for", keys)
	}
	if rate := float64(octets) * 8 / 10; rate < 1.45e6 || rate > 1.6e6 {
		t.Errorf("%.0f bit/s", rate)
	}
	if len(sizes) < 20 {
		t.Errorf("only %d sizes of packets", len(sizes))
	}
}

func TestSpreadPacesAFrame(t *testing.T) {
	const spread = 10 * time.Millisecond
	o := mediaOptions{bitrate: 1_500_000, fps: 30, packet: 1100, spread: spread}
	all := frames(played(t, time.Second-time.Millisecond, camera(o)))
	for i, f := range all[1:] {
		if took := f[len(f)-1].at - f[0].at; took != spread {
			t.Errorf("frame %d took %v", i+1, took)
		}
		for j := 1; j < len(f); j++ {
			if gap := f[j].at - f[j-1].at; gap != spread/5 {
				t.Errorf("frame %d: gap %v", i+1, gap)
			}
		}
	}
	if len(all) < 29 {
		t.Errorf("%d frames", len(all))
	}
}

func TestAudioIsSteady(t *testing.T) {
	o := mediaOptions{audioBitrate: audioBitrate}
	packets := played(t, time.Second-time.Millisecond, func(c clock, w *window, f *flow) *source { return newAudio(&o, c, w, f) })
	if len(packets) != 50 {
		t.Errorf("%d packets in 1 s", len(packets))
	}
	for i, p := range packets {
		if len(p.payload) != 80 || p.at != time.Duration(i)*opusInterval || i > 0 && p.Timestamp-packets[i-1].Timestamp != opusTicks {
			t.Errorf("packet %d: %d bytes at %v", i, len(p.payload), p.at)
		}
	}
}

// Who is held up for long sends no flood afterwards.
func TestLateSourceSkips(t *testing.T) {
	sent := 0
	synctest.Test(t, func(t *testing.T) {
		c, w := clock{time.Now()}, &window{}
		var s *source
		s = &source{track: &track{}, clock: c, window: w, step: func() time.Duration {
			if sent++; sent == 1 {
				time.Sleep(10 * time.Second)
			}
			return s.due + opusInterval
		}}
		ctx, stop := context.WithTimeout(t.Context(), 11*time.Second)
		defer stop()
		var late histogram
		play(ctx, []*source{s}, &late)
	})
	if sent < 45 || sent > 110 {
		t.Errorf("%d packets", sent)
	}
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		o    mediaOptions
		want float64
	}{
		{mediaOptions{bitrate: 1_500_000, fps: 30, packet: 1100}, 180},
		{mediaOptions{bitrate: 1_500_000, fps: 30, packet: 1100, audioBitrate: 1}, 230},
		{mediaOptions{bitrate: 1_500_000, fps: 30, packet: 1100, simulcast: true}, 180 + 60 + 30},
		{mediaOptions{audioBitrate: 1}, 50},
	} {
		if got := c.o.rate(); got != c.want {
			t.Errorf("%+v: %v", c.o, got)
		}
	}
}
