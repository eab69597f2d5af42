// Package bucket limits how often each of many keys may do something, with a token
// bucket for each of the keys that did it lately. It is pure: the caller gives the time
// and holds the lock.
package bucket

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Limit is what one key may do. The zero value is no limit.
type Limit struct {
	Rate  float64 // a second
	Burst int     // at once, after a time of rest
}

// None reports whether there is no limit.
func (l Limit) None() bool { return l.Rate == 0 }

// String is the limit in the form that UnmarshalText reads.
func (l Limit) String() string {
	if l.None() {
		return "0"
	}
	return strconv.FormatFloat(l.Rate, 'f', -1, 64) + ":" + strconv.Itoa(l.Burst)
}

// UnmarshalText reads "RATE:BURST", or "0" for no limit.
func (l *Limit) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*l = Limit{}
		return nil
	}
	rate, burst, found := strings.Cut(string(text), ":")
	perSecond, err := strconv.ParseFloat(rate, 64)
	atOnce, err2 := strconv.Atoi(burst)
	if !found || err != nil || err2 != nil || !(perSecond > 0) || math.IsInf(perSecond, 1) || atOnce < 1 {
		return fmt.Errorf("%q is neither RATE:BURST, like 20:100 for 20 a second and 100 at once, nor 0", text)
	}
	*l = Limit{perSecond, atOnce}
	return nil
}

// Table has the buckets of at most size keys. Those not used for longest are forgotten
// when there are more, and all those that are full, which is what an unknown key has.
type Table[K comparable] struct {
	limit   Limit
	size    int
	entries map[K]*entry[K]
	ring    entry[K] // ring.next is the key used last, ring.previous the one used first
}

type entry[K comparable] struct {
	key            K
	tokens         float64   // negative where some are taken in advance
	at             time.Time // when tokens was right
	previous, next *entry[K]
}

// New makes an empty table. size must be positive.
func New[K comparable](limit Limit, size int) *Table[K] {
	t := &Table[K]{limit: limit, size: size, entries: map[K]*entry[K]{}}
	t.ring.previous, t.ring.next = &t.ring, &t.ring
	return t
}

// Take takes a token of key, one that comes within patience if there is none now: wait
// is how long the caller has to wait for it. Without such a token it returns false
// and takes none, and wait is when to ask again.
func (t *Table[K]) Take(now time.Time, key K, patience time.Duration) (wait time.Duration, ok bool) {
	if t.limit.None() {
		return 0, true
	}
	e := t.use(now, key)
	wait = t.until(e.tokens - 1)
	if wait > patience {
		return wait - patience, false
	}
	e.tokens--
	return wait, true
}

// Left reports whether key has a token, and else when it will.
func (t *Table[K]) Left(now time.Time, key K) (wait time.Duration, ok bool) {
	e := t.entries[key]
	if t.limit.None() || e == nil {
		return 0, true
	}
	t.refill(e, now)
	wait = t.until(e.tokens - 1)
	return wait, wait == 0
}

// Len is the number of keys that are remembered.
func (t *Table[K]) Len() int { return len(t.entries) }

// until is the time until tokens are no longer less than none.
func (t *Table[K]) until(tokens float64) time.Duration {
	const rounding = 1e-9 // of sums of refills: of a token
	if tokens >= -rounding {
		return 0
	}
	seconds := -tokens / t.limit.Rate
	if seconds > (100 * 24 * time.Hour).Seconds() {
		return 100 * 24 * time.Hour
	}
	return time.Duration(math.Ceil(seconds * float64(time.Second)))
}

func (t *Table[K]) refill(e *entry[K], now time.Time) {
	if gone := now.Sub(e.at); gone > 0 {
		e.tokens = min(float64(t.limit.Burst), e.tokens+gone.Seconds()*t.limit.Rate)
		e.at = now
	}
}

// use returns the up-to-date bucket of key and makes it the one used last.
func (t *Table[K]) use(now time.Time, key K) *entry[K] {
	e := t.entries[key]
	if e != nil {
		t.refill(e, now)
		e.unlink()
	} else {
		t.forget(now)
		e = &entry[K]{key: key, tokens: float64(t.limit.Burst), at: now}
		t.entries[key] = e
	}
	e.previous, e.next = &t.ring, t.ring.next
	e.previous.next, e.next.previous = e, e
	return e
}

// forget makes room for one more. It looks at few keys, so that no call takes long: with
// two for each that is added all idle ones go in time.
func (t *Table[K]) forget(now time.Time) {
	for range 2 {
		oldest := t.ring.previous
		if oldest == &t.ring {
			return
		}
		t.refill(oldest, now)
		if oldest.tokens < float64(t.limit.Burst) && len(t.entries) < t.size {
			return
		}
		oldest.unlink()
		delete(t.entries, oldest.key)
	}
}

func (e *entry[K]) unlink() { e.previous.next, e.next.previous = e.next, e.previous }
