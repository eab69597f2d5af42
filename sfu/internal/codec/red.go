package codec

// Limits of a redundant block's header (RFC 2198 §3).
const (
	maxREDOffset = 1<<14 - 1 // RTP ticks
	maxREDBlock  = 1<<10 - 1 // bytes
)

// REDBlock is one redundant block of a RED payload (RFC 2198 §3).
type REDBlock struct {
	// Offset is by how many RTP ticks the block is older than the packet.
	Offset uint16
	// PayloadType is that of the block's own format.
	PayloadType uint8
	Payload     []byte
}

// REDBlockFits reports whether a payload of size bytes, older than its carrier by
// offset RTP ticks, can be a redundant block.
func REDBlockFits(offset uint32, size int) bool {
	return offset > 0 && offset <= maxREDOffset && size > 0 && size <= maxREDBlock
}

// SplitRED splits a RED payload. It appends the redundant blocks to dst, oldest
// first as they are written, and returns the primary block, which is what a receiver
// that knows only the inner codec needs, with its payload type. The slices are
// those of payload. ok is false for bytes that are not RED.
func SplitRED(payload []byte, dst []REDBlock) (blocks []REDBlock, primary []byte, payloadType uint8, ok bool) {
	end, redundant := 0, 0 // of the headers; of what follows them
	for end < len(payload) && payload[end]&0x80 != 0 {
		if end+4 > len(payload) {
			return dst, nil, 0, false
		}
		redundant += redLength(payload[end:])
		end += 4
	}
	if end >= len(payload) || end+1+redundant > len(payload) {
		return dst, nil, 0, false
	}
	at := end + 1
	for h := 0; h < end; h += 4 {
		header := payload[h : h+4]
		size := redLength(header)
		if size > 0 {
			dst = append(dst, REDBlock{
				Offset:      uint16(header[1])<<6 | uint16(header[2])>>2,
				PayloadType: header[0] & 0x7F,
				Payload:     payload[at : at+size : at+size],
			})
		}
		at += size
	}
	return dst, payload[at:], payload[end] & 0x7F, true
}

// redLength is the block length in a four-byte header.
func redLength(header []byte) int { return int(header[2]&0x03)<<8 | int(header[3]) }

// AppendRED appends a RED payload to dst: the headers of all blocks, then the blocks
// and the primary, all of the same format. blocks are in the order of their age, oldest
// first, and each of them fits (see REDBlockFits).
func AppendRED(dst []byte, payloadType uint8, blocks []REDBlock, primary []byte) []byte {
	for i := range blocks {
		b := &blocks[i]
		dst = append(dst, 0x80|payloadType,
			byte(b.Offset>>6), byte(b.Offset<<2)|byte(len(b.Payload)>>8), byte(len(b.Payload)))
	}
	dst = append(dst, payloadType&0x7F)
	for i := range blocks {
		dst = append(dst, blocks[i].Payload...)
	}
	return append(dst, primary...)
}
