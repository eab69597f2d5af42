package client

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/rtcp"
	"github.com/pion/transport/v5/vnet"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/protocol"
)

// fakeServer is the least server that a Client can be tested against: it
// forwards every track to everyone else, impolitely, over a virtual network.
type fakeServer struct {
	t      *testing.T
	router *vnet.Router
	net    *vnet.Net
	wait   sync.WaitGroup

	mu      lock
	members []*fakeMember
	hosts   int
	forget  bool // sessions can't be resumed
}

type fakeMember struct {
	server  *fakeServer
	id      string
	pc      *webrtc.PeerConnection
	signal  Signal
	hold    lock // held by a test to delay messages
	log     []Message
	joined  bool // its first offer is answered
	pending bool
	dirty   bool
	ignored int // offers that met our own
	restart bool
	tracks  []*webrtc.TrackLocalStaticRTP // published
	kinds   map[string]Source
}

// lock is a mutex that may be held while virtual time passes: a bubble's clock
// stands still while anyone waits for a sync.Mutex.
type lock chan struct{}

func newLock() lock    { return make(lock, 1) }
func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

func newFakeServer(t *testing.T) *fakeServer {
	t.Helper()
	router, err := vnet.NewRouter(&vnet.RouterConfig{
		CIDR: "10.0.0.0/16", MinDelay: 10 * time.Millisecond, LoggerFactory: quiet(),
	})
	check(t, err)
	s := &fakeServer{t: t, router: router, mu: newLock()}
	s.net = s.host()
	check(t, router.Start())
	return s
}

func quiet() logging.LoggerFactory {
	f := logging.NewDefaultLoggerFactory()
	f.DefaultLogLevel = logging.LogLevelDisabled
	return f
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// host adds a host with an address of its own to the virtual network.
func (s *fakeServer) host() *vnet.Net {
	s.mu.Lock()
	s.hosts++
	ip := fmt.Sprintf("10.0.1.%d", s.hosts)
	s.mu.Unlock()
	n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
	check(s.t, err)
	check(s.t, s.router.AddNet(n))
	return n
}

func (s *fakeServer) close() {
	s.mu.Lock()
	members := append([]*fakeMember(nil), s.members...)
	s.mu.Unlock()
	for _, m := range members {
		_ = m.signal.Close()
		check(s.t, m.pc.GracefulClose())
	}
	s.wait.Wait()
	check(s.t, s.router.Stop())
}

// options are a client's, with a host of its own.
func (s *fakeServer) options(on func(Event), publish ...Local) Options {
	host := s.host()
	return Options{
		Room: "room", Name: "Ada", On: on, Publish: publish, Dial: s.dial,
		Setting: func(e *webrtc.SettingEngine) {
			e.SetNet(host)
			e.LoggerFactory = quiet()
		},
	}
}

func (s *fakeServer) dial(_ context.Context, session string) (Signal, error) {
	ours, theirs := Pipe()
	s.mu.Lock()
	defer s.mu.Unlock()
	var m *fakeMember
	for _, old := range s.members {
		if session == "secret-"+old.id && !s.forget {
			m = old
		}
	}
	resumed := m != nil
	if !resumed {
		m = s.newMember()
		s.members = append(s.members, m)
	}
	m.signal = theirs
	m.say(Message{Type: protocol.TypeJoined, ID: m.id, Session: "secret-" + m.id, Room: "room", Resumed: resumed})
	if resumed && m.pending {
		m.pending, m.dirty = false, true
		m.say(Message{Type: protocol.TypeTracks, Tracks: m.mapping()})
		m.pending = true
		m.say(Message{Type: protocol.TypeOffer, SDP: m.pc.LocalDescription().SDP})
	}
	s.wait.Go(func() { m.read(theirs) })
	return ours, nil
}

func (s *fakeServer) newMember() *fakeMember {
	m := &fakeMember{server: s, id: fmt.Sprintf("m%d", len(s.members)), kinds: map[string]Source{}, hold: newLock()}
	media, err := newMediaEngine(false)
	check(s.t, err)
	registry := new(interceptor.Registry)
	check(s.t, webrtc.RegisterDefaultInterceptors(media, registry))
	var e webrtc.SettingEngine
	e.SetNet(s.net)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.LoggerFactory = quiet()
	check(s.t, e.SetAnsweringDTLSRole(webrtc.DTLSRoleServer))
	m.pc, err = webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(registry),
		webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
	check(s.t, err)
	m.pc.OnTrack(m.published)
	for _, other := range s.members {
		for _, track := range other.tracks {
			m.subscribe(other, track)
		}
	}
	return m
}

func (m *fakeMember) say(message Message) { _ = m.signal.Send(message) }

func (m *fakeMember) read(signal Signal) {
	for {
		message, err := signal.Receive(context.Background())
		if err != nil {
			return
		}
		m.hold.Lock()
		m.server.mu.Lock()
		m.handle(message)
		m.server.mu.Unlock()
		m.hold.Unlock()
	}
}

// handle runs under the server's mutex.
func (m *fakeMember) handle(message Message) {
	m.log = append(m.log, message)
	switch message.Type {
	case protocol.TypeOffer:
		if m.pending {
			m.ignored++
			return
		}
		m.answer(message.SDP)
	case protocol.TypeAnswer:
		if err := m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: message.SDP}); err != nil {
			m.server.t.Errorf("answer of %s: %v", m.id, err)
		}
		m.pending = false
	case protocol.TypeCandidate:
		if message.Candidate != nil && m.joined {
			_ = m.pc.AddICECandidate(*message.Candidate)
		}
	case protocol.TypePublish:
		for _, track := range message.Tracks {
			m.kinds[track.Mid] = track.Source
		}
	case protocol.TypeMessage:
		for _, other := range m.server.members {
			if other != m {
				other.say(Message{Type: protocol.TypeMessage, From: m.id, Body: message.Body})
			}
		}
	}
	m.offer()
}

