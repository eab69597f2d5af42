package charge

import (
	"math"
	"testing"
	"time"
)

var limits = Limits{
	Messages: 100, MessageBurst: 1000, Candidates: 50, CandidateBurst: 250,
	Work: 50_000, WorkBurst: 500_000, RoomWork: 300_000, RoomWorkBurst: 1_500_000,
	Talk: 30, TalkBurst: 250, Body: 64 << 10, BodyBurst: 256 << 10,
	Deliveries: 10_000, DeliveriesBurst: 50_000,
}

var start = time.Unix(1e9, 0)

// flood has n participants of room send what costs w over and over for a time, each as
// soon as its last is carried out, and returns the work that was carried out.
func flood(room *Room, n int, w Work, during time.Duration) (done Work) {
	type person struct {
		*Participant
		at time.Time
	}
	var people []*person
	for range n {
		people = append(people, &person{NewParticipant(&limits, room), start})
	}
	for now := start; now.Before(start.Add(during)); now = now.Add(time.Millisecond) {
		for _, p := range people {
			if p.at.After(now) {
				continue
			}
			v := p.Work(now, w)
			if v.Refused {
				p.at = now.Add(20 * time.Millisecond) // the next message
				continue
			}
			done += w
			p.at = now.Add(v.Wait + time.Duration(w)*time.Microsecond)
		}
	}
	return done
}

// Whatever size of message they choose: one participant takes no more than its share of a
// processor, and many of one room no more than the room's.
func TestFloodsAreBounded(t *testing.T) {
	const during = time.Minute
	huge := Bytes(240<<10) + Offer(1000)
	for _, w := range []Work{Bytes(100), Bytes(1000) + Offer(3), Bytes(240 << 10), Bytes(20<<10) + Entries(512), huge} {
		own := limits.WorkBurst + Work(during.Seconds())*limits.Work + w
		if got := flood(NewRoom(&limits), 1, w, during); got > own {
			t.Errorf("work of %.0f: one participant caused %.0f, want %.0f at most", w, got, own)
		}
		all := limits.RoomWorkBurst + Work(during.Seconds()+patience.Seconds())*limits.RoomWork + 100*w
		if w <= small { // these wait for a moment only
			all = Work(100 * during / smallPatience * time.Duration(w))
			all += limits.RoomWorkBurst + Work(during.Seconds())*limits.RoomWork
		}
		if got := flood(NewRoom(&limits), 100, w, during); got > all {
			t.Errorf("work of %.0f: a hundred caused %.0f, want %.0f at most", w, got, all)
		}
	}
}

// What an honest client does in the largest rooms is never refused, and never late
// because of its own.
func TestHonestClientsDontWait(t *testing.T) {
	p := NewParticipant(&limits, NewRoom(&limits))
	now := start
	check := func(what string, v Verdict) {
		t.Helper()
		if v != (Verdict{}) {
			t.Errorf("%s: %+v", what, v)
		}
	}
	check("the first offer", p.Work(now, Bytes(8<<10)+Offer(3)))
	for range 60 {
		check("a candidate", p.Work(now, Bytes(200)))
	}
	check("wishes", p.Work(now, Bytes(40<<10)+Entries(400)))
	for range 10 { // 200 cameras and microphones, browser's codecs in each
		check("an answer", p.Asked(now, Bytes(500<<10)))
		now = now.Add(100 * time.Millisecond)
	}
	for range 5 {
		check("a later offer", p.Work(now, Bytes(500<<10)+Offer(400)))
		now = now.Add(time.Second)
	}
	for range 1000 {
		if !p.Message(now) || !p.Control(now) {
			t.Fatal("a burst of messages is too much")
		}
	}
	for range 60 * 20 { // a cursor
		check("a message", p.Talk(now, 100, 30))
		now = now.Add(50 * time.Millisecond)
	}
}

// In a room that others have made owe much, an honest client still gets its turn.
func TestRoomInDebt(t *testing.T) {
	room := NewRoom(&limits)
	flood(room, 100, Bytes(240<<10)+Offer(1000), 10*time.Second)
	now := start.Add(10 * time.Second)
	p := NewParticipant(&limits, room)
	if v := p.Work(now, Bytes(4<<10)+Offer(3)); v.Refused || v.Wait > smallPatience {
		t.Errorf("joining: %+v", v)
	}
	if v := p.Asked(now, Bytes(200<<10)); v != (Verdict{}) {
		t.Errorf("an answer: %+v", v)
	}
	refused := false
	for range 1000 {
		q := NewParticipant(&limits, room)
		v := q.Work(now, Bytes(240<<10)+Offer(1000))
		if v.Wait > patience {
			t.Fatalf("somebody waits for %v", v.Wait)
		}
		refused = refused || v.Refused && v.Reason == OfRoomWork
	}
	if !refused {
		t.Error("nothing absurd is refused")
	}
	now = now.Add(time.Minute)
	if v := p.Work(now, Bytes(240<<10)+Offer(1000)); v != (Verdict{}) {
		t.Errorf("a minute later: %+v", v)
	}
}

// Candidates and pongs don't count with other messages.
func TestCounts(t *testing.T) {
	p := NewParticipant(&limits, NewRoom(&limits))
	count := func(now time.Time, charge func(time.Time) bool) (n int) {
		for charge(now) {
			n++
		}
		return n
	}
	for _, step := range []struct {
		after time.Duration
		want  [3]int
	}{{0, [3]int{1000, 1000, 250}}, {time.Second, [3]int{100, 100, 50}}} {
		now := start.Add(step.after)
		if got := [3]int{count(now, p.Message), count(now, p.Control), count(now, p.Candidate)}; got != step.want {
			t.Errorf("after %v: %v, want %v", step.after, got, step.want)
		}
	}
}

func TestTalk(t *testing.T) {
	count := func(bytes, recipients int) (n int, why Reason) {
		p := NewParticipant(&limits, NewRoom(&limits))
		for {
			v := p.Talk(start, bytes, recipients)
			if v.Refused {
				return n, v.Reason
			}
			n++
		}
	}
	for _, test := range []struct {
		bytes, recipients, want int
		reason                  Reason
	}{
		{10, 10, 250, OfTalk},
		{16 << 10, 1, 16, OfBodies},
		{10, 500, 100, OfDeliveries},
	} {
		if n, why := count(test.bytes, test.recipients); n != test.want || why != test.reason {
			t.Errorf("%d bytes to %d: %d, then %s", test.bytes, test.recipients, n, why)
		}
	}
	p := NewParticipant(&limits, NewRoom(&limits))
	told := 0
	for i := range 1000 { // in a second
		if p.Reproach(start.Add(time.Duration(i) * time.Millisecond)) {
			told++
		}
	}
	if told != 5 {
		t.Errorf("%d reproaches in a second", told)
	}
}

// Time that stands still or goes backwards gives nothing.
func TestAccountTime(t *testing.T) {
	a := NewAccount(10, 5)
	for _, step := range []struct {
		after time.Duration
		take  float64
		want  bool
	}{
		{0, 5, true}, {0, 1, false}, {-time.Hour, 1, false}, {100 * time.Millisecond, 1, true},
		{100 * time.Millisecond, 1, false}, {time.Hour, 6, false}, {time.Hour, 5, true},
	} {
		if got := a.Take(start.Add(step.after), step.take); got != step.want {
			t.Errorf("after %v: %v", step.after, got)
		}
	}
	if got := a.Charge(start.Add(time.Hour), 20).Seconds(); math.Abs(got-2) > 0.01 {
		t.Errorf("a debt of 20 takes %v s", got)
	}
}
