package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler is slog's without times.
func handler(w io.Writer) slog.Handler {
	return slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
}

// gated is a log whose reader takes a line whenever the test says so.
type gated struct {
	bytes.Buffer
	blocked chan struct{} // a write has begun
	pass    chan struct{} // it may end; closed: all may
}

func (g *gated) Write(b []byte) (int, error) {
	select {
	case g.blocked <- struct{}{}:
	default:
	}
	<-g.pass
	return g.Buffer.Write(b)
}

// TestFullLog: lines wait, then they are dropped where they didn't fit, which the log
// says at that place.
func TestFullLog(t *testing.T) {
	out := &gated{blocked: make(chan struct{}, 1), pass: make(chan struct{})}
	q := New(out, handler)
	const each, more = 1 << 10, 7
	write := func(n int) {
		line := fmt.Sprintf("%0*d\n", each-1, n)
		if m, err := q.Write([]byte(line)); m != len(line) || err != nil {
			t.Fatalf("line %d: %d, %v", n, m, err)
		}
	}
	write(0)
	<-out.blocked
	for n := 1; n < room/each+more; n++ {
		write(n)
	}
	if q.Dropped() != more {
		t.Errorf("%d lines were dropped, want %d", q.Dropped(), more)
	}
	if q.Close(0) {
		t.Error("all is written while the reader sleeps")
	}
	write(0) // too late, and no reason to wait either
	close(out.pass)
	if !q.Close(time.Minute) {
		t.Fatal("the goroutine doesn't end")
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if len(lines) != room/each+1 {
		t.Fatalf("%d lines", len(lines))
	}
	for n, line := range lines[:room/each] {
		if line != fmt.Sprintf("%0*d", each-1, n) {
			t.Fatalf("line %d is %q", n, line)
		}
	}
	if want := fmt.Sprintf("lines=%d", more+1); !strings.HasSuffix(lines[room/each], want) {
		t.Errorf("the end is %q, not %s", lines[room/each], want)
	}
}

// TestLossIsToldInPlace: between what came before and what comes after.
func TestLossIsToldInPlace(t *testing.T) {
	out := &gated{blocked: make(chan struct{}, 1), pass: make(chan struct{})}
	q := New(out, handler)
	_, _ = q.Write([]byte("a\n"))
	<-out.blocked
	_, _ = q.Write(make([]byte, room)) // doesn't fit
	_, _ = q.Write([]byte("b\n"))
	close(out.pass)
	q.Close(time.Minute)
	if got, want := out.String(), "a\nlevel=WARN msg=\"log lines were dropped: they could not be written in time\" lines=1\nb\n"; got != want {
		t.Errorf("the log is\n%s", got)
	}
}

// fragile is a log on a disk that is full at times.
type fragile struct {
	bytes.Buffer
	full  bool
	wrote chan struct{}
}

func (f *fragile) Write(b []byte) (int, error) {
	defer func() { f.wrote <- struct{}{} }()
	if f.full {
		return 0, errors.New("no space left on device")
	}
	return f.Buffer.Write(b)
}

// TestFailedWritesAreTold when the log can be written again.
func TestFailedWritesAreTold(t *testing.T) {
	out := &fragile{full: true, wrote: make(chan struct{})}
	q := New(out, handler)
	_, _ = q.Write([]byte("a\n"))
	for range 2 { // the line, and then that it is lost
		<-out.wrote
	}
	_, _ = q.Write([]byte("b\n"))
	for range 2 {
		<-out.wrote
	}
	if q.Dropped() < 1 {
		t.Error("what can't be written is not counted")
	}
	<-out.wrote // that two are lost
	out.full = false
	_, _ = q.Write([]byte("c\n"))
	for range 2 {
		<-out.wrote
	}
	q.Close(time.Minute)
	if got, want := out.String(), "level=WARN msg=\"log lines were dropped: they could not be written in time\" lines=2\nc\n"; got != want {
		t.Errorf("the log is\n%s", got)
	}
	if q.Dropped() != 2 {
		t.Errorf("%d lines were dropped", q.Dropped())
	}
}
