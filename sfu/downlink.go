package sfu

import (
	"sync"
	"time"

	"plenum/sfu/internal/bwe"
	"plenum/sfu/internal/repair"
	"plenum/sfu/internal/transport"
)

// unlimited is the budget of a viewer who gives no feedback to estimate from.
const unlimited = 1 << 40

const (
	// fallTold and riseTold are the changes of the estimate for which the
	// viewer's loop is woken; the rest it sees when it looks by itself.
	fallTold, riseTold = 0.97, 1.05
	// minuteSamples is how much history an explanation has, in seconds.
	minuteSamples = 60
)

// downlink is what is known of the path to one viewer. Its mutex guards the
// estimator, which the viewer's loop asks and whoever receives the viewer's
// feedback feeds; under it only the peer's log is taken, behind a leaf lock.
type downlink struct {
	mu        sync.Mutex
	estimator *bwe.Estimator // nil while the viewer isn't asked for feedback
	sent      []transport.Sent
	told      budget // what the loop acted on
	probe     bwe.Probe
	hasProbe  bool          // to be sent by the loop
	heard     bool          // feedback came: the estimate means something
	began     time.Duration // when the first packet left that feedback should come for
	watch     repair.Watch  // of what is lost and not asked for
	redundant repair.Redundancy
	carried   uint8 // what the loop acted on
}

// deafAfter is how long a client may give no feedback though it promised to. Then
// it counts as one that gives none: a start rate for good would be worse.
const deafAfter = 3 * time.Second

// begin starts to estimate, where that hasn't begun.
func (d *downlink) begin() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.estimator == nil {
		d.estimator = bwe.New(bwe.Config{})
	}
}

// renew forgets what was learned of a path that is no more. An estimate that was kept
// over an outage stays: half of it, with a probe beside it, is the better start.
func (d *downlink) renew(now time.Duration, peer *transport.Peer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.estimator == nil || d.estimator.Outage(now) || d.estimator.Returning(now) {
		return
	}
	d.sent = peer.TakeSent(d.sent)[:0]
	d.estimator = bwe.New(bwe.Config{})
	d.told, d.hasProbe, d.heard, d.began = budget{}, false, false, 0
	d.watch = repair.Watch{}
}

// feedback takes a viewer's feedback and reports whether its loop should look.
func (d *downlink) feedback(now time.Duration, peer *transport.Peer, arrivals []bwe.Arrival) (look bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.estimator
	if e == nil {
		return false
	}
	d.drain(peer)
	congested := e.Congested() || e.Target(now) < redundantRate
	for i := range arrivals {
		left, ok := d.watch.Feedback(now, arrivals[i].Sequence, arrivals[i].Received)
		if ok && !congested { // to send more helps nobody whose link is full
			d.redundant.Packet(now, left, arrivals[i].Received)
		}
	}
	e.Feedback(now, arrivals)
	first := !d.heard
	d.heard = true
	b := budget{send: e.Sustained(now), pace: e.Target(now)}
	carry := d.redundant.Mask(now, maxCopies) != d.carried
	return d.seekProbe(now) || first || carry || moved(d.told.send, b.send) || moved(d.told.pace, b.pace)
}

// moved reports whether the loop should hear of a rate.
func moved(told, rate uint64) bool {
	return float64(rate) < fallTold*float64(told) || float64(rate) > riseTold*float64(told)
}

// drain tells the estimator what left since the last time.
func (d *downlink) drain(peer *transport.Peer) {
	d.sent = peer.TakeSent(d.sent)
	for i := range d.sent {
		s := &d.sent[i]
		if s.Probe == 0 {
			d.watch.Sent(s.Sequence, repair.Left{At: s.At, SSRC: s.SSRC, Number: s.Number})
		}
		if s.Repair {
			d.estimator.Resent(s.At, s.Sequence, int(s.Size))
			continue
		}
		d.estimator.Sent(s.At, s.Sequence, int(s.Size), s.Probe)
	}
	if d.began == 0 && len(d.sent) > 0 {
		d.began = d.sent[0].At
	}
}

const (
	// maxCopies is how often a packet of sound is carried once more at most.
	maxCopies = 2
	// redundantShare is the share of the estimate that they may take, all in all.
	redundantShare = 0.25
	// redundantRate is the estimate, in bit/s, below which losses say that the link is full.
	redundantRate = 200_000
)

