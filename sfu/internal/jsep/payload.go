package jsep

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pion/sdp/v3"

	"plenum/sfu/internal/codec"
)

// payload is one format of an RTP m-line, with all that its attributes say.
type payload struct {
	number   uint8
	name     string // encoding name, lower case; empty where no rtpmap names it
	clock    uint32
	channels uint16
	fmtp     string
	feedback feedback
}

// feedback is the RTCP feedback (RFC 4585 §4.2) that Plenum knows.
type feedback struct{ nack, pli, fir, transportCC bool }

func (f *feedback) add(value string) {
	switch strings.Join(strings.Fields(strings.ToLower(value)), " ") {
	case "nack":
		f.nack = true
	case "nack pli":
		f.pli = true
	case "ccm fir":
		f.fir = true
	case "transport-cc":
		f.transportCC = true
	}
}

// staticPayloads are the formats that need no rtpmap (RFC 3551 §6).
var staticPayloads = map[uint8]string{0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000"}

// parsePayloads lists the formats of an m-line in its order. What can't be read
// is left out, as RFC 8866 §5.14 wants of unknown formats.
func parsePayloads(md *sdp.MediaDescription) []payload {
	var (
		list  []payload
		index [128]int // into list, plus one
		all   feedback
	)
	for _, format := range md.MediaName.Formats {
		n, err := strconv.ParseUint(format, 10, 7)
		if err != nil || index[n] != 0 {
			continue
		}
		p := payload{number: uint8(n)}
		p.name, p.clock, p.channels = parseEncoding(staticPayloads[p.number])
		list = append(list, p)
		index[n] = len(list)
	}
	for _, a := range md.Attributes {
		format, value, _ := strings.Cut(a.Value, " ")
		if a.Key == "rtcp-fb" && format == "*" {
			all.add(value)
			continue
		}
		n, err := strconv.ParseUint(format, 10, 7)
		if err != nil || index[n] == 0 {
			continue
		}
		p := &list[index[n]-1]
		switch a.Key {
		case "rtpmap":
			p.name, p.clock, p.channels = parseEncoding(value)
		case "fmtp":
			p.fmtp = printable(strings.TrimSpace(value))
		case "rtcp-fb":
			p.feedback.add(value)
		}
	}
	for i := range list {
		f := &list[i].feedback
		f.nack = f.nack || all.nack
		f.pli = f.pli || all.pli
		f.fir = f.fir || all.fir
		f.transportCC = f.transportCC || all.transportCC
	}
	return list
}

// parseEncoding reads NAME/CLOCK[/CHANNELS]; all zero where it can't.
func parseEncoding(text string) (name string, clock uint32, channels uint16) {
	parts := strings.Split(strings.TrimSpace(text), "/")
	if len(parts) < 2 || !isToken(parts[0]) {
		return "", 0, 0
	}
	rate, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil || rate == 0 {
		return "", 0, 0
	}
	channels = 1
	if len(parts) > 2 {
		n, err := strconv.ParseUint(parts[2], 10, 8)
		if err != nil || n == 0 {
			return "", 0, 0
		}
		channels = uint16(n)
	}
	return strings.ToLower(parts[0]), uint32(rate), channels
}

// supported picks the codecs that Plenum forwards out of an m-line's payloads,
// in its order, each with the RTX that protects it (RFC 4588 §8.1). RED counts
// only where it carries an Opus of the same m-line.
func supported(payloads []payload, video bool) []Codec {
	kind := "audio/"
	if video {
		kind = "video/"
	}
	var rtx [128]*payload // by the payload type that it repeats
	for i := range payloads {
		if apt, ok := payloads[i].protects(); ok && rtx[apt] == nil {
			rtx[apt] = &payloads[i]
		}
	}
	var codecs []Codec
	for _, p := range payloads {
		c := codec.FromMIME(kind + p.name)
		if c == codec.Unknown || p.clock != c.ClockRate() {
			continue
		}
		if _, ok := profile(c, parseParameters(p.fmtp)); !ok {
			continue
		}
		if c == codec.RED && !completeRED(&p, payloads) {
			continue
		}
		known := Codec{
			Codec: c, PayloadType: p.number, ClockRate: p.clock, Fmtp: p.fmtp,
			NACK: p.feedback.nack, PLI: p.feedback.pli, FIR: p.feedback.fir,
			TransportCC: p.feedback.transportCC,
		}
		if !video {
			known.Channels = p.channels
		}
		if r := rtx[p.number]; r != nil && r.clock == p.clock {
			known.RTXPayloadType = r.number
		}
		codecs = append(codecs, known)
	}
	return codecs
}

// protects is the payload type whose packets an RTX payload repeats.
func (p *payload) protects() (apt uint8, ok bool) {
	if p.name != "rtx" {
		return 0, false
	}
	n, err := strconv.ParseUint(parseParameters(p.fmtp)["apt"], 10, 7)
	return uint8(n), err == nil
}

// completeRED reports whether p's fmtp names an Opus among payloads (RFC 2198
// §5). A RED without fmtp is taken to mean the first Opus, and p gets its fmtp.
func completeRED(p *payload, payloads []payload) bool {
	for _, q := range payloads {
		if q.name != "opus" {
			continue
		}
		inner := strconv.Itoa(int(q.number))
		if p.fmtp == "" {
			p.fmtp = inner + "/" + inner
		}
		blocks := strings.Split(p.fmtp, "/")
		if !slices.ContainsFunc(blocks, func(b string) bool { return b != inner }) {
			return true
		}
	}
	return false
}

// Carried is the payload type inside a RED codec, 0 where its fmtp names none.
func (c *Codec) Carried() uint8 {
	first, _, _ := strings.Cut(c.Fmtp, "/")
	n, err := strconv.ParseUint(first, 10, 7)
	if err != nil {
		return 0
	}
	return uint8(n)
}

// encodingName is c's name in an rtpmap.
func encodingName(c codec.Codec) string {
	_, name, _ := strings.Cut(c.MIME(), "/")
	return name
}

// printable is text where every byte of it is visible ASCII or a space, else
// nothing: it goes back into a line of SDP.
func printable(text string) string {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return ""
		}
	}
	return text
}

// isToken reports whether text is a token of SDP (RFC 8866 §9).
func isToken(text string) bool {
	for i := range len(text) {
		if !isTokenByte(text[i]) {
			return false
		}
	}
	return text != ""
}

func isTokenByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	default:
		return strings.IndexByte("!#$%&'*+-.^_`{|}~", c) >= 0
	}
}
