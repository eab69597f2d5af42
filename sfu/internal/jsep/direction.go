package jsep

// direction is which way media may flow on an m-line, or an extension in it,
// as the writer of the description sees it (RFC 8866 §6.7).
type direction uint8

const (
	inactive direction = 0
	sendonly direction = 1 << 0
	recvonly direction = 1 << 1
	sendrecv           = sendonly | recvonly
)

func (d direction) String() string {
	return [...]string{"inactive", "sendonly", "recvonly", "sendrecv"}[d&sendrecv]
}

// reversed is d as the other side sees it.
func (d direction) reversed() direction {
	return (d&sendonly)<<1 | (d&recvonly)>>1
}

// parseDirection knows the four names; ok is false for any other text.
func parseDirection(name string) (d direction, ok bool) {
	for d := inactive; d <= sendrecv; d++ {
		if d.String() == name {
			return d, true
		}
	}
	return inactive, false
}
