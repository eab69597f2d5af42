package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// person is one participant: a client, its socket, and what it sends and gets.
type person struct {
	run   *run
	name  string
	room  string
	token string

	sources  []*source
	expected []*flow // of the others in the room
	tally    *tally
	late     histogram // of the player's goroutine

	path   *path
	mux    *ice.UDPMuxDefault
	client *client.Client
	state  chan struct{} // connected, or broken
	broken error         // valid once state is closed
	once   sync.Once

	in        atomic.Bool   // client and connected are set
	began     time.Duration // by the clock
	signaled  time.Duration // from there on
	connected time.Duration
}

// publish prepares what the person sends. Publishers are out of step with one
// another, as people are.
func (p *person) publish(o *mediaOptions, index int) {
	if o.bitrate > 0 {
		for _, l := range o.layers() {
			f := p.run.newFlow(o.simulcast)
			p.sources = append(p.sources, newVideo(o, l, p.run.clock, p.run.window, f))
		}
	}
	if o.audioBitrate > 0 {
		p.sources = append(p.sources, newAudio(o, p.run.clock, p.run.window, p.run.newFlow(false)))
	}
	const golden = 0.6180339887
	turn := golden * float64(index)
	phase := time.Duration((turn - float64(int(turn))) * float64(time.Second) / o.fps)
	for _, s := range p.sources {
		s.due = phase
	}
}

// join enters the room and waits until media could flow.
func (p *person) join(ctx context.Context) error {
	p.state = make(chan struct{})
	p.began = p.run.clock.now()
	api, err := p.connectivity()
	if err != nil {
		return err
	}
	p.client, err = client.Join(ctx, client.Options{
		URL: p.run.options.URL, Room: p.room, Name: p.name, Token: p.token,
		API: api, Publish: p.locals(), On: p.on,
	})
	if err != nil {
		return err
	}
	p.signaled = p.run.clock.now() - p.began
	select {
	case <-ctx.Done():
		return fmt.Errorf("not connected: %w", context.Cause(ctx))
	case <-p.state:
	}
	if p.broken != nil {
		return p.broken
	}
	if err := p.path.broken.Load(); err != nil {
		return *err
	}
	p.connected = p.run.clock.now() - p.began
	p.in.Store(true)
	return nil
}

// connectivity makes the person's socket and pion on top of it.
func (p *person) connectivity() (*webrtc.API, error) {
	var err error
	if p.path, err = newPath(p.run.options.host(), p.run.clock, p.tally); err != nil {
		return nil, err
	}
	silent := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	p.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: p.path, Logger: silent.NewLogger("ice")})
	var s webrtc.SettingEngine
	s.LoggerFactory = silent
	s.SetICEUDPMux(p.mux)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetDTLSKeyLogWriter(p.path)
	limitCiphers(&s)
	return newAPI(s, p.run.options.Feedback)
}

// locals groups the sources into tracks.
func (p *person) locals() []client.Local {
	var locals []client.Local
	for _, s := range p.sources {
		last := len(locals) - 1
		if last >= 0 && s.rid != "" && locals[last].Track.RID() != "" {
			locals[last].Layers = append(locals[last].Layers, s.track)
			s.mid = "p" + strconv.Itoa(last)
			continue
		}
		source := client.Camera
		if s.kind == webrtc.RTPCodecTypeAudio {
			source = client.Microphone
		}
		s.mid = "p" + strconv.Itoa(last+1) // as the client numbers its publications
		locals = append(locals, client.Local{Track: s.track, Source: source})
	}
	return locals
}

// on takes the client's events, on its goroutine.
func (p *person) on(e client.Event) {
	switch e := e.(type) {
	case client.State:
		switch e.State {
		case webrtc.PeerConnectionStateConnected:
			p.once.Do(func() { close(p.state) })
		case webrtc.PeerConnectionStateFailed:
			p.breaks(errors.New("the media path failed"))
		}
	case client.Error:
		p.run.complained(p.name, e)
	case client.SignalLost:
		p.breaks(fmt.Errorf("signaling lost: %w", e.Err))
	case client.Closed:
		p.breaks(e.Cause)
	}
}

// breaks notes the end of someone who was to stay.
func (p *person) breaks(err error) {
	p.once.Do(func() {
		p.broken = err
		close(p.state)
	})
	p.run.lost(p.name, err)
}

// report sends a receiver report.
func (p *person) report() {
	if packets := p.tally.receiverReport(p.run.clock.now()); len(packets) > 0 {
		p.tell(packets)
	}
}

// tell sends RTCP.
func (p *person) tell(packets []rtcp.Packet) {
	if pc := p.client.PeerConnection(); pc != nil {
		_ = pc.WriteRTCP(packets) // a broken path shows elsewhere
	}
}

// leave says goodbye and waits until nothing is left.
func (p *person) leave() {
	if p.client != nil {
		p.client.Leave()
		p.client.Close()
	}
	if p.mux != nil {
		_ = p.mux.Close()
	}
}
