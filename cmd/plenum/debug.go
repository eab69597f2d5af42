package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"plenum/sfu"
)

// minAdminToken is the shortest --admin-token: 16 random characters can't be guessed.
const minAdminToken = 16

// explainTimeout is how long a participant's loop may take to explain itself.
const explainTimeout = 5 * time.Second

// forwardingHeaders betray that a request came through a proxy on this machine
// (RFC 9110, section 7.6.3; RFC 7239; and what proxies add by custom).
var forwardingHeaders = []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"}

// debugRoutes are for operators only. On a private listener, which loopback alone reaches,
// a request from this machine needs no token; on --listen it does, for a proxy's
// requests come from this machine too and need not say that they are a proxy's.
func (s *server) debugRoutes(routes *http.ServeMux, private bool) {
	routes.HandleFunc("GET /debug/participants", s.forOperators(s.listParticipants, private))
	routes.HandleFunc("GET /debug/participants/{id}", s.forOperators(s.explainParticipant, private))
}

// forOperators refuses everyone else, with one answer whatever they ask for.
func (s *server) forOperators(next http.HandlerFunc, private bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if !operator(r, s.config.AdminToken, private) {
			s.log.Debug("operator's request refused", "path", r.URL.Path, "remote", r.RemoteAddr)
			http.Error(w, "forbidden", http.StatusForbidden)
			return
		}
		next(w, r)
	}
}

// operator reports whether a request carries the admin token, or came to a private
// listener and was made on this machine. The address alone does not say that: a proxy's is this machine's too,
// and so is that of a browser here whose page has had its own host name point at
// 127.0.0.1 (DNS rebinding), so the request must name this machine as well.
func operator(r *http.Request, adminToken string, private bool) bool {
	if scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " "); found && strings.EqualFold(scheme, "Bearer") && adminToken != "" { // RFC 9110 §11.1
		given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(adminToken)) // of one length
		return subtle.ConstantTimeCompare(given[:], want[:]) == 1
	}
	if !private {
		return false
	}
	for _, name := range forwardingHeaders {
		if len(r.Header.Values(name)) > 0 {
			return false
		}
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && namesLoopback(r.Host)
}

func namesLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = strings.Trim(hostPort, "[]") // without a port
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// listParticipants is where an operator finds the id to ask for.
func (s *server) listParticipants(w http.ResponseWriter, _ *http.Request) {
	everyone := s.engine.Participants()
	slices.SortStableFunc(everyone, func(a, b sfu.ParticipantRef) int { return cmp.Compare(a.Room, b.Room) })
	writeJSON(w, map[string][]sfu.ParticipantRef{"participants": everyone})
}

// explainParticipant answers why someone sees what they see.
func (s *server) explainParticipant(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), explainTimeout)
	defer cancel()
	explanation, err := s.engine.Explain(ctx, r.PathValue("id"))
	switch {
	case errors.Is(err, sfu.ErrUnknownParticipant):
		http.Error(w, "no such participant", http.StatusNotFound)
	case err != nil:
		s.log.Error("participant can't be explained", "participant", r.PathValue("id"), "err", err)
		http.Error(w, "the participant does not answer", http.StatusServiceUnavailable)
	default:
		writeJSON(w, explanation)
	}
}

// writeJSON is meant for a person's eyes.
func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // a client that is gone needs no answer
}
