package wire

import "encoding/binary"

// Limits of the one-byte form of a header-extension element (RFC 8285 §4.2);
// what exceeds them needs the two-byte form.
const (
	oneByteMaxID   = 14
	oneByteMaxSize = 16
	twoByteMaxSize = 255
)

// A dependency descriptor has 3 bytes at least, of which the last two are the
// frame number (AV1 RTP payload format v1.0, appendix A.8.1).
const (
	descriptorSize  = 3
	descriptorFrame = 1
)

// Append appends to dst the RTP packet that the viewer gets for p under edit
// e, and allocates nothing if dst has room. The packet has no contributing
// sources and no padding; of the header extensions it has those that are
// forwarded, present in p and negotiated by the viewer.
func (f *Format) Append(dst []byte, p *Packet, e *Edit) []byte {
	dst = f.appendHeader(dst, p, e, f.PayloadType, e.Sequence, f.SSRC)
	return appendPayload(dst, p, e)
}

// AppendRTX is like Append, for the packet sent again (RFC 4588 §4): on the
// retransmission stream's SSRC, payload type and own sequence numbers, with
// the number of the original ahead of the payload. It is for viewers whose
// RTXSSRC is not 0; the others get the result of Append once more.
func (f *Format) AppendRTX(dst []byte, p *Packet, e *Edit, rtxSequence uint16) []byte {
	dst = f.appendHeader(dst, p, e, f.RTXPayloadType, rtxSequence, f.RTXSSRC)
	dst = binary.BigEndian.AppendUint16(dst, e.Sequence)
	return appendPayload(dst, p, e)
}

// RTXOriginal splits the payload of a retransmission into the sequence number
// of the original and the original's payload (RFC 4588 §4). ok is false where
// there is no number, as in the padding that senders probe with; rest may be
// empty.
func RTXOriginal(payload []byte) (osn uint16, rest []byte, ok bool) {
	if len(payload) < 2 {
		return 0, nil, false
	}
	return binary.BigEndian.Uint16(payload), payload[2:], true
}

func (f *Format) appendHeader(dst []byte, p *Packet, e *Edit, payloadType uint8, sequence uint16, ssrc uint32) []byte {
	timestamp := e.Timestamp
	size, twoByte := f.extensionSize(p, e)
	first := byte(2 << 6)
	if size > 0 {
		first |= 0x10
	}
	second := payloadType & 0x7F
	if (p.Marker || e.Marker) && !e.Empty {
		second |= 0x80
	}
	dst = append(dst, first, second, byte(sequence>>8), byte(sequence),
		byte(timestamp>>24), byte(timestamp>>16), byte(timestamp>>8), byte(timestamp),
		byte(ssrc>>24), byte(ssrc>>16), byte(ssrc>>8), byte(ssrc))
	if size > 0 {
		dst = f.appendExtensions(dst, p, e, size, twoByte)
	}
	return dst
}

// element is what the viewer gets of the extension of that kind, nil for nothing.
func (f *Format) element(p *Packet, kind ExtensionKind) []byte {
	b := p.Extensions[kind]
	if f.Extensions[kind] == 0 || !kind.Forwarded() || len(b) > twoByteMaxSize {
		return nil
	}
	return b
}

// extensionSize measures the elements that the viewer gets, in bytes without
// the alignment; 0 means no extension at all. All elements of a packet have
// the same form, so a single large id or element makes all two-byte.
func (f *Format) extensionSize(p *Packet, e *Edit) (size int, twoByte bool) {
	count := 0
	if f.Extensions[ExtensionTransportCC] != 0 {
		count, size = 1, 1+len(unstamped)
		twoByte = f.Extensions[ExtensionTransportCC] > oneByteMaxID
	}
	if e.Playout != 0 && f.delays(p) {
		count++
		size += 1 + playoutSize
		twoByte = twoByte || f.Extensions[ExtensionPlayoutDelay] > oneByteMaxID
	}
	for kind := ExtensionNone + 1; kind < NumExtensions; kind++ {
		b := f.element(p, kind)
		if b == nil {
			continue
		}
		n := len(b)
		count++
		size += 1 + n
		if n == 0 || n > oneByteMaxSize || f.Extensions[kind] > oneByteMaxID {
			twoByte = true
		}
	}
	if twoByte {
		size += count
	}
	return size, twoByte
}

func (f *Format) appendExtensions(dst []byte, p *Packet, e *Edit, size int, twoByte bool) []byte {
	profile := uint16(profileOneByte)
	if twoByte {
		profile = profileTwoByte
	}
	dst = binary.BigEndian.AppendUint16(dst, profile)
	dst = binary.BigEndian.AppendUint16(dst, uint16((size+3)/4))
	if id := f.Extensions[ExtensionTransportCC]; id != 0 { // first, where Stamp finds it
		dst = appendElement(dst, id, unstamped, twoByte)
	}
	if e.Playout != 0 && f.delays(p) {
		dst = appendPlayout(dst, f.Extensions[ExtensionPlayoutDelay], e.Playout, twoByte)
	}
	for kind := ExtensionNone + 1; kind < NumExtensions; kind++ {
		if b := f.element(p, kind); b != nil {
			dst = appendElement(dst, f.Extensions[kind], b, twoByte)
			if kind == ExtensionDependencyDescriptor && e.Renumber && len(b) >= descriptorSize {
				binary.BigEndian.PutUint16(dst[len(dst)-len(b)+descriptorFrame:], e.Frame)
			}
		}
	}
	for ; size%4 != 0; size++ {
		dst = append(dst, 0)
	}
	return dst
}

// playoutSize is that of the playout delay extension: two numbers of 12 bits, the least
// and the most delay, in units of 10 ms.
const playoutSize = 3

// delays reports whether the packet may tell a playout delay of ours. The publisher's own,
// where it has one, goes before.
func (f *Format) delays(p *Packet) bool {
	return f.Extensions[ExtensionPlayoutDelay] != 0 && p.Extensions[ExtensionPlayoutDelay] == nil
}

// appendPlayout tells the least delay before a picture is shown, and 10 s as the most, which
// is what browsers take without the extension.
func appendPlayout(dst []byte, id uint8, playout Playout, twoByte bool) []byte {
	const most = 1000
	if twoByte {
		dst = append(dst, id, playoutSize)
	} else {
		dst = append(dst, id<<4|playoutSize-1)
	}
	least := uint16(playout - 1)
	return append(dst, byte(least>>4), byte(least<<4)|most>>8, most&0xFF)
}

func appendElement(dst []byte, id uint8, b []byte, twoByte bool) []byte {
	if twoByte {
		dst = append(dst, id, byte(len(b)))
	} else {
		dst = append(dst, id<<4|byte(len(b)-1))
	}
	return append(dst, b...)
}

func appendPayload(dst []byte, p *Packet, e *Edit) []byte {
	if e.Empty {
		return dst
	}
	n := min(int(e.PatchLen), MaxPatch, len(p.Payload))
	dst = append(dst, e.Patch[:n]...)
	return append(dst, p.Payload[n:]...)
}
