// Package sfutest runs whole calls in virtual time: an sfu.Server and real pion
// clients on a virtual network, inside a testing/synctest bubble. Eleven seconds
// of call take some tens of milliseconds, and the bubble fails if a goroutine
// is left behind.
//
// A World is the server and its network; Join puts a Person on it, with an
// address of its own and an in-memory signaling pipe that a Bridge translates
// between the protocol's messages and the engine's commands and events.
package sfutest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/transport/v5/vnet"
	"github.com/pion/webrtc/v4"

	"plenum/sfu"
	"plenum/signaling/client"
)

const serverIP = "10.0.0.1"

// World is one server and its virtual network.
type World struct {
	T      testing.TB
	Server *sfu.Server

	router  *vnet.Router
	hear    func(p *Person, packet []byte)
	hosts   atomic.Int32
	loss    atomic.Uint64 // of a million packets, either way
	lossTo  atomic.Value  // the address (string) that alone they are lost on the way to, "" for all
	dropped atomic.Uint64 // RTP and RTCP only
	dark    sync.Map      // addresses (string) whose packets vanish
	reused  atomic.Uint64 // SRTP packets under the number of another one
	sent    sync.Map      // what those were (uint64, a hash) by packetIndex
	newest  sync.Map      // the last sequence number (uint16) by stream
	links   []*Link
	seed    *rand.Rand
	seedMu  sync.Mutex
}

// Options of a World.
type Options struct {
	Delay  time.Duration // one way
	Jitter time.Duration
	Config sfu.Config
	// Hear, if not nil, gets the packets of sound that a person receives, as they
	// come. It must not keep the bytes.
	Hear func(p *Person, packet []byte)
}

// New makes a world inside the bubble of the calling test. Close ends it.
func New(t testing.TB, o Options) *World {
	t.Helper()
	w := &World{T: t, hear: o.Hear, seed: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // repeatable
	router, err := vnet.NewRouter(&vnet.RouterConfig{
		CIDR: "10.0.0.0/8", MinDelay: o.Delay, MaxJitter: o.Jitter, QueueSize: 100_000,
		LoggerFactory: quiet{},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.router = router
	router.AddChunkFilter(w.pass)
	net, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{serverIP}})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(router.AddNet(net), router.Start()); err != nil {
		t.Fatal(err)
	}
	c := o.Config
	c.Net = net
	c.MediaAddresses = []netip.Addr{netip.MustParseAddr(serverIP)}
	c.MediaPort = 8081
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if w.Server, err = sfu.New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// Close ends the server and the network. Everyone must have left.
func (w *World) Close() {
	if n := w.reused.Load(); n > 0 {
		w.T.Errorf("%d SRTP packets had the index of another: one key stream encrypted two contents", n)
	}
	if err := w.Server.Close(errors.New("the test is over")); err != nil {
		w.T.Error(err)
	}
	if err := w.router.Stop(); err != nil {
		w.T.Error(err)
	}
	for _, l := range w.links {
		if err := l.queue.Close(); err != nil {
			w.T.Error(err)
		}
	}
}

// SetLoss makes the network drop that share (0 to 1) of media packets both ways.
func (w *World) SetLoss(share float64) {
	w.lossTo.Store("")
	w.loss.Store(uint64(share * 1e6))
}

// SetLossTo makes the network drop that share of what it carries to one person.
func (w *World) SetLossTo(p *Person, share float64) {
	w.lossTo.Store(p.address)
	w.loss.Store(uint64(share * 1e6))
}

// Dropped is how many media packets were lost.
func (w *World) Dropped() uint64 { return w.dropped.Load() }

// pass decides over one datagram. Only SRTP and SRTCP are lost: DTLS and ICE
// would only make the start of the call slow.
func (w *World) pass(c vnet.Chunk) bool {
	for _, address := range []string{c.SourceAddr().String(), c.DestinationAddr().String()} {
		host, _, _ := strings.Cut(address, ":")
		if _, dark := w.dark.Load(host); dark {
			return false
		}
	}
	loss := w.loss.Load()
	data := c.UserData()
	w.see(c.DestinationAddr().String(), data)
	if loss == 0 || len(data) == 0 || data[0] < 128 || data[0] > 191 {
		return true
	}
	if to, _ := w.lossTo.Load().(string); to != "" {
		if host, _, _ := strings.Cut(c.DestinationAddr().String(), ":"); host != to {
			return true
		}
	}
	w.seedMu.Lock()
	defer w.seedMu.Unlock()
	if w.seed.Uint64N(1e6) < loss {
		w.dropped.Add(1)
		return false
	}
	return true
}

// see notes the newest packet of each stream on its way to a client: SRTP leaves
// the header in the clear.
func (w *World) see(to string, data []byte) {
	if len(data) < 12 || data[0] < 128 || data[0] > 191 || (data[1] >= 192 && data[1] <= 223) {
		return
	}
	host, _, _ := strings.Cut(to, ":")
	s, sequence := stream{host, binary.BigEndian.Uint32(data[8:])}, binary.BigEndian.Uint16(data[2:])
	w.newest.Store(s, sequence)
	if host == serverIP {
		return // pion stamps what it repeats anew
	}
	hash := fnv.New64a()
	_, _ = hash.Write(data)
	// Streams of tests don't last for 65,536 packets.
	if before, again := w.sent.LoadOrStore(packetIndex{s, sequence}, hash.Sum64()); again && before != hash.Sum64() {
		w.reused.Add(1)
	}
}

// packetIndex is what SRTP's key stream depends on, beside the key.
type packetIndex struct {
	stream
	sequence uint16
}

// stream is an SSRC as one client gets it.
type stream struct {
	address string
	ssrc    uint32
}

// Blackout makes everything from and to p vanish.
func (w *World) Blackout(p *Person) { w.dark.Store(p.address, true) }

// Return ends a Blackout.
func (w *World) Return(p *Person) { w.dark.Delete(p.address) }

// Link limits what reaches one host: a bottleneck with a queue in front.
type Link struct {
	bucket *vnet.TBFQueue
	queue  *vnet.Queue
	depth  time.Duration
}

// linkBurst lets single packets pass without delay, in bytes.
const linkBurst = 3000

// NewLink makes a link of that rate in bit/s, whose queue holds depth of it.
func NewLink(rate int, depth time.Duration) *Link {
	l := &Link{bucket: vnet.NewTBFQueue(rate, linkBurst, 0), depth: depth}
	l.SetRate(rate)
	return l
}

// SetRate changes the rate, in bit/s.
func (l *Link) SetRate(rate int) {
	l.bucket.SetRate(rate)
	l.bucket.SetSize(int64(l.depth.Seconds() * float64(rate) / 8))
}

// network gives a new host on the virtual network, behind a link unless it is nil.
func (w *World) network(address string, link *Link) *vnet.Net {
	net, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{address}})
	if err != nil {
		w.T.Fatal(err)
	}
	var nic vnet.NIC = net
	if link != nil {
		if link.queue, err = vnet.NewQueue(net, link.bucket); err != nil {
			w.T.Fatal(err)
		}
		nic = link.queue
		w.links = append(w.links, link)
	}
	if err := w.router.AddNet(nic); err != nil {
		w.T.Fatal(err)
	}
	return net
}

