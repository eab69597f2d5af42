package sfu

import (
	"fmt"
	"slices"
	"strings"

	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/wire"
)

// This file is the publishing half of a participant's loop: from the client's
// m-lines and what it says of them to Tracks, and to what others see.

// publish makes the tracks match the client's m-lines.
func (p *Participant) publish(incoming []jsep.Incoming) {
	table := &ingressTable{byMid: map[string]*route{}}
	streams := map[string]bool{} // streams that have their camera already
	forbidden, excess := false, false
	var tracks []*Track
	for _, in := range incoming {
		if !in.Sending {
			continue
		}
		if !p.grants.Publish {
			forbidden = true
			continue
		}
		if len(tracks) == maxTracks {
			excess = true
			continue
		}
		t := p.trackOf(in.Mid)
		switch {
		case t == nil && !p.mayBegin(1):
			continue
		case t == nil:
			t = p.newTrack(in, streams)
		case t.started && !t.parses(in.Extensions):
			p.moderation.fresh.spend(p.server.now(), 1)
			t = p.successor(t, t.source)
		}
		if t.kind == Video {
			streams[in.Stream] = true
		}
		for id, kind := range in.Extensions.Kinds() {
			if kind != wire.ExtensionNone {
				table.kinds[id] = kind // an extension may have several ids, an id one meaning
			}
		}
		tracks = append(tracks, t)
		table.byMid[in.Mid] = newRoute(t, in)
	}
	for _, t := range p.tracks {
		if !slices.Contains(tracks, t) {
			t.close()
			if table.byMid[t.mid] == nil {
				delete(p.sources, t.mid) // what was said was said of this track
			}
		}
	}
	p.media.table.Store(table)
	if forbidden && !p.forbidden {
		p.problem(ProblemForbidden, "You may not publish in this room.")
	}
	p.forbidden = forbidden
	if excess {
		p.problem(ProblemForbidden, "You may not publish more than %d tracks.", maxTracks)
	}
	changed := !slices.Equal(p.tracks, tracks)
	p.tracks = tracks
	if changed {
		p.announceSoon()
	}
}

func (p *Participant) trackOf(mid string) *Track {
	for _, t := range p.tracks {
		if t.mid == mid && !t.closed.Load() {
			return t
		}
	}
	return nil
}

// newTrack takes the source from what the client said, else from the protocol's
// rule: the first video of a stream is the camera, audio is the microphone.
func (p *Participant) newTrack(in jsep.Incoming, streams map[string]bool) *Track {
	source := Microphone
	if in.Video {
		source = Camera
		if streams[in.Stream] {
			source = Screen
		}
	}
	said, ok := p.sources[in.Mid]
	if ok && said.Source != "" {
		source = said.Source
	}
	p.trackSerial++
	kind := Audio
	if in.Video {
		kind = Video
	}
	return newTrack(p, fmt.Sprintf("%s-%d", p.id, p.trackSerial), in.Mid, kind, source, said.Muted)
}

// announce shows others what this participant publishes now.
func (p *Participant) announce() {
	now := &presence{participant: p, info: ParticipantInfo{ID: p.id, Name: p.name}}
	for _, t := range p.tracks {
		info := TrackInfo{ID: t.id, Kind: t.kind, Source: t.source, Muted: t.muted.Load()}
		if t.started {
			info.Codec = t.codec.String()
			now.tracks = append(now.tracks, t)
		}
		now.info.Tracks = append(now.info.Tracks, info)
	}
	p.room.update(now)
}

func (p *Participant) handlePublish(tracks []PublishedTrack) {
	if !p.grants.Publish {
		p.problem(ProblemForbidden, "You may not publish in this room.")
		return
	}
	changed := false
	for _, said := range tracks {
		if !p.remember(said) {
			return
		}
		if t := p.trackOf(said.Mid); t != nil && t.muted.Swap(said.Muted) != said.Muted {
			changed = true
		}
	}
	if changed {
		p.announceSoon()
	}
	p.followSources()
}

