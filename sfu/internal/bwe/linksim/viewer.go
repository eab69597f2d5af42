package linksim

import (
	"time"

	"plenum/sfu/internal/bwe"
)

const (
	frameInterval = time.Second / 30
	audioInterval = 20 * time.Millisecond
	audioPacket   = 120  // bytes on the wire: 48 kbit/s
	videoPacket   = 1200 // likewise
	audioRate     = audioPacket * 8 * 50
)

// Viewer describes one viewer and what is sent to it.
type Viewer struct {
	Config  bwe.Config
	From    time.Duration // joins
	Demand  []Step        // what is wanted in all, over time
	Layers  []uint64      // video rates to choose from, ascending, where it isn't sent at any rate
	Noise   float64       // frame sizes vary by up to this share
	Key     float64       // size of a keyframe by a frame's, at each step up; 0 = 1
	Pace    float64       // frames are spread to at most this × the target; 0 = sent as one burst
	Report  time.Duration // interval of feedback; 0 = 100 ms
	Repair  bool          // what is lost is sent again after a round trip
	NoRTT   bool          // nobody measures the round-trip time
	Clock   time.Duration // the receiver's clock at the start
	ClockAt time.Duration // when, if not 0, it is set to
	ClockTo time.Duration // this
	Observe func(now time.Duration, e *bwe.Estimator)
	Unheard bool // no feedback covers the sound

	// Allocate replaces the choice by Demand and Layers, where set: it is called
	// for each frame with the target and returns the rate of all that is sent,
	// after telling the estimator the demand.
	Allocate func(now time.Duration, e *bwe.Estimator) (bits uint64)
}

// Watcher is a viewer of a run, and what became of the packets sent to it.
type Watcher struct {
	Viewer
	Estimator *bwe.Estimator
	Trace     Trace

	sim      *Sim
	sequence uint16
	packets  int
	wake     time.Duration
	sending  float64 // video rate of the last frame

	// receiver
	arrivals []bwe.Arrival // between the last feedback's end and the newest received
	base     uint16
}

// Watch adds a viewer to the run.
func (s *Sim) Watch(v Viewer) *Watcher {
	if v.Report == 0 {
		v.Report = 100 * time.Millisecond
	}
	if v.Key == 0 {
		v.Key = 1
	}
	w := &Watcher{Viewer: v, Estimator: bwe.New(v.Config), sim: s, sequence: 65000, base: 65000}
	s.At(v.From, w.frame)
	s.At(v.From, w.audio)
	s.At(v.From+v.Report, w.report)
	return w
}

// frame sends the video of one frame interval.
func (w *Watcher) frame() {
	now := w.sim.now
	rate, grew := w.choose(now)
	bytes := rate / 8 * frameInterval.Seconds() * (1 + w.Noise*(2*w.sim.chance.float()-1))
	if grew {
		bytes *= w.Key
	}
	at := now
	pace := w.Pace * float64(w.Estimator.Target(now))
	for left := int(bytes); left > 0; left -= videoPacket {
		size := max(60, min(left, videoPacket))
		w.sim.At(at, func() { w.send(size, 0) })
		if pace > 0 {
			at += time.Duration(float64(size*8) / pace * float64(time.Second))
		}
	}
	if w.Observe != nil {
		w.Observe(now, w.Estimator)
	}
	w.sim.At(now+frameInterval, w.frame)
}

// choose is the rate of video to send, and whether it took a step up.
func (w *Watcher) choose(now time.Duration) (rate float64, grew bool) {
	before := w.sending
	if w.Allocate != nil {
		w.sending = max(0, float64(w.Allocate(now, w.Estimator))-audioRate)
		return w.sending, w.sending > 1.3*before
	}
	demand := at(w.Demand, now)
	target := w.Estimator.Target(now)
	if len(w.Layers) == 0 {
		w.Estimator.Demand(now, demand, 0)
		w.sending = max(0, float64(min(target, demand))-audioRate)
		return w.sending, false
	}
	chosen, next, all := uint64(0), uint64(0), uint64(audioRate)
	for i, layer := range w.Layers {
		with := layer + audioRate
		if with > demand && i > 0 {
			break
		}
		all = with
		if with <= target || i == 0 {
			chosen = layer
		} else if next == 0 {
			next = with
		}
	}
	w.Estimator.Demand(now, all, next)
	w.sending = float64(chosen)
	return w.sending, w.sending > before
}

