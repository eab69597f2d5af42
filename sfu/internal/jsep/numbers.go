package jsep

import (
	"slices"
	"strconv"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// format is what a payload type stands for: everything in which two formats of
// one name may differ so that they need different numbers. The zero format is
// one that Plenum doesn't know; its number is taken all the same.
type format struct {
	clock    uint32
	channels uint16
	codec    codec.Codec
	// inner is the payload type that this format wraps: RED's Opus, or, with no
	// codec, the one that RTX repeats.
	inner   uint8
	profile string
}

func formatOf(c *Codec) format {
	f := format{codec: c.Codec, clock: c.ClockRate, channels: c.Channels}
	if c.Codec == codec.Opus || c.Codec == codec.RED {
		f.channels = opusChannels // some write opus/48000, and mean the same
	}
	f.profile, _ = profile(c.Codec, parseParameters(c.Fmtp))
	if c.Codec == codec.RED {
		f.inner = c.Carried()
	}
	return f
}

func formatOfRTX(apt uint8, clock uint32) format { return format{clock: clock, inner: apt} }

// numbers are the payload types and extension ids of the BUNDLE group, those of
// the client's offers and our own. It is a value: a copy saves its state.
type numbers struct {
	payloads   [128]*numbered // nil: not taken; what they point to never changes
	client     [128]bool      // the client's last offer said so
	used       [128]bool      // the offer being written uses it
	extensions [maxExtensionID + 1]numberedExtension
}

type numbered struct {
	format format
	fmtp   string
}

type numberedExtension struct {
	taken  bool
	client bool
	kind   wire.ExtensionKind
}

// learn takes in the numbers of a client's offer. They override what was known:
// the client wins.
func (n *numbers) learn(sections []*section) {
	clear(n.client[:])
	for i := range n.extensions {
		n.extensions[i].client = false
	}
	for _, s := range sections {
		if s.zeroPort && !s.bundleOnly {
			continue
		}
		n.learnPayloads(s)
		for _, e := range s.extensions {
			if at := &n.extensions[e.id]; !at.client {
				*at = numberedExtension{taken: true, client: true, kind: wire.ExtensionByURI(e.uri)}
			}
		}
	}
}

func (n *numbers) learnPayloads(s *section) {
	known := map[uint8]numbered{}
	for i := range s.codecs {
		c := &s.codecs[i]
		known[c.PayloadType] = numbered{format: formatOf(c), fmtp: answered(c.Codec, c.Fmtp)}
		if c.RTXPayloadType != 0 {
			known[c.RTXPayloadType] = numbered{
				format: formatOfRTX(c.PayloadType, c.ClockRate), fmtp: aptOf(c.PayloadType),
			}
		}
	}
	for _, p := range s.payloads {
		entry := known[p.number]
		at := n.payloads[p.number]
		switch {
		case !n.client[p.number]:
			n.payloads[p.number], n.client[p.number], n.used[p.number] = &entry, true, false
		case at.format != entry.format:
			// The client itself uses the number twice: of no use to us.
			n.payloads[p.number] = &numbered{fmtp: at.fmtp}
		}
	}
}

// begin starts a new offer: nothing is used yet.
func (n *numbers) begin() { clear(n.used[:]) }

// find is the number of f, one of the client's if there is any.
func (n *numbers) find(f format) (number uint8, ok bool) {
	for i := range n.payloads {
		e := n.payloads[i]
		if e == nil || e.format != f || f == (format{}) {
			continue
		}
		if n.client[i] {
			return uint8(i), true
		}
		if !ok {
			number, ok = uint8(i), true
		}
	}
	return number, ok
}

// resolve is the number of f: prefer if that is f's, else any that is, else a
// new one; ok is false where none is free. The number stays f's: what is given
// a number again gets the same one.
func (n *numbers) resolve(f format, fmtp string, prefer uint8) (number uint8, ok bool) {
	number = prefer & 0x7F
	if e := n.payloads[number]; e != nil && e.format == f {
		ok = true
	} else if number, ok = n.find(f); !ok {
		if number, ok = n.free(f.codec); !ok {
			return 0, false
		}
		n.payloads[number], n.client[number] = &numbered{format: f, fmtp: fmtp}, false
	}
	n.used[number] = true
	return number, true
}

// clientHas reports whether the client's last offer lists f.
func (n *numbers) clientHas(f format) bool {
	for i := range n.payloads {
		if n.client[i] && n.payloads[i].format == f {
			return true
		}
	}
	return false
}

// free finds a number for a new format: the static one of RFC 3551, else one of
// the dynamic range, else one of 35–63, which are free where RTCP is
// multiplexed (RFC 5761 §4), else one that is only remembered.
func (n *numbers) free(c codec.Codec) (uint8, bool) {
	for static, encoding := range staticPayloads {
		if name, _, _ := parseEncoding(encoding); codec.FromMIME("audio/"+name) == c && n.payloads[static] == nil {
			return static, true
		}
	}
	for _, acceptable := range []func(number int) bool{
		func(number int) bool { return n.payloads[number] == nil },
		func(number int) bool { return !n.client[number] && !n.used[number] },
	} {
		for _, span := range [][2]int{{96, 127}, {35, 63}} {
			for i := span[0]; i <= span[1]; i++ {
				if acceptable(i) {
					return uint8(i), true
				}
			}
		}
	}
	return 0, false
}

// slotCodecs are the codecs of an m-line that carries t, with their numbers:
// t's own, first, with its RTX, and the RED around it. ok is false where
// no number is free. prefer is the number that t has now, 0 for none.
func (n *numbers) slotCodecs(t *Sending, prefer uint8) (codecs []Codec, ok bool) {
	c := Codec{
		Codec: t.Codec.Codec, ClockRate: t.Codec.Codec.ClockRate(), Channels: t.Codec.Channels,
		Fmtp: canonical(t.Codec.Codec, t.Codec.Fmtp),
		NACK: true, PLI: t.Video, FIR: t.Video, TransportCC: t.feedback(),
	}
	f := formatOf(&c)
	if lesser := constrained(f); lesser != f && !n.clientHas(f) && n.clientHas(lesser) {
		f = lesser
	}
	if c.PayloadType, ok = n.resolve(f, c.Fmtp, prefer); !ok {
		return nil, false
	}
	c.Fmtp = n.payloads[c.PayloadType].fmtp
	if t.RTXSSRC != 0 {
		// Without a number for RTX the track is still worth sending.
		c.RTXPayloadType, _ = n.resolve(formatOfRTX(c.PayloadType, c.ClockRate), aptOf(c.PayloadType), 0)
	}
	codecs = []Codec{c}
	if t.RED { // likewise
		number := strconv.Itoa(int(c.PayloadType))
		red := Codec{Codec: codec.RED, ClockRate: c.ClockRate, Channels: c.Channels, Fmtp: number + "/" + number, NACK: true}
		if red.PayloadType, ok = n.resolve(formatOf(&red), red.Fmtp, 0); ok {
			red.Fmtp = n.payloads[red.PayloadType].fmtp
			codecs = append(codecs, red)
		}
	}
	return codecs, true
}

// extension is the id of kind, a new one if it has none yet; 0 where no id of a
// one-byte header is free.
func (n *numbers) extension(kind wire.ExtensionKind) uint8 {
	var known, free uint8
	for i := maxExtensionID; i > 0; i-- { // downwards: the lowest wins
		switch e := &n.extensions[i]; {
		case e.taken && e.kind == kind:
			if known == 0 || e.client || !n.extensions[known].client {
				known = uint8(i)
			}
		case !e.taken && i <= maxOwnExtensionID:
			free = uint8(i)
		}
	}
	if usual := usualExtensionIDs[kind]; usual != 0 && !n.extensions[usual].taken {
		free = usual
	}
	if known == 0 && free != 0 {
		n.extensions[free] = numberedExtension{taken: true, kind: kind}
		known = free
	}
	return known
}

// own leaves out extensions whose id means another one in the BUNDLE group, where an
// earlier m-line has it (RFC 9143 §9.1): a packet couldn't say which.
func (n *numbers) own(list []extension) []extension {
	return slices.DeleteFunc(list, func(e extension) bool {
		return n.extensions[e.id].kind != wire.ExtensionByURI(e.uri)
	})
}

// usualExtensionIDs are what libwebrtc gives a client's extensions when it offers
// audio and video. A client that begins with a data channel learns the ids from
// us, and refuses our offer if its own media offer, pending by then, says otherwise.
var usualExtensionIDs = wire.ExtensionIDs{
	wire.ExtensionAudioLevel: 1, wire.ExtensionAbsSendTime: 2, wire.ExtensionTransportCC: 3,
	wire.ExtensionMid: 4, wire.ExtensionPlayoutDelay: 5, wire.ExtensionVideoContentType: 6,
	wire.ExtensionColorSpace: 8, wire.ExtensionAbsCaptureTime: 9, wire.ExtensionRid: 10, wire.ExtensionRepairedRid: 11,
	wire.ExtensionDependencyDescriptor: 12, wire.ExtensionVideoOrientation: 13,
}

// maxOwnExtensionID is the largest id that a one-byte header holds (RFC 8285 §4.2).
const maxOwnExtensionID = 14

func aptOf(number uint8) string { return "apt=" + strconv.Itoa(int(number)) }
