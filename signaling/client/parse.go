package client

import "encoding/binary"

// rtpPacket is what a Receiver needs of a packet (RFC 3550 section 5.1).
type rtpPacket struct {
	sequence  uint16
	timestamp uint32
	marker    bool
	payload   []byte
}

func parseRTP(b []byte) (p rtpPacket, ok bool) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return p, false
	}
	p.marker = b[1]&0x80 != 0
	p.sequence = binary.BigEndian.Uint16(b[2:])
	p.timestamp = binary.BigEndian.Uint32(b[4:])
	begin := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < begin+4 {
			return p, false
		}
		begin += 4 + 4*int(binary.BigEndian.Uint16(b[begin+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		end -= int(b[len(b)-1])
	}
	if begin > end || end == len(b) && b[0]&0x20 != 0 {
		return p, false
	}
	p.payload = b[begin:end]
	return p, true
}

// vp8Packet is what a payload descriptor (RFC 7741 section 4.2) and the frame
// header behind it tell.
type vp8Packet struct {
	begins       bool // a frame
	key          bool // and it is a key frame
	hasPictureID bool
	pictureID    uint16
	width        int
	height       int
}

func parseVP8(b []byte) (v vp8Packet, ok bool) {
	if len(b) < 1 {
		return v, false
	}
	v.begins = b[0]&0x17 == 0x10
	n := 1
	if b[0]&0x80 != 0 {
		if len(b) < 2 {
			return v, false
		}
		flags := b[1]
		n = 2
		if flags&0x80 != 0 {
			switch {
			case len(b) > n+1 && b[n]&0x80 != 0:
				v.pictureID = binary.BigEndian.Uint16(b[n:]) & 0x7fff
				n += 2
			case len(b) > n && b[n]&0x80 == 0:
				v.pictureID = uint16(b[n])
				n++
			default:
				return v, false
			}
			v.hasPictureID = true
		}
		if flags&0x40 != 0 {
			n++
		}
		if flags&0x30 != 0 {
			n++
		}
	}
	if len(b) < n {
		return v, false
	}
	f := b[n:]
	if v.begins && len(f) >= 10 && f[0]&1 == 0 && f[3] == 0x9d && f[4] == 0x01 && f[5] == 0x2a {
		v.key = true
		v.width = int(binary.LittleEndian.Uint16(f[6:]) & 0x3fff)
		v.height = int(binary.LittleEndian.Uint16(f[8:]) & 0x3fff)
	}
	return v, true
}
