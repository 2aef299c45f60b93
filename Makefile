# What there is to do here. `make run` and `make test` need Go, git and make, and get what else they need themselves.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

VERSION  ?=
FUZZTIME ?= 20s
TIMEOUT  ?= 10m
ARGS     ?= --allow-net 127.0.0.0/8
# The packages that lint and test look at; one of them while working on it: make test PACKAGES=./limiter/...
PACKAGES ?= ./...

GO   := go
LINT := bin/golangci-lint
# What it remembers names files by their paths: a cache shared with another clone would tell of that clone's files.
export GOLANGCI_LINT_CACHE := $(CURDIR)/bin/lint-cache
# A module of its own: Go servers with the limiters of others, which the tests and `go run ./bench real` drive.
SERVERS := bench/real/servers

.PHONY: build run test check lint vet format tidy destinations verifiers race fuzz bench fmt clean

## build: bin/sluice, static
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/sluice ./cmd/sluice

## run: the gateway with its built-in defaults: data in ./data, listening on loopback, and allowed to call this machine. ARGS= takes that back
run: build
	./bin/sluice serve $(ARGS)

## test: everything that must hold before a change is accepted
test: check destinations verifiers race

## check: what can be said without running anything
check: format tidy vet lint

format:
	@unformatted=$$(git ls-files -co --exclude-standard -- '*.go' | xargs -r gofmt -l); \
	if [ -n "$$unformatted" ]; then printf 'not formatted (make fmt):\n%s\n' "$$unformatted" >&2; exit 1; fi

tidy:
	$(GO) mod tidy -diff
	cd $(SERVERS) && $(GO) mod tidy -diff

vet:
	$(GO) vet $(PACKAGES)
	cd $(SERVERS) && $(GO) vet ./...

lint: $(LINT)
	$(LINT) run --allow-parallel-runners $(PACKAGES)
	cd $(SERVERS) && $(CURDIR)/$(LINT) run --allow-parallel-runners ./...

# The linter is built from the module of tools, whose go.mod pins it and keeps what it needs out of the product's.
$(LINT): tools/go.mod tools/go.sum
	cd tools && CGO_ENABLED=0 $(GO) build -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

## destinations: what the tests drive the gateway against: nginx and Node from Debian, and what npm and Go packages hold
destinations:
	$(GO) run ./bench real --install --only '^(nginx|express|throttled)'

# Signatures are verified with the libraries that receivers use: the Go ones are in go.mod, this is npm's. Node and npm
# come with the destinations.
VERIFIERS := gateway/sign/testdata/node

## verifiers: Standard Webhooks' npm library, for the tests of gateway/sign
verifiers: $(VERIFIERS)/node_modules/.package-lock.json

$(VERIFIERS)/node_modules/.package-lock.json: $(VERIFIERS)/package-lock.json | destinations
	cd $(VERIFIERS) && npm ci
	@touch $@

## race: all tests under the race detector, which needs a C compiler. Now and then it crashes where two processors run timers of one bubble
##       of testing/synctest (https://github.com/golang/go/issues/78156): packages that test in bubbles get one processor
race:
	@tools/need-cc
	@tests=$$($(GO) list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' $(PACKAGES)); \
	bubbles=$$(awk '/testing\/synctest/ {print $$1}' <<< "$$tests"); others=$$(awk '!/testing\/synctest/ {print $$1}' <<< "$$tests"); \
	export CGO_ENABLED=1; \
	if [ -n "$$bubbles" ]; then (set -x; $(GO) test -race -cpu 1 -timeout $(TIMEOUT) $$bubbles); fi; \
	if [ -n "$$others" ]; then (set -x; $(GO) test -race -timeout $(TIMEOUT) $$others); fi

## fuzz: each fuzz target for FUZZTIME
fuzz:
	@for package in $$($(GO) list $(PACKAGES)); do \
		targets=$$($(GO) test -list '^Fuzz' "$$package" | { grep '^Fuzz' || true; }); \
		for target in $$targets; do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "$$package"; \
		done; \
	done

## bench: the benchmarks of all packages, with allocations
bench:
	$(GO) test -run '^$$' -bench . -benchmem $(PACKAGES)

## fmt: formats the source as check wants it
fmt: $(LINT)
	$(LINT) fmt

clean:
	rm -rf bin
