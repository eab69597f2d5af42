package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

// joinTimeout bounds every join, those of a server under attack too.
const joinTimeout = 15 * time.Second

const (
	audioInterval = 20 * time.Millisecond
	videoFPS      = 25
	videoTicks    = 90_000 / videoFPS // of the RTP clock, a frame
)

// start is when this process's clock began.
var start = time.Now()

func now() time.Duration { return time.Since(start) }

// caller is one honest participant, who may send and measures what comes.
type caller struct {
	name   string
	client *client.Client

	playing sync.WaitGroup
	stop    context.CancelFunc
	video   *client.Video // nil if the caller sends nothing

	mu        sync.Mutex // guards the fields below
	sound     []*gapMeter
	pictures  []*gapMeter
	firstTone chan struct{} // closed by the first packet of sound
	leaving   bool
	ended     []string
	complains []string
}

// dialer reaches servers with a certificate made up at start, from an address of
// loopback; nil is the honest one.
func dialer(from net.IP) *websocket.Dialer {
	d := &websocket.Dialer{
		HandshakeTimeout: joinTimeout,
		TLSClientConfig:  &tls.Config{InsecureSkipVerify: true}, // loopback alone
	}
	if from != nil {
		d.NetDialContext = (&net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}).DialContext
	}
	return d
}

// local keeps media on loopback. It may be TCP alone.
func local(tcp bool) func(*webrtc.SettingEngine) {
	return func(s *webrtc.SettingEngine) {
		s.LoggerFactory = &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
		s.SetIPFilter(net.IP.IsLoopback)
		network := webrtc.NetworkTypeUDP4
		if tcp {
			network = webrtc.NetworkTypeTCP4
		}
		s.SetNetworkTypes([]webrtc.NetworkType{network})
	}
}

// enter joins a room, and with sends also sound and pictures there.
func enter(ctx context.Context, s *server, room, name string, sends, tcp bool) (*caller, error) {
	token, err := s.mint(name)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	c := &caller{name: name, firstTone: make(chan struct{})}
	playing, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	o := client.Options{
		URL: s.url, Room: room, Name: name, Token: token,
		On: c.on, Dialer: dialer(nil), Setting: local(tcp),
	}
	if sends {
		audio, err := client.NewAudio(client.AudioConfig{})
		if err != nil {
			return nil, err
		}
		if c.video, err = client.NewVideo(client.VideoConfig{FPS: videoFPS}); err != nil {
			return nil, err
		}
		o.Publish = []client.Local{audio.Local(client.Microphone), c.video.Local(client.Camera)}
		c.playing.Go(func() { audio.Run(playing) })
		c.playing.Go(func() { c.video.Run(playing) })
	}
	ctx, cancel := context.WithTimeout(ctx, joinTimeout)
	defer cancel()
	if c.client, err = client.Join(ctx, o); err != nil {
		stop()
		c.playing.Wait()
		return nil, err
	}
	return c, nil
}

// on takes the client's events, on its goroutine.
func (c *caller) on(e client.Event) {
	switch e := e.(type) {
	case client.Track:
		c.play(e)
	case client.Error:
		c.complained(e.Error())
	case client.State:
		switch e.State {
		case webrtc.PeerConnectionStateFailed:
			c.over("the media path failed")
		case webrtc.PeerConnectionStateDisconnected:
			c.complained("the media path was interrupted")
		}
	case client.SignalLost:
		c.over("signaling lost: " + e.Err.Error())
	case client.Closed:
		c.over(e.Cause.Error())
	}
}

// play measures a track.
func (c *caller) play(t client.Track) {
	meter := &gapMeter{interval: audioInterval}
	number := func(counter uint64, _ uint32) uint64 { return counter }
	o := client.ReceiverOptions{RTCP: t.Peer.WriteRTCP, SSRC: uint32(t.Remote.SSRC())}
	c.mu.Lock()
	if t.Remote.Kind() == webrtc.RTPCodecTypeVideo {
		o.VP8 = true
		meter.interval = time.Second / videoFPS
		number = frameNumbers()
		c.pictures = append(c.pictures, meter)
	} else {
		c.sound = append(c.sound, meter)
	}
	first := sync.OnceFunc(func() { close(c.firstTone) })
	if o.VP8 || len(c.sound) > 1 {
		first = func() {}
	}
	c.mu.Unlock()
	o.Packet = func(payload []byte, timestamp uint32, _ bool) {
		if counter, sent, ok := client.Stamp(payload); ok {
			meter.packet(number(counter, timestamp), time.Duration(sent), now())
			first()
		}
	}
	c.playing.Go(func() { _ = client.NewPacketReceiver(t.Remote, o).Run() }) // ends with the track
}

// frameNumbers counts a video's frames by their timestamps: a frame has any number of
// packets.
func frameNumbers() func(uint64, uint32) uint64 {
	began, first := false, uint32(0)
	return func(_ uint64, timestamp uint32) uint64 {
		if !began {
			began, first = true, timestamp
		}
		return uint64(timestamp-first) / videoTicks
	}
}

func (c *caller) complained(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.complains = append(c.complains, c.name+": "+what)
}

func (c *caller) over(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leaving {
		c.ended = append(c.ended, c.name+": "+why)
	}
}

// cut returns what was noticed since the last cut.
func (c *caller) cut() (gap, freeze time.Duration, ended, complaints []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.sound {
		gap = max(gap, g.cut(now()))
	}
	for _, g := range c.pictures {
		freeze = max(freeze, g.cut(now()))
	}
	ended, complaints = c.ended, c.complains
	c.ended, c.complains = nil, nil
	return gap, freeze, ended, complaints
}

// hears reports whether sound and pictures of n others arrive.
func (c *caller) hears(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	heard := 0
	for _, g := range append(append([]*gapMeter(nil), c.sound...), c.pictures...) {
		if g.heard() {
			heard++
		}
	}
	return heard >= 2*n
}

// from is the address that the server sees media come from.
func (c *caller) from() (a netip.AddrPort, err error) {
	pc := c.client.PeerConnection()
	if pc == nil || pc.SCTP() == nil && len(pc.GetSenders()) == 0 {
		return a, errors.New("no transport")
	}
	pair, err := pc.GetSenders()[0].Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return a, errors.Join(errors.New("no selected pair"), err)
	}
	ip, err := netip.ParseAddr(pair.Local.Address)
	return netip.AddrPortFrom(ip, pair.Local.Port), err
}

// leave says goodbye and waits until nothing is left.
func (c *caller) leave() {
	c.mu.Lock()
	c.leaving = true
	c.mu.Unlock()
	c.client.Leave()
	c.client.Close()
	c.stop()
	c.playing.Wait()
}

// sounds counts the tracks of sound that arrive.
func (c *caller) sounds() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range c.sound {
		if g.heard() {
			n++
		}
	}
	return n
}

// publishMore shares the sound of a screen.
func (c *caller) publishMore() error {
	audio, err := client.NewAudio(client.AudioConfig{ID: "more", StreamID: "screen"})
	if err != nil {
		return err
	}
	playing, stop := context.WithCancel(context.Background())
	before := c.stop
	c.stop = func() { before(); stop() }
	c.playing.Go(func() { audio.Run(playing) })
	_, err = c.client.Publish(audio, client.ScreenAudio)
	return err
}
