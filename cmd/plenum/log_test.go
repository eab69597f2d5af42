package main

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// startUnread runs plenum with a log that nobody reads once it serves. What read returns
// goes on reading it.
func startUnread(t *testing.T, flags ...string) (p *process, read *bufio.Scanner) {
	t.Helper()
	ours, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	p = &process{}
	p.Cmd = exec.CommandContext(t.Context(), os.Args[0], append([]string{"--listen", "127.0.0.1:0", "--media-port", "0"}, flags...)...)
	p.Env = append(os.Environ(), asPlenum+"=1")
	p.Stderr = theirs // no goroutine of exec reads it
	err = p.Start()
	_ = theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // if the test has not ended it
		_ = p.Process.Kill()
		_ = p.Wait()
	})
	read = bufio.NewScanner(ours)
	read.Buffer(nil, 1<<20)
	for read.Scan() {
		if found := startUp.FindStringSubmatch(read.Text()); found != nil {
			p.addr = found[1]
			return p, read
		}
	}
	t.Fatal("the server ended before it served")
	return nil, nil
}

// fillLog has a server write more than the pipe and its memory for lines hold.
func fillLog(t *testing.T, p *process) {
	t.Helper()
	client := &http.Client{Timeout: startTimeout}
	long := strings.Repeat("x", 50_000)
	for range 40 { // refused, each of them with a line that has the path in it
		if status, _, _ := get(t, client, "http://"+p.addr+"/debug/participants/"+long); status != http.StatusForbidden {
			t.Fatalf("status %d", status)
		}
	}
	if _, _, metrics := get(t, client, "http://"+p.addr+"/metrics"); !regexp.MustCompile(`(?m)^plenum_log_lines_dropped_total [1-9]`).MatchString(metrics) {
		t.Error("no lines were dropped")
	}
}

// comeAndLeave joins and leaves in order.
func comeAndLeave(t *testing.T, p *process) {
	t.Helper()
	ws := join(t, "ws://"+p.addr+"/ws?room=demo")
	if err := ws.WriteJSON(map[string]string{"type": "leave"}); err != nil {
		t.Fatal(err)
	}
	_ = ws.SetReadDeadline(time.Now().Add(startTimeout))
	for {
		if _, _, err := ws.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
				t.Errorf("leaving ends with %v", err)
			}
			return
		}
	}
}

// TestUnreadLog: a pipe that is full holds up nobody, and what is missing is told when it
// is read again.
func TestUnreadLog(t *testing.T) {
	p, read := startUnread(t, "--log-level", "debug")
	fillLog(t, p)
	for range 3 {
		comeAndLeave(t, p)
	}
	for missing := false; !missing; {
		if !read.Scan() {
			t.Fatal("the log doesn't say that lines are missing")
		}
		missing = strings.Contains(read.Text(), "log lines were dropped")
	}
}

// TestUnreadLogEnds: nor does it hold up the end.
func TestUnreadLogEnds(t *testing.T) {
	p, _ := startUnread(t, "--log-level", "debug", "--drain-timeout", "100ms")
	fillLog(t, p)
	join(t, "ws://"+p.addr+"/ws?room=demo")
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(startTimeout, func() { _ = p.Process.Kill() })
	defer late.Stop()
	_ = p.Wait()
	if code := p.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
