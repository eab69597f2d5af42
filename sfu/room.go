package sfu

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"plenum/sfu/internal/speaker"
)

// speakerInterval is how often a room looks who speaks.
const speakerInterval = 100 * time.Millisecond

// presence is what others see of one participant at one moment. It is
// immutable: a change makes a new one, so comparing pointers tells changes.
type presence struct {
	participant *Participant
	info        ParticipantInfo
	tracks      []*Track // those that have packets, hence a known codec
}

// Room is a set of participants who see each other. Its run goroutine finds who
// speaks; everything else happens on the participants' loops, which wake up
// when the roster changes and work out the difference themselves.
type Room struct {
	name   string
	server *Server
	ctx    context.Context
	cancel context.CancelFunc

	mu sync.Mutex // guards writes of roster
	// roster is in order of joining and immutable.
	roster atomic.Pointer[[]*presence]

	speakers atomic.Pointer[[]Speaker]
}

func newRoom(s *Server, name string) *Room {
	r := &Room{name: name, server: s}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.roster.Store(&[]*presence{})
	r.speakers.Store(&[]Speaker{})
	return r
}

func (r *Room) members() []*presence { return *r.roster.Load() }
func (r *Room) size() int            { return len(r.members()) }

// add appends p and returns the others.
func (r *Room) add(p *Participant) []*presence {
	r.mu.Lock()
	others := r.members()
	roster := append(slices.Clone(others), &presence{
		participant: p, info: ParticipantInfo{ID: p.id, Name: p.name},
	})
	r.roster.Store(&roster)
	r.mu.Unlock()
	r.wake(others)
	return others
}

// update replaces what others see of now.participant.
func (r *Room) update(now *presence) {
	r.mu.Lock()
	roster := slices.Clone(r.members())
	for i, m := range roster {
		if m.participant == now.participant {
			roster[i] = now
		}
	}
	r.roster.Store(&roster)
	r.mu.Unlock()
	r.wake(roster)
}

// remove takes p out and returns how many are left.
func (r *Room) remove(p *Participant) int {
	r.mu.Lock()
	roster := slices.DeleteFunc(slices.Clone(r.members()), func(m *presence) bool { return m.participant == p })
	r.roster.Store(&roster)
	r.mu.Unlock()
	r.wake(roster)
	return len(roster)
}

func (r *Room) wake(members []*presence) {
	for _, m := range members {
		select {
		case m.participant.wake <- struct{}{}:
		default: // it will look anyway
		}
	}
}

// find returns the participant with that id, nil if it isn't here.
func (r *Room) find(id string) *Participant {
	for _, m := range r.members() {
		if m.participant.id == id {
			return m.participant
		}
	}
	return nil
}

// run tells everyone who speaks until the room is empty. It owns the detector.
func (r *Room) run() {
	defer r.server.wg.Done()
	ticker := time.NewTicker(speakerInterval)
	defer ticker.Stop()
	detector := speaker.New()
	names := map[uint32]string{}
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-ticker.C:
			r.detect(detector, names)
		}
	}
}

func (r *Room) detect(d *speaker.Detector, names map[uint32]string) {
	now := r.server.now()
	members := r.members()
	present := make(map[uint32]bool, len(names))
	for _, m := range members {
		for _, t := range m.tracks {
			if t.kind != Audio || t.source != Microphone {
				continue
			}
			present[t.number] = true
			names[t.number] = m.participant.id
			if level, ok := t.takeLevel(); ok {
				d.Level(t.number, level, now)
			}
		}
	}
	for id := range names {
		if !present[id] {
			d.Remove(id)
			delete(names, id)
		}
	}
	found, changed := d.Update(now)
	if !changed {
		return
	}
	speakers := make([]Speaker, 0, len(found))
	for _, f := range found {
		speakers = append(speakers, Speaker{ID: names[f.ID], Level: f.Level})
	}
	r.speakers.Store(&speakers)
	for _, m := range members {
		m.participant.tell(Speakers{Speakers: speakers})
		m.participant.nudgeLoop()
	}
}
