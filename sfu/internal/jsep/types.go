package jsep

import (
	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// Local is the server's end of the transport.
type Local struct {
	Ufrag, Pwd string
	// Fingerprint is the value of a=fingerprint (RFC 8122): the hash's name, a
	// space, and upper-case hex bytes with colons.
	Fingerprint string
	// Candidates are candidate attribute values (RFC 8839 §5.1), without the
	// "candidate:" in front; one that carries it is understood as well.
	Candidates []string
}

// Codec is one codec as one m-line names it.
type Codec struct {
	Codec          codec.Codec
	PayloadType    uint8
	RTXPayloadType uint8 // 0: no RTX
	ClockRate      uint32
	Channels       uint16 // 0 for video, at least 1 for audio
	Fmtp           string
	// NACK, PLI, FIR and TransportCC say which feedback both ends know.
	NACK, PLI, FIR, TransportCC bool
}

// Same reports whether viewers who were offered c can be sent d as that: the profile is the
// same, and of Opus the number of channels.
func (c *Codec) Same(d *Codec) bool {
	if c == d {
		return true
	}
	return c.Codec == d.Codec && formatOf(c).profile == formatOf(d).profile &&
		(c.Codec != codec.Opus || canonical(codec.Opus, c.Fmtp) == canonical(codec.Opus, d.Fmtp))
}

// SSRC is a stream that the client announced, and its RTX stream, 0 if none.
type SSRC struct{ Primary, RTX uint32 }

// Fingerprint is one a=fingerprint (RFC 8122): Algorithm in lower case, Value
// in upper case.
type Fingerprint struct{ Algorithm, Value string }

// Remote is the client's end of the transport.
type Remote struct {
	Ufrag, Pwd   string
	Lite         bool // RFC 8445 §2.5: we check, the client only answers
	Fingerprints []Fingerprint
	// Setup is the client's a=setup (RFC 8842): actpass, active or passive.
	Setup string
	// Candidates are attribute values without "candidate:".
	Candidates      []string
	EndOfCandidates bool
	// DataChannels: the description has an m=application section that is not
	// stopped, so the client expects SCTP over the DTLS connection.
	DataChannels bool
}

// Incoming is one audio or video m-line on which the client sends or could: its
// own, and any of the server's that its addTrack has taken.
type Incoming struct {
	Mid   string
	Video bool
	// Sending: the client may send on this m-line, and we accepted it.
	Sending bool
	// Codecs are those accepted, in the client's order.
	Codecs []Codec
	// Extensions are the ids under which the client may send each extension.
	Extensions wire.ExtensionIDs
	// RIDs name the simulcast layers in the order of the SDP, none without simulcast.
	RIDs []string
	// SSRCs are those that the SDP announced; it need not announce any.
	SSRCs []SSRC
	// Stream and Track are the client's msid (RFC 8830): information only.
	Stream, Track string
}

// Offered is what a client's offer means.
type Offered struct {
	Remote Remote
	// Incoming has all of them in order, stopped ones included.
	Incoming []Incoming
	// Slots are the accepted or once accepted slots for which the offer changed
	// something: the client stopped or paused its end, took it up again, or
	// renumbered it.
	Slots []Result
}

// Sending is a track that the server wants to send.
type Sending struct {
	// Track and Stream are the server's own ids (msid, RFC 8830).
	Track, Stream string
	Video         bool
	// Codec is the publisher's, with its fmtp. The payload type that its viewer
	// gets is another matter: see Result.
	Codec Codec
	// RED offers the redundancy of RFC 2198 around Codec as well, which is Opus.
	RED           bool
	SSRC, RTXSSRC uint32
	// Extensions are those that the publisher sends; the slot offers the ones
	// that may be forwarded.
	Extensions []wire.ExtensionKind
	// TransportCC asks the client for transport-wide feedback on the stream and
	// on its RTX stream. Without RTX or RED it is not asked for: see Result.
	TransportCC bool
}

// Result is what the client's answer said about one slot that was offered
// active.
type Result struct {
	Slot *Slot
	// Accepted: the client takes the track. Where it is false the client can't
	// or won't, and Format means nothing.
	Accepted bool
	// Held: the client could decode the track but doesn't receive it for now, as its
	// direction says. A later description may take it up.
	Held bool
	// Format has the numbers to send with. It has an id for the transport-wide
	// sequence number only if the client gives feedback and knows RTX, or RED: a packet
	// that is sent again as it was can't carry a new one.
	Format wire.Format
	// Codec is the one that Format.PayloadType means.
	Codec codec.Codec
	// REDPayloadType is that of RED around Codec, 0 where the client doesn't know it or
	// it was not offered.
	REDPayloadType uint8
	// NACK: the client asks for lost packets.
	NACK bool
}
