# The targets people use. Each works on a bare Debian machine with Go and git; "make test" installs the rest as root.

GO      ?= go
BIN     := bin/aureole
PKG     := github.com/aureole-cloud/aureole
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
COMMIT  := $(shell git rev-parse HEAD 2>/dev/null)
INFO    := $(PKG)/cmd/internal/buildinfo
LDFLAGS := -s -w -X $(INFO).version=$(VERSION) -X $(INFO).commit=$(COMMIT)

# Arguments of the server in "make run", or of the benchmark: make run ARGS="--data /disk1 --data /disk2"
ARGS     ?=
# Seconds that each fuzz target runs.
FUZZTIME ?= 5

.DEFAULT_GOAL := build
.PHONY: run build test short terraform setup bench lint fuzz clean

# As root it also installs and starts what virtual machines need, and makes a machine image. AUREOLE_HYPERVISOR=off: S3 only.
run: build ## build and serve, by default from ./data on 127.0.0.1:9000
	@exec sh cmd/aureole/run.sh ./$(BIN) $(ARGS)

# One static binary: no C compiler is needed, and it runs on any Linux of the architecture.
build: ## build bin/aureole
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/aureole

setup: ## install a C compiler and the clients that the integration tests drive
	bash .ci/compiler
	sh integration/setup.sh

test: setup ## everything: each fuzz target for some seconds, all tests with the race detector, then whether they saw what they claim
	FUZZTIME=$(FUZZTIME) bash .ci/fuzz
	answers=$$(mktemp -d) && trap 'rm -rf "$$answers"' EXIT && \
	AUREOLE_TEST_ANSWERS=$$answers $(GO) test -race -timeout 40m ./... && \
	$(GO) run ./integration/answers integration/clients/coverage.json $$answers

short: ## the tests of the code alone, without other people's clients
	$(GO) test -timeout 10m $$($(GO) list ./... | grep -v /integration/) ./integration/lint

terraform: setup ## Terraform's provider of AWS against S3 and EC2, with real guests too; fetched from its registry, or from the mirror of TF_CLI_CONFIG_FILE
	sh integration/provider.sh
	$(GO) test -tags terraform -timeout 30m -run 'TestTerraform$$' -v ./integration/clients ./integration/ec2api ./integration/ec2

fuzz: ## each fuzz target for FUZZTIME seconds
	FUZZTIME=$(FUZZTIME) bash .ci/fuzz

bench: build ## measure the server; BENCH_PEER=URL measures another one beside it, ARGS=-quick takes a minute
	AUREOLE_TEST_BINARY=$(CURDIR)/$(BIN) $(GO) run ./integration/bench $(ARGS)

lint: ## formatting, vet, staticcheck and the house rules
	bash .ci/lint

clean:
	rm -rf bin
