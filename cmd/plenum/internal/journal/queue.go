// Package journal keeps a log that nobody reads from holding up the program: lines
// wait in memory, within bounds, and what doesn't fit is dropped and counted.
package journal

import (
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// room is how many bytes of lines may wait: some 5,000 of them, the joins of a large
// event. A pipe holds 64 KiB more.
const room = 1 << 20

// Queue is an io.Writer that never blocks and never fails. A goroutine of its own,
// which is the only one that writes to the log, takes the lines from there; Close
// ends it.
type Queue struct {
	out     io.Writer
	notices *slog.Logger  // straight to out
	ended   chan struct{} // the goroutine is done

	// Of the goroutine:
	untold uint64 // lines lost that the log doesn't tell of yet
	failed bool   // the last write failed

	dropped atomic.Uint64
	wake    chan struct{} // capacity 1: lines wait, or the end

	mu      sync.Mutex // a leaf; not held while anything is written
	waiting []line
	bytes   int    // of lines that wait or are being written
	lost    uint64 // lines dropped since the last that was kept
	closed  bool
}

// line is what one call of Write was given.
type line struct {
	bytes []byte
	lost  uint64 // how many were dropped just before it
}

// New starts to write what it is given to out. Where lines had to be dropped, a line of
// that handler, which has to write to its argument, says how many.
func New(out io.Writer, handler func(io.Writer) slog.Handler) *Queue {
	q := &Queue{out: out, ended: make(chan struct{}), wake: make(chan struct{}, 1)}
	q.notices = slog.New(handler(writer(q.put)))
	go q.run()
	return q
}

// Dropped is how many lines didn't fit, or could not be written.
func (q *Queue) Dropped() uint64 { return q.dropped.Load() }

// Write takes one line, a copy of which it keeps.
func (q *Queue) Write(b []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.bytes+len(b) > room {
		q.lost++
		q.dropped.Add(1)
		return len(b), nil
	}
	q.waiting = append(q.waiting, line{append([]byte(nil), b...), q.lost})
	q.bytes += len(b)
	q.lost = 0
	q.rouse()
	return len(b), nil
}

// Close writes what waits and ends the goroutine, which it gives that long: it can't
// interrupt a write to a pipe that is full. It reports whether everything was written.
// What is written to the queue afterwards is dropped.
func (q *Queue) Close(within time.Duration) bool {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.rouse()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-q.ended:
		return true
	case <-late.C:
		return false
	}
}

// rouse wakes the goroutine up.
func (q *Queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default: // it will come by anyway
	}
}

func (q *Queue) run() {
	defer close(q.ended)
	for range q.wake {
		lines, lost, last := q.take()
		for len(lines) > 0 {
			for _, l := range lines {
				q.write(l)
			}
			lines, lost, last = q.take()
		}
		q.untold += lost
		q.tellLoss()
		if last {
			return
		}
	}
}

// take returns the lines that wait. If there are none it returns how many were lost
// since, and whether the queue is closed.
func (q *Queue) take() (lines []line, lost uint64, last bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines, q.waiting = q.waiting, nil
	if len(lines) == 0 {
		lost, q.lost = q.lost, 0
	}
	return lines, lost, q.closed
}

func (q *Queue) write(l line) {
	q.untold += l.lost
	q.tellLoss()
	if _, _ = q.put(l.bytes); q.failed { // its reader is gone, or the disk is full
		q.untold++
		q.dropped.Add(1)
	}
	q.mu.Lock()
	q.bytes -= len(l.bytes)
	q.mu.Unlock()
}

// tellLoss writes how many lines are missing at this place, as soon as that can be written.
func (q *Queue) tellLoss() {
	if q.untold == 0 {
		return
	}
	q.notices.Warn("log lines were dropped: they could not be written in time", "lines", q.untold)
	if !q.failed {
		q.untold = 0
	}
}

// put writes to the log itself.
func (q *Queue) put(b []byte) (int, error) {
	_, err := q.out.Write(b)
	q.failed = err != nil
	return len(b), err
}

type writer func([]byte) (int, error)

// Write implements io.Writer.
func (w writer) Write(b []byte) (int, error) { return w(b) }
