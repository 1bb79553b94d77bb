# make run    builds Deskbell, starts everything on this machine, and a call comes in
# make test   runs all tests
# "make help" names the rest. Each target installs what it misses on Debian and Ubuntu (scripts/deps).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run build build-windows test test-real test-windows lint bench kills mutants package licences clean

# The same flags for every build and test, so that they share Go's cache. The commit comes in by LDFLAGS, so no VCS stamp.
export GOFLAGS := -buildvcs=false $(EXTRA_GOFLAGS)
LDFLAGS := $(shell scripts/appinfo ldflags)
# A released or cross-built program carries no symbol table; a local one does, for its stack traces and profiles.
STRIPPED := -s -w $(LDFLAGS)

BIN := build/bin
WINDOWS := build/windows
TOOLS := build/tools
GOTEST := $(TOOLS)/gotest
GOLANGCI := $(TOOLS)/golangci-lint
GOLANGCI_VERSION := v2.11.4

PACKAGE = build/package/deskbell-$(shell scripts/appinfo Version)
COMMIT_TIME = $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
PAPERS = README.md CHANGELOG.md LICENSE docs/THIRD_PARTY.txt $(wildcard docs/configuration.md docs/privacy.md docs/protocol.md)

# The desktop that run needs is the one it is started on; without one it makes its own.
RUN_NEEDS := build $(if $(DISPLAY)$(WAYLAND_DISPLAY),,desktop sound)
# Which link of the chain "make run" breaks on purpose: toast, sound, pop, dial, link or recover.
BREAK ?=
# Packages whose tests want a desktop, each with a screen of its own; one at a time, since they share the machine's two cores.
DESKTOP_PACKAGES := ./app/... ./ui/... ./cmd/...

help: ## name the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build and start it all here; a call comes in (BREAK=sound breaks one link on purpose)
	scripts/deps $(RUN_NEEDS)
	$(MAKE) --no-print-directory build
	BREAK='$(BREAK)' $(BIN)/deskbell-lab demo

build: ## compile the programs into build/bin
	scripts/deps build
	@mkdir -p $(BIN)
	CGO_ENABLED=0 go build -ldflags "$(LDFLAGS)" -o $(BIN)/deskbelld ./cmd/deskbelld
	CGO_ENABLED=0 go build -ldflags "$(LDFLAGS)" -o $(BIN)/deskbell-lab ./cmd/deskbell-lab
	CGO_ENABLED=1 go build -ldflags "$(LDFLAGS)" -o $(BIN)/deskbell ./cmd/deskbell

# deskbellctl is the same program as deskbell, linked for the console: a Windows program is one or the other.
build-windows: export GOOS := windows
build-windows: export GOARCH := amd64
build-windows: ## cross-compile the programs into build/windows
	scripts/deps build windows
	scripts/winres deskbell deskbelld deskbell-lab
	@mkdir -p $(WINDOWS)
	CGO_ENABLED=0 go build -ldflags "$(STRIPPED)" -o $(WINDOWS)/deskbelld.exe ./cmd/deskbelld
	CGO_ENABLED=0 go build -ldflags "$(STRIPPED)" -o $(WINDOWS)/deskbell-lab.exe ./cmd/deskbell-lab
	CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc go build -ldflags "$(STRIPPED) -H=windowsgui" -o $(WINDOWS)/deskbell.exe ./cmd/deskbell
	CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc go build -ldflags "$(STRIPPED)" -o $(WINDOWS)/deskbellctl.exe ./cmd/deskbell

test: $(GOTEST) ## format, vet, all tests with -race, then those on a virtual desktop, and kills
	scripts/deps build desktop sound
	@unformatted=$$(git ls-files -z '*.go' | xargs -0 gofmt -l); test -z "$$unformatted" || { echo "not gofmt-ed: $$unformatted"; exit 1; }
	go vet ./...
	$(MAKE) --no-print-directory build
	@status=0; \
	$(GOTEST) -name test -limit 15m ./... -- -race || status=1; \
	$(GOTEST) -name desktop -tags desktop -limit 15m $(DESKTOP_PACKAGES) -- -race -p 1 || status=1; \
	$(GOTEST) -name kills -tags kill -limit 6m ./app/lab/chaos -- || status=1; \
	exit $$status

