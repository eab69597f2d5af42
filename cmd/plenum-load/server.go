package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"plenum/cmd/plenum-load/internal/usage"
)

// server is the process that is measured.
type server struct {
	pid     int    // 0: unknown
	metrics string // URL; empty: none

	command *exec.Cmd
	logged  chan struct{} // closed at the end of the log
	mu      sync.Mutex
	tail    []string // of the log
}

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 3 * time.Second
	keptLog      = 10 // lines
)

// startUp is the line by which plenum tells that it serves, and where.
var startUp = regexp.MustCompile(`msg=serving addr=(\S+) media=(\S+)(?: metrics=(\S+))?`)

// startServer runs a server on free ports of loopback and waits until it serves.
// It returns the URL of its signaling.
func startServer(ctx context.Context, path string) (*server, string, error) {
	s := &server{logged: make(chan struct{})}
	s.command = exec.Command(path, "--listen", "127.0.0.1:0", "--media-port", "0")
	// A load is everyone at one address, and at once.
	s.command.Env = append(os.Environ(), "PLENUM_LIMIT_CONNECTIONS=0", "PLENUM_LIMIT_JOINS=0", "PLENUM_MAX_ADDRESS_CONNECTIONS=0")
	log, err := s.command.StderrPipe()
	if err != nil {
		return nil, "", err
	}
	if err := s.command.Start(); err != nil {
		return nil, "", fmt.Errorf("start the server: %w", err)
	}
	s.pid = s.command.Process.Pid
	serving := make(chan []string, 1)
	go s.follow(log, serving)
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	select {
	case found := <-serving:
		if found[3] != "" {
			s.metrics = "http://" + found[3] + "/metrics"
		}
		return s, "ws://" + found[1] + "/ws", nil
	case <-s.logged:
		err = errors.New("it ended")
	case <-late.C:
		err = errors.New("it does not serve")
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.stop()
	return nil, "", fmt.Errorf("start the server: %w\n%s", err, s.lastWords())
}

// follow reads the log to its end, so that the server never waits for us.
func (s *server) follow(log io.Reader, serving chan<- []string) {
	defer close(s.logged)
	scan := bufio.NewScanner(log)
	for scan.Scan() {
		line := scan.Text()
		if found := startUp.FindStringSubmatch(line); found != nil {
			select {
			case serving <- found:
			default:
			}
		}
		s.mu.Lock()
		s.tail = append(s.tail, line)
		s.tail = s.tail[max(len(s.tail)-keptLog, 0):]
		s.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, log) // after a line that was too long
}

func (s *server) lastWords() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.tail, "\n")
}

// stop ends a server that startServer started.
func (s *server) stop() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(stopTimeout, func() { _ = s.command.Process.Kill() })
	defer late.Stop()
	<-s.logged
	_ = s.command.Wait() // a killed server is as good as gone
}

// snapshot is a server's and the machine's state at one moment.
type snapshot struct {
	server, own usage.CPU
	machine     machineTime
	measured    bool // the server's process is known
	readMachine bool
}

// measure takes a snapshot. Where there is no /proc it stays empty.
func (s *server) measure() (m snapshot) {
	var err error
	if s.pid != 0 {
		m.server, err = processTime(s.pid)
		m.measured = err == nil
	}
	m.own = usage.Self()
	m.machine, err = machineNow()
	m.readMachine = err == nil
	return m
}

// scrape reads /metrics; nil if there is none.
func (s *server) scrape(ctx context.Context) metrics {
	if s.metrics == "" {
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.metrics, nil)
	if err != nil {
		return nil
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return nil
	}
	return parseMetrics(b)
}
