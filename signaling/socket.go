package signaling

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"plenum/signaling/protocol"
)

// Causes of a socket's end, for the log.
var (
	errSilent   = errors.New("nothing came from the client in time")
	errSlow     = errors.New("the client does not read fast enough")
	errTooLarge = errors.New("frame over the limit")
	errHuge     = errors.New("frame over any limit")
	errBinary   = errors.New("binary frame")
	errClosed   = errors.New("closed by the server")
	errFlood    = errors.New("too many control frames")
)

// frameOverhead is what a queued frame counts beside its bytes, so that many
// tiny ones fill the queue too.
const frameOverhead = 64

// Limits that depend on the session. A browser lists every codec that it has in every
// m-line: 3 to 6 kB each with the codecs of 2026.
const (
	bytesPerLine = protocol.MaxFrameLine
	// hugeMessage is the size of a message that no session may send, and whose end
	// is not waited for: 680 m-lines.
	hugeMessage = 8 << 20
)

// socket is one WebSocket: a bounded queue out and a loop in. Its methods never
// wait, but for serve.
type socket struct {
	ws     *websocket.Conn
	config *Config
	wake   chan struct{} // 1: the queue has something or a close is due
	done   chan struct{} // closed when the reader ends
	lines  atomic.Int64  // m-lines of the session, by which limits grow
	ending chan struct{} // closed once there is a cause

	mu        sync.Mutex
	queue     []frame
	queued    int   // bytes, overhead included
	cause     error // why it ends; nil while it is open
	closeCode int   // sent after the queue once the cause is set
}

func newSocket(ws *websocket.Conn, config *Config) *socket {
	return &socket{ws: ws, config: config, wake: make(chan struct{}, 1), done: make(chan struct{}), ending: make(chan struct{})}
}

// fate is what became of a frame that was to be sent.
type fate int

const (
	queued  fate = iota // it goes out, unless the connection breaks
	merged              // so it does, in place of one that was queued before
	dropped             // a `message` to a client that reads too slowly
	closed              // the connection has ended, perhaps over this frame
)

// send queues a frame. A client that lets the queue fill up is cut off, but not
// over what other clients say: a `message` may use only the first half of the
// queue, and is dropped beyond that. Of frames that tell the same state only the
// last waits.
func (c *socket) send(f frame) fate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return closed
	}
	found := queued
	if earlier, waits := c.withdrawLocked(f.state); waits {
		f, found = supersede(earlier, f), merged
	}
	after := c.queued + f.size()
	switch {
	case c.queued == 0: // even the largest frame may wait alone
	case f.kind == "message" && after > c.config.MaxQueueBytes/2:
		return dropped
	case after > c.config.MaxQueueBytes+int(c.lines.Load())*bytesPerLine:
		c.cutLocked(errSlow)
		return closed
	}
	c.pushLocked(f, f.size())
	return found
}

// withdrawLocked takes the frame of a state out of the queue. The one that takes
// its place goes to the end: a `quality` may name a track that the client learns
// of from a frame in between.
func (c *socket) withdrawLocked(state string) (f frame, found bool) {
	if state == "" {
		return frame{}, false
	}
	i := slices.IndexFunc(c.queue, func(f frame) bool { return f.state == state })
	if i < 0 {
		return frame{}, false
	}
	f = c.queue[i]
	c.queue = slices.Delete(c.queue, i, i+1)
	c.queued -= min(c.queued, f.size())
	return f, true
}

func (c *socket) pushLocked(f frame, size int) {
	c.queue = append(c.queue, f)
	c.queued += size
	c.signal()
}

// finish sends what waits, the last frame if it has data, and the close code,
// and gives the client a moment to answer. Only the first finish or cut counts;
// it reports whether this was it.
func (c *socket) finish(last frame, closeCode int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return false
	}
	if last.data != nil {
		c.pushLocked(last, len(last.data))
	}
	c.endLocked(errClosed)
	c.closeCode = closeCode
	c.signal()
	_ = c.ws.SetReadDeadline(time.Now().Add(c.config.CloseTimeout))
	return true
}

// cutLocked ends the socket without a word. It only wakes the reader, which then closes
// the connection: over TLS a close may wait for a peer that does not read.
func (c *socket) cutLocked(cause error) {
	c.endLocked(cause)
	_ = c.ws.SetReadDeadline(time.Unix(1, 0))
}

func (c *socket) cut(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cutLocked(cause)
}

func (c *socket) signal() {
	select {
	case c.wake <- struct{}{}:
	default: // the writer has yet to look at what was there before
	}
}

// alive gives the client another PingTimeout, and reports whether the socket is open.
func (c *socket) alive() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		return false // the closing deadline stands
	}
	_ = c.ws.SetReadDeadline(time.Now().Add(c.config.PingTimeout))
	return true
}

// unsent takes from the queue the frames of one kind that have not been written.
func (c *socket) unsent(kind string) []frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found, rest []frame
	for _, f := range c.queue {
		if f.kind == kind {
			found = append(found, f)
		} else {
			rest = append(rest, f)
		}
	}
	c.queue = rest
	return found
}

