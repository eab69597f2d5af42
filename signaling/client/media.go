package client

import (
	"context"
	"encoding/binary"
	"time"
)

// Every packet of scripted media that has room ends in a stamp: who counts and
// when it was sent.
const (
	stampSize  = 20
	stampMagic = 0x506c6e6d // "Plnm"
)

// putStamp writes into the last bytes of b, which must have room.
func putStamp(b []byte, counter uint64, sent time.Time) {
	b = b[len(b)-stampSize:]
	binary.BigEndian.PutUint32(b, stampMagic)
	binary.BigEndian.PutUint64(b[4:], counter)
	binary.BigEndian.PutUint64(b[12:], uint64(sent.UnixNano()))
}

// Stamp reads what scripted media wrote at the end of an RTP payload: the
// packet's number within its layer and when it was sent (Unix nanoseconds).
func Stamp(payload []byte) (counter uint64, sent int64, ok bool) {
	if len(payload) < stampSize {
		return 0, 0, false
	}
	b := payload[len(payload)-stampSize:]
	if binary.BigEndian.Uint32(b) != stampMagic {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(b[4:]), int64(binary.BigEndian.Uint64(b[12:])), true
}

// maxCatchUp bounds how much media a source that was held up sends at once.
const maxCatchUp = time.Second

// pace calls step(0), step(1), … until ctx ends: step(n) is due n intervals after
// the start. A late step is made up for, so that the rate holds on a busy
// machine; more than maxCatchUp is skipped, n with it.
func pace(ctx context.Context, interval time.Duration, step func(n uint64, now time.Time)) {
	start := time.Now()
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	step(0, start)
	next := uint64(1)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := time.Now()
		due := uint64(now.Sub(start) / interval)
		if behind := uint64(maxCatchUp / interval); due > next+behind {
			next = due - behind
		}
		for ; next <= due; next++ {
			step(next, now)
		}
	}
}
