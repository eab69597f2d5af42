# Plenum's tasks. `make help` lists them.

GO       ?= go
FUZZTIME ?= 2m
SOAKTIME ?= 5m

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

# nft, ip and tc live where only root's PATH looks.
export PATH := $(PATH):/usr/sbin:/sbin

VERSION  = $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X main.version=$(VERSION) -X main.revision=$(REVISION)

.DEFAULT_GOAL := help
.PHONY: help run build test setup test-go test-web test-browser test-deploy e2e test-webkit quality interop fuzz soak bench bench-load attack lint lint-go lint-web clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## Serve on http://localhost:8080 (needs Go alone)
	$(GO) run -ldflags "$(LDFLAGS)" ./cmd/plenum

build: ## Build bin/plenum
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o bin/plenum ./cmd/plenum

test: setup lint test-go test-web test-browser e2e test-deploy ## Run everything (installs what it needs on Debian as root)

setup: ## Install what the tests need and this machine lacks
	@.ci/setup

# Packages of long simulations that start no goroutine: the race detector would find
# nothing there, and take ten times as long.
SIMULATED = ./sfu/internal/alloc ./sfu/internal/bwe ./sfu/internal/bwe/linksim ./sfu/internal/forward

test-go: ## Run the Go tests, with the race detector where there are goroutines
	$(GO) test $(SIMULATED)
	@set -e; all=$$($(GO) list ./...); simulated=$$($(GO) list $(SIMULATED)); \
		others=$$(echo "$$all" | grep -vxF "$$simulated"); \
		echo "go test -race $$(echo "$$others" | wc -l) packages"; \
		$(GO) test -race -timeout 15m $$others

test-web: web/node_modules ## Run the SDK's and the app's unit tests
	cd web && npm test

test-browser: build web/node_modules web/e2e/node_modules ## Run the app and the SDK's examples in Chromium
	cd web && npm run test:browser

e2e: build web/e2e/node_modules ## Run the browser tests against the real binary
	cd web/e2e && npm test

test-deploy: ## Check what deploy/ ships with the tools that read it, and build and run the image
	$(MAKE) -C deploy test

test-webkit: build web/node_modules web/e2e/node_modules ## Run the app in WebKit, all but media (Debian's WebKitGTK has no WebRTC)
	@.ci/setup webkit
	cd web && npm run test:webkit

quality: build web/e2e/node_modules ## Measure calls of real browsers on bad networks (SCENARIOS=, RUNS=3); the machine must be idle
	@.ci/setup quality
	cd web/e2e && node quality/run.js --runs $(or $(RUNS),3) $(SCENARIOS)

interop: build ## Run other WebRTC stacks against the real binary
	cd web/e2e/interop && npm ci --no-audit --no-fund && npm test

fuzz: ## Run each fuzz target for FUZZTIME (2m)
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "== $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

soak: ## Join and leave for SOAKTIME (5m) and look for leaks
	PLENUM_SOAK=$(SOAKTIME) PLENUM_JOINS=1000 $(GO) test -run '^TestSoak|^TestBurstsOfJoins' -count 1 -timeout 0 -v ./...

bench: ## Run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

bench-load: build ## Measure CPU per forwarded packet, in turn with a plain forwarder (SCENARIOS=, DURATION=)
	$(GO) build -trimpath -o bin/load/ ./cmd/plenum-load ./cmd/plenum-load/reference ./cmd/plenum-load/limit
	bin/load/plenum-load bench --server bin/plenum --reference bin/load/reference --limit bin/load/limit \
		$(if $(SCENARIOS),--scenarios $(SCENARIOS)) $(if $(DURATION),--duration $(DURATION))

attack: build ## Attack a running call in all ways on loopback, and fail on harm (ATTACKS=, DURATION=; as root)
	$(GO) build -trimpath -o bin/plenum-attack ./cmd/plenum-attack
	bin/plenum-attack --server bin/plenum $(if $(ATTACKS),--attacks $(ATTACKS)) $(if $(DURATION),--duration $(DURATION))

lint: lint-go lint-web ## Check format, vet, staticcheck and types

lint-go:
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
		[ -z "$$unformatted" ] || { echo "gofmt these:"; echo "$$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	$(GO) mod tidy -diff

lint-web: web/node_modules
	cd web && npm run check

web/node_modules: web/package-lock.json
	cd web && npm ci --no-audit --no-fund && touch node_modules

web/e2e/node_modules: web/e2e/package-lock.json
	cd web/e2e && npm ci --no-audit --no-fund && touch node_modules

clean: ## Remove what was built
	rm -rf bin web/node_modules web/e2e/node_modules web/e2e/interop/node_modules
