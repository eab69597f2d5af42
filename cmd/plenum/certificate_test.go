package main

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// writeCertificate makes a certificate that began at a time and writes it where the
// server looks for it. It returns its serial number.
func writeCertificate(t *testing.T, folder string, from time.Time) string {
	t.Helper()
	made, err := selfSigned(from)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalECPrivateKey(made.PrivateKey.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: made.Certificate[0]}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return made.Leaf.SerialNumber.String()
}

// served is the serial number of the certificate that a new connection gets.
func served(t *testing.T, address string) string {
	t.Helper()
	c, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address) //nolint:gosec // any will do
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// TestCertificateIsRenewed: SIGHUP has the files looked at again. Calls go on, and a bad
// file leaves the certificate as it was.
func TestCertificateIsRenewed(t *testing.T) {
	folder := t.TempDir()
	first := writeCertificate(t, folder, time.Now())
	p := start(t, "--tls-cert", filepath.Join(folder, "cert.pem"), "--tls-key", filepath.Join(folder, "key.pem"), "--metrics-listen", "127.0.0.1:0")
	dialer := websocket.Dialer{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // any will do
	ws, _, err := dialer.DialContext(t.Context(), "wss://"+p.addr+"/ws?room=demo", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	receive(t, ws, "joined")
	if got := served(t, p.addr); got != first {
		t.Fatalf("serves %s, want %s", got, first)
	}
	await := func(want string) {
		t.Helper()
		deadline := time.After(startTimeout)
		for served(t, p.addr) != want {
			select {
			case <-deadline:
				t.Fatal("the new certificate is not served")
			default:
			}
		}
	}
	second := writeCertificate(t, folder, time.Now().Add(-200*24*time.Hour)) // expired
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(second)
	if err := os.WriteFile(filepath.Join(folder, "key.pem"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	third := writeCertificate(t, folder, time.Now())
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	await(third)
	if _, _, body := get(t, http.DefaultClient, "http://"+p.metrics+"/metrics"); !strings.Contains(body, "plenum_tls_certificate_expiry_timestamp_seconds") {
		t.Error("no metric tells when it expires")
	}
	if err := ws.WriteJSON(map[string]string{"type": "nonsense"}); err != nil {
		t.Error(err)
	}
	receive(t, ws, "error") // the call has gone on
}

// TestHangupWithoutCertificate: SIGHUP means nothing to a server without HTTPS.
func TestHangupWithoutCertificate(t *testing.T) {
	p := start(t)
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	join(t, "ws://"+p.addr+"/ws?room=demo")
}
