package sfu

import "time"

// Ingress caps, where Config has none. A browser sends some 6 Mbit/s in 1,200 packets a
// second with camera and screen at their best.
const (
	defaultIngressBits    = 40_000_000
	defaultIngressPackets = 8_000
	// ingressBurst is how much of a second may come at once.
	ingressBurst = 0.5
	// audioReserve is how far audio may overdraw, in seconds: it is next to nothing, and
	// the last thing to go without.
	audioReserve = 0.5
)

// ingress bounds what one participant may send: token buckets of bits and of packets.
// It is owned by whoever receives the participant's packets.
type ingress struct {
	bitRate, packetRate float64 // per second
	bits, packets       float64 // that may still come
	updated             time.Duration
}

func newIngress(c *Config) ingress {
	i := ingress{bitRate: defaultIngressBits, packetRate: defaultIngressPackets}
	if c.MaxIngressBitrate > 0 {
		i.bitRate = float64(c.MaxIngressBitrate)
	}
	if c.MaxIngressPackets > 0 {
		i.packetRate = float64(c.MaxIngressPackets)
	}
	i.bits, i.packets = ingressBurst*i.bitRate, ingressBurst*i.packetRate
	return i
}

// admit takes a packet of so many bytes, or says that it is too much.
func (i *ingress) admit(now time.Duration, bytes int, audio bool) bool {
	if passed := (now - i.updated).Seconds(); passed > 0 {
		i.updated = now
		i.bits = min(i.bits+passed*i.bitRate, ingressBurst*i.bitRate)
		i.packets = min(i.packets+passed*i.packetRate, ingressBurst*i.packetRate)
	}
	reserve := 0.0
	if audio {
		reserve = audioReserve
	}
	if i.bits < -reserve*i.bitRate || i.packets < -reserve*i.packetRate {
		return false
	}
	i.bits -= float64(bytes) * 8
	i.packets--
	return true
}
