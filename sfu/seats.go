package sfu

import "time"

// seatGrace is how long after its join a participant without a media path keeps its
// place although others want it. A connection takes a second or two; a person may take
// longer to allow the camera, but not while others wait outside.
const seatGrace = 10 * time.Second

// idle reports whether p has never had a media path, so long after its join that it has
// to give way.
func (p *Participant) idle(grace time.Duration) bool {
	return !p.seated.Load() && time.Since(p.joined) >= grace
}

// vacateLocked takes the participant who has been without a media path for longest out of
// the room, or out of any where room is nil, and reports whether there was one. Its
// loop ends it; its place is free at once.
func (s *Server) vacateLocked(room *Room) bool {
	p := s.idlestLocked(room)
	if p == nil {
		return false
	}
	s.leaveLocked(p)
	p.Leave(ErrNoMedia)
	return true
}

// idlestLocked is whom vacateLocked takes out, nil if nobody has to give way.
func (s *Server) idlestLocked(room *Room) *Participant {
	if s.config.SeatTimeout <= 0 {
		return nil
	}
	grace := min(seatGrace, s.config.SeatTimeout)
	if room != nil {
		return idlest(nil, room, grace)
	}
	var found *Participant
	for _, r := range s.rooms {
		found = idlest(found, r, grace)
	}
	return found
}

// idlest is the first of found and those in the room to have joined that has to give way.
func idlest(found *Participant, room *Room, grace time.Duration) *Participant {
	for _, m := range room.members() { // in order of joining
		if p := m.participant; p.idle(grace) {
			if found == nil || p.joined.Before(found.joined) {
				return p
			}
			return found
		}
	}
	return found
}
