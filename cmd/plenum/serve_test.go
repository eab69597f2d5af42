package main

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// The test binary is the real binary when this variable is set.
const asPlenum = "TEST_AS_PLENUM"

func TestMain(m *testing.M) {
	if os.Getenv(asPlenum) != "" {
		main()
	}
	os.Exit(m.Run())
}

// startTimeout is how long a server may take to serve.
const startTimeout = 30 * time.Second

// startUp is the line that says that a server serves, and where.
var startUp = regexp.MustCompile(`msg=serving addr=(\S+) media=(\S+) metrics=(\S+)`)

// process is a server in a process of its own.
type process struct {
	*exec.Cmd
	addr, media, metrics string
	logged               chan struct{} // closed at the end of the log
	quiet                atomic.Bool   // the log doesn't go to the test's
	log                  io.Closer
}

// start runs plenum on free ports with more flags and waits until it serves.
func start(t *testing.T, flags ...string) *process {
	t.Helper()
	p := &process{logged: make(chan struct{})}
	p.Cmd = exec.CommandContext(t.Context(), os.Args[0], append([]string{"--listen", "127.0.0.1:0", "--media-port", "0"}, flags...)...)
	p.Env = append(os.Environ(), asPlenum+"=1")
	log, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.log = log
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(startTimeout, func() { _ = p.Process.Kill() })
	defer late.Stop()
	scan := bufio.NewScanner(log)
	for scan.Scan() {
		if found := startUp.FindStringSubmatch(scan.Text()); found != nil {
			p.addr, p.media, p.metrics = found[1], found[2], found[3]
			t.Cleanup(func() { // if the test has not ended it
				_ = p.Process.Kill()
				<-p.logged
			})
			go func() {
				defer close(p.logged)
				for scan.Scan() {
					if !p.quiet.Load() {
						t.Log(scan.Text())
					}
				}
			}()
			return p
		}
		t.Log(scan.Text())
	}
	t.Fatal("the server ended before it served")
	return nil
}

// ends waits for the process and returns its exit code, -1 after a signal.
func (p *process) ends(t *testing.T) int {
	t.Helper()
	<-p.logged
	_ = p.Wait() // the exit code tells
	return p.ProcessState.ExitCode()
}

func get(t *testing.T, client *http.Client, url string) (int, http.Header, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(body)
}

// join opens a WebSocket and reads its first message.
func join(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	dialer := websocket.Dialer{TLSClientConfig: insecure}
	ws, _, err := dialer.DialContext(t.Context(), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ws.Close() })
	receive(t, ws, "joined")
	return ws
}

func receive(t *testing.T, ws *websocket.Conn, kind string) {
	t.Helper()
	for {
		var message struct{ Type string }
		if err := ws.ReadJSON(&message); err != nil {
			t.Fatalf("while waiting for %s: %v", kind, err)
		}
		if message.Type == kind {
			return
		}
	}
}

// insecure accepts the certificate of --tls-self-signed.
var insecure = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // that is the point

func TestEndpoints(t *testing.T) {
	p := start(t)
	base := "http://" + p.addr
	tests := []struct {
		path, contentType, body string
		status                  int
	}{
		{"/", "text/html", "<!doctype html>", 200},
		{"/r/demo", "text/html", "<!doctype html>", 200},
		{"/plenum.js", "text/javascript", "export", 200},
		{"/healthz", "text/plain", "ok", 200},
		{"/readyz", "text/plain", "ready", 200},
		{"/metrics", "text/plain", "plenum_build_info{", 200},
		{"/ws", "text/plain", "", 400},
		{"/nothing", "text/plain", "not found", 404},
	}
	for _, test := range tests {
		status, header, body := get(t, http.DefaultClient, base+test.path)
		if status != test.status {
			t.Errorf("%s: status %d, want %d", test.path, status, test.status)
		}
		if !strings.HasPrefix(header.Get("Content-Type"), test.contentType) {
			t.Errorf("%s: type %q, want %s", test.path, header.Get("Content-Type"), test.contentType)
		}
		if !strings.Contains(strings.ToLower(body), test.body) {
			t.Errorf("%s: %.80q doesn't contain %q", test.path, body, test.body)
		}
	}
	join(t, "ws://"+p.addr+"/ws?room=demo&name=Ada")
	if _, _, metrics := get(t, http.DefaultClient, base+"/metrics"); !strings.Contains(metrics, "\nplenum_participants 1\n") {
		t.Error("the metrics don't count a participant")
	}
}

func TestPromtoolAcceptsMetrics(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed (make setup)")
	}
	p := start(t)
	_, _, metrics := get(t, http.DefaultClient, "http://"+p.addr+"/metrics")
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = strings.NewReader(metrics)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
	for _, f := range families {
		if !strings.Contains(metrics, "# TYPE "+f.name+" ") && len(f.labels) == 0 {
			t.Errorf("%s is missing", f.name)
		}
	}
}

func TestMetricsListen(t *testing.T) {
	p := start(t, "--metrics-listen", "127.0.0.1:0")
	if p.metrics == p.addr {
		t.Fatal("metrics have no address of their own")
	}
	if status, _, _ := get(t, http.DefaultClient, "http://"+p.addr+"/metrics"); status != http.StatusNotFound {
		t.Errorf("/metrics of the app answers %d, want 404", status)
	}
	for _, path := range []string{"/metrics", "/healthz", "/readyz"} {
		if status, _, _ := get(t, http.DefaultClient, "http://"+p.metrics+path); status != http.StatusOK {
			t.Errorf("%s answers %d", path, status)
		}
	}
}

