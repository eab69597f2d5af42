package deploy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// deployDir is the folder under test, and root the main module.
const (
	deployDir = ".."
	root      = "../.."
)

// binaries builds what the tests run, once.
var binaries = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "plenum-deploy-")
	if err != nil {
		return "", err
	}
	for _, target := range []string{"./cmd/plenum", "./deploy/call"} {
		build := exec.Command("go", "build", "-C", root, "-o", dir+"/", target)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return dir, fmt.Errorf("%s: %w\n%s", target, err, out)
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := binaries(); dir != "" {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// binary is the path of "plenum" or "call".
func binary(t *testing.T, name string) string {
	t.Helper()
	dir, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// run returns what a command that should succeed prints.
func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, args...)
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, errs.Bytes())
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(deployDir, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// process is a program in the background, ended with the test.
type process struct {
	*exec.Cmd
	mu  sync.Mutex
	log bytes.Buffer
}

// Write implements io.Writer for the log.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(b)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// background starts a program and waits until its log matches ready; it returns the
// submatches.
func background(t *testing.T, command *exec.Cmd, ready string) (*process, []string) {
	t.Helper()
	p := &process{Cmd: command}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stdout, command.Stderr = w, w
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = 30 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	t.Cleanup(func() {
		_ = command.Cancel()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(command.Path), p.output())
		}
	})
	pattern, found := regexp.MustCompile(ready), make(chan []string, 1)
	go func() {
		lines := bufio.NewScanner(io.TeeReader(r, p))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if match := pattern.FindStringSubmatch(lines.Text()); match != nil {
				select {
				case found <- match:
				default: // it said so before
				}
			}
		}
		close(found)
		_ = r.Close()
	}()
	select {
	case match, ok := <-found:
		if !ok {
			t.Fatalf("%s ended before it was ready:\n%s", command.Path, p.output())
		}
		return p, match
	case <-time.After(2 * time.Minute):
		t.Fatalf("%s is not ready:\n%s", command.Path, p.output())
	}
	return nil, nil
}

// serve starts a server on free ports and returns its address.
func serve(t *testing.T, flags ...string) (*process, string) {
	t.Helper()
	flags = append([]string{"serve", "--listen=127.0.0.1:0", "--media-port=0"}, flags...)
	p, match := background(t, exec.CommandContext(t.Context(), binary(t, "plenum"), flags...), `msg=serving addr=(\S+)`)
	return p, match[1]
}

// startCall begins a call on a server and waits until everyone in it sees everyone.
func startCall(t *testing.T, address string, flags ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), binary(t, "call"), append([]string{"-url=ws://" + address + "/ws"}, flags...)...)
	stdin, err := command.StdinPipe() // it ends with us
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stdin.Close() })
	background(t, command, `^connected$`)
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// eventually calls f until it returns nil.
func eventually(t *testing.T, limit time.Duration, f func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %v: %v", limit, err)
		case <-tick.C:
		}
	}
}

var flagHelp = regexp.MustCompile(`--([a-z-]+)[^$]*\(\$(PLENUM_[A-Z_]+)\)`)

// serveFlags are by environment variable.
func serveFlags(t *testing.T) map[string]string {
	t.Helper()
	help := string(run(t, binary(t, "plenum"), "serve", "--help"))
	flags := map[string]string{}
	for _, paragraph := range strings.Split(help, "\n      --")[1:] {
		if match := flagHelp.FindStringSubmatch("--" + strings.Join(strings.Fields(paragraph), " ")); match != nil {
			flags[match[2]] = match[1]
		}
	}
	if len(flags) < 15 {
		t.Fatalf("found only %d flags in\n%s", len(flags), help)
	}
	return flags
}
