package forward

import (
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// vp8Fields are the optional parts of a VP8 payload descriptor.
type vp8Fields struct {
	bits     uint8 // of the picture id: 0, 7 or 15
	tl0, key bool
}

// vp8Payload is a packet of a VP8 picture (RFC 7741 §4.2).
func vp8Payload(f vp8Fields, start, keyframe bool, picture uint16, tl0, keyIdx uint8) []byte {
	b := []byte{0x80, 0}
	if start {
		b[0] |= 0x10
	}
	switch f.bits {
	case 7:
		b[1] |= 0x80
		b = append(b, byte(picture)&0x7f)
	case 15:
		b[1] |= 0x80
		b = append(b, 0x80|byte(picture>>8), byte(picture))
	}
	if f.tl0 {
		b[1] |= 0x40
		b = append(b, tl0)
	}
	if f.key {
		b[1] |= 0x30
		b = append(b, 0x60|keyIdx&31)
	}
	if !start {
		return append(b, 0xaa, 0xbb, 0xcc)
	}
	if !keyframe {
		return append(b, 1, 0, 0, 0)
	}
	return append(b, 0, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0)
}

// parse says what a payload is that stands alone.
func parse(c codec.Codec, payload []byte) codec.Info {
	var p codec.Parser
	return p.Parse(c, payload, nil, false)
}

// all are all layers within a layer's stream.
func all(layer int8) Target { return Target{Layer: layer, Spatial: AllLayers, Temporal: AllLayers} }

// plain is the Info of a packet without layers.
func plain(keyframe bool) codec.Info {
	return codec.Info{Keyframe: keyframe, Layers: codec.Layers{In: codec.All, Layering: codec.Nested}}
}

// patched is the payload that a viewer gets.
func patched(payload []byte, edit *wire.Edit) []byte {
	out := append([]byte(nil), payload...)
	copy(out, edit.Patch[:edit.PatchLen])
	return out
}

// publisherLayer is one layer of a scripted publisher. All its layers have one capture
// clock, and each its own numbers.
type publisherLayer struct {
	codec     codec.Codec
	fields    vp8Fields
	ext       int64
	timestamp uint32 // at time 0
	picture   uint16
	tl0, key  uint8
	keyNext   bool // the next frame is a keyframe
	captured  uint32
}

// frame is the packets of a picture, or an audio packet, captured now.
func (p *publisherLayer) frame(layer int8, now time.Duration, packets int) []Input {
	p.captured = p.timestamp + ticksAt(p.codec, now)
	keyframe := p.keyNext
	p.keyNext = false
	p.picture++
	p.tl0++
	if keyframe {
		p.key++
	}
	var out []Input
	for i := range packets {
		var payload []byte
		switch p.codec {
		case codec.VP8:
			payload = vp8Payload(p.fields, i == 0, keyframe && i == 0, p.picture, p.tl0, p.key)
		case codec.H264:
			payload = h264Payload(i, keyframe)
		default:
			payload = []byte{byte(p.ext), 2, 3}
		}
		out = append(out, p.packet(layer, payload))
	}
	out[len(out)-1].Marker = true
	return out
}

// packet is the layer's next packet; without a payload it is padding, which
// libwebrtc sends with the timestamp of the last frame.
func (p *publisherLayer) packet(layer int8, payload []byte) Input {
	p.ext++
	return Input{
		Layer: layer, Ext: p.ext, Timestamp: p.captured,
		Payload: payload, Info: parse(p.codec, payload),
	}
}

// h264Payload is packet i of a picture: parameter sets and slices in packets of
// their own, or a slice in fragments.
func h264Payload(i int, keyframe bool) []byte {
	switch {
	case !keyframe:
		return []byte{0x41, 0x9a, byte(i)}
	case i == 0: // a baseline parameter set of 128x96
		return []byte{0x67, 0x42, 0x00, 0x0a, 0xf8, 0x41, 0xa2}
	case i == 1:
		return []byte{0x65, 0x88, 0x84}
	default:
		return []byte{0x7c, 0x05, byte(i)}
	}
}

func ticksAt(c codec.Codec, at time.Duration) uint32 {
	rate := int64(c.ClockRate())
	return uint32(int64(at/time.Second)*rate + int64(at%time.Second)*rate/int64(time.Second))
}
