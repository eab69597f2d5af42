package transport

import (
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
	"net"
	"net/netip"
	"strings"
	"sync"
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
	// Now is the clock of everything that a Receiver is told.
	Now func() time.Duration
}

// Engine owns the media sockets and the DTLS certificate that all peers share.
type Engine struct {
	config      Config
	net         piontransport.Net
	ports       []*udpPort // none on a virtual network
	segments    bool       // the kernel segments UDP
	batches     sync.Pool  // of *Batch, for goroutines that are not readers
	counters    Counters
	wg          sync.WaitGroup // readers
	udp         ice.UDPMux
	tcp         ice.TCPMux // nil on a virtual network
	port        uint16
	loopback    bool
	certificate tls.Certificate
	fingerprint string
	loggers     logging.LoggerFactory
}

// NewEngine binds the sockets and makes the certificate.
func NewEngine(c Config) (*Engine, error) {
	e := &Engine{config: c, net: c.Net, loggers: pionLoggers{c.Log}, counters: newCounters()}
	if e.net == nil {
		n, err := stdnet.NewNet()
		if err != nil {
			return nil, fmt.Errorf("network: %w", err)
		}
		e.net = n
	}
	if err := e.makeCertificate(); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	addresses := c.Addresses
	if len(addresses) == 0 {
		var err error
		if addresses, err = e.interfaceAddresses(); err != nil {
			return nil, fmt.Errorf("interfaces: %w", err)
		}
	}
	for _, a := range addresses {
		e.loopback = e.loopback || a.IsLoopback()
	}
	if err := e.listen(addresses); err != nil {
		return nil, fmt.Errorf("media sockets: %w", err)
	}
	e.batches.New = func() any {
		b, err := e.newBatch(0)
		if err != nil { // the sockets are closed: it sends nowhere
			b = &Batch{engine: e, parts: make([]part, len(e.ports))}
		}
		return b
	}
	return e, nil
}

// MuxDrops is how many STUN and DTLS packets found pion's queue full.
func (e *Engine) MuxDrops() uint64 {
	var n uint64
	for _, p := range e.ports {
		n += p.drops.Load()
	}
	return n
}

// SocketDrops is how many datagrams of all kinds found a full socket, where the
// system tells. It is 0 once the sockets are closed.
func (e *Engine) SocketDrops() uint64 {
	var n uint64
	for _, p := range e.ports {
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

// Close closes the sockets. Every Peer must have been closed before.
func (e *Engine) Close() error {
	err := e.udp.Close()
	for _, p := range e.ports {
		err = errors.Join(err, p.Close())
	}
	if e.tcp != nil {
		err = errors.Join(err, e.tcp.Close())
	}
	e.wg.Wait()
	return err
}

// interfaceAddresses are all global addresses of this host, or the loopback
// ones where there are no others.
func (e *Engine) interfaceAddresses() ([]netip.Addr, error) {
	interfaces, err := e.net.Interfaces()
	if err != nil {
		return nil, err
	}
	var global, loopback []netip.Addr
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // the interface went away meanwhile
		}
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue
			}
			switch addr := prefix.Addr().Unmap(); {
			case addr.IsLoopback():
				loopback = append(loopback, addr)
			case !addr.IsLinkLocalUnicast() && !addr.IsMulticast():
				global = append(global, addr)
			}
		}
	}
	if len(global) == 0 {
		global = loopback
	}
	if len(global) == 0 {
		return nil, errors.New("no usable address")
	}
	return global, nil
}

// bindAttempts is how often a free port is looked for that is free for UDP and
// TCP on all addresses.
const bindAttempts = 20

func (e *Engine) listen(addresses []netip.Addr) error {
	var err error
	for range bindAttempts {
		if err = e.bind(addresses); err == nil || e.config.Port != 0 {
			return err
		}
	}
	return err
}

// bind opens the port on every address, for UDP and TCP alike, or nowhere.
func (e *Engine) bind(addresses []netip.Addr) error {
	e.port, e.ports = e.config.Port, nil
	var conns []net.PacketConn
	var listeners []net.Listener
	undo := func(err error) error {
		for _, c := range conns {
			_ = c.Close()
		}
		for _, l := range listeners {
			_ = l.Close()
		}
		return err
	}
	for _, a := range addresses {
		if e.config.Net != nil { // pion's virtual network has no TCP
			c, err := e.net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(a, e.port)))
			if err != nil {
				return undo(err)
			}
			conns = append(conns, c)
			e.port = c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
			continue
		}
		// TCP first: its port can't be shared with another process by mistake.
		l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, e.port)))
		if err != nil {
			return undo(err)
		}
		listeners = append(listeners, l)
		e.port = l.Addr().(*net.TCPAddr).AddrPort().Port()
		p, err := listenUDP(netip.AddrPortFrom(a, e.port))
		if err != nil {
			return undo(err)
		}
		conns = append(conns, p)
		p.index = len(e.ports)
		e.ports = append(e.ports, p)
	}
	if err := e.startReaders(); err != nil {
		return undo(err)
	}
	e.startMuxes(conns, listeners)
	return nil
}

func (e *Engine) startReaders() error {
	var readers []*reader
	e.segments = len(e.ports) > 0 && segmentable(e.ports[0].sockets[0])
	for _, p := range e.ports {
		for i := range p.sockets {
			r, err := e.newReader(p, i)
			if err != nil {
				return err
			}
			readers = append(readers, r)
		}
	}
	for _, r := range readers {
		e.wg.Add(1)
		go r.run()
	}
	return nil
}

func (e *Engine) startMuxes(conns []net.PacketConn, listeners []net.Listener) {
	var udp []ice.UDPMux
	for _, c := range conns {
		udp = append(udp, ice.NewUDPMuxDefault(ice.UDPMuxParams{
			UDPConn: c, Net: e.net, Logger: e.loggers.NewLogger("ice-udp"),
		}))
	}
	e.udp = ice.NewMultiUDPMuxDefault(udp...)
	var tcp []ice.TCPMux
	for _, l := range listeners {
		tcp = append(tcp, e.newTCPMux(l))
	}
	if len(tcp) > 0 {
		e.tcp = ice.NewMultiTCPMuxDefault(tcp...)
	}
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
