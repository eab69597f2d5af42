package sfu

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"plenum/sfu/internal/jsep"
	"plenum/sfu/internal/transport"
)

const (
	// mailboxSize bounds what the media side may have to say to a participant's loop: a
	// word for each track that begins.
	mailboxSize = 256
	// commandsSize is how many of the client's commands may wait for the loop before who
	// brings them has to wait as well.
	commandsSize = 16
	// maxEarlyCandidates bounds candidates that arrive before the first offer.
	maxEarlyCandidates = 100
	maxCandidate       = 1024 // bytes
	// mediaTick drives NACK retries, keyframe requests and feedback of someone
	// who publishes; idleTick everyone else's timeouts.
	mediaTick = 50 * time.Millisecond
	idleTick  = time.Second
)

// Participant is one person (or program) in a room. Its methods hand commands to its
// loop, which owns every field below the line. They wait while the loop is behind, and
// for a description until it has been applied: so a client that sends more than is
// done is read more slowly, and nobody else is. They return at once when the
// participant has ended.
type Participant struct {
	id     string
	name   string
	server *Server
	room   *Room
	grants Grants
	client Client
	eager  bool // the client takes an offer of ours right after its first answer
	joined time.Time

	commands chan func()   // the client's
	mailbox  chan func()   // the media side's
	wake     chan struct{} // the roster changed
	nudge    chan struct{} // what is sent to it may have to change
	ctx      context.Context
	cancel   context.CancelCauseFunc
	done     chan struct{}

	introduced atomic.Bool                   // Joined was sent: others may tell this client things
	seated     atomic.Bool                   // it has had a media path
	out        bool                          // of its room; guarded by Server.mu
	decoders   atomic.Pointer[jsep.Decoders] // nil while unknown; written by the loop

	media    media // owned by whoever receives the peer's packets, see media.go
	downlink downlink
	// redundancy is which packets of sound before each the client gets once more; written
	// by the loop.
	redundancy atomic.Uint32

	// ---- owned by the loop ----

	ready         *ready          // a transport for the first offer to come
	peer          *transport.Peer // nil before the first offer
	session       *jsep.Session
	remoteUfrag   string
	early         []string // candidates before the first offer
	state         transport.State
	stateSince    time.Duration
	connectedAt   time.Duration
	sources       map[string]PublishedTrack // what the client said of its m-lines, by mid
	tracks        []*Track                  // published, in order
	known         map[*Participant]*presence
	subs          map[*Track]*Subscription
	bySlot        map[*jsep.Slot]*Subscription
	unsupported   map[*Track]string
	lastReports   time.Duration
	trackSerial   int
	moderation    moderation
	holdUntil     time.Duration    // the first offer of ours waits for ICE until then; 0: not any more
	offerLater    <-chan time.Time // when holdUntil has come, nil if nothing waits
	badAnswers    int              // to the offer in flight
	ssrcs         ssrcs
	wishes        map[string]Wish // what the client said of others' tracks, by track id
	viewing       viewing
	toldUnreached time.Duration // when the client was last told whom it does not reach; 0: never
	forbidden     bool          // the client was told that it may not publish
}

func newParticipant(s *Server, r JoinRequest) *Participant {
	p := &Participant{
		id: newID(), name: r.Name, server: s, grants: r.Grants, client: r.Client, eager: r.Early,
		joined:   time.Now(),
		commands: make(chan func(), commandsSize), mailbox: make(chan func(), mailboxSize),
		wake: make(chan struct{}, 1), nudge: make(chan struct{}, 1), done: make(chan struct{}),
		sources: map[string]PublishedTrack{}, known: map[*Participant]*presence{},
		subs: map[*Track]*Subscription{}, bySlot: map[*jsep.Slot]*Subscription{},
		unsupported: map[*Track]string{}, ssrcs: newSSRCs(), wishes: map[string]Wish{},
		viewing: newViewing(), moderation: newModeration(),
	}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	p.media.init(p)
	return p
}

// ID is unique in the server and stays the same over a resume.
func (p *Participant) ID() string { return p.id }

// Room is the name of the participant's room.
func (p *Participant) Room() string { return p.room.name }

// Done is closed when the participant has left and nothing of it remains.
func (p *Participant) Done() <-chan struct{} { return p.done }

// Leave ends the participant with cause; Ended follows. It may be called often
// and from anywhere; the first cause counts.
func (p *Participant) Leave(cause error) { p.cancel(cause) }

