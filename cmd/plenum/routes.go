package main

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"plenum/web"
)

// appRoutes is what --listen serves. scrape is nil where metrics have a listener of
// their own.
func (s *server) appRoutes(scrape http.Handler) http.Handler {
	routes := http.NewServeMux()
	routes.Handle("/", web.Handler())
	routes.Handle("GET /ws", s.signaling)
	routes.HandleFunc("/rooms/{room}", s.signaling.ServeOccupants)
	s.healthRoutes(routes)
	s.debugRoutes(routes)
	if scrape != nil {
		routes.Handle("GET /metrics", scrape)
	}
	return routes
}

// metricsRoutes is what --metrics-listen serves.
func (s *server) metricsRoutes(scrape http.Handler) http.Handler {
	routes := http.NewServeMux()
	routes.Handle("GET /metrics", scrape)
	s.healthRoutes(routes)
	s.debugRoutes(routes)
	return routes
}

func (s *server) healthRoutes(routes *http.ServeMux) {
	routes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	routes.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
}

// ready returns why this server takes no new sessions, or nil.
func (s *server) ready() error {
	if err := s.signaling.Ready(); err != nil {
		return err
	}
	if limit := s.config.MaxParticipants; limit > 0 && s.signaling.Stats().Sessions >= limit {
		return fmt.Errorf("full: --max-participants is %d", limit)
	}
	return nil
}

// metricsHandler serves the metrics of this server, the Go runtime and the process.
func (s *server) metricsHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(s.engine.Stats, s.signaling.Stats),
	)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
