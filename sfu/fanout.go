package sfu

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"plenum/sfu/internal/transport"
)

// shareSize is how many packets a goroutine sends at least before another one is
// woken to help: what fills a Batch, so that splitting costs no system call more.
// Under load (1 to 100 viewers at 18,000 and 53,000 packets/s) 64 and 128 cost
// up to a fifth more CPU than 256 and 512 for no better latency. Below two shares,
// which is any room of some dozens, everything stays on the goroutine that received
// the packets.
const shareSize = 256

// fanout lets one big room use every core: a track's viewers are split over its
// workers, each with a Batch of its own. They are handed references to packets,
// never bytes, and the receiving goroutine waits for them, so that its buffers
// stay valid. A worker that is busy elsewhere is not waited for.
type fanout struct {
	shares  chan share
	workers int
	wg      sync.WaitGroup
}

// share is a part of one delivery.
type share struct {
	now     time.Duration
	arrived []arrival
	subs    []*Subscription
	sum     *sum
}

// sum adds up what the workers did for one delivery.
type sum struct {
	wg             sync.WaitGroup
	packets, bytes atomic.Uint64
}

// newFanout starts a worker for every core but one.
func newFanout(engine *transport.Engine) *fanout {
	f := &fanout{workers: runtime.GOMAXPROCS(0) - 1, shares: make(chan share)}
	for range f.workers {
		f.wg.Add(1)
		go f.work(engine.NewBatch())
	}
	return f
}

// close ends the workers. No delivery may be under way or follow.
func (f *fanout) close() {
	close(f.shares)
	f.wg.Wait()
}

func (f *fanout) work(out *transport.Batch) {
	defer f.wg.Done()
	for s := range f.shares {
		out.Begin(s.now)
		packets, bytes := s.push(out)
		out.Flush()
		s.sum.packets.Add(packets)
		s.sum.bytes.Add(bytes)
		s.sum.wg.Done()
	}
}

func (s *share) push(out *transport.Batch) (packets, bytes uint64) {
	for _, sub := range s.subs {
		p, b := sub.push(s.now, s.arrived, out)
		packets += p
		bytes += b
	}
	return packets, bytes
}

// deliver pushes the packets through all subscriptions, on this goroutine and
// on as many workers as the work is worth and are free.
func (f *fanout) deliver(whole share, out *transport.Batch) (packets, bytes uint64) {
	parts := min(len(whole.subs)*len(whole.arrived)/shareSize, f.workers+1)
	if parts <= 1 {
		return whole.push(out)
	}
	size := (len(whole.subs) + parts - 1) / parts
	rest := whole
	for len(rest.subs) > size {
		part := rest
		part.subs = rest.subs[len(rest.subs)-size:]
		whole.sum.wg.Add(1)
		select {
		case f.shares <- part:
			rest.subs = rest.subs[:len(rest.subs)-size]
			continue
		default: // all are busy
			whole.sum.wg.Done()
		}
		break
	}
	packets, bytes = rest.push(out)
	out.Flush()
	whole.sum.wg.Wait()
	return packets + whole.sum.packets.Swap(0), bytes + whole.sum.bytes.Swap(0)
}
