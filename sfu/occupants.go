package sfu

// Occupants names those in a room, in order of joining, and tells whether Join
// would refuse one more for lack of room. A room that nobody is in has none.
func (s *Server) Occupants(room string) (names []string, full bool) {
	s.mu.Lock()
	r := s.rooms[room]
	full = s.fullLocked(r)
	s.mu.Unlock()
	if r == nil {
		return nil, full
	}
	members := r.members()
	names = make([]string, 0, len(members))
	for _, m := range members {
		names = append(names, m.info.Name)
	}
	return names, full
}

func (s *Server) fullLocked(r *Room) bool {
	if limit := s.config.MaxRoomParticipants; limit > 0 && r != nil && r.size() >= limit {
		return s.idlestLocked(r) == nil
	}
	limit := s.config.MaxParticipants
	return limit > 0 && s.participants >= limit && s.idlestLocked(nil) == nil
}
