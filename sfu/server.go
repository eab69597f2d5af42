package sfu

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"plenum/sfu/internal/transport"
	"plenum/sfu/stat"
)

// defaultMediaTimeout is how long a participant may have no media path: as long
// as a broken WebSocket may take to come back.
const defaultMediaTimeout = 30 * time.Second

// Server is the engine: the rooms of one process and the sockets they share.
type Server struct {
	config  Config
	log     *slog.Logger
	engine  *transport.Engine
	started time.Time
	counter counters
	fanout  *fanout
	heavy   *heavy

	wg sync.WaitGroup // one per participant and per room

	mu           sync.Mutex
	closed       bool
	rooms        map[string]*Room
	participants int
}

// New binds the media port. The caller must Close the server.
func New(c Config) (*Server, error) {
	if c.MediaTimeout == 0 {
		c.MediaTimeout = defaultMediaTimeout
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Server{config: c, log: c.Log, started: time.Now(), rooms: map[string]*Room{}, counter: newCounters(), heavy: newHeavy()}
	engine, err := transport.NewEngine(transport.Config{
		Addresses: c.MediaAddresses, Port: c.MediaPort, PublicIPs: c.PublicIPs,
		Log: c.Log, Net: c.Net, Now: s.now,
	})
	if err != nil {
		return nil, err
	}
	s.engine, s.fanout = engine, newFanout(engine)
	return s, nil
}

// now is the engine's clock: time since it started.
func (s *Server) now() time.Duration { return time.Since(s.started) }

// MediaPort is the bound port of everyone's media, UDP and TCP.
func (s *Server) MediaPort() uint16 { return s.engine.Port() }

// SendLatency is a snapshot of the times from packets' arrival to the socket, in
// seconds and per batch; it is part of Stats, but costs little.
func (s *Server) SendLatency() stat.HistogramSnapshot { return s.engine.Counters().Latency.Snapshot() }

// Join gives r.Client a place in a room, which is made if there is none of that
// name. It fails with ErrRoomFull, ErrServerFull or ErrClosed.
func (s *Server) Join(r JoinRequest) (*Participant, error) {
	p := newParticipant(s, r)
	s.mu.Lock()
	room, err := s.admit(p, r.Room)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	p.room = room
	others := room.add(p)
	s.wg.Add(1)
	s.mu.Unlock()

	s.log.Info("participant joined", "room", r.Room, "participant", p.id, "name", r.Name)
	if r.Early {
		if _, err := p.prepare(); err != nil { // it will be tried again for the offer
			s.log.Debug("no transport yet", "room", r.Room, "participant", p.id, "error", err)
		}
	}
	p.present(others)
	go p.run()
	return p, nil
}

// admit checks the limits and finds or makes the room. It holds Server.mu.
func (s *Server) admit(p *Participant, name string) (*Room, error) {
	if s.closed {
		return nil, ErrClosed
	}
	// A place in a full room is one on the server too, so the room comes first.
	if room := s.rooms[name]; room != nil {
		if limit := s.config.MaxRoomParticipants; limit > 0 && room.size() >= limit && !s.vacateLocked(room) {
			return nil, ErrRoomFull
		}
	}
	if limit := s.config.MaxParticipants; limit > 0 && s.participants >= limit && !s.vacateLocked(nil) {
		return nil, ErrServerFull
	}
	room := s.rooms[name] // which may have ended with whoever gave way
	if room == nil {
		room = newRoom(s, name)
		s.rooms[name] = room
		s.wg.Add(1)
		go room.run()
	}
	s.participants++
	return room, nil
}

// leave takes p out of its room and ends the room with the last one.
func (s *Server) leave(p *Participant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveLocked(p)
}

// leaveLocked is leave; once is enough.
func (s *Server) leaveLocked(p *Participant) {
	if p.out {
		return
	}
	p.out = true
	s.participants--
	if p.room.remove(p) == 0 {
		delete(s.rooms, p.room.name)
		p.room.cancel()
	}
}

// Close ends every participant with cause, then closes the media port. It
// returns when no goroutine of the engine is left.
func (s *Server) Close(cause error) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		s.wg.Wait()
		return nil
	}
	s.closed = true
	var all []*Participant
	for _, r := range s.rooms {
		for _, m := range r.members() {
			all = append(all, m.participant)
		}
	}
	s.mu.Unlock()
	for _, p := range all {
		p.Leave(cause)
	}
	s.wg.Wait()
	s.fanout.close()
	if err := s.engine.Close(); err != nil {
		return fmt.Errorf("media port: %w", err)
	}
	return nil
}

// newID makes an id that is a valid token of SDP's msid (RFC 8830 §2) and hard
// to guess.
func newID() string { return rand.Text()[:16] }
