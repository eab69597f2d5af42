package wire

import (
	"encoding/binary"
	"errors"
)

// Why Parse rejects a packet.
var (
	ErrShort   = errors.New("wire: packet is shorter than its header says")
	ErrVersion = errors.New("wire: not RTP version 2")
	ErrPadding = errors.New("wire: padding count is zero or exceeds the payload")
)

// Sizes and marks of the RTP header (RFC 3550 §5.1) and of header extensions
// (RFC 8285 §4.2 and §4.3).
const (
	headerSize         = 12
	extensionHead      = 4
	profileOneByte     = 0xBEDE
	profileTwoByte     = 0x1000
	profileTwoByteMask = 0xFFF0
	oneByteStop        = 15
)

// Parse reads the RTP packet b into p, whose slices then point into b. It
// resets every field first; after an error p is zero. The elements of header
// extensions are told apart by kinds, which may be nil when none are wanted.
//
// A header extension is parsed as far as it makes sense: media with a broken
// extension is still media, and what stands before the broken element counts.
func (p *Packet) Parse(b []byte, kinds *ExtensionKinds) error {
	*p = Packet{}
	if len(b) < headerSize {
		return ErrShort
	}
	if b[0]>>6 != 2 {
		return ErrVersion
	}
	body := headerSize + 4*int(b[0]&0x0F)
	var profile uint16
	var elements []byte
	if b[0]&0x10 != 0 {
		if len(b) < body+extensionHead {
			return ErrShort
		}
		profile = binary.BigEndian.Uint16(b[body:])
		start := body + extensionHead
		body = start + 4*int(binary.BigEndian.Uint16(b[body+2:]))
		if len(b) < body {
			return ErrShort
		}
		elements = b[start:body]
	}
	if len(b) < body {
		return ErrShort
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		pad := int(b[end-1])
		if pad == 0 || pad > end-body {
			return ErrPadding
		}
		end -= pad
	}
	p.Marker = b[1]&0x80 != 0
	p.PayloadType = b[1] & 0x7F
	p.Sequence = binary.BigEndian.Uint16(b[2:])
	p.Timestamp = binary.BigEndian.Uint32(b[4:])
	p.SSRC = binary.BigEndian.Uint32(b[8:])
	p.Payload = b[body:end:end]
	if kinds == nil {
		return nil
	}
	switch {
	case profile == profileOneByte:
		p.parseOneByte(elements, kinds)
	case profile&profileTwoByteMask == profileTwoByte:
		p.parseTwoByte(elements, kinds)
	}
	return nil
}

// parseOneByte reads elements with a one-byte head: four bits of id and four of
// length minus one (RFC 8285 §4.2).
func (p *Packet) parseOneByte(b []byte, kinds *ExtensionKinds) {
	for len(b) > 0 {
		head := b[0]
		if head == 0 { // one byte of padding
			b = b[1:]
			continue
		}
		id, size := head>>4, int(head&0x0F)+1
		// Id 0 with a length and id 15 both end the block (RFC 8285 §4.2).
		if id == 0 || id == oneByteStop || len(b) < 1+size {
			return
		}
		p.setExtension(kinds[id], b[1:1+size:1+size])
		b = b[1+size:]
	}
}

// parseTwoByte reads elements with a two-byte head: a byte of id and a byte of
// length, which may be 0 (RFC 8285 §4.3).
func (p *Packet) parseTwoByte(b []byte, kinds *ExtensionKinds) {
	for len(b) > 0 {
		if b[0] == 0 { // one byte of padding
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return
		}
		end := 2 + int(b[1])
		p.setExtension(kinds[b[0]], b[2:end:end])
		b = b[end:]
	}
}

func (p *Packet) setExtension(kind ExtensionKind, b []byte) {
	if kind != ExtensionNone && kind < NumExtensions {
		p.Extensions[kind] = b
	}
}
