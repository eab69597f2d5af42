package alloc

import (
	"math"
	"time"
)

const (
	startSpan    = 5 * time.Second  // StartHold applies for so long after the first video
	failWindow   = 30 * time.Second // a raise taken back so soon has failed; twice that after a failure
	firstBackoff = 5 * time.Second
	backoffStep  = 3
	pardon       = 2 * time.Minute // without a failure: one is forgotten
	collapse     = 0.6             // a budget below this share of the total shows a worse link, not a failure
	collapseSpan = 2 * time.Second // further cuts so soon belong to it: the queue that it left has yet to drain
	nearFailure  = 0.75            // of the total that failed: below, failures don't count
	farAbove     = 1.5             // of that total: a budget so high shows a better link; squared and cubed where one didn't
	mostFooled   = 2               // times that one didn't, that count
	moreHeadroom = 0.10            // for each failure
	mostFailures = 3               // that count so
	peakShare    = 0.5             // of peaks counts for raises; all of it after a failure
	modestShare  = 0.8             // of the budget that was there for modestSpan
	modestSpan   = 2500 * time.Millisecond
	windowSize   = 64
)

// hold says what budget raises may count on.
type hold struct {
	config Config
	window window

	startAt  time.Duration
	started  bool
	raisedAt time.Duration
	hasRaise bool // one that hasn't failed yet
	cutAt    time.Duration
	hasCut   bool

	collapsedAt  time.Duration // when the budget broke in
	hasCollapsed bool

	backoff  time.Duration // 0 if there was no failure lately
	failedAt time.Duration
	failed   float64       // the total that failed
	failures int           // not forgotten yet
	pardonAt time.Duration // when the last was forgotten or added
	lifted   bool          // the link has become better: none of that counts
	fooled   int           // how often it had not
}

func newHold(c Config) hold { return hold{config: c} }

func (h *hold) push(now time.Duration, budget float64) {
	h.window.push(now, budget)
	if h.backoff > 0 && now-h.pardonAt >= pardon {
		h.pardonAt = now
		h.failures = max(h.failures-1, 0)
		if h.backoff /= backoffStep; h.failures == 0 {
			h.backoff, h.lifted, h.fooled = 0, false, 0
		}
	}
	if h.wary() && h.window.least(now-h.span(now)) >= h.far() {
		h.lifted = true
	}
}

// wary reports whether a limit that showed lately counts.
func (h *hold) wary() bool { return h.backoff > 0 && !h.lifted }

// start notes that there is video to send.
func (h *hold) start(now time.Duration) {
	if !h.started {
		h.started, h.startAt = true, now
	}
}

// span is how long the budget must have allowed a raise.
func (h *hold) span(now time.Duration) time.Duration {
	if !h.started || now-h.startAt < startSpan {
		return min(h.config.StartHold, h.config.Hold)
	}
	return h.config.Hold
}

// allowed is the cost up to which raises may go now.
func (h *hold) allowed(now time.Duration) float64 {
	cost := h.window.least(now-h.span(now)) / h.config.Headroom
	if !h.wary() {
		return cost
	}
	near := h.window.least(now-max(h.backoff, h.span(now))) / h.caution()
	return max(min(cost, nearFailure*h.failed), near)
}

// modest is the cost up to which what is paused returns, whatever failed before: nobody
// sees nothing for long where it leaves a fifth of the budget unused.
func (h *hold) modest(now time.Duration) float64 {
	return modestShare * h.window.least(now-modestSpan)
}

// need is the budget that raising to a cost takes.
func (h *hold) need(cost float64) float64 {
	if !h.wary() || cost <= nearFailure*h.failed {
		return cost * h.config.Headroom
	}
	return cost * h.caution()
}

// release is the budget that shows that a limit is gone, 0 where raising to a
// cost doesn't wait for one. An estimator that only probed for the cost itself would
// never find out: near the limit, that much is there and isn't believed.
func (h *hold) release(cost float64) float64 {
	if !h.wary() || cost <= nearFailure*h.failed {
		return 0
	}
	return h.far()
}

