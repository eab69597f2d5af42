package sfu

import (
	"testing"
	"time"

	"plenum/sfu/internal/codec"
	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/wire"
)

// newcomer is one more viewer of the path's track, offered it just now.
func (p *packetPath) newcomer(tb testing.TB) *Subscription {
	tb.Helper()
	s := p.publisher.server
	viewer := newParticipant(s, JoinRequest{Room: "bench", Client: silent{}})
	peer, err := s.engine.NewPeer(&viewer.media)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(peer.Close)
	viewer.peer, viewer.media.peer = peer, peer
	sub := newSubscription(p.track, viewer)
	sub.expect(p.now, 1)
	p.track.subscribe(sub)
	return sub
}

// accepted is the client's answer, upon which the loop aims.
func (p *packetPath) accepted(sub *Subscription) {
	sub.accept(jsep.Result{Accepted: true, Codec: codec.VP8, Format: wire.Format{
		SSRC: sub.ssrc, RTXSSRC: sub.rtxSSRC, PayloadType: 96, RTXPayloadType: 97,
	}})
	sub.start()
	sub.aim(p.now, target{0, 7, 7})
}

// A viewer begins with the keyframe that came while it was still answering.
func TestNewcomerBeginsWithTheLastKeyframe(t *testing.T) {
	for name, c := range map[string]struct {
		between []time.Duration // packets after the keyframe, each so long after the last
		replays bool
	}{
		"at once":  {nil, true},
		"a while":  {[]time.Duration{40 * time.Millisecond, 40 * time.Millisecond, 300 * time.Millisecond}, true},
		"too long": {[]time.Duration{mostReplayed, 40 * time.Millisecond}, false},
		"too much": {make([]time.Duration, replayBytes/1100+1), false},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPacketPath(t, 0)
			counter := &path.publisher.server.counter
			asked := counter.pliOut.Load() + counter.pliMerged.Load()
			sub := path.newcomer(t)
			if n := counter.pliOut.Load() + counter.pliMerged.Load(); n != asked+1 {
				t.Fatalf("%d keyframes were asked for with the offer", n-asked)
			}
			asked++
			path.send(true)
			for _, wait := range c.between {
				path.now += wait
				path.send(false)
			}
			if n := sub.stream.Sent(); n != 0 {
				t.Fatalf("%d packets for one who hasn't accepted", n)
			}
			path.accepted(sub)
			want := uint32(1 + len(c.between))
			if !c.replays {
				want = 0
			}
			if n := sub.stream.Sent(); n != want {
				t.Errorf("%d packets, not %d", n, want)
			}
			if n := counter.pliOut.Load() + counter.pliMerged.Load(); (n == asked) != c.replays {
				t.Errorf("%d more keyframes were asked for", n-asked)
			}
			path.send(false)
			if n := sub.stream.Sent(); c.replays && n != want+1 {
				t.Errorf("%d packets, the next one included", n)
			}
			path.now += time.Second
			sub.aim(path.now, nothing)
			path.send(true)
			sub.aim(path.now, target{0, 7, 7}) // after a pause the past stays the past
			if n := sub.stream.Sent(); c.replays && n != want+1 {
				t.Errorf("%d packets after a pause", n)
			}
		})
	}
}

// Of the first packets of a layer that was off its rate is taken, not of the time before.
func TestRateOfALayerThatBegins(t *testing.T) {
	path := newPacketPath(t, 0)
	track := path.track
	other := newLayer(track, 1, 1, &track.parameters)
	track.layers[1].Store(other)
	run := func(d time.Duration, both bool) {
		for end := path.now + d; path.now < end; {
			path.send(false)
			if both {
				other.observe(path.now, &path.publisher.media.arrived[0])
			}
			track.survey(path.now)
		}
	}
	run(2*time.Second, true)
	steady, _ := other.rates.of(0, 0)
	run(2*time.Second, false)
	run(rateInterval+50*time.Millisecond, true)
	if bits, _ := other.rates.of(0, 0); bits < 0.9*steady || bits > 1.1*steady {
		t.Errorf("%.0f bit/s after %v, %.0f when steady", bits, rateInterval, steady)
	}
}
