package main

import (
	"cmp"
	"fmt"
	"math"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"plenum/cmd/plenum/internal/gate"
	"plenum/web"
)

// appRoutes is what --listen serves. scrape is nil where metrics have a listener of
// their own. WebSockets have limits of their own, and the answers about health are too
// small to hold anything up; what else is asked for is bounded by how much at once.
func (s *server) appRoutes(scrape http.Handler) http.Handler {
	bounded := http.NewServeMux()
	bounded.Handle("/", web.Handler())
	bounded.HandleFunc("/rooms/{room}", s.signaling.ServeOccupants)
	s.debugRoutes(bounded, false)
	if scrape != nil {
		if s.config.restricted() {
			scrape = s.forOperators(scrape.ServeHTTP, false)
		}
		bounded.Handle("GET /metrics", scrape)
	}
	routes := http.NewServeMux()
	routes.Handle("/", s.bound(bounded))
	routes.Handle("GET /ws", s.signaling)
	s.healthRoutes(routes)
	return routes
}

// bound limits how many requests are carried out at once.
func (s *server) bound(next http.Handler) http.Handler {
	total, each := cmp.Or(s.config.MaxRequests, math.MaxInt32), cmp.Or(s.config.MaxAddressRequests, math.MaxInt32)
	return gate.NewInFlight(total, each, s.config.trustedProxies().Address, s.rejected).Wrap(next)
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
		newCollector(s.engine.Stats, s.signaling.Stats, s.rejected.Counts, s.linesDropped),
	)
	if s.certificate != nil {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "plenum_tls_certificate_expiry_timestamp_seconds", Help: "When the certificate in use expires.",
		}, func() float64 { return float64(s.certificate.expiry().Unix()) }))
	}
	return gate.Scrape(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), scrapes, s.rejected)
}