// JoinBehind puts someone into the room whom everything reaches over a link.
func (w *World) JoinBehind(link *Link, room, name string, publish ...client.Local) *Person {
	w.T.Helper()
	return w.join(room, name, nil, link, false, publish)
}

// Join puts someone into the room who publishes those tracks.
func (w *World) Join(room, name string, publish ...client.Local) *Person {
	w.T.Helper()
	return w.join(room, name, nil, nil, false, publish)
}

// JoinWith puts a viewer into the room who knows just these codecs.
func (w *World) JoinWith(room, name string, media *webrtc.MediaEngine) *Person {
	w.T.Helper()
	return w.join(room, name, media, nil, false, nil)
}

// JoinRED puts someone into the room who knows RED.
func (w *World) JoinRED(room, name string, publish ...client.Local) *Person {
	w.T.Helper()
	return w.joinAs(client.Options{RED: true, Publish: publish}, room, name, nil, nil, false)
}

// JoinREDBehind is JoinRED behind a link.
func (w *World) JoinREDBehind(link *Link, room, name string) *Person {
	w.T.Helper()
	return w.joinAs(client.Options{RED: true}, room, name, nil, link, false)
}

// JoinSilent puts a viewer into the room who asks for no packet again, nor for keyframes.
func (w *World) JoinSilent(room, name string) *Person {
	w.T.Helper()
	return w.join(room, name, nil, nil, true, nil)
}

func (w *World) join(room, name string, media *webrtc.MediaEngine, link *Link, silent bool, publish []client.Local) *Person {
	w.T.Helper()
	return w.joinAs(client.Options{Publish: publish}, room, name, media, link, silent)
}

// joinAs puts someone into the room whose client has the options o, completed.
func (w *World) joinAs(o client.Options, room, name string, media *webrtc.MediaEngine, link *Link, silent bool) *Person {
	w.T.Helper()
	p := &Person{world: w, Name: name, silent: silent, tracks: map[string]*client.Receiver{}, sources: map[string]client.TrackInfo{}}
	n := w.hosts.Add(1)
	p.address = fmt.Sprintf("10.1.%d.%d", n/250, n%250+1)
	net := w.network(p.address, link)
	p.changed = make(chan struct{}, 1)
	bridge := &bridge{server: w.Server, room: room, name: name}
	setting := func(s *webrtc.SettingEngine) {
		s.SetNet(net)
		s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
		s.LoggerFactory = quiet{}
	}
	o.Room, o.Name, o.On, o.Setting, o.Dial = room, name, p.on, setting, bridge.dial
	if media != nil {
		var engine webrtc.SettingEngine
		setting(&engine)
		o.API = webrtc.NewAPI(webrtc.WithMediaEngine(media), webrtc.WithSettingEngine(engine))
	}
	c, err := client.Join(context.Background(), o)
	if err != nil {
		w.T.Fatalf("%s can't join: %v", name, err)
	}
	p.Client = c
	p.bridge = bridge
	return p
}

// quiet swallows pion's logs.
type quiet struct{}

func (quiet) NewLogger(string) logging.LeveledLogger { return silence }

var silence = logging.NewDefaultLeveledLoggerForScope("", logging.LogLevelDisabled, new(strings.Builder))
