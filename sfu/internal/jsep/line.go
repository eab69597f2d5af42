package jsep

import (
	"slices"

	"github.com/pion/sdp/v3"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// line is one m-line of the session: what we write at its index. It may carry a
// track each way: what the client sends on its own m-lines or, since browsers'
// addTrack takes any transceiver of the kind that has never sent, on ours; and
// on ours a slot.
type line struct {
	mid        string
	anonymous  bool // the client wrote no mid; this one is ours
	media      string
	proto      string
	formats    []string // of an m-line without codecs
	mine       bool
	stopped    bool // port 0: whoever comes next may take the line over
	direction  direction
	receiving  half
	sending    half
	rids       []string        // received
	paused     map[string]bool // of rids
	allowMixed bool
	rsize      bool
	sctp       []sdp.Attribute

	slot     *Slot     // mine: the track that it carries
	last     *Slot     // mine: the one that it carried last; its codecs stand while inactive
	incoming *Incoming // what the client sends or once sent
}

// half is what an m-line agrees on for one direction.
type half struct {
	codecs     []Codec
	extensions []extension
}

// sends reports whether the line tells the client of a track of ours.
func (l *line) sends() bool { return l.slot != nil && l.direction&sendonly != 0 }

// content is what the line lists, for both directions together.
func (l *line) content() half {
	switch l.direction {
	case recvonly:
		return l.receiving
	case sendonly:
		return l.sending
	case inactive:
		if len(l.sending.codecs) > 0 {
			return l.sending
		}
		return l.receiving
	}
	both := half{slices.Clone(l.receiving.codecs), slices.Clone(l.receiving.extensions)}
	for _, c := range l.sending.codecs {
		i := slices.IndexFunc(both.codecs, func(x Codec) bool { return x.PayloadType == c.PayloadType })
		if i < 0 {
			both.codecs = append(both.codecs, c)
		}
	}
	for _, e := range l.sending.extensions {
		i := slices.IndexFunc(both.extensions, func(x extension) bool { return x.id == e.id })
		if i < 0 {
			both.extensions = append(both.extensions, e)
			continue
		}
		at := &both.extensions[i]
		at.direction |= e.direction
		at.explicit = at.explicit && e.explicit
	}
	return both
}

// maxMessageSize is what data channels are told (RFC 8841 §6), in bytes: the
// default. Nothing reads them; the m-line only brings a transport up.
const maxMessageSize = "65536"

// clientLine is the line of a client's m-line as we answer it, with its codecs in that order.
func clientLine(s *section, accepted bool, n *numbers, codecs []Codec) *line {
	l := &line{
		mid: s.mid, anonymous: s.mid == "", media: s.media, proto: s.proto, formats: s.formats,
		stopped: !accepted, allowMixed: s.allowMixed, rsize: s.rsize,
	}
	if s.isMedia() {
		l.incoming = &Incoming{Mid: s.mid, Video: s.media == "video"}
	}
	switch {
	case !accepted:
	case s.isMedia():
		l.receive(s, n, codecs)
		l.incoming = l.heard(s)
	default:
		l.sctp = s.sctp
		if slices.ContainsFunc(s.sctp, func(a sdp.Attribute) bool { return a.Key == "sctp-port" }) {
			l.sctp = append(slices.Clone(l.sctp), sdp.Attribute{Key: "max-message-size", Value: maxMessageSize})
		}
	}
	return l
}

// receive accepts what the client's m-line offers to send: its codecs, in that order.
func (l *line) receive(s *section, n *numbers, codecs []Codec) {
	l.direction = s.direction.reversed() & recvonly
	l.receiving = half{n.answer(codecs), n.own(s.agreed(sendonly, anyKind))}
	l.rids, l.paused = nil, nil
	if extensionIDs(l.receiving.extensions)[wire.ExtensionRid] != 0 { // else the layers can't be told apart
		l.rids, l.paused = s.rids, s.paused
	}
}

// heard is what the client sends on the line, as its m-line s says.
func (l *line) heard(s *section) *Incoming {
	return &Incoming{
		Mid: l.mid, Video: s.media == "video", Sending: l.direction&recvonly != 0,
		Codecs: slices.Clone(s.codecs), Extensions: extensionIDs(l.receiving.extensions),
		RIDs: l.rids, SSRCs: s.ssrcs, Stream: s.stream, Track: s.track,
	}
}

// answer is codecs with our fmtp. One number has one fmtp in the whole BUNDLE
// group, as browsers insist.
func (n *numbers) answer(codecs []Codec) []Codec {
	codecs = slices.Clone(codecs)
	for i := range codecs {
		c := &codecs[i]
		if known := n.payloads[c.PayloadType]; known != nil && known.format == formatOf(c) {
			c.Fmtp = known.fmtp
		} else {
			c.Fmtp = answered(c.Codec, c.Fmtp)
		}
	}
	return codecs
}

// reoffered is our own line as the client's offer lists it again, and as we
// answer it. The slot itself stays untouched; result is what becomes of it.
func (l *line) reoffered(s *section, accepted bool, n *numbers, codecs []Codec) (next *line, result Result) {
	c := *l
	result.Slot = l.slot
	if c.stopped = !accepted; c.stopped {
		c.stop(s)
		return &c, result
	}
	c.proto, c.rsize, c.allowMixed = s.proto, s.rsize, s.allowMixed
	c.receive(s, n, codecs)
	if c.incoming != nil || c.direction&recvonly != 0 {
		c.incoming = c.heard(s)
	}
	c.sending = half{}
	if l.slot == nil {
		return &c, result
	}
	if match := l.slot.match(s); match != nil {
		if result.Held = s.direction&recvonly == 0; result.Held {
			return &c, result
		}
		result = l.slot.resultOf(s, match)
		c.direction |= sendonly
		c.sending = half{n.answer(l.slot.narrow(s, match)), n.own(s.agreed(recvonly, l.slot.offers))}
	}
	return &c, result
}

// stop makes the line one with port 0, as the client's m-line s is.
func (l *line) stop(s *section) {
	l.stopped, l.direction, l.slot, l.formats = true, inactive, nil, s.formats
	if l.incoming != nil {
		in := *l.incoming
		in.Sending = false
		l.incoming = &in
	}
}

// match finds the codec of a client's m-line in which the slot can be sent, nil
// if there is none: the number that it has now, else any of the same format.
func (s *Slot) match(sec *section) *Codec {
	f := s.format()
	if c := sec.find(f, s.number); c != nil {
		return c
	}
	return sec.find(constrained(f), s.number)
}

// redundant is the RED around c in a client's m-line that carries the slot, nil if there
// is none.
func (s *Slot) redundant(sec *section, c *Codec) *Codec {
	for i := range sec.codecs {
		red := &sec.codecs[i]
		if s.sending.RED && red.Codec == codec.RED && red.Carried() == c.PayloadType {
			return red
		}
	}
	return nil
}

// find is the codec of format wanted, whatever it wraps; of several the one
// numbered prefer, else the first.
func (s *section) find(wanted format, prefer uint8) (found *Codec) {
	for i := range s.codecs {
		c := &s.codecs[i]
		if c.Codec != wanted.codec {
			continue
		}
		if c.PayloadType == prefer {
			return c
		}
		f := formatOf(c)
		if f.inner = 0; found == nil && f == wanted {
			found = c
		}
	}
	return found
}

// format is that of the slot's codec, whatever it wraps.
func (s *Slot) format() format {
	c := s.sending.Codec
	c.ClockRate, c.Fmtp = c.Codec.ClockRate(), canonical(c.Codec, c.Fmtp)
	f := formatOf(&c)
	f.inner = 0
	return f
}

// resultOf is the slot's result when its codec is c of the m-line sec.
func (s *Slot) resultOf(sec *section, c *Codec) Result {
	r := Result{Slot: s, Accepted: true, Codec: c.Codec, NACK: c.NACK}
	r.Format = wire.Format{
		SSRC: s.sending.SSRC, PayloadType: c.PayloadType,
		Extensions: extensionIDs(sec.agreed(recvonly, s.offers)),
	}
	if red := s.redundant(sec, c); red != nil {
		r.REDPayloadType = red.PayloadType
	}
	if s.sending.RTXSSRC != 0 && c.RTXPayloadType != 0 {
		r.Format.RTXSSRC, r.Format.RTXPayloadType = s.sending.RTXSSRC, c.RTXPayloadType
	}
	if !c.TransportCC || r.Format.RTXSSRC == 0 && r.REDPayloadType == 0 {
		r.Format.Extensions[wire.ExtensionTransportCC] = 0
	}
	return r
}

// narrow is what we answer of a client's m-line that carries the slot: c alone,
// and the RED around it.
func (s *Slot) narrow(sec *section, c *Codec) []Codec {
	only, red := *c, s.redundant(sec, c)
	only.TransportCC = c.TransportCC && s.sending.feedback() && (s.sending.RTXSSRC != 0 || red != nil)
	if s.sending.RTXSSRC == 0 {
		only.RTXPayloadType = 0
	}
	codecs := []Codec{only}
	if red != nil {
		around := *red
		around.TransportCC, around.RTXPayloadType = false, 0
		codecs = append(codecs, around)
	}
	return codecs
}
