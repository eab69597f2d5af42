package codec

// REDPrimary returns the primary (newest) block of a RED payload (RFC 2198 §3):
// what a receiver that knows only the inner codec needs. It is nil for bytes
// that are not RED.
func REDPrimary(payload []byte) []byte {
	headers, redundant := 0, 0
	for {
		if headers >= len(payload) {
			return nil
		}
		if payload[headers]&0x80 == 0 { // the last header: one byte, primary
			headers++
			break
		}
		if headers+4 > len(payload) {
			return nil
		}
		redundant += int(payload[headers+2]&0x03)<<8 | int(payload[headers+3])
		headers += 4
	}
	if headers+redundant > len(payload) {
		return nil
	}
	return payload[headers+redundant:]
}