// TestMetricsNeedToken: where people need tokens, so does who asks for
// /metrics on the port that is everybody's.
func TestMetricsNeedToken(t *testing.T) {
	keys := file(t, keyLines)
	for name, step := range map[string]struct {
		flags              []string
		open, bearer, bare int
	}{
		"open rooms":     {nil, 200, 200, 0},
		"keys":           {[]string{"--key-file", keys}, 403, 403, 0},
		"keys and token": {[]string{"--key-file", keys, "--admin-token", testAdminToken}, 403, 200, 0},
		"token":          {[]string{"--admin-token", testAdminToken}, 200, 200, 0},
		"own listener":   {[]string{"--key-file", keys, "--admin-token", testAdminToken, "--metrics-listen", "127.0.0.1:0"}, 404, 404, 200},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, step.flags...)
			if status, _, body := get(t, http.DefaultClient, "http://"+p.addr+"/metrics"); status != step.open || status != 200 && strings.Contains(body, "plenum") {
				t.Errorf("without a token: %d", status)
			}
			if status, _, _ := ask(t, "http://"+p.addr+"/metrics", map[string]string{"Authorization": "Bearer " + testAdminToken}); status != step.bearer {
				t.Errorf("with the admin token: %d", status)
			}
			if step.bare != 0 {
				if status, _, _ := get(t, http.DefaultClient, "http://"+p.metrics+"/metrics"); status != step.bare {
					t.Errorf("on --metrics-listen: %d", status)
				}
			}
		})
	}
}

func TestSelfSigned(t *testing.T) {
	p := start(t, "--tls-self-signed")
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: insecure}}
	if status, _, _ := get(t, client, "https://"+p.addr+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz answers %d", status)
	}
	join(t, "wss://"+p.addr+"/ws?room=demo")
}

func TestTokensAreRequired(t *testing.T) {
	keys := file(t, keyLines)
	p := start(t, "--key-file", keys)
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+p.addr+"/ws?room=demo", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	receive(t, ws, "error")

	var out, errOut strings.Builder
	if code := run([]string{"token", "--key-file", keys, "--room", "demo"}, &out, &errOut); code != 0 {
		t.Fatal(errOut.String())
	}
	join(t, "ws://"+p.addr+"/ws?room=demo&token="+strings.TrimSpace(out.String()))
}

// A full server refuses newcomers; those inside must find it when they resume, so that
// a balancer must not take it out.
func TestReadyWhenFull(t *testing.T) {
	p := start(t, "--max-participants", "1")
	join(t, "ws://"+p.addr+"/ws?room=demo")
	if status, _, body := get(t, http.DefaultClient, "http://"+p.addr+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz answers %d %q", status, body)
	}
}

func TestSignalDrains(t *testing.T) {
	for _, signal := range []os.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			p := start(t, "--drain-timeout", "1m")
			ws := join(t, "ws://"+p.addr+"/ws?room=demo")
			if err := p.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			receive(t, ws, "drain")
			if status, _, _ := get(t, http.DefaultClient, "http://"+p.addr+"/readyz"); status != http.StatusServiceUnavailable {
				t.Errorf("/readyz answers %d while draining", status)
			}
			if status, _, _ := get(t, http.DefaultClient, "http://"+p.addr+"/healthz"); status != http.StatusOK {
				t.Errorf("/healthz answers %d while draining", status)
			}
			if err := ws.WriteJSON(map[string]string{"type": "leave"}); err != nil {
				t.Fatal(err)
			}
			_, _, _ = ws.ReadMessage() // completes the closing handshake
			if code := p.ends(t); code != 0 {
				t.Errorf("exit code %d", code)
			}
		})
	}
}

func TestDrainTimeoutEndsSessions(t *testing.T) {
	p := start(t, "--drain-timeout", "200ms")
	ws := join(t, "ws://"+p.addr+"/ws?room=demo")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	receive(t, ws, "drain")
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
				t.Errorf("the WebSocket ends with %v", err)
			}
			break
		}
	}
	if code := p.ends(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSecondSignalForcesExit(t *testing.T) {
	p := start(t, "--drain-timeout", "1h")
	ws := join(t, "ws://"+p.addr+"/ws?room=demo")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	receive(t, ws, "drain")
	// The first signal's handler goes away just before the drain begins.
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if code := p.ends(t); code != -1 {
		t.Errorf("exit code %d, want death by signal", code)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestPortTaken(t *testing.T) {
	p := start(t)
	var out, errOut strings.Builder
	if code := run([]string{"--listen", p.addr, "--media-port", "0"}, &out, &errOut); code != 1 || !strings.Contains(errOut.String(), "address already in use") {
		t.Errorf("exit code %d: %s", code, errOut.String())
	}
}

// TestClosedLog: the reader of the log is gone, and calls go on.
func TestClosedLog(t *testing.T) {
	p := start(t, "--log-level", "debug")
	p.quiet.Store(true)
	if err := p.log.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		join(t, "ws://"+p.addr+"/ws?room=demo")
	}
}
