package transport

import (
	"context"
	"crypto/sha1" // #nosec G505: only to compare a fingerprint that the remote chose (RFC 8122)
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/dtls/v3"
	"github.com/pion/sctp"
)

type dtlsState uint8

const (
	dtlsNew dtlsState = iota
	dtlsUp
	dtlsClosed
)

// srtpProfiles in our order of preference: whoever is the DTLS server picks.
// GCM runs on the AES and carry-less multiplication units of any current CPU.
var srtpProfiles = []dtls.SRTPProtectionProfile{
	dtls.SRTP_AEAD_AES_128_GCM,
	dtls.SRTP_AEAD_AES_256_GCM,
	dtls.SRTP_AES128_CM_HMAC_SHA1_80,
}

// secure runs the DTLS handshake, publishes the SRTP keys, and then reads what
// else comes over DTLS (data channels, goodbye) until the connection ends.
func (p *Peer) secure() {
	defer p.wg.Done()
	conn, err := p.handshake()
	if err != nil {
		p.engine.config.Log.Debug("DTLS handshake failed", "error", err)
		p.setDTLS(dtlsClosed)
		return
	}
	p.setDTLS(dtlsUp)
	if p.channels.Load() {
		p.serveDataChannels(conn)
	} else if first := p.discard(conn); first != nil {
		p.serveDataChannels(&replay{conn, first})
	}
	_ = conn.Close()
	p.setDTLS(dtlsClosed)
}

// ServeDataChannels says that the client negotiated SCTP (m=application), in whichever of
// its descriptions.
func (p *Peer) ServeDataChannels() { p.channels.Store(true) }

// discard reads until the connection ends, and then returns nil; or until the client begins
// to speak SCTP, by when it has negotiated that: then its first packet. Nothing else
// is expected.
func (p *Peer) discard(conn *dtls.Conn) (first []byte) {
	b := make([]byte, sctpPacket)
	for {
		n, err := conn.Read(b)
		var temporary *dtls.TemporaryError
		switch {
		case err != nil && !errors.As(err, &temporary):
			return nil
		case err == nil && p.channels.Load():
			return b[:n]
		}
	}
}

// sctpPacket is the size of the largest packet of SCTP over DTLS, in bytes (RFC 8261 §5);
// the first is far smaller.
const sctpPacket = 1200

// replay is a connection of which the first packet was read already.
type replay struct {
	net.Conn
	first []byte
}

func (r *replay) Read(b []byte) (int, error) {
	if first := r.first; first != nil {
		r.first = nil
		return copy(b, first), nil
	}
	return r.Conn.Read(b)
}

func (p *Peer) handshake() (*dtls.Conn, error) {
	// A fast client's hello may be here before any pair is valid, when our
	// answer could go nowhere. It waits in dtlsIn.
	if err := p.agent.AwaitConnect(p.ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(p.ctx, dtlsTimeout)
	defer cancel()
	shared := []dtls.Option{
		dtls.WithCertificates(p.engine.certificate),
		dtls.WithSRTPProtectionProfiles(srtpProfiles...),
		dtls.WithExtendedMasterSecret(dtls.RequireExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true), // the fingerprint is what counts
		dtls.WithVerifyPeerCertificate(p.verifyFingerprint),
		dtls.WithLoggerFactory(p.engine.loggers),
	}
	isClient := p.remote.Setup == "passive"
	var conn *dtls.Conn
	var err error
	if isClient {
		var options []dtls.ClientOption
		for _, o := range shared {
			options = append(options, o)
		}
		conn, err = dtls.ClientWithOptions(dtlsConn{p}, dtlsConn{p}.RemoteAddr(), options...)
	} else {
		options := []dtls.ServerOption{
			dtls.WithClientAuth(dtls.RequireAnyClientCert),
			// The cookie proves that the client is where it says (RFC 6347 §4.2.1), which
			// costs a round trip. ICE has proved that already.
			dtls.WithInsecureSkipVerifyHello(true),
		}
		for _, o := range shared {
			options = append(options, o)
		}
		conn, err = dtls.ServerWithOptions(dtlsConn{p}, dtlsConn{p}.RemoteAddr(), options...)
	}
	if err != nil {
		return nil, err
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	k, err := newKeys(conn, isClient, &p.engine.counters.Evicted)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	p.useKeys(p.engine.config.Now(), k)
	return conn, nil
}

// verifyFingerprint accepts the certificate that the remote's SDP named.
func (p *Peer) verifyFingerprint(raw [][]byte, _ [][]*x509.Certificate) error {
	if len(raw) == 0 {
		return errors.New("no certificate")
	}
	for _, f := range p.remote.Fingerprints {
		var sum []byte
		switch strings.ToLower(f.Algorithm) {
		case "sha-1":
			s := sha1.Sum(raw[0]) // #nosec G401
			sum = s[:]
		case "sha-256":
			s := sha256.Sum256(raw[0])
			sum = s[:]
		case "sha-384":
			s := sha512.Sum384(raw[0])
			sum = s[:]
		case "sha-512":
			s := sha512.Sum512(raw[0])
			sum = s[:]
		default:
			continue
		}
		if strings.EqualFold(colonHex(sum), f.Value) {
			return nil
		}
	}
	return fmt.Errorf("certificate matches none of %d fingerprints", len(p.remote.Fingerprints))
}

// maxDataChannels is how many channels are served, each by a goroutine.
const maxDataChannels = 16

// serveDataChannels accepts the SCTP association and the channels that a client
// opens, so that they become open, and discards what comes over them: the
// protocol's messages use the WebSocket.
func (p *Peer) serveDataChannels(conn net.Conn) {
	association, err := sctp.ServerWithOptions(sctp.WithNetConn(conn), sctp.WithLoggerFactory(p.engine.loggers))
	if err != nil {
		return
	}
	defer func() { _ = association.Close() }()
	for served := 0; ; served++ {
		channel, err := datachannel.Accept(association, &datachannel.Config{LoggerFactory: p.engine.loggers})
		if err != nil {
			return
		}
		if served >= maxDataChannels {
			_ = channel.Close()
			continue
		}
		p.wg.Add(1)
		go func() {
			defer p.wg.Done()
			_, _ = io.Copy(io.Discard, channel)
			_ = channel.Close()
		}()
	}
}

// dtlsConn is the view that pion's DTLS has of the peer: the packets that read
// sorted out for it, and the ICE connection to write to.
type dtlsConn struct{ peer *Peer }

func (c dtlsConn) ReadFrom(b []byte) (int, net.Addr, error) {
	n, _, err := c.peer.dtlsIn.Read(b, nil)
	return n, c.RemoteAddr(), err
}

// WriteTo never fails: a path that is down for the moment is a lost packet, which
// DTLS repeats, where an error would end the handshake.
func (c dtlsConn) WriteTo(b []byte, _ net.Addr) (int, error) {
	_, _ = c.peer.conn.Write(b)
	return len(b), nil
}

func (c dtlsConn) Close() error                      { return nil } // the peer closes
func (c dtlsConn) LocalAddr() net.Addr               { return &net.UDPAddr{} }
func (c dtlsConn) RemoteAddr() net.Addr              { return &net.UDPAddr{} }
func (c dtlsConn) SetDeadline(t time.Time) error     { return c.peer.dtlsIn.SetReadDeadline(t) }
func (c dtlsConn) SetReadDeadline(t time.Time) error { return c.peer.dtlsIn.SetReadDeadline(t) }
func (c dtlsConn) SetWriteDeadline(time.Time) error  { return nil } // writes don't block