// serve reads until the connection ends and passes every message to receive,
// or the reason why there is none. It returns the cause once reader and writer
// have both ended. allow takes one control frame from the client's budget.
func (c *socket) serve(allow func() bool, receive func([]byte, error)) error {
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write()
	}()
	control := func() bool {
		open := c.alive()
		if open && !allow() {
			receive(nil, errFlood)
		}
		return open
	}
	pong := c.ws.PingHandler()
	c.ws.SetPingHandler(func(data string) error {
		if !control() {
			return nil
		}
		return pong(data)
	})
	c.ws.SetPongHandler(func(string) error {
		control()
		return nil
	})
	cause := c.settle(c.read(receive))
	close(c.done)
	_ = c.ws.Close() // frees a writer that is stuck
	<-written
	return cause
}

// settle makes err the cause if there is none yet: nothing is queued from then on.
func (c *socket) settle(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.endLocked(err)
	return c.cause
}

// endLocked makes cause the cause if there is none yet.
func (c *socket) endLocked(cause error) {
	if c.cause == nil {
		c.cause = cause
		close(c.ending)
	}
}

// pause lets the client wait: nothing of it is read for a while. It reports false if the
// socket ended meanwhile.
func (c *socket) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ending:
		return false
	}
}

// read returns why nothing more comes. A panic over one client's message is such a
// reason too, and must not be everyone's.
func (c *socket) read(receive func([]byte, error)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanicError(p)
		}
	}()
	for c.alive(); ; {
		kind, r, err := c.ws.NextReader()
		if err != nil {
			return readError(err)
		}
		if !c.alive() {
			continue // closing: what still comes is discarded
		}
		data, err := c.message(r)
		switch {
		case errors.Is(err, errTooLarge), errors.Is(err, errHuge):
			receive(nil, err)
		case err != nil:
			return readError(err)
		case kind != websocket.TextMessage:
			receive(nil, errBinary)
		default:
			receive(data, nil)
		}
		c.alive() // however long that took, it was not the client's silence
	}
}

// limit is the size that a message of the client may have, in bytes.
func (c *socket) limit() int {
	return min(c.config.MaxMessageBytes+int(c.lines.Load())*bytesPerLine, hugeMessage)
}

// message reads one message. Of one over the limit the rest is read and thrown away; not
// even that of one that is huge, which the next turn discards while the error
// reaches the client.
func (c *socket) message(r io.Reader) ([]byte, error) {
	limit := c.limit()
	from := &progress{c, r}
	data, err := io.ReadAll(io.LimitReader(from, int64(limit)+1))
	if err != nil || len(data) <= limit {
		return data, err
	}
	rest, err := io.Copy(io.Discard, io.LimitReader(from, int64(hugeMessage-limit)))
	switch {
	case err != nil:
		return nil, err
	case rest == int64(hugeMessage-limit):
		return nil, errHuge
	}
	return nil, errTooLarge
}

// panicError is a bug that a client's message met.
type panicError struct {
	value any
	stack []byte
}

func newPanicError(value any) *panicError { return &panicError{value, debug.Stack()} }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// readError names the timeout, which is the server's own doing.
func readError(err error) error {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errSilent
	}
	return err
}

// progress counts every piece of a large message as a sign of life: a pong can't
// overtake it.
type progress struct {
	socket *socket
	from   io.Reader
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.from.Read(b)
	if n > 0 {
		p.socket.alive()
	}
	return n, err
}

// write sends the queue and the pings until the socket ends.
func (c *socket) write() {
	ping := time.NewTicker(c.config.PingInterval)
	defer ping.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-ping.C:
			if err := c.ws.WriteControl(websocket.PingMessage, nil, c.writeDeadline()); err != nil {
				c.cut(err)
				return
			}
		case <-c.wake:
			err := c.flush()
			if errors.Is(err, errClosed) {
				return // the reader waits for the client's close frame
			}
			if err != nil {
				c.cut(err)
				return
			}
		}
	}
}

func (c *socket) writeDeadline() time.Time { return time.Now().Add(c.config.WriteTimeout) }

// flush writes one frame after the other, so that what it has not come to can
// still be taken by unsent, and then the close frame if one is due: it returns
// errClosed after that.
func (c *socket) flush() error {
	for {
		f, closeCode, ok := c.next()
		switch {
		case ok:
			_ = c.ws.SetWriteDeadline(c.writeDeadline())
			if err := c.ws.WriteMessage(websocket.TextMessage, f.data); err != nil {
				return err
			}
		case closeCode != 0:
			data := websocket.FormatCloseMessage(closeCode, "")
			if err := c.ws.WriteControl(websocket.CloseMessage, data, c.writeDeadline()); err != nil {
				return err
			}
			return errClosed
		default:
			return nil
		}
	}
}

// next takes the first frame of the queue.
func (c *socket) next() (f frame, closeCode int, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.queue = nil // gives back what a burst made it grow to
		return frame{}, c.closeCode, false
	}
	f = c.queue[0]
	c.queue[0] = frame{}
	c.queue = c.queue[1:]
	c.queued -= min(c.queued, f.size())
	return f, 0, true
}