kills: $(GOTEST) ## kill the server 240 times during scripted calls; nothing may be lost, doubled or left behind
	scripts/deps build
	DESKBELL_KILLS=240 go test -tags kill -count=1 -timeout 30m -v -run TestKills ./app/lab/chaos

test-real: $(GOTEST) ## tests against real third-party servers
	$(GOTEST) -name real -tags real -limit 15m -none "no test here needs a real third-party server yet; xdg-open, D-Bus, PulseAudio and the Xfce panel are part of make test" ./... -- -race -p 1

test-windows: $(GOTEST) ## cross-compile, then run the programs and the Windows tests under wine
	scripts/deps build desktop sound windows
	$(MAKE) --no-print-directory build-windows
	GOOS=windows CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc go vet ./cmd/... ./app/... ./connectors/... ./assets/...
	scripts/wine setup
	@status=0; \
	CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc $(GOTEST) -name windows -os windows -limit 10m \
	  -none "no package has a test file for Windows only" ./app/... ./cmd/... -- -p 1 -exec "$(CURDIR)/scripts/wine" || status=1; \
	DESKBELL_WINDOWS=$(CURDIR)/$(WINDOWS) WINEPREFIX=$(CURDIR)/build/wine $(GOTEST) -name wine -tags wine -limit 10m \
	  -none "no test drives the programs under wine" ./app/... ./cmd/... -- -p 1 || status=1; \
	scripts/wine end; exit $$status

lint: $(GOLANGCI) ## golangci-lint with .golangci.yml
	scripts/deps build
	@start=$$(date +%s); $(GOLANGCI) run ./... || { echo "lint: 0 passed, 1 failed"; exit 1; }; \
	echo "lint: took $$(($$(date +%s) - start)) s"; echo "lint: 1 passed, 0 failed"

# Measured on a machine that does nothing else; BENCH="--only crowd --quick" looks at a part, "deskbell-lab bench --help" has the rest.
BENCH ?=
bench: ## measure against the floors of the design, into build/bench.json
	scripts/deps build desktop sound
	$(MAKE) --no-print-directory build
	go build -o $(BIN)/baretray ./app/lab/bench/floor/baretray
	$(BIN)/deskbell-lab bench $(BENCH)

# Another SEED draws other changes.
SEED ?= 1
mutants: ## change 50 random lines one by one; the tests must notice 80 % (SEED=2 draws others)
	scripts/deps build
	go run ./scripts/mutate -n 50 -least 80 -seed $(SEED) app/desk app/server app/number

# Released programs name no folder of the machine that built them.
package: ## archives for Linux and Windows with checksums, into build/package
	scripts/deps build windows
	@mkdir -p build/linux
	CGO_ENABLED=0 go build -trimpath -ldflags "$(STRIPPED)" -o build/linux/deskbelld ./cmd/deskbelld
	CGO_ENABLED=1 go build -trimpath -ldflags "$(STRIPPED)" -o build/linux/deskbell ./cmd/deskbell
	$(MAKE) --no-print-directory build-windows EXTRA_GOFLAGS=-trimpath
	go run ./scripts/archive -time $(COMMIT_TIME) -o $(PACKAGE)-linux-amd64.tar.gz build/linux/deskbell build/linux/deskbelld $(PAPERS)
	go run ./scripts/archive -time $(COMMIT_TIME) -o $(PACKAGE)-windows-amd64.zip $(addprefix $(WINDOWS)/,deskbell.exe deskbellctl.exe deskbelld.exe) $(PAPERS)
	@cat build/package/SHA256SUMS

licences: ## write docs/THIRD_PARTY.txt anew
	go run ./scripts/licences -write

clean: ## remove build/
	rm -rf build

$(GOTEST): $(wildcard scripts/gotest/*.go)
	@mkdir -p $(TOOLS)
	go build -o $@ ./scripts/gotest

# Built from source at an exact version, outside the module, so that its dependencies stay out of ours.
$(GOLANGCI): Makefile
	@mkdir -p $(TOOLS)
	@if [ "$$($@ version --short 2>/dev/null)" = "$(GOLANGCI_VERSION:v%=%)" ]; then touch $@; else \
	  echo "building golangci-lint $(GOLANGCI_VERSION)"; \
	  GOFLAGS= CGO_ENABLED=0 GOBIN=$(CURDIR)/$(TOOLS) go install -ldflags='-s -w' github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION); fi
