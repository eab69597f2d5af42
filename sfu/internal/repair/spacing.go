package repair

// maxSpacing is the most RTP ticks between two packets that are taken for neighbours
// in speech: the longest packet of Opus, 120 ms at 48 kHz (RFC 6716 §2.1.4).
const maxSpacing = 5760

// Spacing learns how far apart the packets of an audio stream are, by which the number of a
// redundant block follows from its age (RFC 2198 tells a timestamp alone). The zero
// value is ready.
type Spacing struct {
	started   bool
	ext       int64 // the newest packet
	timestamp uint32
	ticks     uint32 // between neighbours, 0 while unknown
}

// Receive notes a packet. Those that are not newer than all before say nothing.
func (s *Spacing) Receive(ext int64, timestamp uint32) {
	if s.started && ext <= s.ext {
		return
	}
	if passed := timestamp - s.timestamp; s.started && ext == s.ext+1 && passed > 0 && passed <= maxSpacing {
		s.ticks = passed
	}
	s.started, s.ext, s.timestamp = true, ext, timestamp
}

// Number is the sequence number of the block that is older by offset ticks than packet
// ext with that timestamp, which has not been received yet. ok is false where it isn't known.
func (s *Spacing) Number(ext int64, timestamp, offset uint32) (number int64, ok bool) {
	if !s.started || s.ticks == 0 || offset == 0 || offset%s.ticks != 0 {
		return 0, false
	}
	number = ext - int64(offset/s.ticks)
	if number > s.ext {
		// Between the newest packet and this one there must be room for it: a pause in
		// speech passes time, but no numbers.
		passed := int64(int32(timestamp - offset - s.timestamp)) //nolint:gosec // timestamps wrap
		if passed < (number-s.ext)*int64(s.ticks) {
			return 0, false
		}
	}
	return number, true
}
