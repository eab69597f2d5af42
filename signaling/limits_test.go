package signaling

import (
	"errors"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"plenum/sfu"
	"plenum/signaling/protocol"
)

func TestBadMessages(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	if err := c.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"leave"}`)); err != nil {
		t.Fatal(err)
	}
	for range badLimit - 1 {
		if m := c.expect("error"); m.Code != "bad-message" || m.Fatal || m.Message == "" {
			t.Fatal(m.raw)
		}
		c.send("nonsense")
	}
	c.expectFatal(protocol.BadMessage, 1008)
	var told *failure
	if cause := await(t, "leave", p.left); !errors.As(cause, &told) || told.code != protocol.BadMessage {
		t.Errorf("cause %v", cause)
	}
	if stats := s.server.Stats(); stats.Errors["bad-message"] != badLimit || stats.Received[invalid] != badLimit {
		t.Errorf("%+v", stats)
	}
}

// Ten in a minute are too many, nine in each are not.
func TestBadMessageWindow(t *testing.T) {
	var s session
	now := time.Unix(1e9, 0)
	for range 100 {
		for range badLimit - 1 {
			if s.tooManyBad(now) {
				t.Fatal("nine are too many")
			}
		}
		now = now.Add(badWindow)
	}
	for i := range badLimit {
		now = now.Add(badWindow / badLimit)
		if s.tooManyBad(now) != (i == badLimit-1) {
			t.Errorf("message %d", i)
		}
	}
	if len(s.bad) > badLimit {
		t.Errorf("%d are remembered", len(s.bad))
	}
}

// The client gets to read why, although most of its frame is still under way.
func TestHugeFrame(t *testing.T) {
	s := newSite(t, Config{})
	other, p2, _ := s.enter("room=demo")
	c, p, _ := s.enter("room=demo")
	go c.flood(`{"type":"offer","sdp":"`+strings.Repeat("x", 10<<20)+`"}`, 1)
	c.expectFatal(protocol.TooLarge, 1009)
	await(t, "leave", p.left)
	p2.Send(sfu.Speakers{})
	other.expect("speakers")
}

func TestLargestFrame(t *testing.T) {
	s := newSite(t, Config{MaxMessageBytes: 1000})
	c, p, _ := s.enter("room=demo")
	offer := func(size int) string {
		const shell = `{"type":"offer","sdp":""}`
		return strings.Replace(shell, `""`, `"`+strings.Repeat("x", size-len(shell))+`"`, 1)
	}
	c.send(offer(1000))
	await(t, "the largest offer", p.commands)
	c.send(offer(1001))
	if e := c.expect("error"); e.Code != string(protocol.TooLarge) || e.Fatal {
		t.Errorf("one byte too many: %+v", e)
	}
	c.send(offer(1000))
	await(t, "an offer after that", p.commands)
	// An honest client may meet the limit with each of its offers.
	for range 2 * badLimit {
		c.send(offer(1001))
		if e := c.expect("error"); e.Code != string(protocol.TooLarge) || e.Fatal || !strings.Contains(e.Message, "1000 bytes") {
			t.Fatal(e.raw)
		}
	}
	c.send(offer(1000))
	await(t, "an offer after all that", p.commands)
}

// TestLimitsGrowWithTheRoom: browsers list all their codecs in every m-line that they
// offer. Whoever is in a room of 200 may offer 400 m-lines, and be offered them, also
// over another socket.
func TestLimitsGrowWithTheRoom(t *testing.T) {
	s := newSite(t, Config{})
	c, p, joined := s.enter("room=demo")
	line := "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" + strings.Repeat("a=rtpmap:96 VP8/90000\r\n", 250) // 6 kB
	offer := `{"type":"offer","sdp":` + strconv.Quote("v=0\r\n"+strings.Repeat(line, 400)) + `}`
	if len(offer) < 2<<20 {
		t.Fatalf("an offer of %d bytes is no test", len(offer))
	}
	c.send(offer)
	if e := c.expect("error"); e.Code != string(protocol.TooLarge) || e.Fatal {
		t.Errorf("an offer of a large room in a small one: %+v", e)
	}
	p.Send(sfu.Offer{SDP: "v=0\r\n" + strings.Repeat("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", 400)})
	c.expect("offer")
	c.send(offer)
	await(t, "an offer of a large room", p.commands)
	again := s.resume(joined.Session)
	again.expect("joined")
	again.send(offer)
	await(t, "an offer over another socket", p.commands)
	for range 3 { // more than MaxQueueBytes while nobody reads
		p.Send(sfu.Answer{SDP: strings.Repeat("x", 900<<10)})
	}

	for range 3 {
		again.expect("answer")
	}
}

// TestCandidateBurst: a machine with many interfaces has hundreds of candidates, which
// come at once. Those beyond the limit are ignored, and the client is told once.
func TestCandidateBurst(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	const candidate = `{"type":"candidate","candidate":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0"}}`
	c.flood(candidate, 600)
	if told := c.expect("error"); told.Code != string(protocol.BadCandidate) || told.Fatal {
		t.Error(told.raw)
	}
	if n := len(p.commands); n < 250 || n >= 600 {
		t.Errorf("%d candidates came through", n)
	}
	p.Send(sfu.Speakers{})
	c.expect("speakers")
}

