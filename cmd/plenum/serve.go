package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"plenum/cmd/plenum/internal/gate"
	"plenum/cmd/plenum/internal/journal"
	"plenum/sfu"
	"plenum/signaling"
)

// errShutdown ends participants that are left when the process exits.
var errShutdown = errors.New("server shut down")

// Run serves until SIGTERM or SIGINT and then drains. A second signal finds no
// handler and ends the process at once.
func (c *serveCommand) Run(s streams) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads any more must not end calls
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	lines := journal.New(s.err, c.logHandler)
	defer lines.Close(logFlush)
	return serve(ctx, stop, c, lines)
}

// logFlush is how long the log's last lines may take. A reader that sleeps must not
// keep the process from ending.
const logFlush = time.Second

// gcPercent is how much garbage there may be for each byte in use, in percent. Go's
// 100 is for programs that make garbage all the time: here packets make next to
// none, only joins do, and with a quarter as reserve a collection every few
// seconds is all that a call costs (some 10 ms with a hundred viewers).
const gcPercent = 25

func (c *serveCommand) logHandler(w io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

// serve runs a server from first to last: bind, serve until ctx is done, drain, of
// which nobody hears before draining was called. It
// returns nil after a drain, and an error if it could not start or a listener failed.
func serve(ctx context.Context, draining func(), c *serveCommand, lines *journal.Queue) (err error) {
	log := slog.New(c.logHandler(lines))
	s, err := newServer(c, log)
	if err != nil {
		return err
	}
	s.linesDropped = lines.Dropped
	defer func() { err = errors.Join(err, s.close()) }()
	following, stop := context.WithCancel(context.Background())
	var followed sync.WaitGroup
	followed.Go(func() { followLoad(following, s.engine.SendLatency, log) })
	defer followed.Wait()
	defer stop()
	if err := s.listen(); err != nil {
		return err
	}
	// Without a handler SIGHUP would end the process and all calls.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	followed.Go(func() { s.certificate.follow(following, hangup) })
	log.Info("serving", "addr", s.app.address(), "media", s.mediaAddress(), "metrics", s.metricsAddress(),
		"version", buildInfo().version, "url", s.url())
	if c.KeyFile == "" {
		log.Warn("rooms are open: whoever reaches this server may enter any room (see --key-file)")
	}
	select {
	case <-ctx.Done():
		draining()
		log.Info("draining", "timeout", c.DrainTimeout, "sessions", s.signaling.Stats().Sessions)
		s.signaling.Drain(context.Background(), c.DrainTimeout)
		log.Info("drained")
		return nil
	case err := <-s.failed:
		s.signaling.Close()
		return err
	}
}

// server is the parts of one running process.
type server struct {
	config    *serveCommand
	log       *slog.Logger
	engine    *sfu.Server
	signaling *signaling.Server

	linesDropped func() uint64 // of the log

	rejected    *gate.Rejections
	certificate *certificates // nil without HTTPS
	app         endpoint
	metrics     endpoint   // unused where /metrics is part of app
	failed      chan error // of either endpoint
}

func newServer(c *serveCommand, log *slog.Logger) (*server, error) {
	var authenticator signaling.Authenticator
	if c.KeyFile != "" {
		keys, err := signaling.ReadKeys(c.KeyFile)
		if err != nil {
			return nil, err
		}
		authenticator = keys
	}
	engine, err := sfu.New(sfu.Config{
		MediaAddresses: c.mediaAddresses(), MediaPort: c.MediaPort, PublicIPs: c.PublicIP,
		MaxRoomParticipants: c.MaxRoomParticipants, MaxParticipants: c.MaxParticipants,
		MaxIngressBitrate: c.MaxIngressBitrate, MaxIngressPackets: c.MaxIngressPackets,
		SeatTimeout: c.SeatTimeout, Log: log,
	})
	if err != nil {
		return nil, err
	}
	sessions, err := signaling.New(signaling.Config{
		Engine: engine, Authenticator: authenticator,
		AllowOrigins: c.AllowOrigin, ICEServers: c.iceServers(), TrustedProxies: c.trustedProxies(),
		Limits: c.clientLimits(), ResumeTimeout: c.ResumeTimeout, Log: log,
	})
	if err != nil {
		return nil, errors.Join(err, engine.Close(errShutdown))
	}
	return &server{
		config: c, log: log, engine: engine, signaling: sessions, rejected: gate.NewRejections(),
		failed: make(chan error, 2), // one for each endpoint, so that neither waits
	}, nil
}

func (c *serveCommand) iceServers() []signaling.ICEServer {
	servers := make([]signaling.ICEServer, 0, len(c.ICEServer))
	for _, s := range c.ICEServer {
		servers = append(servers, signaling.ICEServer{URLs: []string{s.URL}, Username: s.Username, Credential: s.Password})
	}
	return servers
}

// listen binds the endpoints and starts to serve them.
func (s *server) listen() error {
	var certificate *tls.Config
	if s.config.secure() {
		var err error
		if s.certificate, err = newCertificates(s.config, s.log); err != nil {
			return err
		}
		certificate = &tls.Config{
			GetCertificate:     s.certificate.get,
			GetConfigForClient: gate.NewHandshaking(handshakesPerCPU*runtime.NumCPU(), s.rejected).Begin,
			MinVersion:         tls.VersionTLS12,
		}
	}
	scrape := s.metricsHandler()
	if s.config.MetricsListen != "" {
		if err := s.metrics.bind(s.config.MetricsListen, gate.Limits{Connections: operatorConnections}, s.rejected); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
		s.metrics.start(s.metricsRoutes(scrape), nil, s.log, s.failed)
		scrape = nil
	}
	if err := s.app.bind(s.config.Listen, s.config.connectionLimits(), s.rejected); err != nil {
		return err
	}
	s.app.start(s.appRoutes(scrape), certificate, s.log, s.failed)
	return nil
}

// close ends what is still there.
func (s *server) close() error {
	s.signaling.Close()
	return errors.Join(s.engine.Close(errShutdown), s.app.stop(), s.metrics.stop())
}

func (s *server) mediaAddress() netip.AddrPort {
	address := netip.IPv6Unspecified() // every interface, of both families
	if bound := s.config.mediaAddresses(); len(bound) > 0 {
		address = bound[0]
	}
	return netip.AddrPortFrom(address, s.engine.MediaPort())
}

func (s *server) metricsAddress() string {
	if s.config.MetricsListen != "" {
		return s.metrics.address()
	}
	return s.app.address()
}

// url is where a person on this machine finds the app.
func (s *server) url() string {
	scheme := "http"
	if s.config.secure() {
		scheme = "https"
	}
	at := netip.MustParseAddrPort(s.app.address()) // a bound TCP address
	host := at.Addr().String()
	if at.Addr().IsUnspecified() || at.Addr().IsLoopback() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(at.Port()))) + "/"
}
