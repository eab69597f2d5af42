package signaling

import (
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"plenum/signaling/charge"
	"plenum/signaling/protocol"
)

// room is what the sessions of a room share: what they may cause together.
type room struct {
	sessions atomic.Int64 // changed under Server.mu

	mu      sync.Mutex // guards the charges, of the room and of its sessions; a leaf
	charges *charge.Room
}

// limits are what sessions and rooms may cause.
func (c *Config) limits() *charge.Limits {
	const second, processor = 1e6, 1e6 // µs
	return &charge.Limits{
		Messages: c.MaxMessagesPerSecond, MessageBurst: float64(c.MessageBurst),
		Candidates: 50, CandidateBurst: 250,
		Work: second / 20, WorkBurst: second / 2,
		RoomWork:      charge.Work(0.15 * processor * float64(runtime.GOMAXPROCS(0))),
		RoomWorkBurst: 1.5 * second,
		Talk:          c.MaxTalkPerSecond, TalkBurst: float64(c.TalkBurst),
		Body: c.MaxBodyBytesPerSecond, BodyBurst: float64(c.BodyBurstBytes),
		Deliveries: 10_000, DeliveriesBurst: 50_000,
	}
}

// enterLocked counts a session into its room.
func (s *Server) enterLocked(session *session) {
	r := s.rooms[session.room]
	if r == nil {
		r = &room{charges: charge.NewRoom(s.limits)}
		s.rooms[session.room] = r
	}
	r.sessions.Add(1)
	session.others, session.charges = r, charge.NewParticipant(s.limits, r.charges)
}

// exitLocked counts it out. What it knows of the room stays.
func (s *Server) exitLocked(session *session) {
	if session.others.sessions.Add(-1) == 0 {
		delete(s.rooms, session.room)
	}
}

// allow charges one of what is charged by number.
func (s *session) allow(one func(*charge.Participant, time.Time) bool) bool {
	s.others.mu.Lock()
	defer s.others.mu.Unlock()
	return one(s.charges, time.Now())
}

// pay charges what a message will cause, waits until that is paid for, and reports whether it
// is to be carried out. The command is nil where there is no sense in the message.
func (s *session) pay(c *socket, command command, size int) bool {
	work := charge.Bytes(size)
	asked := false
	switch m := command.(type) {
	case offerCommand:
		work += charge.Offer(strings.Count(m.sdp, "\nm="))
	case answerCommand:
		asked = true
	case publishCommand:
		work += charge.Entries(len(m.tracks))
	case subscribeCommand:
		work += charge.Entries(len(m.wishes))
	}
	v := s.charged(func(now time.Time) charge.Verdict {
		if asked {
			return s.charges.Asked(now, work)
		}
		return s.charges.Work(now, work)
	})
	return s.wait(c, v)
}

// talks charges a `message`, and reports whether it is to be delivered.
func (s *session) talks(m messageCommand) bool {
	recipients := 1
	if m.to == "" {
		recipients = int(s.others.sessions.Load()) - 1
	}
	return !s.charged(func(now time.Time) charge.Verdict {
		return s.charges.Talk(now, len(m.body), recipients)
	}).Refused
}

// charged counts a verdict and tells the client of a refusal.
func (s *session) charged(judge func(now time.Time) charge.Verdict) charge.Verdict {
	s.others.mu.Lock()
	now := time.Now()
	v := judge(now)
	tell := v.Refused && s.charges.Reproach(now)
	s.others.mu.Unlock()
	switch {
	case v.Refused:
		s.server.stats.refused.inc(string(v.Reason))
	case v.Wait > 0:
		s.server.stats.delayed.inc(string(v.Reason))
	}
	if text := refusals[v.Reason]; tell && text != "" {
		f := &failure{code: protocol.RateLimited, text: text} // the session goes on
		s.server.stats.errors.inc(string(f.code))
		s.tell(encodeFailure(f))
	}
	return v
}

// refusals are what a client is told whose message was not carried out.
var refusals = map[charge.Reason]string{
	charge.OfRoomWork:   "This room keeps the server too busy: what you asked for was not done.",
	charge.OfTalk:       "You send more messages to others than the server passes on.",
	charge.OfBodies:     "Your messages to others carry more than the server passes on.",
	charge.OfDeliveries: "More is said in this room than the server passes on.",
}

// wait does what a verdict says. Another connection may have come to be the session's
// meanwhile: then nothing of this one counts.
func (s *session) wait(c *socket, v charge.Verdict) bool {
	if v.Refused {
		return false
	}
	return v.Wait == 0 || c.pause(v.Wait) && s.owns(c)
}
