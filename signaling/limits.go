package signaling

import (
	"context"
	"crypto/sha256"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"plenum/signaling/bucket"
	"plenum/signaling/protocol"
)

// Limits bound what one address, or one token, may ask for in a time. A zero field is no
// limit. They are meant to be out of reach of a school or an office of some hundred
// people behind one address who all come back when the server restarts.
type Limits struct {
	Joins      bucket.Limit // WebSockets of an address, but those of Resumes
	Resumes    bucket.Limit // WebSockets of an address that go on with a session
	TokenJoins bucket.Limit // WebSockets, of whatever address, that show one token and begin a session
	Guesses    bucket.Limit // tokens of an address that don't verify: without one left no token is looked at
	Lookups    bucket.Limit // requests of an address for who is in a room
}

// joinPatience is how long a WebSocket waits for its turn before it is refused. A crowd
// behind one address thus comes in over some seconds, and clients take none of it
// for a failure: the SDK gives an attempt 10 s.
const joinPatience = 3 * time.Second

// maxTracked bounds the addresses, and the tokens, that each limit remembers. Idle ones
// are forgotten sooner.
const maxTracked = 1 << 14

// Reasons in Stats.Rejected.
const (
	rejectedJoins      = "joins"
	rejectedResumes    = "resumes"
	rejectedTokenJoins = "token_joins"
	rejectedGuesses    = "guesses"
	rejectedLookups    = "lookups"
	rejectedSeats      = "seats" // sessions that never had a media path
)

// allowances are what is left of the limits.
type allowances struct {
	mu                               sync.Mutex
	joins, resumes, guesses, lookups *bucket.Table[netip.Addr]
	tokenJoins                       *bucket.Table[[sha256.Size]byte]
}

func newAllowances(l Limits) *allowances {
	return &allowances{
		joins: bucket.New[netip.Addr](l.Joins, maxTracked), resumes: bucket.New[netip.Addr](l.Resumes, maxTracked),
		guesses: bucket.New[netip.Addr](l.Guesses, maxTracked), lookups: bucket.New[netip.Addr](l.Lookups, maxTracked),
		tokenJoins: bucket.New[[sha256.Size]byte](l.TokenJoins, maxTracked),
	}
}

// refusedFor is a limit that was met.
type refusedFor struct {
	reason string
	retry  time.Duration
}

// socket takes a WebSocket's share, and tells how long it has to wait for it or, in refused,
// that it can't have one. resumes tells that it shows the secret of a session.
func (a *allowances) socket(now time.Time, q request, resumes bool) (wait time.Duration, refused *refusedFor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if resumes {
		return take(a.resumes, now, q.client, rejectedResumes)
	}
	if q.token == "" {
		return take(a.joins, now, q.client, rejectedJoins)
	}
	if refused := a.guessedOutLocked(now, q.client); refused != nil {
		return 0, refused
	}
	own, refused := take(a.joins, now, q.client, rejectedJoins)
	if refused != nil {
		return 0, refused
	}
	shared, refused := take(a.tokenJoins, now, sha256.Sum256([]byte(q.token)), rejectedTokenJoins)
	return max(own, shared), refused
}

func take[K comparable](table *bucket.Table[K], now time.Time, key K, reason string) (time.Duration, *refusedFor) {
	wait, ok := table.Take(now, key, joinPatience)
	if !ok {
		return 0, &refusedFor{reason, wait}
	}
	return wait, nil
}

// lookup takes the share of a request for a room's occupants.
func (a *allowances) lookup(now time.Time, q request) *refusedFor {
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait, ok := a.lookups.Take(now, q.client, 0); !ok {
		return &refusedFor{rejectedLookups, wait}
	}
	if q.token == "" {
		return nil
	}
	return a.guessedOutLocked(now, q.client)
}

func (a *allowances) guessedOutLocked(now time.Time, client netip.Addr) *refusedFor {
	if wait, ok := a.guesses.Left(now, client); !ok {
		return &refusedFor{rejectedGuesses, wait}
	}
	return nil
}

// guessed notes a token that did not verify.
func (a *allowances) guessed(now time.Time, client netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.guesses.Take(now, client, 0)
}

// pause waits, unless the client goes away meanwhile.
func pause(ctx context.Context, wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tooMany refuses a request over a limit, and says when to ask again.
func (s *Server) tooMany(w http.ResponseWriter, r *http.Request, refused *refusedFor) {
	s.stats.rejected.inc(refused.reason)
	s.config.Log.Debug("request over a limit", "remote", r.RemoteAddr, "reason", refused.reason)
	seconds := int(math.Ceil(refused.retry.Seconds()))
	w.Header().Set("Retry-After", strconv.Itoa(max(seconds, 1)))
	respond(w, http.StatusTooManyRequests, refusalMessage{
		Code: protocol.RateLimited, Message: "You, or others at your address, ask more often than the server answers.",
	})
}