// at is a step function's value.
func at(steps []Step, now time.Duration) (rate uint64) {
	for _, s := range steps {
		if now < s.At {
			break
		}
		rate = s.Rate
	}
	return rate
}

func (w *Watcher) audio() {
	if w.Unheard {
		w.sim.link.send(w.sim.now, audioPacket)
	} else {
		w.send(audioPacket, 0)
	}
	w.sim.At(w.sim.now+audioInterval, w.audio)
}

// send sends one packet now and then sees whether a probe is wanted.
func (w *Watcher) send(size int, probe uint8) { w.transmit(size, probe, false) }

func (w *Watcher) transmit(size int, probe uint8, repair bool) {
	now := w.sim.now
	sequence := w.sequence
	w.sequence++
	w.packets++
	if repair {
		w.Estimator.Resent(now, sequence, size)
	} else {
		w.Estimator.Sent(now, sequence, size, probe)
	}
	arrival, queued, ok := w.sim.link.send(now, size)
	w.Trace.sent(now, size, probe != 0)
	if ok {
		w.Trace.queued(now, queued)
		w.sim.At(arrival, func() { w.receive(sequence, size, probe) })
	} else if w.Repair && probe == 0 && !repair {
		w.sim.At(now+w.sim.link.Delay+w.sim.link.Back, func() { w.transmit(size, 0, true) })
	}
	w.Poll()
}

// Poll asks the estimator for a probe and when to ask again.
func (w *Watcher) Poll() {
	now := w.sim.now
	if p, ok := w.Estimator.Probe(now); ok {
		w.pad(p)
	}
	next, ok := w.Estimator.Next(now)
	if !ok || w.wake > now && w.wake <= next {
		return
	}
	next = max(next, now+time.Millisecond)
	w.wake = next
	w.sim.At(next, w.Poll)
}

// pad sends a probe's packets at its rate.
func (w *Watcher) pad(p bwe.Probe) {
	size := min(videoPacket, max(p.Bytes/5, 200))
	interval := time.Duration(float64(size*8) / float64(p.Rate) * float64(time.Second))
	at := w.sim.now
	for sent := 0; sent < p.Bytes; sent += size {
		w.sim.At(at, func() { w.send(size, p.ID) })
		at += interval
	}
}

func (w *Watcher) receive(sequence uint16, size int, probe uint8) {
	now := w.sim.now
	w.Trace.received(now, size, probe != 0)
	i := int(int16(sequence - w.base))
	if i < 0 {
		return
	}
	for len(w.arrivals) <= i {
		w.arrivals = append(w.arrivals, bwe.Arrival{Sequence: w.base + uint16(len(w.arrivals))})
	}
	clock := w.Clock + now
	if w.ClockAt > 0 && now >= w.ClockAt {
		clock = w.ClockTo + now - w.ClockAt
	}
	clock = clock / (250 * time.Microsecond) * (250 * time.Microsecond) // the format's resolution
	w.arrivals[i] = bwe.Arrival{Sequence: sequence, Received: true, At: clock}
}

// report sends what arrived since the last time back to the server.
func (w *Watcher) report() {
	w.sim.At(w.sim.now+w.Viewer.Report, w.report)
	if len(w.arrivals) == 0 {
		return
	}
	f := w.arrivals
	w.base += uint16(len(f))
	w.arrivals = make([]bwe.Arrival, 0, len(f)+16)
	if w.sim.link.BackLoss > 0 && w.sim.chance.float() < w.sim.link.BackLoss {
		return
	}
	sent := w.sim.now
	w.sim.At(sent+w.sim.link.Back, func() {
		if !w.NoRTT {
			w.Estimator.RTT(w.sim.now, w.sim.link.Delay+w.sim.link.Back)
		}
		w.Estimator.Feedback(w.sim.now, f)
		w.Poll()
	})
}

// Packets is how many were sent that feedback covers.
func (w *Watcher) Packets() int { return w.packets }
