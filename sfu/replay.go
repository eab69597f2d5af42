package sfu

import (
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/forward"
	"plenum/sfu/internal/transport"
	"plenum/sfu/internal/wire"
)

// This file lets a viewer begin with what is there already. A keyframe is requested when
// a track is offered, which is a round trip or two before the client has accepted it and
// the transport is secured; what came meanwhile is in the history.

const (
	// mostReplayed bounds the age of the keyframe that a viewer begins with: what follows
	// it comes all at once, and is shown in a hurry.
	mostReplayed = 500 * time.Millisecond
	// replayBytes bounds what comes at once: the pacer lets a keyframe that is requested
	// now through as soon.
	replayBytes = 40_000
	// replayRun is how many packets are handed to the transport together.
	replayRun = 32
	// fewTracks is up to how many tracks a newcomer is expected to show large: it says
	// what it wants only later, when their publishers' upper layers could have begun.
	fewTracks = 8
)

// expect readies the track for a viewer that has just been offered it, as one of so many
// that it will see. It runs before the subscription is the track's.
func (s *Subscription) expect(now time.Duration, tracks int) {
	if s.track.kind != Video {
		return
	}
	layers := s.track.ascending()
	if len(layers) == 0 {
		return
	}
	s.track.wish(now, layers[0].index)
	w := wanted{target: nothing}
	if tracks <= fewTracks {
		w = wanted{target: target{layer: layers[len(layers)-1].index}, short: true}
	}
	s.want(w)
}

// replay begins with a keyframe of the layer that came lately, if there is one, and
// reports whether it did. It runs under mu, so that what arrives meanwhile follows.
func (s *Subscription) replay(now time.Duration, layer int8) bool {
	l, n := s.track.layers[layer].Load(), s.numbers.Load()
	if l == nil || n == nil {
		return false
	}
	l.mu.Lock()
	key := l.key
	l.mu.Unlock()
	newest, bytes, held := l.history.Since(key.ext)
	if key.at == 0 || now-key.at > mostReplayed || !held || bytes > replayBytes {
		return false
	}
	peer := s.viewer.media.peer
	how := transport.Outgoing{Equalise: n.RTXSSRC != 0, Stamp: n.counted(), Pace: true}
	var parser codec.Parser
	var p wire.Packet
	var raw []byte
	sent := 0
	peer.Compose(now, func(out *transport.Batch) {
		for ext := key.ext; ext <= newest; ext++ {
			raw, held = l.history.Get(ext, raw[:0])
			if !held || p.Parse(raw, &s.track.kinds) != nil {
				continue // it may still come, and then fills the hole
			}
			edit, verdict := s.stream.Push(now, &forward.Input{
				Layer: layer, Ext: ext, Timestamp: p.Timestamp, Marker: p.Marker, Payload: p.Payload,
				Info: parser.Parse(s.track.codec, p.Payload, p.Extensions[wire.ExtensionDependencyDescriptor], false),
			})
			if verdict != forward.Forward {
				s.viewer.server.counter.dropped[verdict].Inc()
				continue
			}
			edit.Playout = s.playout
			out.Reserve(1)
			b := n.append(out.Next(), &p, &edit, nil)
			out.Put(b)
			s.viewer.server.counter.bytesOut[videoIndex].Add(uint64(len(b)))
			if sent++; sent%replayRun == 0 {
				peer.Send(out, how)
			}
		}
		peer.Send(out, how)
	})
	s.viewer.server.counter.packetsOut[videoIndex].Add(uint64(sent)) //nolint:gosec // not negative
	return sent > 0
}
