package signaling

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What one address may ask of GET /rooms/ROOM. A lobby asks every few seconds, and
// a school or an office may have a hundred of them behind one address.
const (
	lookupsPerSecond = 20
	lookupBurst      = 100
)

// maxNames bounds the names in one answer: nobody reads more before a call.
const maxNames = 100

// Results of lookups in Stats beside ok and the codes of errors.
const originRefused = "origin"

type (
	occupantMessage struct {
		Name string `json:"name"`
	}
	occupantsMessage struct {
		Participants []occupantMessage `json:"participants"` // in order of joining, at most maxNames
		Count        int               `json:"count"`        // of all
		Full         bool              `json:"full"`         // one more would be refused
	}
	refusalMessage struct {
		Code    code   `json:"code"`
		Message string `json:"message"`
	}
)

// ServeOccupants answers GET /rooms/{room}: who is there, for a page that is about
// to join. It tells no more than joining would, to no one who could not join:
// origins and tokens are those of the WebSocket.
func (s *Server) ServeOccupants(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Add("Vary", "Origin")
	if !s.origins.allow(r) {
		s.stats.lookups.inc(originRefused)
		refuseLookup(w, http.StatusForbidden, fail(codeForbidden, "The origin of this page is not allowed."))
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions: // asked before a request with a token (Fetch, section 4.8)
		h.Set("Access-Control-Allow-Methods", "GET")
		h.Set("Access-Control-Allow-Headers", "Authorization")
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	answer, err := s.occupants(r)
	s.stats.lookups.inc(result(err))
	var f *failure
	if errors.As(err, &f) {
		status := http.StatusBadRequest
		switch f.code {
		case codeUnauthorized:
			status = http.StatusUnauthorized
			h.Set("WWW-Authenticate", "Bearer")
		case codeRateLimited:
			status = http.StatusTooManyRequests
			h.Set("Retry-After", "1")
		}
		refuseLookup(w, status, f)
		return
	}
	respond(w, http.StatusOK, answer)
}

func (s *Server) occupants(r *http.Request) (occupantsMessage, error) {
	if !s.visitors.allow(s.client(r), time.Now()) {
		return occupantsMessage{}, fail(codeRateLimited, "You ask more often than the server answers.")
	}
	q := request{room: r.PathValue("room"), token: r.URL.Query().Get("token")}
	if token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); found {
		q.token = token
	}
	if _, err := s.authorize(q); err != nil {
		return occupantsMessage{}, err
	}
	names, full := s.config.Engine.Occupants(q.room)
	m := occupantsMessage{Participants: []occupantMessage{}, Count: len(names), Full: full}
	for _, name := range names[:min(len(names), maxNames)] {
		m.Participants = append(m.Participants, occupantMessage{name})
	}
	return m, nil
}

func refuseLookup(w http.ResponseWriter, status int, f *failure) {
	respond(w, status, refusalMessage{f.code, f.text})
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone needs no answer
}

// Visitors are forgotten after one to two of forgetAfter, when their allowance has
// long been whole again, and sooner if there are more than maxVisitors.
const (
	forgetAfter = time.Minute
	maxVisitors = 1 << 14
)

// visitors limits how often each address may ask.
type visitors struct {
	mu           sync.Mutex
	recent, past map[netip.Addr]*rate.Limiter
	turned       time.Time // when recent became past
}

func (v *visitors) allow(address netip.Addr, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.recent == nil || now.Sub(v.turned) > forgetAfter || len(v.recent) >= maxVisitors {
		v.recent, v.past, v.turned = map[netip.Addr]*rate.Limiter{}, v.recent, now
	}
	limiter := v.recent[address]
	if limiter == nil {
		if limiter = v.past[address]; limiter == nil {
			limiter = rate.NewLimiter(lookupsPerSecond, lookupBurst)
		}
		v.recent[address] = limiter
	}
	return limiter.AllowN(now, 1)
}
