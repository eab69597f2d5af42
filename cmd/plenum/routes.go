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
	s.debugRoutes(routes, false)
	if scrape != nil {
		if s.config.restricted() {
			scrape = s.forOperators(scrape.ServeHTTP, false)
		}
		routes.Handle("GET /metrics", scrape)
	}
	return routes
}

// metricsRoutes is what --metrics-listen serves.
func (s *server) metricsRoutes(scrape http.Handler) http.Handler {
	routes := http.NewServeMux()
	routes.Handle("GET /metrics", scrape)
	s.healthRoutes(routes)
	s.debugRoutes(routes, s.metrics.isPrivate())
	return routes
}

func (s *server) healthRoutes(routes *http.ServeMux) {
	routes.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	routes.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.signaling.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
}

// metricsHandler serves the metrics of this server, the Go runtime and the process.
func (s *server) metricsHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newCollector(s.engine.Stats, s.signaling.Stats),
	)
	if s.certificate != nil {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "plenum_tls_certificate_expiry_timestamp_seconds", Help: "When the certificate in use expires.",
		}, func() float64 { return float64(s.certificate.expiry().Unix()) }))
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
