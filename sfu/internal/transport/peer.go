package transport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/transport/v5/packetio"

	"plenum/sfu/internal/bwe"
)

// Timeouts of ICE (RFC 7675 consent is 30 s; browsers give up sooner) and of
// the DTLS handshake.
const (
	iceKeepalive        = 2 * time.Second
	iceDisconnected     = 5 * time.Second
	iceFailed           = 20 * time.Second
	gatherTimeout       = 2 * time.Second
	dtlsTimeout         = 20 * time.Second
	keysWait            = 50 * time.Millisecond
	dtlsQueueLimit      = 64
	maxRemoteCandidates = 30 // of one ICE generation; each is checked from each of our addresses
)

// State is what a Peer's media path is doing.
type State uint8

// The states of a Peer. Connected means that media can flow (ICE and DTLS are
// up); Disconnected that the path is silent for the moment; Failed that ICE has
// given it up (an ICE restart may revive it); Closed that the remote end said
// goodbye or broke DTLS, which nothing revives.
const (
	StateNew State = iota
	StateConnected
	StateDisconnected
	StateFailed
	StateClosed
)

// String is the state's name for people.
func (s State) String() string {
	return [...]string{"new", "connected", "disconnected", "failed", "closed"}[s]
}

// Receiver is told what arrives at a Peer. Its methods never run at the same
// time, but on changing goroutines: the reader of the socket that the packets
// come by, or the peer's own. They must not block, for everybody's packets wait
// behind them. Byte slices are valid during the call.
type Receiver interface {
	// ReceiveRTP gets one decrypted RTP packet, whose bytes stay valid until Land.
	// more says that those which belong to it should come in a moment, and are worth
	// waiting for.
	ReceiveRTP(now time.Duration, packet []byte, out *Batch) (more bool)
	// Land ends a round: everything that had arrived was received. What is put
	// into out by then leaves at once.
	Land(now time.Duration, out *Batch)
	// ReceiveSenderReport gets a publisher's mapping of NTP to RTP time (RFC 3550 §6.4.1).
	ReceiveSenderReport(now time.Duration, r SenderReport, out *Batch)
	// ReceiveReception gets a viewer's report on one of our streams (RFC 3550 §6.4.2).
	ReceiveReception(now time.Duration, r Reception)
	// ReceiveNACK gets the sequence numbers that a viewer misses of our stream ssrc.
	ReceiveNACK(now time.Duration, ssrc uint32, sequences []uint16, out *Batch)
	// ReceiveFeedback gets what a viewer tells of the packets that left with a
	// transport-wide number. The slice is valid during the call.
	ReceiveFeedback(now time.Duration, arrivals []bwe.Arrival, out *Batch)
	// ReceiveKeyframeRequest gets a PLI or FIR for our stream ssrc.
	ReceiveKeyframeRequest(now time.Duration, ssrc uint32)
}

// Remote is what a peer's SDP says about its transport.
type Remote struct {
	Ufrag, Pwd   string
	Lite         bool
	Fingerprints []Fingerprint
	// Setup is the remote's a=setup value (RFC 4145): we are the DTLS client
	// only where the remote insists on "passive".
	Setup string
	// DataChannels: the remote negotiated SCTP (m=application).
	DataChannels bool
}

// Fingerprint of a certificate, as in SDP (RFC 8122).
type Fingerprint struct{ Algorithm, Value string }

