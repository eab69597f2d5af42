package sfutest

import (
	"context"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// Person is someone in a call: a pion client that reads every track it gets.
type Person struct {
	*client.Client
	Name string

	world   *World
	bridge  *bridge
	address string
	silent  bool // asks for nothing

	mu        sync.Mutex
	changed   chan struct{} // capacity 1: something below changed
	events    []client.Event
	tracks    map[string]*client.Receiver // by track id
	sources   map[string]client.TrackInfo // by track id
	receivers sync.WaitGroup
	sending   sync.WaitGroup
	stop      []context.CancelFunc
}

// on is client.Options.On.
func (p *Person) on(e client.Event) {
	p.mu.Lock()
	p.events = append(p.events, e)
	if t, ok := e.(client.Track); ok {
		r := client.NewReceiver(t)
		switch {
		case p.world.hear != nil && t.Remote.Kind() == webrtc.RTPCodecTypeAudio:
			r = client.NewPacketReceiver(heard{t.Remote, p}, client.ReceiverOptions{RTCP: t.Peer.WriteRTCP, SSRC: uint32(t.Remote.SSRC())})
		case p.silent:
			r = client.NewPacketReceiver(t.Remote, client.ReceiverOptions{SSRC: uint32(t.Remote.SSRC()), VP8: t.Remote.Codec().MimeType == webrtc.MimeTypeVP8})
		}
		p.tracks[t.Info.ID] = r
		p.sources[t.Info.ID] = t.Info
		p.receivers.Add(1)
		go func() {
			defer p.receivers.Done()
			_ = r.Run() // ends with the track
		}()
	}
	p.mu.Unlock()
	select {
	case p.changed <- struct{}{}:
	default:
	}
}

// heard passes packets of sound on to Options.Hear.
type heard struct {
	client.Packets
	p *Person
}

func (h heard) Read(b []byte) (n int, a interceptor.Attributes, err error) {
	n, a, err = h.Packets.Read(b)
	if err == nil {
		h.p.world.hear(h.p, b[:n])
	}
	return n, a, err
}

// Events are all so far.
func (p *Person) Events() []client.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]client.Event(nil), p.events...)
}

// Receivers are those of tracks that came, by track id, with what they carry.
func (p *Person) Receivers() (map[string]*client.Receiver, map[string]client.TrackInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	receivers, infos := map[string]*client.Receiver{}, map[string]client.TrackInfo{}
	for id, r := range p.tracks {
		receivers[id], infos[id] = r, p.sources[id]
	}
	return receivers, infos
}

// From is the receiver of someone's track, nil if it didn't come.
func (p *Person) From(other *Person, source client.Source) *client.Receiver {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, info := range p.sources {
		if info.Participant == other.ID() && info.Source == source {
			return p.tracks[id]
		}
	}
	return nil
}

// Await waits, at most timeout, for condition, looking every 10 ms of virtual time.
func (p *Person) Await(timeout time.Duration, what string, condition func() bool) {
	p.world.T.Helper()
	p.world.Await(timeout, p.Name+" waits for "+what, condition)
}

// Await waits, at most timeout, for condition.
func (w *World) Await(timeout time.Duration, what string, condition func() bool) {
	w.T.Helper()
	for deadline := time.Now().Add(timeout); !condition(); {
		if time.Now().After(deadline) {
			w.T.Fatalf("%s: not within %v", what, timeout)
		}
		time.Sleep(10 * time.Millisecond) // virtual
	}
}

// Send runs a scripted source until the person leaves.
func (p *Person) Send(run func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	p.stop = append(p.stop, cancel)
	p.sending.Add(1)
	go func() {
		defer p.sending.Done()
		run(ctx)
	}()
}

// Go leaves and waits until nothing of the person is left.
func (p *Person) Go() {
	p.Leave()
	p.end()
}

// Vanish ends the person without a goodbye.
func (p *Person) Vanish() {
	p.Close()
	p.end()
}

func (p *Person) end() {
	for _, stop := range p.stop {
		stop()
	}
	p.sending.Wait()
	<-p.Done()
	p.receivers.Wait()
	if p.bridge.participant != nil {
		p.bridge.participant.Leave(context.Canceled)
		<-p.bridge.participant.Done()
	}
}

// Ended waits until the server is through with the person and tells why.
func (p *Person) Ended() error {
	<-p.bridge.participant.Done()
	p.bridge.mu.Lock()
	defer p.bridge.mu.Unlock()
	return p.bridge.cause
}

// Newest is the sequence number of the last packet on its way to p with that SSRC.
func (p *Person) Newest(ssrc uint32) uint16 {
	n, ok := p.world.newest.Load(stream{p.address, ssrc})
	if !ok {
		p.world.T.Fatalf("%s gets nothing with SSRC %d", p.Name, ssrc)
	}
	return n.(uint16)
}