// far is the budget that shows a better link than the one where a total failed. An
// estimate that did so and was wrong (a shaper's bucket fools probes) has the next
// show more: were none believed, a link that becomes wide would not be for long.
func (h *hold) far() float64 { return h.failed * math.Pow(farAbove, float64(1+h.fooled)) }

// caution is the headroom near the total that failed.
func (h *hold) caution() float64 {
	return h.config.Headroom + moreHeadroom*float64(h.failures)
}

// peaks is how much of the peaks of bitrates raises count.
func (h *hold) peaks() float64 {
	if h.wary() {
		return 1
	}
	return peakShare
}

// forcedAt reports whether a cut was so recent that nothing is raised yet.
func (h *hold) forcedAt(now time.Duration) bool { return h.hasCut && now-h.cutAt < h.span(now) }

func (h *hold) raised(now time.Duration) { h.raisedAt, h.hasRaise = now, true }

// cut notes that total didn't fit budget.
func (h *hold) cut(now time.Duration, total, budget float64) {
	h.cutAt, h.hasCut = now, true
	window := failWindow
	if h.failures > 0 {
		window *= 2
	}
	if budget < collapse*total {
		h.collapsedAt, h.hasCollapsed = now, true
		return
	}
	if h.hasCollapsed && now-h.collapsedAt < collapseSpan {
		return
	}
	if h.hasRaise && now-h.raisedAt <= window {
		h.hasRaise = false // further cuts belong to this failure
		h.failures = min(h.failures+1, mostFailures)
		h.backoff *= backoffStep
		if h.lifted {
			h.fooled = min(h.fooled+1, mostFooled)
		}
	}
	h.lifted = false
	h.backoff = min(max(h.backoff, firstBackoff), h.config.MaxBackoff)
	h.failed, h.failedAt, h.pardonAt = total, now, now
}

// next is when allowed or forcedAt change next, by time alone.
func (h *hold) next(now time.Duration) time.Duration {
	at := h.window.changes(now, h.span(now))
	if h.wary() {
		at = min(at, h.window.changes(now, max(h.backoff, h.span(now))), h.window.changes(now, modestSpan))
	}
	if h.forcedAt(now) {
		at = min(at, h.cutAt+h.span(now))
	}
	return at
}

// window remembers the least budget since any time in the recent past: a list of
// budgets that ascend, each with the time until which it was in force. When it is
// full, two neighbours become one with the lower budget and the later time.
type window struct {
	entries [windowSize]entry
	n       int
}

type entry struct {
	until  time.Duration
	budget float64
}

func (w *window) push(now time.Duration, budget float64) {
	if w.n > 0 {
		w.entries[w.n-1].until = now
	}
	for w.n > 0 && w.entries[w.n-1].budget >= budget {
		w.n--
	}
	if w.n == windowSize {
		w.merge()
	}
	w.entries[w.n] = entry{until: now, budget: budget}
	w.n++
}

// merge makes room where it costs the least: between the neighbours that are
// closest in budget.
func (w *window) merge() {
	best := 0
	for i := 1; i < w.n-1; i++ {
		if w.entries[i+1].budget-w.entries[i].budget < w.entries[best+1].budget-w.entries[best].budget {
			best = i
		}
	}
	w.entries[best].until = w.entries[best+1].until
	copy(w.entries[best+1:w.n-1], w.entries[best+2:w.n])
	w.n--
}

// least is the least budget in force after since.
func (w *window) least(since time.Duration) float64 {
	for i := 0; i < w.n-1; i++ {
		if w.entries[i].until > since {
			return w.entries[i].budget
		}
	}
	return w.entries[w.n-1].budget
}

// changes is when the least budget of a span changes by time alone.
func (w *window) changes(now, span time.Duration) time.Duration {
	for i := 0; i < w.n-1; i++ {
		if w.entries[i].until > now-span {
			return w.entries[i].until + span
		}
	}
	return math.MaxInt64
}
