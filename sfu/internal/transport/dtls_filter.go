package transport

import "encoding/binary"

// DTLS 1.2 records and handshake messages (RFC 6347 §4.1, §4.2.2).
const (
	recordHeader     = 13
	recordLimit      = 1<<14 + 2048 // RFC 5246 §6.2.3: a ciphertext's length
	handshakeHeader  = 12
	handshakeLimit   = 1 << 15 // a certificate chain; a WebRTC certificate is 300 to 1,500 bytes
	handshakeSerials = 16      // messages that one side sends: seven and a few hello requests

	contentChangeCipherSpec = 20
	contentHandshake        = 22
	contentApplicationData  = 23
)

// dtlsRecords keeps those records of a datagram, in place, that can't do harm
// without being authenticated, and says how many it dropped (RFC 6347 §4.1.2.7:
// invalid records are discarded, the association stays). Pion answers some with a
// fatal alert and ends the connection.
//
// Records of epoch 1 are encrypted, and pion discards silently what doesn't
// decrypt; but ChangeCipherSpec, which it never decrypts. That is the last record
// of epoch 0 and has no place in a later one (RFC 6347 §4.1). Of epoch 0, where anybody can write them, the handshake needs its own
// messages and ChangeCipherSpec; alerts of epoch 0 never count, since a handshake
// that has really failed ends by its timeout. Once secured no record of epoch 0
// counts: the Finished by which a client asks again for our last flight is
// encrypted (RFC 6347 §4.2.4).
func dtlsRecords(b []byte, secured bool) (kept []byte, dropped int) {
	kept = b[:0]
	for len(b) > 0 {
		if len(b) <= recordHeader {
			return kept, dropped + 1
		}
		size := recordHeader + int(binary.BigEndian.Uint16(b[11:]))
		if size > len(b) || size > recordHeader+recordLimit {
			return kept, dropped + 1 // where the next begins can't be known
		}
		if harmless(b[:size], secured) {
			kept = append(kept, b[:size]...)
		} else {
			dropped++
		}
		b = b[size:]
	}
	return kept, dropped
}

func harmless(record []byte, secured bool) bool {
	if record[1] != 254 || (record[2] != 253 && record[2] != 255) { // DTLS 1.2 and 1.0, as hellos say
		return false
	}
	body := record[recordHeader:]
	switch binary.BigEndian.Uint16(record[3:]) {
	case 0:
		if secured {
			return false
		}
		switch record[0] {
		case contentChangeCipherSpec:
			return len(body) == 1 && body[0] == 1
		case contentHandshake:
			return len(body) > 0 && wellFormed(body) // pion ends with an empty record
		}
		return false
	case 1:
		return record[0] > contentChangeCipherSpec && record[0] <= contentApplicationData && len(body) > 0
	}
	return false // there is no renegotiation, so no later epoch
}

// wellFormed reports whether a record holds whole fragments of handshake messages
// whose lengths agree, and no longer a message than a WebRTC client has.
func wellFormed(b []byte) bool {
	for len(b) > 0 {
		if len(b) < handshakeHeader {
			return false
		}
		length, offset, fragment := uint24(b[1:]), uint24(b[6:]), uint24(b[9:])
		if length > handshakeLimit || offset+fragment > length || handshakeHeader+fragment > len(b) ||
			binary.BigEndian.Uint16(b[4:]) >= handshakeSerials || (fragment == 0 && length > 0) {
			return false
		}
		b = b[handshakeHeader+fragment:]
	}
	return true
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }
