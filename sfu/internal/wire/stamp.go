package wire

import "encoding/binary"

// unstamped is the transport-wide sequence number before Stamp sets it.
var unstamped = []byte{0, 0}

// Stamp sets the transport-wide sequence number of a packet that Append,
// AppendRTX or AppendPadding made for a Format that has an id for it.
func Stamp(packet []byte, sequence uint16) {
	const first = headerSize + 4 // of the extension's elements
	if len(packet) < first+4 || packet[0]&0x1F != 0x10 {
		return
	}
	at := first + 1
	if binary.BigEndian.Uint16(packet[headerSize:]) == profileTwoByte {
		at++
	}
	binary.BigEndian.PutUint16(packet[at:], sequence)
}

// maxPadding is the most that RTP's padding octet can count (RFC 3550 §5.1).
const maxPadding = 255

// AppendPadding appends a packet of the retransmission stream that holds
// nothing but size bytes of padding, 1 to 255: it probes the path and the media
// stream's own numbers stay untouched.
func (f *Format) AppendPadding(dst []byte, timestamp uint32, rtxSequence uint16, size int) []byte {
	var empty Packet
	start := len(dst)
	dst = f.appendHeader(dst, &empty, &Edit{Timestamp: timestamp}, f.RTXPayloadType, rtxSequence, f.RTXSSRC)
	dst[start] |= 0x20
	size = min(max(size, 1), maxPadding)
	for range size - 1 {
		dst = append(dst, 0)
	}
	return append(dst, byte(size))
}
