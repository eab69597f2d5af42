package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// selfSignedLifetime stays under the 398 days that browsers allow a certificate.
const selfSignedLifetime = 90 * 24 * time.Hour

// certificate loads the configured certificate or makes one up.
func (c *serveCommand) certificate(now time.Time) (tls.Certificate, error) {
	if c.TLSSelfSigned {
		return selfSigned(now)
	}
	certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("loading the certificate: %w", err)
	}
	return certificate, nil
}

// certificateCheck is how often the files are looked at.
const certificateCheck = 10 * time.Second

// certificates serve the newest certificate that the files have had, on each new
// connection. follow owns the reloading.
type certificates struct {
	config  *serveCommand
	log     *slog.Logger
	current atomic.Pointer[tls.Certificate]
	seen    [2]fileState // of certificate and key, when last loaded or tried
}

// fileState tells a file from what it was.
type fileState struct {
	modified time.Time
	size     int64
}

func newCertificates(c *serveCommand, log *slog.Logger) (*certificates, error) {
	own, err := c.certificate(time.Now())
	if err != nil {
		return nil, err
	}
	s := &certificates{config: c, log: log, seen: c.certificateFiles()}
	s.current.Store(&own)
	s.report(&own)
	return s, nil
}

func (s *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return s.current.Load(), nil
}

// expiry is when the certificate in use ends; zero where there is none.
func (s *certificates) expiry() time.Time {
	if s == nil {
		return time.Time{}
	}
	return s.current.Load().Leaf.NotAfter
}

// follow loads the files again when they change and on each hangup, until ctx is done.
// Without HTTPS (s is nil) it takes the hangups, which then mean nothing.
func (s *certificates) follow(ctx context.Context, hangup <-chan os.Signal) {
	ticker := time.NewTicker(certificateCheck)
	defer ticker.Stop()
	for {
		forced := false
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			forced = true
		case <-ticker.C:
		}
		if s != nil {
			s.reload(forced)
		}
	}
}

// reload takes over changed files. Bad ones leave the certificate as it is.
func (s *certificates) reload(forced bool) {
	if s.config.TLSSelfSigned {
		return
	}
	files := s.config.certificateFiles()
	if !forced && files == s.seen {
		return
	}
	s.seen = files
	own, err := s.config.certificate(time.Now())
	if err != nil {
		s.log.Error("certificate not renewed: the one before stays in use", "err", err, "expires", s.expiry())
		return
	}
	s.current.Store(&own)
	s.log.Info("certificate loaded", "expires", own.Leaf.NotAfter)
	s.report(&own)
}

// report says where a certificate is out of its time.
func (s *certificates) report(own *tls.Certificate) {
	switch now := time.Now(); {
	case now.After(own.Leaf.NotAfter):
		s.log.Error("the certificate has expired: browsers will refuse it", "expired", own.Leaf.NotAfter)
	case now.Before(own.Leaf.NotBefore):
		s.log.Error("the certificate is not valid yet: browsers will refuse it", "from", own.Leaf.NotBefore)
	}
}

// certificateFiles is what the files look like now.
func (c *serveCommand) certificateFiles() (states [2]fileState) {
	for i, path := range []string{c.TLSCert, c.TLSKey} {
		if info, err := os.Stat(path); err == nil {
			states[i] = fileState{info.ModTime(), info.Size()}
		}
	}
	return states
}

// selfSigned makes a certificate for localhost, this machine's name and all of its
// addresses. Browsers warn about it, but give the page camera and microphone.
func selfSigned(now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "Plenum, self-signed"},
		DNSNames:     []string{"localhost"},
		NotBefore:    now.Add(-time.Hour), // clients' clocks may lag
		NotAfter:     now.Add(selfSignedLifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if name, err := os.Hostname(); err == nil {
		template.DNSNames = append(template.DNSNames, name)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return tls.Certificate{}, err
	}
	for _, address := range addresses {
		if network, ok := address.(*net.IPNet); ok {
			template.IPAddresses = append(template.IPAddresses, network.IP)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, nil
}
