package bwe

import (
	"encoding/binary"
	"errors"
	"time"
)

// maxArrivals bounds what one feedback message may tell, in packets: a run-length
// chunk of two bytes can claim thousands. Browsers report at least each 250 ms.
const maxArrivals = 4096

// errFeedback is what ParseFeedback says of bytes that are no feedback.
var errFeedback = errors.New("malformed transport-wide feedback")

// Symbols of packet status chunks (§3.1.1).
const (
	notReceived = iota
	smallDelta
	largeDelta
)

const (
	referenceUnit = 64 * time.Millisecond
	deltaUnit     = 250 * time.Microsecond
)

// FeedbackCount is of how many packets a message tells, if it is feedback.
func FeedbackCount(b []byte) int {
	if len(b) < 16 {
		return 0
	}
	return int(binary.BigEndian.Uint16(b[14:]))
}

// ParseFeedback appends to dst what a transport-wide feedback message tells
// (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1), b being the RTCP
// packet from its header on. It allocates nothing where dst has room. On an
// error, dst is returned as it was.
func ParseFeedback(b []byte, dst []Arrival) ([]Arrival, error) {
	const fixed = 20
	if len(b) < fixed {
		return dst, errFeedback
	}
	first := len(dst)
	sequence := binary.BigEndian.Uint16(b[12:])
	count := int(binary.BigEndian.Uint16(b[14:]))
	at := time.Duration(uint32(b[16])<<16|uint32(b[17])<<8|uint32(b[18])) * referenceUnit
	if count > maxArrivals {
		return dst, errFeedback
	}
	chunks := b[fixed:]
	deltas, ok := skipChunks(chunks, count)
	if !ok {
		return dst, errFeedback
	}
	for left := count; left > 0; chunks = chunks[2:] {
		c := chunk(binary.BigEndian.Uint16(chunks))
		n := min(c.len(), left)
		left -= n
		for i := range n {
			a := Arrival{Sequence: sequence}
			sequence++
			switch c.symbol(i) {
			case smallDelta:
				if len(deltas) < 1 {
					return dst[:first], errFeedback
				}
				at += time.Duration(deltas[0]) * deltaUnit
				deltas = deltas[1:]
				a.Received, a.At = true, at
			case largeDelta:
				if len(deltas) < 2 {
					return dst[:first], errFeedback
				}
				at += time.Duration(int16(binary.BigEndian.Uint16(deltas))) * deltaUnit //nolint:gosec // signed on the wire
				deltas = deltas[2:]
				a.Received, a.At = true, at
			}
			dst = append(dst, a)
		}
	}
	return dst, nil
}

// skipChunks returns what follows the chunks that describe count packets.
func skipChunks(b []byte, count int) (rest []byte, ok bool) {
	for count > 0 {
		if len(b) < 2 {
			return nil, false
		}
		n := chunk(binary.BigEndian.Uint16(b)).len()
		if n == 0 {
			return nil, false
		}
		count -= n
		b = b[2:]
	}
	return b, true
}

// chunk is a packet status chunk: a run of one symbol (§3.1.3), or a vector of 14
// symbols of one bit or 7 of two (§3.1.4).
type chunk uint16

func (c chunk) len() int {
	switch {
	case c&0x8000 == 0:
		return int(c & 0x1FFF)
	case c&0x4000 == 0:
		return 14
	}
	return 7
}

func (c chunk) symbol(i int) int {
	switch {
	case c&0x8000 == 0:
		return int(c >> 13 & 3)
	case c&0x4000 == 0:
		return int(c >> (13 - i) & 1) // 1 is smallDelta
	}
	return int(c >> (12 - 2*i) & 3)
}
