package wire

import "time"

// NTP is a time in NTP format (RFC 3550 §4): seconds since 1900 in the upper
// 32 bits, fractions of 2⁻³² s in the lower. It wraps in 2036, which Add and
// Sub don't notice.
type NTP uint64

// Middle is the compact form that receiver reports carry as LSR: the middle 32
// bits, in units of 2⁻¹⁶ s (RFC 3550 §6.4.1).
func (n NTP) Middle() uint32 { return uint32(n >> 16) }

// Add is the time d after n, to the nearest 2⁻³² s.
func (n NTP) Add(d time.Duration) NTP {
	seconds, rest := d/time.Second, d%time.Second
	if rest < 0 {
		seconds, rest = seconds-1, rest+time.Second
	}
	// rest < 10⁹ < 2³⁰, so rest<<32 fits.
	fraction := (uint64(rest)<<32 + uint64(time.Second)/2) / uint64(time.Second)
	return n + NTP(uint64(seconds)<<32) + NTP(fraction)
}

// Sub is the time from m to n, to the nearest nanosecond, negative where n is
// the earlier. Times more than 68 years apart count as wrapped.
func (n NTP) Sub(m NTP) time.Duration {
	diff := int64(n - m)
	fraction := uint64(uint32(diff))
	nanos := (fraction*uint64(time.Second) + 1<<31) >> 32
	return time.Duration(diff>>32)*time.Second + time.Duration(nanos)
}
