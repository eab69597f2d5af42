package client

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// boolDecoder is RFC 6386 section 7.3 the other way.
type boolDecoder struct {
	in           []byte
	value, width uint32
	shifted      int
}

func newBoolDecoder(b []byte) *boolDecoder {
	return &boolDecoder{in: b[2:], value: uint32(b[0])<<8 | uint32(b[1]), width: 255}
}

func (d *boolDecoder) bit(prob uint8) bool {
	split := 1 + (d.width-1)*uint32(prob)>>8
	b := d.value >= split<<8
	if b {
		d.width -= split
		d.value -= split << 8
	} else {
		d.width = split
	}
	for d.width < 128 {
		d.value <<= 1
		d.width <<= 1
		if d.shifted++; d.shifted == 8 {
			d.shifted = 0
			if len(d.in) > 0 {
				d.value |= uint32(d.in[0])
				d.in = d.in[1:]
			}
		}
	}
	return b
}

func TestBoolEncoder(t *testing.T) {
	e := newBoolEncoder()
	bits := func(yield func(uint8, bool)) {
		state := uint32(1)
		for range 20000 {
			state = state*1664525 + 1013904223
			prob := uint8(state>>24) | 1
			yield(prob, state>>8&0xff > uint32(prob))
		}
	}
	bits(e.bit)
	d := newBoolDecoder(e.flush())
	i := 0
	bits(func(prob uint8, want bool) {
		if got := d.bit(prob); got != want {
			t.Fatalf("bit %d is %v", i, got)
		}
		i++
	})
}

func TestVP8FrameHeads(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {16, 16}, {17, 33}, {320, 180}, {1280, 720}, {16383, 16}} {
		for name, b := range map[string][]byte{"key": vp8Key(size[0], size[1]), "inter": vp8Inter(size[0], size[1])} {
			tag := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
			partition := b[3:]
			if name == "key" {
				v, _ := parseVP8(append([]byte{0x10}, b...))
				if !v.key || v.width != size[0] || v.height != size[1] {
					t.Errorf("%v: %+v", size, v)
				}
				partition = b[10:]
			}
			if int(tag>>5) != len(partition) || tag>>1&7 != 0 || tag>>4&1 != 1 || tag&1 == 0 != (name == "key") {
				t.Errorf("%s of %v: tag %x, partition %d", name, size, tag, len(partition))
			}
		}
	}
}

func TestAudio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, err := NewAudio(AudioConfig{DTX: true})
		check(t, err)
		w := bind(t, a, Opus, webrtc.RTPHeaderExtensionParameter{URI: sdp.AudioLevelURI, ID: 3})
		ctx, stop := context.WithCancel(t.Context())
		go a.Run(ctx)
		time.Sleep(time.Second + time.Millisecond)
		a.SetLevel(Silence, false)
		time.Sleep(2 * time.Second)
		a.SetLevel(10, true)
		time.Sleep(time.Second)
		a.SetPaused(true)
		time.Sleep(time.Second)
		stop()
		synctest.Wait()

		if n := len(w.packets); n < 51+5+49 || n > 51+5+51 || a.Packets() != uint64(n) {
			t.Fatalf("%d packets", n)
		}
		var last rtp.Packet
		marks := 0
		for i, b := range w.packets {
			var p rtp.Packet
			check(t, p.Unmarshal(b))
			level := p.GetExtension(3)
			if len(level) != 1 || i < 51 && level[0] != 0x80|30 || i >= 57 && level[0] != 0x80|10 {
				t.Errorf("packet %d: level %v", i, level)
			}
			if p.Marker {
				marks++
			}
			if i > 0 && (p.SequenceNumber != last.SequenceNumber+1 || (p.Timestamp-last.Timestamp)%opusTicks != 0) {
				t.Errorf("packet %d: %v after %v", i, p.Header, last.Header)
			}
			if counter, _, ok := Stamp(p.Payload); !ok || counter != uint64(i) || p.Payload[0] != 0xf8 {
				t.Errorf("packet %d: stamp %d, %v", i, counter, ok)
			}
			last = p
		}
		if marks != 2 {
			t.Errorf("%d talk spurts", marks)
		}
	})
}

func TestVideoRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, err := NewVideo(VideoConfig{Layers: SimulcastLayers()})
		check(t, err)
		ctx, stop := context.WithCancel(t.Context())
		go v.Run(ctx)
		time.Sleep(10 * time.Second)
		v.SetLayer(2, false)
		time.Sleep(time.Second)
		v.SetPaused(true)
		time.Sleep(time.Second)
		v.SetPaused(false)
		v.SetLayer(2, true)
		time.Sleep(time.Second)
		stop()
		synctest.Wait()
		for i, l := range SimulcastLayers() {
			seconds := []float64{12, 12, 11}[i]
			x := v.Stats(i)
			if rate := float64(x.Bytes) * 8 / seconds / float64(l.Bitrate); rate < 0.97 || rate > 1.05 {
				t.Errorf("layer %s sends %.2f of its bitrate", l.RID, rate)
			}
			if x.Frames < uint64(seconds*30-2) || x.Frames > uint64(seconds*30+2) || x.Keyframes != 2 {
				t.Errorf("layer %s: %+v", l.RID, x)
			}
		}
	})
}

func TestBadMedia(t *testing.T) {
	for _, c := range []VideoConfig{
		{FPS: -1}, {PacketSize: 10}, {Layers: []VideoLayer{{Width: 0, Height: 1}}}, {Layers: []VideoLayer{{Width: 1, Height: 1 << 14}}},
	} {
		if _, err := NewVideo(c); err == nil {
			t.Errorf("%+v is fine", c)
		}
	}
	if _, _, ok := Stamp(make([]byte, 100)); ok {
		t.Error("a stamp of zeros")
	}
	v, err := NewVideo(VideoConfig{})
	check(t, err)
	if err := (&Local{Track: v.Tracks()[0], Layers: v.Tracks()}).check(); err == nil {
		t.Error("layers without rids")
	}
}
