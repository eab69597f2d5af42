package sfu

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/repair"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

// maxLayers is the number of simulcast layers a track may have.
const maxLayers = 3

// Track is something that a participant publishes. It does not care where its
// packets come from: whoever reads them calls receive on its layers.
type Track struct {
	id        string
	number    uint32 // for the speaker detector
	mid       string
	kind      Kind
	source    Source
	publisher *Participant
	closed    atomic.Bool
	muted     atomic.Bool // written by the publisher's loop

	// Owned by the publisher's loop; constant for others once started.
	active     [maxLayers]bool          // simulcast layers that the client was told are wanted
	unwanted   [maxLayers]time.Duration // since when nobody wants them
	started    bool
	codec      codec.Codec
	parameters jsep.Codec
	extensions []wire.ExtensionKind
	rids       []string            // by the index of the layer; empty where there is none
	kinds      wire.ExtensionKinds // to parse what the histories hold

	// Owned by the publisher's read goroutine.
	sent, changing *jsep.Codec   // what its packets are in, and what they became
	receiving      codec.Codec   // of sent
	changed        time.Duration // when either did

	layers [maxLayers]atomic.Pointer[Layer]
	view   atomic.Pointer[view] // what it can be seen as; nil before begin

	subsMu sync.Mutex // guards writes of subs
	subs   atomic.Pointer[[]*Subscription]

	refusals refusals

	// redundantUntil is a time.Duration, until which some viewer wants packets of sound
	// with those before them.
	redundantUntil atomic.Int64

	// level is the sum of audio levels (low 32 bits) and their number (high)
	// since the room last looked.
	level atomic.Uint64
}

var trackNumbers atomic.Uint32

func newTrack(p *Participant, id, mid string, kind Kind, source Source, muted bool) *Track {
	t := &Track{
		id: id, number: trackNumbers.Add(1), mid: mid, kind: kind, source: source,
		publisher: p,
	}
	t.muted.Store(muted)
	for i := range t.active {
		t.active[i] = true
	}
	t.subs.Store(&[]*Subscription{})
	return t
}

// begin fixes what others need to subscribe. It runs once, on the loop.
func (t *Track) begin(parameters jsep.Codec, ids wire.ExtensionIDs) {
	t.started, t.codec, t.parameters = true, parameters.Codec, parameters
	t.extensions, t.kinds = forwardedExtensions(ids), ids.Kinds()
}

// close stops the track: its packets go nowhere from now on. Viewers drop their
// subscriptions when the roster tells them.
func (t *Track) close() { t.closed.Store(true) }

func (t *Track) subscribe(sub *Subscription) {
	t.subsMu.Lock()
	defer t.subsMu.Unlock()
	if subs := *t.subs.Load(); !slices.Contains(subs, sub) {
		subs = append(slices.Clone(subs), sub)
		t.subs.Store(&subs)
	}
}

func (t *Track) unsubscribe(sub *Subscription) {
	t.subsMu.Lock()
	defer t.subsMu.Unlock()
	subs := slices.DeleteFunc(slices.Clone(*t.subs.Load()), func(s *Subscription) bool { return s == sub })
	t.subs.Store(&subs)
}

// layer finds or makes the layer at index, which sends codec c with ssrc; c is
// nil for its RTX stream, whose layer must be there already. It runs on the
// publisher's read goroutine.
func (t *Track) layer(now time.Duration, index int, ssrc uint32, c *jsep.Codec) *Layer {
	l := t.layers[index].Load()
	if l == nil && c != nil {
		l = newLayer(t, index, ssrc, c)
		t.layers[index].Store(l)
	}
	return l
}

// deliver sends packets of one layer to everyone, viewer by viewer. This is the
// end of the one straight line from packet in to packets out.
func (t *Track) deliver(now time.Duration, arrived []arrival, out *transport.Batch, sum *sum) {
	server := t.publisher.server
	sent, bytes := server.fanout.deliver(share{now, arrived, *t.subs.Load(), sum}, out)
	if sent > 0 {
		k := kindIndex(t.kind)
		server.counter.packetsOut[k].Add(sent)
		server.counter.bytesOut[k].Add(bytes)
	}
}

// tick drives what time alone brings about for each layer, and follows layers
// that start and stop.
func (t *Track) tick(now time.Duration) {
	for i := range t.layers {
		if l := t.layers[i].Load(); l != nil {
			l.tick(now)
		}
	}
	t.survey(now)
	for _, sub := range *t.subs.Load() {
		if layer, ok := sub.wantsKeyframe(); ok {
			t.wish(now, layer)
		}
	}
}

// ask is a viewer's own request for a keyframe of a layer.
func (t *Track) ask(now time.Duration, layer int8) {
	if layer < 0 || t.kind != Video {
		return
	}
	if l := t.layers[layer].Load(); l != nil {
		l.wishAs(now, (*repair.Gate).Ask)
	}
}

// wish asks for a keyframe of a layer, together with everyone else who does.
func (t *Track) wish(now time.Duration, layer int8) {
	if layer < 0 || t.kind != Video {
		return
	}
	if l := t.layers[layer].Load(); l != nil {
		l.wish(now)
	}
}

// mend wishes a keyframe of a layer for a viewer who lost what can't be repaired. That is
// what the viewer says: at once a few times, then as if it had asked for one.
func (t *Track) mend(now time.Duration, layer int8) {
	if layer < 0 || t.kind != Video {
		return
	}
	if l := t.layers[layer].Load(); l != nil {
		l.mend(now)
	}
}

// heard folds in one audio level, 0 (loudest) to 127 -dBov (RFC 6464).
func (t *Track) heard(level uint8) { t.level.Add(1<<32 | uint64(level)) }

// takeLevel is the mean level since the last call; false if there was none.
func (t *Track) takeLevel() (uint8, bool) {
	v := t.level.Swap(0)
	n, sum := v>>32, v&0xffffffff
	if n == 0 {
		return 0, false
	}
	return uint8(sum / n), true //nolint:gosec // a mean of bytes
}

func (t *Track) receptions(now time.Duration, to []transport.ReceptionOut) []transport.ReceptionOut {
	for i := range t.layers {
		if l := t.layers[i].Load(); l != nil {
			if r, ok := l.report(now); ok {
				to = append(to, r)
			}
		}
	}
	return to
}