func (m *fakeMember) answer(sdp string) {
	err := m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: sdp})
	if err != nil {
		m.say(Message{Type: protocol.TypeError, Code: "bad-sdp", Text: err.Error()})
		return
	}
	answer, err := m.pc.CreateAnswer(nil)
	check(m.server.t, err)
	gathered := webrtc.GatheringCompletePromise(m.pc)
	check(m.server.t, m.pc.SetLocalDescription(answer))
	<-gathered
	m.joined = true
	m.say(Message{Type: protocol.TypeAnswer, SDP: m.pc.LocalDescription().SDP})
}

func (m *fakeMember) offer() {
	if !m.joined || !m.dirty || m.pending || m.pc.ConnectionState() == webrtc.PeerConnectionStateClosed {
		return
	}
	offer, err := m.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: m.restart})
	check(m.server.t, err)
	check(m.server.t, m.pc.SetLocalDescription(offer))
	m.pending, m.dirty, m.restart = true, false, false
	m.say(Message{Type: protocol.TypeTracks, Tracks: m.mapping()})
	m.say(Message{Type: protocol.TypeOffer, SDP: m.pc.LocalDescription().SDP})
}

func (m *fakeMember) mapping() (tracks []TrackInfo) {
	for _, t := range m.pc.GetTransceivers() {
		if t.Sender() == nil || t.Sender().Track() == nil {
			continue
		}
		track := t.Sender().Track()
		tracks = append(tracks, TrackInfo{Mid: t.Mid(), ID: track.ID(), Participant: track.StreamID(), Kind: track.Kind().String()})
	}
	return tracks
}

// published forwards a new track of m to everyone else.
func (m *fakeMember) published(remote *webrtc.TrackRemote, receiver *webrtc.RTPReceiver) {
	s := m.server
	id := strings.ReplaceAll(fmt.Sprintf("%s-%s%s", m.id, receiver.RTPTransceiver().Mid(), remote.RID()), ":", "")
	track, err := webrtc.NewTrackLocalStaticRTP(remote.Codec().RTPCodecCapability, id, m.id)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.mu.Lock()
	m.tracks = append(m.tracks, track)
	for _, other := range s.members {
		if other != m {
			other.subscribe(m, track)
			other.offer()
		}
	}
	s.mu.Unlock()
	s.wait.Go(func() {
		for {
			read := receiver.Read
			if rid := remote.RID(); rid != "" { // of several layers each has its own reports
				read = func(b []byte) (int, interceptor.Attributes, error) { return receiver.ReadSimulcast(b, rid) }
			}
			if _, _, err := read(make([]byte, 1500)); err != nil {
				return
			}
		}
	})
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		packet.Extension, packet.Extensions = false, nil
		_ = track.WriteRTP(packet)
	}
}

// subscribe runs under the server's mutex.
func (m *fakeMember) subscribe(from *fakeMember, track *webrtc.TrackLocalStaticRTP) {
	sender, err := m.pc.AddTrack(track)
	if m.pc.ConnectionState() == webrtc.PeerConnectionStateClosed {
		return // its client began anew
	}
	if err != nil {
		m.server.t.Error(err)
		return
	}
	m.dirty = true
	m.server.wait.Go(func() {
		for {
			packets, _, err := sender.ReadRTCP()
			if err != nil {
				return
			}
			for _, p := range packets {
				if _, ok := p.(*rtcp.PictureLossIndication); ok {
					from.requestKeyframes()
				}
			}
		}
	})
}

func (m *fakeMember) requestKeyframes() {
	for _, r := range m.pc.GetReceivers() {
		for _, t := range r.Tracks() {
			if t.Kind() == webrtc.RTPCodecTypeVideo {
				_ = m.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(t.SSRC())}})
			}
		}
	}
}

// dropEvery drops one in n of the packets that are large enough to be media.
func dropEvery(n int, count *int) vnet.ChunkFilter {
	var mu sync.Mutex
	return func(c vnet.Chunk) bool {
		if b := c.UserData(); len(b) < 500 || b[0]>>6 != 2 {
			return true
		}
		mu.Lock()
		defer mu.Unlock()
		*count++
		return *count%n != 0
	}
}
