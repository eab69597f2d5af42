package main

import (
	"encoding/binary"
	"sync/atomic"
	"time"
)

// clock tells the time since the program's start, by which stamps and arrivals
// are compared: both ends are in this process.
type clock struct{ start time.Time }

func (c clock) now() time.Duration { return time.Since(c.start) }

// window is the steady part of a run: packets sent within it are counted. It is
// set before it begins, so that both ends agree on each packet.
type window struct{ from, to atomic.Int64 } // nanoseconds of the clock

func (w *window) set(from, to time.Duration) {
	w.from.Store(int64(from))
	w.to.Store(int64(to))
}

func (w *window) contains(at time.Duration) bool {
	return int64(at) >= w.from.Load() && int64(at) < w.to.Load()
}

// stamp is what every packet carries in the last bytes of its payload.
type stamp struct {
	flow    uint32
	counter uint64        // of the packets of this flow, from 0
	sent    time.Duration // by the clock
}

const (
	stampSize  = 24
	stampMagic = 0x506c4c64 // "PlLd"
)

// put writes the stamp into the last bytes of payload, which must have room.
func (s stamp) put(payload []byte) {
	b := payload[len(payload)-stampSize:]
	binary.BigEndian.PutUint32(b, stampMagic)
	binary.BigEndian.PutUint32(b[4:], s.flow)
	binary.BigEndian.PutUint64(b[8:], s.counter)
	binary.BigEndian.PutUint64(b[16:], uint64(s.sent)) //nolint:gosec // not negative
}

// readStamp reads what put wrote.
func readStamp(payload []byte) (s stamp, ok bool) {
	if len(payload) < stampSize {
		return s, false
	}
	b := payload[len(payload)-stampSize:]
	if binary.BigEndian.Uint32(b) != stampMagic {
		return s, false
	}
	s.flow = binary.BigEndian.Uint32(b[4:])
	s.counter = binary.BigEndian.Uint64(b[8:])
	s.sent = time.Duration(binary.BigEndian.Uint64(b[16:])) //nolint:gosec // as put
	return s, true
}

// flow is one stream of packets that one publisher sends: a microphone, or one
// layer of a camera.
type flow struct {
	id        uint32
	simulcast bool // a viewer gets this one or another layer

	counter uint64        // of the publisher's goroutine
	sent    atomic.Uint64 // packets within the window
}

// next stamps the next packet.
func (f *flow) next(payload []byte, now time.Duration, w *window) {
	stamp{f.id, f.counter, now}.put(payload)
	f.counter++
	if w.contains(now) {
		f.sent.Add(1)
	}
}
