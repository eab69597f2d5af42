package main

import (
	"context"
	"log/slog"
	"math"
	"runtime"
	"time"

	"plenum/sfu/stat"
)

// A Go program with idle processors pays for them: whenever a goroutine becomes
// ready, a second thread is woken to look for work, finds none and sleeps again.
// A media server wakes for every frame, so at low load that is a quarter of its
// CPU time. So the runtime gets as many processors as the load needs (what
// runtime.GOMAXPROCS sets), all at once when it rises, fewer only after a calm.

const (
	// sampleInterval is how often the load is looked at: how long a sudden rise
	// may meet too few processors.
	sampleInterval = 100 * time.Millisecond
	// calmSamples is for how long fewer must have done before there are fewer.
	calmSamples = 10
	// busy is the share of the processors' time in use beyond which all others
	// are called in; roomy is the share that what is left may be in use for some
	// to be let go. Far apart, so that no load lies between going and coming.
	busy, roomy = 0.6, 0.4
	// Batches that leave later than tooLate after their packets arrived, in
	// seconds, ask for one more processor, for a big room's frame is sent by as
	// many as there are. As long as some leave later than inTime, half of that, nobody
	// goes: from two processors to one is the largest step there is.
	tooLate, inTime       = 0.005, 0.0025
	lateShare, timelyRest = 0.1, 0.05
)

// processors decides how many there are to be.
type processors struct {
	most, now int
	calm      int // samples in a row in which fewer would have done
	need      int // how many these would have needed
}

// loadSample is what one interval saw.
type loadSample struct {
	load           float64 // CPU seconds in a second
	batches        uint64  // sent
	late, veryLate uint64  // of these, later than inTime and tooLate
}

// next takes a sample and returns how many processors there are to be.
func (p *processors) next(s loadSample) int {
	share := func(n uint64) float64 { return float64(n) / max(float64(s.batches), 1) }
	need := max(int(math.Ceil(s.load/roomy)), 1)
	switch {
	case s.load > busy*float64(p.now):
		p.now, p.calm = p.most, 0
	case share(s.veryLate) > lateShare:
		p.now, p.calm = min(p.now+1, p.most), 0
	case need >= p.now || share(s.late) > timelyRest:
		p.calm = 0
	default:
		if p.calm == 0 {
			p.need = need
		}
		p.need = max(p.need, need)
		if p.calm++; p.calm >= calmSamples {
			p.now, p.calm = p.need, 0
		}
	}
	return p.now
}

// latenessOf is the part of a sample that a histogram of latencies tells.
func latenessOf(now, before stat.HistogramSnapshot) (s loadSample) {
	s.batches = now.Count - before.Count
	for i, n := range now.Counts {
		n -= before.Counts[i]
		if i > 0 && now.Bounds[i-1] >= inTime {
			s.late += n
		}
		if i > 0 && now.Bounds[i-1] >= tooLate {
			s.veryLate += n
		}
	}
	return s
}

// followLoad sets the number of processors until ctx is done, and then all that
// there were. latency is of the batches that the engine has sent.
func followLoad(ctx context.Context, latency func() stat.HistogramSnapshot, log *slog.Logger) {
	most := runtime.GOMAXPROCS(0)
	used, ok := cpuTime()
	if most == 1 || !ok {
		return
	}
	defer runtime.GOMAXPROCS(most)
	p := &processors{most: most, now: most}
	ticker := time.NewTicker(sampleInterval)
	defer ticker.Stop()
	at, sent := time.Now(), latency()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		nowUsed, _ := cpuTime()
		now, nowSent := time.Now(), latency()
		s := latenessOf(nowSent, sent)
		s.load = (nowUsed - used).Seconds() / max(now.Sub(at).Seconds(), sampleInterval.Seconds()/2)
		used, at, sent = nowUsed, now, nowSent
		before := p.now
		if n := p.next(s); n != before {
			runtime.GOMAXPROCS(n)
			log.Debug("processors", "count", n, "load", s.load, "late", s.late, "batches", s.batches)
		}
	}
}
