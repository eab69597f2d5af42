// Package deploy tests what deploy/ ships with the tools that will read it: the
// manifests against Kubernetes' own types and Pod Security checks, the rules and the
// dashboard against a real Prometheus that watches a real server with a call in
// progress, the image against a container runtime.
//
// It is a module of its own, so that Kubernetes' and Prometheus' packages stay out of
// the server's. `make -C deploy test` installs what it needs and runs it.
package deploy
