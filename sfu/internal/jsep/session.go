package jsep

import (
	"hash/fnv"
	"slices"
	"strings"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/wire"
)

// maxLines is the number of m-lines that a session may have. It bounds the work
// that one description can cause; 256 KiB of SDP hold fewer.
const maxLines = 1024

// Session is one peer's negotiation: stable, or with an offer of ours in
// flight. It is not safe for concurrent use.
type Session struct {
	local   Local
	told    Local  // whose credentials the client knows
	id      uint64 // of the o= line
	version uint64 // of our last description

	state
	everybody func(*Codec) bool // can decode it, see Prefer

	opened bool   // the client has spoken
	answer string // to its last offer, once somebody asked for it

	queue   []*Slot // to be offered, in the order of Add
	pending string  // the offer in flight
	failed  []*Slot // slots of that offer for which there was no m-line or number
}

// state is what offers and answers change together. ApplyOffer works on a copy
// so that a bad offer leaves nothing behind.
type state struct {
	lines      []*line  // by index; never shrinks
	group      []string // the mids of the BUNDLE group
	numbers    numbers
	nextMid    int
	allowMixed bool // extmap-allow-mixed for the whole session (RFC 8285 §6)
	dialing    bool // our DTLS role is the active one
	remote     Remote
	decoders   *Decoders
}

// Slot is one track on its way to the client: an m-line of ours from the Offer
// that first carries it until it is removed. The m-line may carry another Slot
// later.
type Slot struct {
	sending Sending
	mid     string
	index   int   // of its line; -1 while it has none
	number  uint8 // payload type offered or agreed last
	removed bool  // by our owner
	ended   bool  // by the client, who rejected the m-line
	result  Result
}

// Mid is the m-line's mid, empty before the Offer that first carries the slot.
func (s *Slot) Mid() string { return s.mid }

// Sending is the slot's track; false once it was removed, or the client
// rejected its m-line for good.
func (s *Slot) Sending() (Sending, bool) { return s.sending, !s.removed && !s.ended }

// New makes the session of a client that has not spoken yet.
func New(l Local) *Session {
	// The session id must be unique and hard to guess (RFC 8829 §5.2.1) as the
	// ICE password is; it has 62 bits so that no parser takes it for negative.
	h := fnv.New64a()
	_, _ = h.Write([]byte(l.Ufrag + l.Pwd + l.Fingerprint)) // a hash never fails
	return &Session{local: l, told: l, id: h.Sum64() >> 2}
}

// SetLocal changes the server's end, as for an ICE restart. The next Answer or
// Offer carries it.
func (s *Session) SetLocal(l Local) {
	l.Candidates = slices.Clone(l.Candidates)
	s.local = l
}

// Remote is the client's end as its last description said.
func (s *Session) Remote() Remote { return s.remote }

// Incoming lists in order the audio and video m-lines on which the client sends
// or could, as the last description left them. Not only an offer changes them: a
// client may stop sending in its answer to ours.
func (s *Session) Incoming() []Incoming {
	var list []Incoming
	for _, l := range s.lines {
		if l.incoming != nil {
			list = append(list, *l.incoming)
		}
	}
	return list
}

// opusChannels are what Opus has in SDP, always (RFC 7587 §7).
const opusChannels = 2

// Add queues a track; the next Offer carries it. Ids that are no tokens of SDP
// are made ones.
func (s *Session) Add(t Sending) *Slot {
	t.Stream, t.Track = token(t.Stream), token(t.Track)
	t.Extensions = slices.Clone(t.Extensions)
	t.RED = t.RED && t.Codec.Codec == codec.Opus
	switch {
	case t.Codec.Codec == codec.Opus:
		t.Codec.Channels = opusChannels // whatever its publisher wrote
	case t.Codec.Channels == 0 && !t.Video:
		t.Codec.Channels = 1
	}
	slot := &Slot{sending: t, index: -1}
	slot.result.Slot = slot
	s.queue = append(s.queue, slot)
	return slot
}

// Remove ends a slot; the next Offer tells the client. Idempotent.
func (s *Session) Remove(slot *Slot) {
	if slot == nil || slot.removed {
		return
	}
	slot.removed = true
	s.queue = slices.DeleteFunc(s.queue, func(q *Slot) bool { return q == slot })
	s.release(slot)
}

// release frees the line of a removed slot where the client knows it as
// inactive already, so that there is nothing to tell.
func (s *Session) release(slot *Slot) {
	if s.pending != "" || slot.index < 0 || !slot.removed {
		return
	}
	if l := s.lines[slot.index]; l.direction&sendonly == 0 {
		l.slot, slot.index = nil, -1
	}
}

// NeedsOffer reports whether something changed that only an Offer can tell the
// client. It is false until the client has spoken.
func (s *Session) NeedsOffer() bool {
	if !s.opened {
		return false
	}
	if len(s.queue) > 0 || s.local.Ufrag != s.told.Ufrag || s.local.Pwd != s.told.Pwd {
		return true
	}
	return slices.ContainsFunc(s.lines, func(l *line) bool { return l.slot != nil && l.slot.removed })
}

// OfferInFlight reports whether an offer of ours waits for its answer.
func (s *Session) OfferInFlight() bool { return s.pending != "" }

// PendingOffer is the offer in flight, for sending it again.
func (s *Session) PendingOffer() (string, bool) { return s.pending, s.pending != "" }

// maxID is the length of a stream or track id (RFC 8830 §2).
const maxID = 64

// token makes id one that a=msid may carry. Plenum's own ids are tokens, so
// this changes nothing; but a browser refuses a whole description for one that
// is not.
func token(id string) string {
	id = strings.Map(func(r rune) rune {
		if r < 0x80 && isTokenByte(byte(r)) {
			return r
		}
		return '-'
	}, id)
	if id == "" {
		return "-"
	}
	return id[:min(len(id), maxID)]
}

// offers reports whether the slot's m-line has the extension kind: what
// describes the media, mid, by which the client tells m-lines apart, and the
// number that transport-wide feedback is about.
func (s *Slot) offers(kind wire.ExtensionKind) bool {
	switch kind {
	case wire.ExtensionMid:
		return true
	case wire.ExtensionTransportCC:
		return s.sending.feedback()
	}
	return kind.Forwarded() && slices.Contains(s.sending.Extensions, kind)
}

// feedback reports whether transport-wide feedback can be asked for: a packet that is sent
// again as it was can't carry another number, so that losses must be made up for by RTX or
// by RED.
func (t *Sending) feedback() bool { return t.TransportCC && (t.RTXSSRC != 0 || t.RED) }