// redundancy is which packets before it each packet of sound should carry once more, where
// the room's sound takes so many bit/s.
func (d *downlink) redundancy(now time.Duration, audio, send uint64) uint8 {
	affordable := maxCopies
	if send != unlimited && audio > 0 {
		affordable = int(min(redundantShare*float64(send)/float64(audio), maxCopies))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.carried = d.redundant.Mask(now, maxCopies)
	return d.redundant.Mask(now, affordable)
}

// reported takes the share of packets of sound that the viewer says it lost lately. Where
// there is transport-wide feedback that says more, and sooner.
func (d *downlink) reported(share float64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.heard {
		d.redundant.Report(share)
	}
}

// unasked appends to dst what the viewer lost and had the time to ask for.
func (d *downlink) unasked(now time.Duration, dst []repair.Left) []repair.Left {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.estimator == nil {
		return dst
	}
	return d.watch.Due(now, d.estimator.Latest(), dst)
}

// seekProbe asks whether a probe is due.
func (d *downlink) seekProbe(now time.Duration) bool {
	if d.hasProbe {
		return false
	}
	d.probe, d.hasProbe = d.estimator.Probe(now)
	return d.hasProbe
}

// budget is what may be sent to a viewer, in bit/s. While a queue stands in the
// network, pace is less than send until it is empty: layers are chosen for what the
// path carries, and what doesn't leave meanwhile waits with us, where audio passes it.
// Until anything speaks against it, credit may be sent whatever the estimate is.
type budget struct {
	send, pace, credit uint64
	stand              int  // bytes that stand in the network, where that is news
	outage             bool // nothing comes from the client: nothing reaches it either
}

// mostCredit, in bit/s, lets one picture begin at once that has no small layer, or the
// small layers of a room: to wait for probes would take most of a second, or more
// where nothing else is sent. A thin link answers within a few hundred milliseconds.
const mostCredit = 2_500_000

// budget is what may be sent now; heard is false where that isn't an estimate but
// the lack of one.
func (d *downlink) budget(now time.Duration, peer *transport.Peer) (b budget, heard bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.estimator == nil {
		return budget{send: unlimited, pace: unlimited}, false
	}
	d.drain(peer)
	d.estimator.Alive(now, peer.Heard())
	if !d.heard && d.began > 0 && now-d.began > deafAfter {
		return budget{send: unlimited, pace: unlimited}, false
	}
	d.told = budget{send: d.estimator.Sustained(now), pace: d.estimator.Target(now), stand: d.estimator.TakeStanding(), outage: d.estimator.Outage(now)}
	if d.estimator.Fresh() {
		d.told.credit = mostCredit
	}
	return d.told, d.heard
}

// demand tells what the allocation would send if it could. It returns a probe
// that the loop should send now, if it may, and when to look again.
func (d *downlink) demand(now time.Duration, bits, next uint64, mayProbe bool) (probe bwe.Probe, ok bool, at time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.estimator == nil {
		return bwe.Probe{}, false, never
	}
	d.estimator.Demand(now, bits, next)
	if !mayProbe {
		return bwe.Probe{}, false, now + padAfter/4
	}
	d.seekProbe(now)
	probe, ok, d.hasProbe = d.probe, d.hasProbe, false
	at, again := d.estimator.Next(now)
	if !again {
		at = never
	}
	return probe, ok, at
}

// measured takes a round-trip time.
func (d *downlink) measured(now, rtt time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.estimator != nil {
		d.estimator.RTT(now, rtt)
	}
}

// latest is how long it takes now until a packet is known to have arrived, queues
// on the way included; 0 where that isn't known.
func (d *downlink) latest() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.estimator == nil {
		return 0
	}
	return d.estimator.Latest()
}

// state is all that can be read of the estimator; ok is false where there is none.
func (d *downlink) state() (s bwe.State, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.estimator == nil {
		return s, false
	}
	return d.estimator.State(), true
}

// minute is a ring of samples of the last minute. It belongs to the viewer's loop.
type minute struct {
	samples []sample // grows to minuteSamples
	next    int      // the oldest, once it has
}

// sample is one second.
type sample struct {
	at                         time.Duration
	target, acknowledged, sent uint64
	queue, rtt                 time.Duration
	loss                       float64
}

func (m *minute) add(now time.Duration, s *bwe.State) {
	newest := sample{now, s.Target, s.Acknowledged, s.Sent, s.Queue, s.RTT, s.Loss}
	if len(m.samples) < minuteSamples {
		m.samples = append(m.samples, newest)
		return
	}
	m.samples[m.next] = newest
	m.next = (m.next + 1) % minuteSamples
}

// since lists the samples, oldest first.
func (m *minute) since(now time.Duration) []Sample {
	list := make([]Sample, 0, len(m.samples))
	for i := range m.samples {
		s := &m.samples[(m.next+i)%len(m.samples)]
		list = append(list, Sample{
			Ago: milliseconds(now - s.at), Target: s.target, Acknowledged: s.acknowledged, Sent: s.sent,
			Queue: milliseconds(s.queue), Loss: s.loss, RTT: milliseconds(s.rtt),
		})
	}
	return list
}
