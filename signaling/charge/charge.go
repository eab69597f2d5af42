// Package charge bounds the work that one participant, and all of one room together, make
// the server do. Messages are charged by what they cause. Who owes too much is to be read
// more slowly, and only what could not be paid for in a while is refused. The package is
// pure: the caller gives the time and holds the lock.
package charge

import "time"

// Work is what a message costs, in microseconds of one processor, as measured
// roughly; garbage collection and what it causes at others are not in it.
type Work float64

// What costs what.
const (
	message Work = 20 // any, whatever is in it
	kibi    Work = 10 // 1,024 bytes to decode and to read
	line    Work = 20 // an m-line to apply and to answer
	offer   Work = 200
	entry   Work = 8 // of a list, such as a track of `subscribe`
)

// Bytes is the cost of taking a message of so many bytes from its envelope.
func Bytes(n int) Work { return message + kibi*Work(n)/1024 }

// Offer is the cost of carrying out an offer of so many m-lines.
func Offer(lines int) Work { return offer + line*Work(lines) }

// Entries is the cost of a list of so many.
func Entries(n int) Work { return entry * Work(n) }

// Account is a token bucket that may go into debt.
type Account struct {
	rate, burst float64
	tokens      float64
	at          time.Time
}

// NewAccount makes a full account that fills at rate tokens a second up to burst.
func NewAccount(rate, burst float64) Account {
	return Account{rate: rate, burst: burst, tokens: burst}
}

// refill brings the account up to date. The first time is when it begins.
func (a *Account) refill(now time.Time) {
	if gone := now.Sub(a.at); gone > 0 {
		if !a.at.IsZero() {
			a.tokens = min(a.burst, a.tokens+gone.Seconds()*a.rate)
		}
		a.at = now
	}
}

// Owing is how long it takes until a cost of n would be paid for; 0 if it is.
func (a *Account) Owing(now time.Time, n float64) time.Duration {
	a.refill(now)
	if a.tokens >= n {
		return 0
	}
	const forever = 24 * time.Hour // more would not fit, and means the same
	return time.Duration(min((n-a.tokens)/a.rate, forever.Seconds()) * float64(time.Second))
}

// Charge takes n tokens, whether they are there or not, and returns how long it takes
// until they are.
func (a *Account) Charge(now time.Time, n float64) time.Duration {
	a.refill(now)
	a.tokens -= n
	return a.Owing(now, 0)
}

// Take takes n tokens if they are there.
func (a *Account) Take(now time.Time, n float64) bool {
	if a.Owing(now, n) > 0 {
		return false
	}
	a.tokens -= n
	return true
}