// Peer is one participant's transport: an ICE agent, DTLS and SRTP. Its inbound
// SRTP contexts are used under ingress, its outbound ones under locks of their own.
type Peer struct {
	engine   *Engine
	receiver Receiver
	agent    *ice.Agent
	conn     *ice.Conn
	remote   Remote
	dtlsIn   *packetio.Buffer

	ingress  sync.Mutex // held while the Receiver is told things
	closed   bool       // under ingress: it is told nothing any more
	arrivals []bwe.Arrival
	patience patience // with the client\'s RTCP

	path      atomic.Pointer[path] // nil where packets go by pion: ICE-TCP, virtual networks
	keys      atomic.Pointer[keys] // nil until the DTLS handshake is done
	keysReady chan struct{}        // closed with keys set
	channels  atomic.Bool          // data channels are negotiated

	egressMu sync.Mutex // guards egress and what of keys encrypts RTP
	egress   egress

	rtt     atomic.Int64 // time.Duration
	heard   atomic.Int64 // the engine's time of the last RTP or RTCP by the known path that authenticated
	checked atomic.Int64 // the same of the last check on the selected pair
	alive   atomic.Int64 // the same of the last packet that came by pion

	rtcp rtcpWriter
	tcc  transportCC

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	changed chan struct{} // capacity 1: State changed since it was last received
	paced   chan struct{} // capacity 1: packets wait for Release

	mu               sync.Mutex // guards what follows
	ice              ice.ConnectionState
	dtls             dtlsState
	gathered         chan string // candidates of the gathering under way; closed at its end
	remoteCandidates int
}

