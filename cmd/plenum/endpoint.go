package main

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"plenum/cmd/plenum/internal/gate"
)

// Limits of HTTP connections. WebSockets have their own once they are upgraded.
const (
	headerTimeout  = 10 * time.Second // of the TLS handshake too
	readTimeout    = 20 * time.Second // of a whole request
	writeTimeout   = 30 * time.Second // of an answer, from the end of the request's header
	idleTimeout    = time.Minute
	maxHeaderBytes = 64 << 10
	maxStreams     = 100 // of a connection of HTTP/2, as browsers expect at least (RFC 9113 §6.5.2)
)

const (
	// handshakesPerCPU is how many TLS handshakes may be at work for each CPU. Each takes
	// some 0.3 ms, 5 ms with an RSA key of 4096 bits.
	handshakesPerCPU = 4
	// operatorConnections is how many connections --metrics-listen may have.
	operatorConnections = 256
	// scrapes is how many may collect metrics at once: two Prometheus, and a person.
	scrapes = 3
)

// endpoint is one HTTP listener; the zero value is none.
type endpoint struct {
	listener net.Listener
	server   *http.Server
}

// bind listens at address.
func (e *endpoint) bind(address string, limits gate.Limits, rejected *gate.Rejections) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	e.listener = gate.Limit(listener, limits, rejected)
	return nil
}

// isPrivate reports whether nothing but this machine reaches the endpoint.
func (e *endpoint) isPrivate() bool {
	at, ok := e.listener.Addr().(*net.TCPAddr)
	return ok && at.IP.IsLoopback()
}

// newHTTPServer has a limit for everything that a client can be slow at.
func newHTTPServer(handler http.Handler, certificate *tls.Config, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams, WriteByteTimeout: writeTimeout},
		TLSConfig:         certificate,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // bad requests and handshakes
	}
}

// start serves what bind has bound. It tells failed if that ends by itself.
func (e *endpoint) start(handler http.Handler, certificate *tls.Config, log *slog.Logger, failed chan<- error) {
	e.server = newHTTPServer(handler, certificate, log)
	go func() {
		var err error
		if certificate != nil {
			err = e.server.ServeTLS(e.listener, "", "")
		} else {
			err = e.server.Serve(e.listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
}

// address is the bound one, with its real port.
func (e *endpoint) address() string { return e.listener.Addr().String() }

// stop closes the listener and its connections. WebSockets are none of them any more.
func (e *endpoint) stop() error {
	if e.server == nil {
		if e.listener == nil {
			return nil
		}
		return e.listener.Close()
	}
	return e.server.Close()
}