func TestThousandCandidates(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	go c.flood(`{"type":"candidate","candidate":{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"0"}}`, 10_000)
	c.expect("error") // that some are ignored
	c.expectFatal(protocol.RateLimited, 1008)
	await(t, "leave", p.left)
	if n := len(p.commands); n < 250 || n >= 2000 {
		t.Errorf("%d candidates came through", n)
	}
}

// What joining a room of a hundred takes at once is within the limits.
func TestBusyJoinIsNoFlood(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	c.flood(`{"type":"offer","sdp":""}`, 1)
	c.flood(`{"type":"candidate","candidate":{"candidate":"c"}}`, 60)
	c.flood(`{"type":"answer","sdp":""}`, 100)
	for range 161 {
		await(t, "command", p.commands)
	}
}

// A flood ends the session, a burst doesn't.
func TestMessageFlood(t *testing.T) {
	s := newSite(t, Config{})
	other, p2, _ := s.enter("room=demo")
	c, p, _ := s.enter("room=demo")
	c.flood(`{"type":"mute","mid":"0","muted":true}`, 900)
	for range 900 {
		await(t, "command", p.commands)
	}
	go c.flood(`{"type":"message","body":"spam"}`, 1<<30)
	for m := c.receive(); !m.Fatal; m = c.receive() {
		if m.Code != string(protocol.RateLimited) {
			t.Fatal(m.raw)
		}
	}
	if code := c.expectClose(); code != 1008 {
		t.Errorf("closed with %d", code)
	}
	await(t, "leave", p.left)
	p2.Send(sfu.Speakers{})
	other.expect("speakers")
}

// Others get what a sender may say, and the sender is told of the rest, now and then.
func TestTalkFlood(t *testing.T) {
	for _, test := range []struct {
		body   string
		reason string
		want   int
	}{
		{`"spam"`, "talk", 100},
		{`"` + strings.Repeat("x", 16000) + `"`, "bodies", 16},
	} {
		s := newSite(t, Config{MaxTalkPerSecond: 1e-6, TalkBurst: 100, MaxBodyBytesPerSecond: 1e-6})
		c, p, _ := s.enter("room=demo")
		const count = 200
		c.flood(`{"type":"message","body":`+test.body+`}`, count)
		c.send(`{"type":"mute","mid":"0","muted":true}`)
		got := 0
		for {
			if _, last := await(t, "command", p.commands).(muteCommand); last {
				break
			}
			got++
		}
		if got != test.want {
			t.Errorf("%s: %d were passed on, want %d", test.reason, got, test.want)
		}
		if n := s.server.Stats().Refused[test.reason]; int(n) != count-got {
			t.Errorf("%s: %d count as refused, want %d", test.reason, n, count-got)
		}
		told := 0
		p.Send(sfu.Speakers{})
		for m := c.receive(); m.Type == "error"; m = c.receive() {
			if m.Code != string(protocol.RateLimited) || m.Fatal {
				t.Fatal(m.raw)
			}
			told++
		}
		if told == 0 || told >= count-got {
			t.Errorf("%s: the sender was told %d times", test.reason, told)
		}
	}
}

// manyLines is an offer that takes the engine long.
func manyLines() string {
	return `{"type":"offer","sdp":"v=0` + strings.Repeat(`\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111`, 1000) + `"}`
}

// Who has the server do a lot is read more slowly; nobody else is.
func TestHeavyOffersAreLate(t *testing.T) {
	s := newSite(t, Config{})
	other, p2, _ := s.enter("room=other")
	c, p, _ := s.enter("room=demo")
	go c.flood(manyLines(), 28)
	for range 24 {
		await(t, "an offer", p.commands)
	}
	other.send(`{"type":"offer","sdp":""}`)
	await(t, "the other's offer", p2.commands)
	for range 4 {
		await(t, "an offer that is late", p.commands)
	}
	if stats := s.server.Stats(); stats.Delayed["work"] == 0 || stats.Refused["work"] > 0 {
		t.Errorf("%v late, %v refused", stats.Delayed, stats.Refused)
	}
}

// What waits when another connection becomes the session's is not carried out: it would
// come between what that one says.
func TestLateMessagesOfAnotherConnection(t *testing.T) {
	s := newSite(t, Config{})
	c, p, joined := s.enter("room=demo")
	go c.flood(manyLines(), 1000)
	for s.server.Stats().Delayed["work"] == 0 {
		await(t, "an offer", p.commands)
	}
	again := s.resume(joined.Session)
	again.expect("joined")
	again.send(`{"type":"mute","mid":"0","muted":true}`)
	for {
		if _, heard := await(t, "command", p.commands).(muteCommand); heard {
			break
		}
	}
	for await(t, "end", s.ended) != errClosed.Error() {
	}
	again.send(`{"type":"mute","mid":"0","muted":false}`)
	if c := await(t, "command", p.commands); c != (muteCommand{"0", false}) {
		t.Errorf("%T came in between", c)
	}
}

