package gate

import (
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// patience is how long a request may wait for others to end.
const patience = 2 * time.Second

// InFlight bounds the requests that are carried out at once.
type InFlight struct {
	slots    chan struct{}
	each     int
	client   func(*http.Request) netip.Addr
	rejected *Rejections

	mu      sync.Mutex
	clients map[netip.Addr]int
}

// NewInFlight lets total requests through at once, and each of one client's, whose
// address client tells.
func NewInFlight(total, each int, client func(*http.Request) netip.Addr, rejected *Rejections) *InFlight {
	return &InFlight{
		slots: make(chan struct{}, total), each: each, client: client, rejected: rejected,
		clients: map[netip.Addr]int{},
	}
}

// Wrap puts the bound on a handler. A client's requests beyond its share are answered
// with 429, and with 503 those that found no slot in time.
func (f *InFlight) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := f.client(r)
		if !f.enter(client) {
			f.rejected.inc(AddressRequests)
			refuse(w, http.StatusTooManyRequests, "too many requests of yours at once")
			return
		}
		defer f.leave(client)
		if !take(r, f.slots) {
			f.rejected.inc(Requests)
			refuse(w, http.StatusServiceUnavailable, "too many requests at once")
			return
		}
		defer func() { <-f.slots }()
		next.ServeHTTP(w, r)
	})
}

func (f *InFlight) enter(client netip.Addr) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clients[client] >= f.each {
		return false
	}
	f.clients[client]++
	return true
}

func (f *InFlight) leave(client netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clients[client]--; f.clients[client] == 0 {
		delete(f.clients, client)
	}
}

// take waits for a slot, but neither for long nor for a client that is gone.
func take(r *http.Request, slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	default:
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case slots <- struct{}{}:
		return true
	case <-timeout.C:
	case <-r.Context().Done():
	}
	return false
}

func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Retry-After", "1") // second
	http.Error(w, text, status)
}