// followSources makes the tracks' sources what the client said. Where a track is shown and
// its stream depend on the source, so it is another track to others.
func (p *Participant) followSources() {
	var differ []*Track
	for _, t := range p.tracks {
		if said := p.sources[t.mid]; said.Source != "" && said.Source != t.source {
			differ = append(differ, t)
		}
	}
	if len(differ) == 0 || !p.mayBegin(len(differ)) {
		return
	}
	for _, t := range differ {
		p.replace(t, p.sources[t.mid].Source)
	}
	p.announceSoon()
}

// maxTracks is how many tracks one participant may publish: each costs every
// viewer an m-line and a decoder.
const maxTracks = 32

// maxSources bounds what a client may say of m-lines that don't exist.
const (
	maxSources = 256
	maxMid     = 64 // bytes
)

func (p *Participant) remember(said PublishedTrack) bool {
	if _, ok := p.sources[said.Mid]; !ok && (len(p.sources) >= maxSources || len(said.Mid) > maxMid) {
		p.problem(ProblemBadMessage, "That is too many tracks.")
		return false
	}
	p.sources[said.Mid] = said
	return true
}

func (p *Participant) handleMute(mid string, muted bool) {
	said := p.sources[mid]
	said.Mid, said.Muted = mid, muted
	if !p.remember(said) {
		return
	}
	if t := p.trackOf(mid); t != nil && t.muted.Swap(muted) != muted {
		p.announceSoon()
	}
}

// successor is another track to others, on the m-line of t.
func (p *Participant) successor(t *Track, source Source) *Track {
	p.trackSerial++
	return newTrack(p, fmt.Sprintf("%s-%d", p.id, p.trackSerial), t.mid, t.kind, source, t.muted.Load())
}

// parses reports whether a started track can go on with the ids of a later description:
// what goes on to viewers must be found in what is kept, and viewers were
// offered nothing else.
func (t *Track) parses(ids wire.ExtensionIDs) bool {
	for id, kind := range ids.Kinds() {
		before := t.kinds[id]
		if kind != wire.ExtensionNone && kind != before && (kind.Forwarded() || before.Forwarded()) {
			return false
		}
	}
	return true
}

// replace puts a new track in the place of t, on the same m-line.
func (p *Participant) replace(t *Track, source Source) *Track {
	n := p.successor(t, source)
	p.tracks[slices.Index(p.tracks, t)] = n
	t.close()
	old := p.media.table.Load()
	table := &ingressTable{kinds: old.kinds, byMid: map[string]*route{}}
	for mid, r := range old.byMid {
		if r.track == t {
			r = newRoute(n, r.incoming)
		}
		table.byMid[mid] = r
	}
	p.media.table.Store(table)
	return n
}

// handleStarted is posted by the media side with the first packet of a track:
// now its codec is known and others can subscribe.
func (p *Participant) handleStarted(t *Track, parameters jsep.Codec) {
	if t.closed.Load() || !slices.Contains(p.tracks, t) {
		return
	}
	switch {
	case !t.started:
		t.begin(parameters, p.extensionsOf(t.mid))
		t.survey(p.server.now())
	case !t.parameters.Same(&parameters):
		p.moderation.fresh.spend(p.server.now(), 1)
		p.replace(t, t.source) // the publisher changed its codec in mid-call
	default:
		return
	}
	p.announceSoon()
}

func (p *Participant) extensionsOf(mid string) wire.ExtensionIDs {
	if r := p.media.table.Load().byMid[mid]; r != nil {
		return r.incoming.Extensions
	}
	return wire.ExtensionIDs{}
}

// stream is the msid that groups a person's camera and microphone, and the
// screen with its sound (protocol, Negotiation).
func (t *Track) stream() string {
	if strings.HasPrefix(string(t.source), "screen") {
		return t.publisher.id + ".screen"
	}
	return t.publisher.id
}
