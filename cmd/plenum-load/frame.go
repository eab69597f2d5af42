package main

import "encoding/binary"

// frameSizes tells how libwebrtc cuts a frame of size bytes into packets of at
// most limit: as few as possible, at most a byte apart, the smaller ones first.
// The first `short` of the packets have `base` bytes, the others one more.
func frameSizes(size, limit int) (packets, base, short int) {
	packets = max((size+limit-1)/limit, 1)
	base = size / packets
	return packets, base, packets - size%packets
}

// vp8DescriptorSize is the payload descriptor with everything in it (RFC 7741
// section 4.2): 15-bit picture id, TL0PICIDX, TID and KEYIDX.
const vp8DescriptorSize = 6

// vp8HeaderSize is the frame tag, and behind it in a key frame start code and
// dimensions (RFC 6386 section 9.1).
const vp8HeaderSize = 10

// picture is what a payload descriptor says of a frame.
type picture struct {
	id            uint16 // 15 bits
	tl0           uint8
	keyIdx        uint8 // 5 bits
	key           bool
	width, height uint16
}

// put writes the descriptor and, into a frame's first packet, the frame's header.
func (p *picture) put(payload []byte, first bool) {
	payload[0] = 0x80 // X
	payload[1] = 0xf0 // I, L, T, K
	binary.BigEndian.PutUint16(payload[2:], 0x8000|p.id)
	payload[4] = p.tl0
	payload[5] = p.keyIdx // temporal layer 0, no sync
	if !first {
		return
	}
	payload[0] |= 0x10 // S: partition 0 begins
	b := payload[vp8DescriptorSize:]
	// The tag: inter frame, version 0, shown, a first partition of 8 bytes.
	b[0], b[1], b[2] = 0x11, 0x01, 0
	if p.key {
		b[0] &^= 1
		b[3], b[4], b[5] = 0x9d, 0x01, 0x2a
		binary.LittleEndian.PutUint16(b[6:], p.width)
		binary.LittleEndian.PutUint16(b[8:], p.height)
	}
}

// advance goes on to the next frame.
func (p *picture) advance(key bool) {
	p.id = (p.id + 1) & 0x7fff
	p.tl0++
	p.key = key
	if key {
		p.keyIdx = (p.keyIdx + 1) & 0x1f
	}
}
