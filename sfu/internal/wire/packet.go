package wire

import "time"

// ExtensionKind names a header extension independently of the id that one peer
// negotiated for it (RFC 8285).
type ExtensionKind uint8

// The header extensions that Plenum knows. ExtensionNone marks an id that was
// not negotiated or that Plenum does not know.
const (
	ExtensionNone ExtensionKind = iota
	ExtensionMid
	ExtensionRid
	ExtensionRepairedRid
	ExtensionAudioLevel
	ExtensionAbsSendTime
	ExtensionTransportCC
	ExtensionVideoOrientation
	ExtensionPlayoutDelay
	ExtensionVideoContentType
	ExtensionColorSpace
	ExtensionDependencyDescriptor
	ExtensionAbsCaptureTime
	NumExtensions
)

// ExtensionIDs are the ids that one peer negotiated, by kind; 0 is absent.
type ExtensionIDs [NumExtensions]uint8

// ExtensionKinds is the inverse of ExtensionIDs: the kind of each id, used to
// parse what a peer sends.
type ExtensionKinds [256]ExtensionKind

// Packet is a view of one RTP packet (RFC 3550 §5.1), parsed once. Its slices
// point into the bytes given to Parse and are valid as long as those are.
type Packet struct {
	Sequence    uint16
	Timestamp   uint32
	SSRC        uint32
	PayloadType uint8
	Marker      bool
	// Payload is without padding; it is empty for a padding-only packet.
	Payload []byte
	// Extensions holds each known element's bytes, nil where absent.
	Extensions [NumExtensions][]byte
}

// MaxPatch is the largest number of payload bytes that an Edit may replace.
const MaxPatch = 6

// Edit is what a subscription changes in a packet before it is sent on. The
// first PatchLen bytes of the payload are replaced by Patch; the payload's
// length never changes, unless Empty leaves it out.
type Edit struct {
	Sequence  uint16
	Frame     uint16 // with Renumber
	Timestamp uint32
	PatchLen  uint8
	Patch     [MaxPatch]byte
	// Marker sets the RTP marker bit, where the packet that had it isn't sent on.
	Marker bool
	// Empty leaves out the payload: the packet only fills its number.
	Empty bool
	// Renumber replaces the dependency descriptor's frame number by Frame, if the
	// packet has a descriptor.
	Renumber bool
	// Redundant tells which of the source's packets before this one it carries once
	// more, bit 0 being the one before. Format leaves that to its caller.
	Redundant uint8
	// Playout tells the viewer how long to wait before it shows a picture; 0 tells nothing.
	Playout Playout
}

// Playout is the least playout delay that a viewer is told: 1 is none, and each more
// is 10 ms more, up to 2.54 s.
type Playout uint8

// PlayoutOf is the delay d, which is cut to what can be told.
func PlayoutOf(d time.Duration) Playout {
	return Playout(1 + min(max(d, 0)/(10*time.Millisecond), 254)) //nolint:gosec // at most 255
}

// Format is how one subscription's packets look to its viewer: the identifiers
// negotiated for its m-line. RTXSSRC is 0 where the viewer has no RTX.
type Format struct {
	SSRC           uint32
	RTXSSRC        uint32
	PayloadType    uint8
	RTXPayloadType uint8
	Extensions     ExtensionIDs
}
