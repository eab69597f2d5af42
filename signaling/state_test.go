package signaling

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"plenum/sfu"
)

func paused(id string, reason sfu.QualityReason) sfu.TrackQuality {
	return sfu.TrackQuality{ID: id, Reason: reason}
}

// The later of two `quality`s has what the earlier one alone said, too.
func TestSupersedeQuality(t *testing.T) {
	earlier := sfu.Quality{Downlink: 1, Tracks: []sfu.TrackQuality{paused("a", "muted"), paused("b", "bandwidth"), paused("c", "muted")}}
	later := sfu.Quality{Downlink: 2, Tracks: []sfu.TrackQuality{{ID: "b", Layer: &sfu.LayerIndex{Spatial: 1}}, paused("d", "publisher")}}
	before := fmt.Sprint(earlier, later)
	got := supersede(encodeQuality(earlier), encodeQuality(later))
	want := encodeQuality(sfu.Quality{Downlink: 2, Tracks: []sfu.TrackQuality{
		paused("a", "muted"), paused("c", "muted"), {ID: "b", Layer: &sfu.LayerIndex{Spatial: 1}}, paused("d", "publisher"),
	}})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %s\nwant %s", got.data, want.data)
	}
	if after := fmt.Sprint(earlier, later); after != before {
		t.Errorf("the events were written to: %s, now %s", before, after)
	}
}

// Of each state one frame waits, behind what was queued in the meantime, and it
// alone counts.
func TestStateWaitsOnce(t *testing.T) {
	c := newSocket(nil, &Config{MaxQueueBytes: 1 << 20})
	for i, step := range []struct {
		event sfu.Event
		want  fate
	}{
		{sfu.Speakers{Speakers: []sfu.Speaker{{ID: "a"}}}, queued},
		{sfu.Layers{Mid: "1", Active: map[string]bool{"q": true}}, queued},
		{sfu.Layers{Mid: "2", Active: map[string]bool{"q": true}}, queued},
		{sfu.Quality{Tracks: []sfu.TrackQuality{paused("a", "muted")}}, queued},
		{sfu.Offer{SDP: "1"}, queued},
		{sfu.Quality{Tracks: []sfu.TrackQuality{paused("b", "muted")}}, merged},
		{sfu.Layers{Mid: "1", Active: map[string]bool{"q": false}}, merged},
		{sfu.Offer{SDP: "2"}, queued}, // no state: each must arrive
		{sfu.Speakers{}, merged},
	} {
		if got := c.send(encodeEvent(step.event)); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
	bytes := 0
	var waiting []string
	for _, f := range c.queue {
		bytes += f.size()
		waiting = append(waiting, string(f.data))
	}
	want := []string{
		`{"type":"layers","mid":"2","active":{"q":true}}`,
		`{"type":"offer","sdp":"1"}`,
		`{"type":"quality","tracks":[{"id":"a","layer":null,"reason":"muted"},{"id":"b","layer":null,"reason":"muted"}]}`,
		`{"type":"layers","mid":"1","active":{"q":false}}`,
		`{"type":"offer","sdp":"2"}`,
		`{"type":"speakers","speakers":[]}`,
	}
	if !reflect.DeepEqual(waiting, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(waiting, "\n"), strings.Join(want, "\n"))
	}
	if c.queued != bytes {
		t.Errorf("%d bytes count as waiting, %d do", c.queued, bytes)
	}
}

// A client that reads nothing for a while is told the outcome, not the story, and
// is not cut off over it.
func TestSlowReaderOfQuality(t *testing.T) {
	s := newSite(t, Config{MaxQueueBytes: 256 << 10, WriteTimeout: time.Minute, PingTimeout: time.Minute})
	slow, p, _ := s.enter("room=demo")
	padding := sfu.QualityReason(strings.Repeat("x", 10<<10))
	const count = 2000 // 20 MB: more than the kernel holds, and than the queue takes
	for n := range count {
		p.Send(sfu.Quality{Downlink: uint64(n), Tracks: []sfu.TrackQuality{paused(fmt.Sprint(n%3), padding)}})
	}
	p.Send(sfu.Offer{SDP: "end"})
	last := map[string]uint64{}
	messages := 0
	for {
		m := slow.receive()
		if m.Type == "offer" {
			break
		}
		messages++
		for _, track := range m.Tracks {
			last[track.ID] = m.Downlink
		}
	}
	// Each track's own last word came in the last message at the earliest that it was in.
	if len(last) != 3 || last[fmt.Sprint((count-1)%3)] != count-1 {
		t.Errorf("%v", last)
	}
	if sent := s.server.Stats().Sent["quality"]; messages >= count || sent != uint64(messages) {
		t.Errorf("%d messages came, %d count as sent, of %d", messages, sent, count)
	}
}

// Before its `joined`, and while it is away, a client is told no state: the engine
// says all of it again after a resume.
func TestQualityAfterResume(t *testing.T) {
	s := newSite(t, Config{})
	c, p, joined := s.enter("room=demo")
	s.cut(c)
	p.Send(sfu.Quality{Downlink: 1})
	p.silent = true
	c = s.resume(joined.Session)
	await(t, "resume", p.resumed)
	p.Send(sfu.Quality{Downlink: 2})
	p.Send(sfu.Layers{Mid: "1"})
	p.welcomeBack()
	p.Send(sfu.Quality{Downlink: 3})
	c.expect("joined")
	if m := c.expect("quality"); m.Downlink != 3 {
		t.Error(m.raw)
	}
}
