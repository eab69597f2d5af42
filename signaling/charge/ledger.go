package charge

import "time"

// Limits are what a participant, and a room, may cause.
type Limits struct {
	// Messages of all types but candidates that a participant may send a second and at
	// once, and candidates that are looked at.
	Messages, MessageBurst     float64
	Candidates, CandidateBurst float64
	// Work that a participant, and that all of a room, may cause a second and at once.
	Work, WorkBurst         Work
	RoomWork, RoomWorkBurst Work
	// Talk is the `message`s that a participant may send a second and at once, Body their
	// bytes, and Deliveries how many of them all of a room may be told.
	Talk, TalkBurst             float64
	Body, BodyBurst             float64
	Deliveries, DeliveriesBurst float64
}

const (
	// patience is for how long a message may have to wait for what others in the room
	// have caused. What would wait for longer is refused, unless it is small.
	patience = 5 * time.Second
	// small is the work of what a client says in any call, but for long descriptions, and
	// smallPatience for how long that waits.
	small         Work = 2000
	smallPatience      = 250 * time.Millisecond
)

// Reason says what there is too much of.
type Reason string

// The reasons.
const (
	OfWork       Reason = "work"          // of a participant
	OfRoomWork   Reason = "room_work"     // of all in the room
	OfTalk       Reason = "talk"          // `message`s of a participant
	OfBodies     Reason = "bodies"        // of a participant's `message`s
	OfDeliveries Reason = "room_messages" // `message`s of all in the room, times who gets them
)

// Reasons lists them.
func Reasons() []Reason {
	return []Reason{OfWork, OfRoomWork, OfTalk, OfBodies, OfDeliveries}
}

// Verdict is what is to be done with a message.
type Verdict struct {
	Refused bool
	Wait    time.Duration // before it is carried out, and before the next is read
	Reason  Reason        // of either; empty if it is to be carried out at once
}

// Room is what those in a room have caused together.
type Room struct {
	work, deliveries Account
}

// NewRoom makes the accounts of a room.
func NewRoom(l *Limits) *Room {
	return &Room{
		work:       NewAccount(float64(l.RoomWork), float64(l.RoomWorkBurst)),
		deliveries: NewAccount(l.Deliveries, l.DeliveriesBurst),
	}
}

// Participant is what one of them has caused.
type Participant struct {
	room                           *Room
	messages, controls, candidates Account
	work, talk, body, reproaches   Account
}

// NewParticipant makes the accounts of a participant of room.
func NewParticipant(l *Limits, room *Room) *Participant {
	return &Participant{
		room:       room,
		messages:   NewAccount(l.Messages, l.MessageBurst),
		controls:   NewAccount(l.Messages, l.MessageBurst),
		candidates: NewAccount(l.Candidates, l.CandidateBurst),
		work:       NewAccount(float64(l.Work), float64(l.WorkBurst)),
		talk:       NewAccount(l.Talk, l.TalkBurst),
		body:       NewAccount(l.Body, l.BodyBurst),
		reproaches: NewAccount(1, 5),
	}
}

// Message charges a message of any type but a candidate, and reports whether there are
// still no more than any client sends that is up to something.
func (p *Participant) Message(now time.Time) bool { return p.messages.Take(now, 1) }

// Candidate charges a candidate, and reports whether it is to be looked at.
func (p *Participant) Candidate(now time.Time) bool { return p.candidates.Take(now, 1) }

// Control charges a ping or pong, as Message does.
func (p *Participant) Control(now time.Time) bool { return p.controls.Take(now, 1) }

// Asked charges the work of a message that the server asked for, as an answer, which is
// never refused and doesn't count for the room.
func (p *Participant) Asked(now time.Time, w Work) Verdict {
	if wait := p.work.Charge(now, float64(w)); wait > 0 {
		return Verdict{Wait: wait, Reason: OfWork}
	}
	return Verdict{}
}

// Work charges the work of any other message to the participant and to the room.
func (p *Participant) Work(now time.Time, w Work) Verdict {
	room := p.room.work.Owing(now, float64(w))
	switch {
	case w <= small:
		if room < patience { // a debt that others can't pay off helps nobody
			p.room.work.Charge(now, float64(w))
		}
		room = min(room, smallPatience)
	case room > patience:
		return Verdict{Refused: true, Reason: OfRoomWork}
	default:
		p.room.work.Charge(now, float64(w))
	}
	v := p.Asked(now, w)
	if room > v.Wait {
		v = Verdict{Wait: room, Reason: OfRoomWork}
	}
	return v
}

// Talk charges a `message` with a body of so many bytes to so many recipients. It never
// has to wait: what is said late is worth nothing, and others' clients come first.
func (p *Participant) Talk(now time.Time, bytes, recipients int) Verdict {
	switch {
	case p.talk.Owing(now, 1) > 0:
		return Verdict{Refused: true, Reason: OfTalk}
	case p.body.Owing(now, float64(bytes)) > 0:
		return Verdict{Refused: true, Reason: OfBodies}
	case !p.room.deliveries.Take(now, float64(recipients)):
		return Verdict{Refused: true, Reason: OfDeliveries}
	}
	p.talk.Charge(now, 1)
	p.body.Charge(now, float64(bytes))
	return Verdict{}
}

// Reproach reports whether to tell the participant that something was refused, or
// whether it has been told so lately.
func (p *Participant) Reproach(now time.Time) bool { return p.reproaches.Take(now, 1) }