// Offer applies the client's offer and answers it.
func (p *Participant) Offer(sdp string) { p.negotiation(func() { p.handleOffer(sdp) }) }

// Answer applies the client's answer to the server's offer.
func (p *Participant) Answer(sdp string) { p.negotiation(func() { p.handleAnswer(sdp) }) }

// Candidate adds one of the client's ICE candidates; nil ends them.
func (p *Participant) Candidate(c *CandidateInit) { p.command(func() { p.handleCandidate(c) }) }

// Publish says what the client's own m-lines carry.
func (p *Participant) Publish(tracks []PublishedTrack) { p.command(func() { p.handlePublish(tracks) }) }

// Mute says that the client stopped or resumed sending a track.
func (p *Participant) Mute(mid string, muted bool) { p.command(func() { p.handleMute(mid, muted) }) }

// Subscribe says what the client wants of others' tracks. What it doesn't name
// stays as it was; what was never named is wanted whole.
func (p *Participant) Subscribe(wishes []Wish) {
	if !p.grants.Subscribe {
		p.client.Send(Problem{ProblemForbidden, "You may not receive anyone's tracks in this room."})
		return
	}
	p.command(func() { p.handleSubscribe(wishes) })
}

// Resume tells that the client is back on a new connection: it gets Joined and
// everything else that it may have missed.
func (p *Participant) Resume() { p.command(p.handleResume) }

// Message sends body to the participant with id to, or to all others if empty.
func (p *Participant) Message(to string, body json.RawMessage) {
	if !p.grants.Message {
		p.client.Send(Problem{ProblemForbidden, "You may not send messages in this room."})
		return
	}
	message := Message{From: p.id, Body: body}
	if to != "" {
		if other := p.room.find(to); other != nil {
			other.tell(message)
		} else {
			p.client.Send(Problem{ProblemBadMessage, "There is no participant " + to + " in this room."})
		}
		return
	}
	for _, m := range p.room.members() {
		if m.participant != p {
			m.participant.tell(message)
		}
	}
}

// command gives the loop something to do for the client, and waits while it is behind. It
// reports false if the participant has ended.
func (p *Participant) command(f func()) bool {
	select {
	case p.commands <- f:
		return true
	case <-p.ctx.Done():
		return false
	}
}

// post gives the loop something to do for the media side, which can't wait. A full
// mailbox means that its client is beyond help.
func (p *Participant) post(command func()) {
	select {
	case p.mailbox <- command:
	default:
		p.Leave(ErrTooSlow)
	}
}

// present is the beginning of a session: the client learns who is here.
func (p *Participant) present(others []*presence) {
	infos := make([]ParticipantInfo, 0, len(others))
	for _, m := range others {
		p.known[m.participant] = m
		infos = append(infos, m.info)
	}
	joined := Joined{ID: p.id, Room: p.room.name, Participants: infos}
	if p.ready != nil {
		joined.Transport = p.ready.told()
	}
	p.client.Send(joined)
	if speakers := *p.room.speakers.Load(); len(speakers) > 0 {
		p.client.Send(Speakers{Speakers: speakers}) // later ones come on change only
	}
	p.introduced.Store(true)
}

// tell is how others reach the client: never before its Joined.
func (p *Participant) tell(e Event) {
	if p.introduced.Load() {
		p.client.Send(e)
	}
}

// run is the participant's life, from after Joined to Ended.
func (p *Participant) run() {
	defer p.server.wg.Done()
	defer p.teardown()
	p.stateSince = p.server.now()
	p.reconcile() // whoever came or left since add
	ticker := time.NewTicker(idleTick)
	defer ticker.Stop()
	timer := time.NewTimer(idleTick)
	defer timer.Stop()
	fast := false
	for {
		if next := p.nextViewing(); next != never {
			timer.Reset(max(0, next-p.server.now()))
		} else {
			timer.Stop()
		}
		var changed, paced <-chan struct{}
		if p.peer != nil {
			changed, paced = p.peer.Changed(), p.peer.Paced()
		}
		select {
		case <-p.ctx.Done():
			return
		case command := <-p.commands:
			command()
		case word := <-p.mailbox:
			word()
		case <-p.wake:
			p.reconcileSoon()
		case <-p.moderation.lookLater:
			p.look()
		case <-p.moderation.announceLater:
			p.show()
		case <-p.moderation.publishLater:
			p.publishAgain()
		case <-p.offerLater:
			p.offerLater = nil
			p.negotiate()
		case <-changed:
			p.handleState()
			if p.offerLater != nil {
				p.negotiate()
			}
		case <-p.nudge:
			p.viewing.lookAt = 0
		case <-paced:
			p.viewing.paceAt = 0
		case <-timer.C:
		case <-ticker.C:
			p.tick()
		}
		p.tend(p.server.now())
		if publishing := len(p.tracks) > 0; publishing != fast {
			fast = publishing
			ticker.Reset(tickInterval(fast))
		}
	}
}

