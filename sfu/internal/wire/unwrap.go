package wire

// Unwrapper extends 16-bit sequence numbers to 64 bits, so that order is plain
// comparison. A number is taken as the one nearest to the highest seen: up to
// 32,767 ahead of it is ahead, everything else is behind. The zero value is
// ready.
//
// With 65,530 the highest seen (first seen, so extended to 131,066), 4 becomes
// 131,076, ten ahead, and 65,000 becomes 130,536.
type Unwrapper struct {
	highest int64
	started bool
}

// Unwrap extends seq. The first value becomes seq+65,536: late packets from
// before it stay positive.
func (u *Unwrapper) Unwrap(seq uint16) int64 {
	ext := u.Peek(seq)
	if !u.started || ext > u.highest {
		u.highest, u.started = ext, true
	}
	return ext
}

// Peek is what Unwrap would return, without moving the state.
func (u *Unwrapper) Peek(seq uint16) int64 {
	if !u.started {
		return int64(seq) + 1<<16
	}
	return u.highest + int64(int16(seq-uint16(u.highest)))
}

// TimestampUnwrapper is Unwrapper for 32-bit RTP timestamps. The zero value is
// ready; the first value becomes timestamp+2³².
type TimestampUnwrapper struct {
	highest int64
	started bool
}

// Unwrap extends timestamp relative to the highest seen.
func (u *TimestampUnwrapper) Unwrap(timestamp uint32) int64 {
	ext := u.Peek(timestamp)
	if !u.started || ext > u.highest {
		u.highest, u.started = ext, true
	}
	return ext
}

// Peek is what Unwrap would return, without moving the state.
func (u *TimestampUnwrapper) Peek(timestamp uint32) int64 {
	if !u.started {
		return int64(timestamp) + 1<<32
	}
	return u.highest + int64(int32(timestamp-uint32(u.highest)))
}