// As many messages as a client may send at once may each be as long as a long
// line of chat.
func TestBusyChatIsNoFlood(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	c.flood(`{"type":"message","body":"`+strings.Repeat("x", 1000)+`"}`, 250)
	for range 250 {
		await(t, "command", p.commands)
	}
}

// Pings cost the server as much as messages do.
func TestPingFlood(t *testing.T) {
	s := newSite(t, Config{})
	c, p, _ := s.enter("room=demo")
	c.SetPongHandler(func(string) error { return nil })
	go func() {
		for c.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)) == nil {
		}
	}()
	c.expectFatal(protocol.RateLimited, 1008)
	await(t, "leave", p.left)
}

// A client that does not read is let go of; nobody waits for it.
func TestSlowReader(t *testing.T) {
	s := newSite(t, Config{MaxQueueBytes: 256 << 10, ResumeTimeout: time.Millisecond})
	other, p2, _ := s.enter("room=demo")
	_, slow, _ := s.enter("room=demo")
	offer := sfu.Offer{SDP: strings.Repeat("x", 64<<10)}
	sent := 0
	for len(slow.left) == 0 {
		slow.Send(offer)
		if sent++; sent%16 == 0 {
			p2.Send(sfu.Speakers{})
			other.expect("speakers")
		}
		runtime.Gosched()
	}
	if cause := await(t, "leave", slow.left); cause != ErrSignalingLost {
		t.Errorf("cause %v", cause)
	}
	if got := await(t, "end", s.ended); got != errSlow.Error() {
		t.Errorf("connection ended: %s", got)
	}
}

// What others say never costs a client its connection, however slowly it
// reads, and leaves room for what the server has to say.
func TestSlowReaderOfChat(t *testing.T) {
	s := newSite(t, Config{MaxQueueBytes: 256 << 10, WriteTimeout: time.Minute, PingTimeout: time.Minute})
	slow, p, _ := s.enter("room=demo")
	const count = 1000 // 16 MB: more than the kernel holds
	for n := range count {
		p.Send(largeChat(n))
	}
	p.Send(sfu.Offer{SDP: strings.Repeat("x", 100<<10)})
	want := count - int(s.server.Stats().DroppedMessages)
	if want == count {
		t.Error("nothing is dropped")
	}
	for range want {
		slow.expect("message")
	}
	slow.expect("offer")
	if n := s.server.Stats().Sent["message"]; int(n) != want {
		t.Errorf("%d messages count as sent, want %d", n, want)
	}
}

// A message may use half of the queue, to the byte; everything else all of it.
func TestQueueShares(t *testing.T) {
	c := newSocket(nil, &Config{MaxQueueBytes: 2000})
	sized := func(kind string, n int) frame { return frame{kind: kind, data: make([]byte, n-frameOverhead)} }
	for i, step := range []struct {
		frame frame
		want  fate
	}{
		{sized("message", 500), queued}, {sized("message", 501), dropped}, {sized("message", 500), queued},
		{sized("message", frameOverhead), dropped}, {sized("offer", 1000), queued}, {sized("message", 500), dropped},
	} {
		if got := c.send(step.frame); got != step.want {
			t.Errorf("step %d: %d, want %d", i, got, step.want)
		}
	}
}

// A single message may be larger than the whole queue.
func TestQueueTakesOneLargeFrame(t *testing.T) {
	s := newSite(t, Config{MaxQueueBytes: 1000})
	c, p, _ := s.enter("room=demo")
	p.Send(sfu.Offer{SDP: strings.Repeat("x", 100_000)})
	c.expect("offer")
}

// A peer that is gone without a word, its pongs too, is found; one that only
// listens is not taken for dead.
func TestHalfOpenPeer(t *testing.T) {
	s := newSite(t, Config{PingInterval: 10 * time.Millisecond, PingTimeout: 2 * time.Second, ResumeTimeout: time.Millisecond})
	listener, p, _ := s.enter("room=demo")
	heard := make(chan wireMessage)
	go func() { // reading is what answers pings
		heard <- listener.expect("speakers")
	}()
	_, dead, _ := s.enter("room=demo") // reads nothing
	if cause := await(t, "the dead peer", dead.left); cause != ErrSignalingLost {
		t.Errorf("cause %v", cause)
	}
	if got := await(t, "end", s.ended); got != errSilent.Error() {
		t.Errorf("connection ended: %s", got)
	}
	p.Send(sfu.Speakers{})
	await(t, "the listener", heard)
}
