package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	piontransport "github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
)

// Sizes of the kernel's socket buffers. A keyframe burst to a hundred viewers
// is some 2 MB; the kernel caps what it gives at net.core.[rw]mem_max.
const socketBuffer = 4 << 20

// Config says where an Engine listens.
type Config struct {
	Addresses []netip.Addr // empty: every interface
	Port      uint16       // 0: a free one, the same for all addresses, UDP and TCP
	PublicIPs []netip.Addr // announced instead of local addresses of that family
	Log       *slog.Logger
	Net       piontransport.Net // nil: the operating system's
	// Now is the clock of everything that a Receiver is told; nil: time since NewEngine.
	Now func() time.Duration
}

// Engine owns the media sockets and the DTLS certificate that all peers share.
type Engine struct {
	config      Config
	net         piontransport.Net     // as pion's agents see it
	ports       portTable             // empty on a virtual network
	book        *addressBook          // of NewEngine, then of follow
	unbound     map[netip.Addr]string // likewise: why addresses can't be bound, as logged
	addresses   atomic.Pointer[AddressCounts]
	batches     sync.Pool // of *Batch, for goroutines that are not readers
	counters    Counters
	udp         ice.UDPMux
	tcp         ice.TCPMux // nil on a virtual network
	port        uint16
	certificate tls.Certificate
	fingerprint string
	loggers     logging.LoggerFactory

	stop      context.CancelFunc // ends following
	following sync.WaitGroup
}

// NewEngine binds the sockets and makes the certificate. Addresses that can't be bound
// are left out and tried again, as long as there is another.
func NewEngine(c Config) (*Engine, error) {
	if c.Now == nil {
		started := time.Now()
		c.Now = func() time.Duration { return time.Since(started) }
	}
	e := &Engine{config: c, net: c.Net, loggers: pionLoggers{c.Log}, counters: newCounters(), unbound: map[netip.Addr]string{}, stop: func() {}}
	e.batches.New = func() any { return e.NewBatch() }
	if err := e.makeCertificate(); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if c.Net != nil {
		return e, e.listenVirtual()
	}
	system, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	e.net, e.udp, e.tcp = portNet{system, &e.ports}, portMux{&e.ports}, portTCPMux{&e.ports}
	// Before the addresses are read, so that no change is missed.
	changes, stop := watchAddresses()
	present, err := interfaceAddresses()
	if err != nil {
		stop()
		return nil, fmt.Errorf("interfaces: %w", err)
	}
	if err := e.listen(present); err != nil {
		stop()
		return nil, fmt.Errorf("media sockets: %w", err)
	}
	e.countAddresses()
	e.logAddresses()
	ctx, cancel := context.WithCancel(context.Background())
	e.stop = func() { cancel(); stop() }
	e.following.Go(func() { e.follow(ctx, changes) })
	return e, nil
}

// MuxDrops is how many STUN and DTLS packets found pion's queue full.
func (e *Engine) MuxDrops() uint64 {
	n := e.ports.muxDrops.Load()
	for _, p := range e.ports.all() {
		n += p.drops.Load()
	}
	return n
}

// SocketDrops is how many datagrams of all kinds found a full socket, where the
// system tells.
func (e *Engine) SocketDrops() uint64 {
	n := e.ports.socketDrops.Load()
	for _, p := range e.ports.all() {
		for _, c := range p.sockets {
			n += socketDrops(c)
		}
	}
	return n
}

// Counters are for metrics.
func (e *Engine) Counters() *Counters { return &e.counters }

// Port is the bound media port.
func (e *Engine) Port() uint16 { return e.port }

// Close closes the sockets, after it has ended who binds them. Every Peer must have been
// closed before.
func (e *Engine) Close() error {
	e.stop()
	e.following.Wait()
	return errors.Join(e.udp.Close(), e.closePorts())
}

// makeCertificate makes the self-signed certificate whose fingerprint goes into
// every SDP (RFC 8122). Peers verify that fingerprint and nothing else, so its
// name and dates matter to nobody; five years outlive any process.
func (e *Engine) makeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Plenum"},
		NotBefore:    now.Add(-24 * time.Hour),
		NotAfter:     now.AddDate(5, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	e.certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	sum := sha256.Sum256(der)
	e.fingerprint = "sha-256 " + colonHex(sum[:])
	return nil
}

func colonHex(b []byte) string {
	parts := make([]string, len(b))
	for i, c := range b {
		parts[i] = fmt.Sprintf("%02X", c)
	}
	return strings.Join(parts, ":")
}
