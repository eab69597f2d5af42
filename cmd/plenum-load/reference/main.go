// Command reference is the yardstick of plenum-load bench: a plain forwarder on
// pion, as one would write it from pion's examples, with nothing that costs beyond
// need. One UDP port, no interceptor, one TrackLocalStaticRTP per track that is
// shared by all viewers, one system call for each packet to each viewer. It speaks
// as much of Plenum's protocol as a client needs to join.
package main

import (
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"plenum/signaling/client"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address of signaling")
	mediaPort := flag.Int("media-port", 0, "UDP port of media; 0 picks one")
	flag.Parse()
	if err := serve(*listen, *mediaPort); err != nil {
		slog.Error("ended", "error", err)
		os.Exit(1)
	}
}

func serve(listen string, mediaPort int) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	host := listener.Addr().(*net.TCPAddr).IP
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: host, Port: mediaPort})
	if err != nil {
		return err
	}
	f, err := newForwarder(conn)
	if err != nil {
		return err
	}
	slog.New(slog.NewTextHandler(os.Stderr, nil)).Info("serving", "addr", listener.Addr(), "media", conn.LocalAddr())
	server := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

type forwarder struct {
	api   *webrtc.API
	mu    sync.Mutex
	rooms map[string][]*member
}

func newForwarder(conn *net.UDPConn) (*forwarder, error) {
	const buffer = 4 << 20 // a burst for everyone
	_, _ = conn.SetReadBuffer(buffer), conn.SetWriteBuffer(buffer)
	m := new(webrtc.MediaEngine)
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	var s webrtc.SettingEngine
	s.SetICEUDPMux(ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn}))
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(s),
		webrtc.WithInterceptorRegistry(new(interceptor.Registry)))
	return &forwarder{api: api, rooms: map[string][]*member{}}, nil
}

// track is what a member publishes.
type track struct {
	*webrtc.TrackLocalStaticRTP
	from *member
	ssrc uint32
}

// wish asks the publisher for a keyframe.
func (t *track) wish() {
	_ = t.from.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: t.ssrc}})
}

// member is one client. Its mutex guards the negotiation.
type member struct {
	id, room string
	ws       *websocket.Conn
	pc       *webrtc.PeerConnection
	tracks   []*track // published; guarded by forwarder.mu

	mu      sync.Mutex
	ready   bool // its first offer is answered
	pending bool // an offer of ours is in flight
	dirty   bool // another is needed
	gets    map[*track]bool
}

// ServeHTTP is the life of a member.
func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{Subprotocols: []string{"plenum.v1"}}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer func() { _ = ws.Close() }()
	pc, err := f.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return
	}
	defer func() { _ = pc.Close() }()
	m := &member{id: ws.RemoteAddr().String(), room: r.FormValue("room"), ws: ws, pc: pc, gets: map[*track]bool{}}
	pc.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { f.forward(m, remote) })
	f.mu.Lock()
	f.rooms[m.room] = append(f.rooms[m.room], m)
	f.mu.Unlock()
	defer f.remove(m)
	m.send(client.Message{Type: "joined", ID: m.id, Session: m.id, Room: m.room})
	for {
		var message client.Message
		if err := ws.ReadJSON(&message); err != nil || message.Type == "leave" || m.take(&message) != nil {
			return
		}
		f.update(m)
	}
}

func (f *forwarder) remove(m *member) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var rest []*member
	for _, other := range f.rooms[m.room] {
		if other != m {
			rest = append(rest, other)
		}
	}
	f.rooms[m.room] = rest
}

// forward is the packet path.
func (f *forwarder) forward(m *member, remote *webrtc.TrackRemote) {
	local, err := webrtc.NewTrackLocalStaticRTP(remote.Codec().RTPCodecCapability, remote.Kind().String()+m.id, m.id)
	if err != nil {
		return
	}
	f.mu.Lock()
	m.tracks = append(m.tracks, &track{local, m, uint32(remote.SSRC())})
	others := f.rooms[m.room]
	f.mu.Unlock()
	for _, other := range others {
		go f.update(other)
	}
	b := make([]byte, 1500)
	for {
		n, _, err := remote.Read(b)
		if err != nil {
			return
		}
		_, _ = local.Write(b[:n]) // someone may be gone
	}
}

// update offers m what others publish.
func (f *forwarder) update(m *member) {
	f.mu.Lock()
	var tracks []*track
	for _, other := range f.rooms[m.room] {
		if other != m {
			tracks = append(tracks, other.tracks...)
		}
	}
	f.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ready {
		return
	}
	for _, t := range tracks {
		if m.gets[t] {
			continue
		}
		sender, err := m.pc.AddTrack(t)
		if err != nil {
			return
		}
		m.gets[t], m.dirty = true, true
		go feedback(sender, t)
	}
	if m.pending || !m.dirty {
		return
	}
	offer, err := m.pc.CreateOffer(nil)
	if err != nil || m.pc.SetLocalDescription(offer) != nil {
		return
	}
	m.pending, m.dirty = true, false
	m.send(client.Message{Type: "offer", SDP: m.pc.LocalDescription().SDP})
}

// feedback hands a viewer's wishes for keyframes on.
func feedback(sender *webrtc.RTPSender, t *track) {
	t.wish()
	for {
		packets, _, err := sender.ReadRTCP()
		if err != nil {
			return
		}
		for _, packet := range packets {
			if _, ok := packet.(*rtcp.PictureLossIndication); ok {
				t.wish()
			}
		}
	}
}

// take carries out one message.
func (m *member) take(message *client.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch message.Type {
	case "offer":
		if m.pending {
			return nil // the client makes it again
		}
		if err := m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: message.SDP}); err != nil {
			return err
		}
		answer, err := m.pc.CreateAnswer(nil)
		if err != nil {
			return err
		}
		gathered := webrtc.GatheringCompletePromise(m.pc)
		if err := m.pc.SetLocalDescription(answer); err != nil {
			return err
		}
		<-gathered
		m.ready = true
		m.send(client.Message{Type: "answer", SDP: m.pc.LocalDescription().SDP})
	case "answer":
		m.pending = false
		return m.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: message.SDP})
	case "candidate":
		if message.Candidate != nil && message.Candidate.Candidate != "" {
			return m.pc.AddICECandidate(*message.Candidate)
		}
	}
	return nil
}

// send is called by one goroutine at a time: the first message by ServeHTTP, all
// others under m.mu.
func (m *member) send(message client.Message) {
	_ = m.ws.WriteJSON(message) // a broken connection ends ReadJSON
}
