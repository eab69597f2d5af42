package signaling

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"plenum/signaling/protocol"
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
		Code    protocol.Code `json:"code"`
		Message string        `json:"message"`
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
		refuseLookup(w, http.StatusForbidden, fail(protocol.Forbidden, "The origin of this page is not allowed."))
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
	q := request{client: s.client(r), room: r.PathValue("room"), token: r.URL.Query().Get("token")}
	// The scheme's case doesn't matter (RFC 9110 §11.1).
	if scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " "); found && strings.EqualFold(scheme, "Bearer") {
		q.token = strings.TrimSpace(token)
	}
	if refused := s.allowances.lookup(s.now(), q); refused != nil {
		s.stats.lookups.inc(string(protocol.RateLimited))
		s.tooMany(w, r, refused)
		return
	}
	answer, err := s.occupants(q)
	s.stats.lookups.inc(result(err))
	var f *failure
	if errors.As(err, &f) {
		status := http.StatusBadRequest
		if f.code == protocol.Unauthorized {
			status = http.StatusUnauthorized
			h.Set("WWW-Authenticate", "Bearer")
		}
		refuseLookup(w, status, f)
		return
	}
	respond(w, http.StatusOK, answer)
}

func (s *Server) occupants(q request) (occupantsMessage, error) {
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