func tickInterval(publishing bool) time.Duration {
	if publishing {
		return mediaTick
	}
	return idleTick
}

// teardown undoes everything in the reverse order of how it came about. Others
// stop seeing the participant first, and packets stop before the peer is gone.
func (p *Participant) teardown() {
	p.server.leave(p)
	for _, t := range p.tracks {
		t.close()
	}
	for _, sub := range p.subs {
		p.uncount(sub)
		sub.track.unsubscribe(sub)
	}
	for t := range p.unsupported {
		p.forgive(t)
	}
	if p.peer != nil {
		p.peer.Close()
	} else if p.ready != nil {
		p.ready.peer.Close()
	}
	cause := context.Cause(p.ctx)
	p.server.log.Info("participant left", "room", p.room.name, "participant", p.id,
		"cause", cause.Error(), "duration", time.Since(p.joined).Round(time.Millisecond))
	p.client.Send(Ended{Cause: cause})
	close(p.done)
}

func (p *Participant) problem(code ProblemCode, format string, args ...any) {
	p.client.Send(Problem{code, fmt.Sprintf(format, args...)})
}

// reconcile brings the participant's picture of the room up to date: it tells
// the client what changed and subscribes to what is new.
func (p *Participant) reconcile() {
	roster := p.room.members()
	present := make(map[*Participant]bool, len(roster))
	for _, m := range roster {
		if m.participant == p {
			continue
		}
		present[m.participant] = true
		switch before := p.known[m.participant]; {
		case before == m:
			continue
		case before == nil:
			p.client.Send(ParticipantJoined{m.info})
		default:
			p.client.Send(ParticipantUpdated{m.info})
		}
		p.known[m.participant] = m
	}
	for other, m := range p.known {
		if !present[other] {
			delete(p.known, other)
			p.client.Send(ParticipantLeft{m.info})
		}
	}
	p.subscribe()
}

// roster is the others as the client knows them, in order of joining. What it was not
// told yet must not be in what it is told else.
func (p *Participant) roster() []*presence {
	roster := make([]*presence, 0, len(p.known))
	for _, m := range p.room.members() {
		if known := p.known[m.participant]; known != nil {
			roster = append(roster, known)
		}
	}
	return roster
}

func (p *Participant) handleResume() {
	joined := Joined{ID: p.id, Room: p.room.name, Resumed: true}
	for _, m := range p.room.members() {
		if m.participant != p {
			p.known[m.participant] = m
			joined.Participants = append(joined.Participants, m.info)
		}
	}
	for other := range p.known {
		if p.room.find(other.id) == nil {
			delete(p.known, other)
		}
	}
	p.client.Send(joined)
	p.client.Send(Speakers{Speakers: *p.room.speakers.Load()})
	if p.session == nil {
		return
	}
	p.sendTracks()
	p.tellQualityAgain()
	p.tellLayers(true)
	p.tellUnreached(true)
	if sdp, pending := p.session.PendingOffer(); pending {
		p.client.Send(Offer{SDP: sdp})
	}
	p.subscribe()
}

// tick does what time alone brings about.
func (p *Participant) tick() {
	now := p.server.now()
	if p.peer != nil && p.state != transport.StateConnected && now-p.stateSince > p.server.config.MediaTimeout {
		p.Leave(ErrMediaLost)
		return
	}
	if limit := p.server.config.SeatTimeout; limit > 0 && p.peer == nil && p.idle(limit) {
		p.Leave(ErrNoMedia)
		return
	}
	if len(p.tracks) == 0 {
		return
	}
	for _, t := range p.tracks {
		t.tick(now)
	}
	p.tellLayers(false)
	p.tellUnreached(false)
	p.peer.SendTransportCC()
	if now-p.lastReports >= time.Second {
		p.lastReports = now
		p.peer.MeasureRTT()
		p.sendReceptions(now)
	}
}

func (p *Participant) sendReceptions(now time.Duration) {
	var reports []transport.ReceptionOut
	for _, t := range p.tracks {
		reports = t.receptions(now, reports)
	}
	p.peer.SendReceptions(reports)
}
