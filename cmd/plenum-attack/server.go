package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"plenum/sfu"
	"plenum/signaling"
)

const (
	startTimeout = 20 * time.Second
	stopTimeout  = 3 * time.Second
	keptLog      = 10 // lines
	// resumeTimeout is shorter than by default, so that what an attack leaves behind is
	// soon gone.
	resumeTimeout = 5 * time.Second
)

// variant is how a server differs from the usual one of these trials.
type variant struct {
	flags       []string
	open        bool // without keys, and /metrics is on --listen
	descriptors int  // how many files it may open; 0 is what this process may
}

// server is the process that is attacked.
type server struct {
	url     string // of the WebSocket
	media   netip.AddrPort
	metrics string // URL; empty: none
	pid     int    // 0: unknown
	mint    func(name string) (string, error)

	command *exec.Cmd
	ended   chan struct{} // closed at the end of the log
	reading chan struct{} // 1: the goroutine that holds its value decides whether the log is read
	mu      sync.Mutex
	tail    []string // of the log
	fatal   []string // from the first line of a panic on
}

// startUp is the line by which plenum tells that it serves, and where.
var startUp = regexp.MustCompile(`msg=serving addr=(\S+) media=(\S+) metrics=(\S+)`)

// startServer runs a server on free ports of loopback and waits until it serves. Its
// key file is made in dir.
func startServer(ctx context.Context, path, dir string, v variant) (*server, error) {
	args := append([]string{"--listen", "127.0.0.1:0", "--media-port", "0", "--resume-timeout", resumeTimeout.String()}, v.flags...)
	s := &server{ended: make(chan struct{}), reading: make(chan struct{}, 1), mint: func(string) (string, error) { return "", nil }}
	if !v.open {
		file := filepath.Join(dir, "keys")
		if err := os.WriteFile(file, []byte("attack: a secret of more than thirty-two characters\n"), 0o600); err != nil {
			return nil, err
		}
		args = append(args, "--metrics-listen", "127.0.0.1:0", "--key-file", file)
		keys, err := signaling.ReadKeys(file)
		if err != nil {
			return nil, err
		}
		s.mint = func(name string) (string, error) { return mint(keys, name) }
	}
	s.reading <- struct{}{}
	s.command = exec.Command(path, args...)
	if v.descriptors > 0 {
		limited := fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, v.descriptors)
		s.command = exec.Command("/bin/sh", append([]string{"-c", limited, path}, args...)...)
	}
	rank(s.command, ranks().measured)
	log, err := s.command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	s.pid = s.command.Process.Pid
	rankGroup(s.pid, ranks().measured)
	serving := make(chan []string, 1)
	go s.follow(log, serving)
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	select {
	case found := <-serving:
		if err = s.found(found[1], found[2], found[3]); err == nil {
			return s, nil
		}
	case <-s.ended:
		err = errors.New("it ended")
	case <-late.C:
		err = errors.New("it does not serve")
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.stop()
	return nil, fmt.Errorf("start the server: %w\n%s", err, s.lastWords())
}

// found takes where the server says that it serves.
func (s *server) found(app, media, metrics string) (err error) {
	scheme := "ws://"
	for _, a := range s.command.Args {
		if a == "--tls-self-signed" {
			scheme = "wss://"
		}
	}
	s.url, s.metrics = scheme+app+"/ws", "http://"+metrics+"/metrics"
	s.media, err = netip.ParseAddrPort(media)
	return err
}

// mint makes a token for every room.
func mint(keys *signaling.Keys, name string) (string, error) {
	everything := sfu.Grants{Publish: true, Subscribe: true, Message: true}
	return signaling.Mint(keys, signaling.Claims{Room: "*", Name: name, Grants: everything}, time.Hour)
}

// follow reads the log to its end, unless stall forbids it.
func (s *server) follow(log io.Reader, serving chan<- []string) {
	defer close(s.ended)
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
		if len(s.fatal) < keptLog && (len(s.fatal) > 0 || strings.HasPrefix(line, "panic:") || strings.HasPrefix(line, "fatal error:")) {
			s.fatal = append(s.fatal, line)
		}
		s.mu.Unlock()
		s.reading <- <-s.reading // waits while the log is to pile up
	}
	_, _ = io.Copy(io.Discard, log) // after a line that was too long
}

// stall stops reading the server's log until resume is called.
func (s *server) stall() (resume func()) {
	turn := <-s.reading
	return func() { s.reading <- turn }
}

// lastWords are the first lines of a panic, or the last ones of the log.
func (s *server) lastWords() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.fatal) > 0 {
		return strings.Join(s.fatal, "\n")
	}
	return strings.Join(s.tail, "\n")
}

// running reports whether the process lives; one that startServer did not start does.
func (s *server) running() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// stop ends a server that startServer started.
func (s *server) stop() {
	if s.command == nil {
		return
	}
	_ = s.command.Process.Signal(syscall.SIGTERM)
	late := time.AfterFunc(stopTimeout, func() { _ = s.command.Process.Kill() })
	defer late.Stop()
	<-s.ended
	_ = s.command.Wait() // a killed server is as good as gone
}

// memory reads what the server uses now. What can't be learnt stays as it is in m.
func (s *server) memory(ctx context.Context, m memory) memory {
	if resident, err := residentOf(s.pid); err == nil {
		m.resident = resident
	}
	if s.metrics == "" {
		return m
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	body, err := fetch(ctx, s.metrics)
	if err != nil {
		return m // an attack on the metrics, say
	}
	heap, goroutines := parseUse(body)
	m.heap, m.goroutines = heap, goroutines
	return m
}

// fetch returns the body of a page that must be there.
func fetch(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return body, err
}