// NewPeer makes the ICE agent and gathers its candidates, which takes no
// network round trip: all of them are addresses of the engine's sockets.
func (e *Engine) NewPeer(r Receiver) (*Peer, error) {
	p := &Peer{engine: e, receiver: r, keysReady: make(chan struct{}),
		changed: make(chan struct{}, 1), paced: make(chan struct{}, 1), dtlsIn: packetio.NewBuffer()}
	p.dtlsIn.SetLimitCount(dtlsQueueLimit)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.rtt.Store(int64(defaultRTT))
	p.rtcp.peer = p
	p.rtcp.ssrc = rand.Uint32() | 1
	p.tcc.recorder = twcc.NewRecorder(p.rtcp.ssrc)
	options := []ice.AgentOption{
		ice.WithNet(e.net),
		ice.WithUDPMux(e.udp),
		ice.WithNetworkTypes([]ice.NetworkType{
			ice.NetworkTypeUDP4, ice.NetworkTypeUDP6, ice.NetworkTypeTCP4, ice.NetworkTypeTCP6,
		}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		// The browser checks us first, so its .local names need no resolving.
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithDisableActiveTCP(),
		ice.WithKeepaliveInterval(iceKeepalive),
		ice.WithDisconnectedTimeout(iceDisconnected),
		ice.WithFailedTimeout(iceFailed),
		ice.WithLoggerFactory(e.loggers),
		ice.WithBindingRequestHandler(p.onCheck),
	}
	if e.tcp != nil {
		// portNet shows pion's agents what we announce, and nothing else.
		options = append(options, ice.WithTCPMux(e.tcp), ice.WithIncludeLoopback())
	}
	agent, err := ice.NewAgentWithOptions(options...)
	if err != nil {
		return nil, fmt.Errorf("ICE agent: %w", err)
	}
	p.agent = agent
	if err := errors.Join(
		agent.OnCandidate(p.onCandidate),
		agent.OnConnectionStateChange(p.onICEState),
		agent.OnSelectedCandidatePairChange(p.onSelectedPair),
	); err != nil {
		return nil, errors.Join(err, agent.Close())
	}
	return p, nil
}

// Start begins connectivity checks and the DTLS handshake. Call it once, with
// the remote's first description.
func (p *Peer) Start(r Remote) error {
	p.remote = r
	if r.DataChannels {
		p.ServeDataChannels()
	}
	if r.Lite {
		if err := p.agent.SetRemoteICELite(true); err != nil {
			return fmt.Errorf("ICE lite: %w", err)
		}
	}
	start := p.agent.StartAccept
	if r.Lite { // RFC 8445 §6.1.1: the full agent controls
		start = p.agent.StartDial
	}
	conn, err := start(r.Ufrag, r.Pwd)
	if err != nil {
		return fmt.Errorf("ICE start: %w", err)
	}
	p.conn = conn
	p.wg.Add(2)
	go p.read()
	go p.secure()
	return nil
}

// Restart gives ICE new credentials (RFC 8445 §9). Media goes on as soon as the
// new path is found; DTLS and SRTP keep their keys. Gather must follow.
func (p *Peer) Restart() error {
	p.mu.Lock()
	p.remoteCandidates = 0
	p.mu.Unlock()
	if err := p.agent.Restart("", ""); err != nil {
		return fmt.Errorf("ICE restart: %w", err)
	}
	return nil
}

// SetRemoteCredentials completes a Restart.
func (p *Peer) SetRemoteCredentials(ufrag, pwd string) error {
	if err := p.agent.SetRemoteCredentials(ufrag, pwd); err != nil {
		return fmt.Errorf("ICE credentials: %w", err)
	}
	return nil
}

// defaultRTT is assumed before the first measurement.
const defaultRTT = 100 * time.Millisecond

// RoundTrip is the round-trip time of the media path as last measured.
func (p *Peer) RoundTrip() time.Duration { return time.Duration(p.rtt.Load()) }

// Heard is when anything last came from the remote end: media, RTCP or a check.
func (p *Peer) Heard() time.Duration {
	return time.Duration(max(p.heard.Load(), p.checked.Load(), p.alive.Load()))
}

// MeasureRTT takes over the round-trip time that ICE last saw on the selected
// pair. It asks the agent's goroutine, so call it once in a while.
func (p *Peer) MeasureRTT() {
	stats, ok := p.agent.GetSelectedCandidatePairStats()
	if ok && stats.CurrentRoundTripTime > 0 {
		p.rtt.Store(int64(stats.CurrentRoundTripTime * float64(time.Second)))
	}
}

// Selected tells the selected pair's transport ("udp" or "tcp") and remote
// candidate type ("host", "srflx", "prflx", "relay"); empty if there is none.
func (p *Peer) Selected() (protocol, candidate string) {
	pair, err := p.agent.GetSelectedCandidatePair()
	if err != nil || pair == nil {
		return "", ""
	}
	return pair.Local.NetworkType().NetworkShort(), pair.Remote.Type().String()
}

// Close ends the peer and returns when its goroutines are gone. No Receiver
// method is called after it returns.
func (p *Peer) Close() {
	p.cancel()
	p.ingress.Lock()
	p.closed = true
	p.ingress.Unlock()
	k := p.keys.Load()
	if k != nil {
		_ = k.dtls.Close() // sends close_notify while ICE still works
	}
	_ = p.agent.GracefulClose()
	_ = p.dtlsIn.Close()
	p.wg.Wait()
	p.setPath(nil)
}

// State is what the media path is doing now; Changed tells when to look again.
func (p *Peer) State() State {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.dtls == dtlsClosed:
		return StateClosed
	case p.ice == ice.ConnectionStateFailed:
		return StateFailed
	case p.dtls != dtlsUp:
		return StateNew
	case p.ice == ice.ConnectionStateConnected || p.ice == ice.ConnectionStateCompleted:
		return StateConnected
	}
	return StateDisconnected
}

// Reached reports whether ICE has found a path, over which DTLS may still be
// at work.
func (p *Peer) Reached() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ice == ice.ConnectionStateConnected || p.ice == ice.ConnectionStateCompleted
}

// Changed delivers a value whenever State or Reached may have changed.
func (p *Peer) Changed() <-chan struct{} { return p.changed }

// onICEState runs on a goroutine of the ICE agent, which keeps the order.
func (p *Peer) onICEState(s ice.ConnectionState) {
	p.mu.Lock()
	p.ice = s
	p.mu.Unlock()
	p.notify()
}

func (p *Peer) setDTLS(s dtlsState) {
	p.mu.Lock()
	p.dtls = s
	p.mu.Unlock()
	p.notify()
}

func (p *Peer) notify() {
	select {
	case p.changed <- struct{}{}:
	default:
	}
}
