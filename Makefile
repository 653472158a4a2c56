# Everything here works on a fresh machine that has Go, make and git; tests bring
# what else they need. `make help` lists the targets.

GO   ?= go
ARGS ?=
# Packages and flags for go test, as in: make test PKG=./internal/match FLAGS=-v
PKG   ?= ./...
FLAGS ?=
# How long make fuzz tries each target.
FUZZTIME ?= 60s
# How many seconds make properties takes.
PROPERTIES ?= 600
# Of make image.
DOCKER  ?= docker
VERSION ?= dev

TOOLS     := bin/tools
SQLC      := $(TOOLS)/sqlc
LINT      := $(TOOLS)/golangci-lint
BENCHSTAT := $(TOOLS)/benchstat

# The race detector needs a C compiler.
CC_PATH := $(shell command -v $(firstword $(shell $(GO) env CC)) 2>/dev/null)
RACE    := $(if $(CC_PATH),-race,)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## start Postrider on this machine, with a Postgres and a Redis of its own
	@$(GO) build -o bin/postrider ./cmd/postrider
	@exec bin/postrider dev $(ARGS)

.PHONY: build
build: ## build all programs into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/...

.PHONY: test
test: fmt-check vet sqlc-diff race-notice ## check and test everything, as CI does
	@$(GO) build -o bin/testenv ./internal/testenv
	bin/testenv $(GO) test $(RACE) -timeout 20m $(FLAGS) $(PKG)

.PHONY: bench
bench: build ## measure the whole system and write docs/benchmarks.md (ARGS="-quick" only shows that it works)
	@$(GO) build -o bin/testenv ./internal/testenv
	@$(GO) build -o bin/bench ./test/bench
	bin/testenv bin/bench -bin bin -output docs/benchmarks.md $(ARGS)

.PHONY: bench-isolation
bench-isolation: build ## measure what sick receivers do to healthy ones and write docs/isolation.md
	@$(GO) build -o bin/testenv ./internal/testenv
	@$(GO) build -o bin/bench ./test/bench
	bin/testenv bin/bench -bin bin -isolation -output docs/isolation.md $(ARGS)

.PHONY: bench-scaling
bench-scaling: build ## measure what more workers and cores give and write docs/scaling-measured.md
	@$(GO) build -o bin/testenv ./internal/testenv
	@$(GO) build -o bin/bench ./test/bench
	bin/testenv bin/bench -bin bin -scaling -output docs/scaling-measured.md $(ARGS)

# How many retries bench-retries makes due at once.
RETRIES ?= 1000000

.PHONY: bench-retries
bench-retries: build ## measure what RETRIES (1000000) due retries do to live latency and write docs/retries-measured.md
	@$(GO) build -o bin/testenv ./internal/testenv
	@$(GO) build -o bin/bench ./test/bench
	bin/testenv bin/bench -bin bin -retries -due $(RETRIES) -output docs/retries-measured.md $(ARGS)

# What bench-compare and microbench-compare compare with: a commit, tag or branch.
BASE     ?= HEAD~1
BASETREE := rm -rf bin/base && mkdir -p bin/base/tree && git archive $$BASE | tar -x -C bin/base/tree
export BASE

.PHONY: bench-compare
bench-compare: build ## measure this tree against BASE (HEAD~1), both in turn
	@$(GO) build -o bin/testenv ./internal/testenv
	@$(GO) build -o bin/bench ./test/bench
	@$(BASETREE)
	@cd bin/base/tree && CGO_ENABLED=0 $(GO) build -trimpath -o ../ ./cmd/...
	bin/testenv bin/bench -bin bin -against bin/base $(ARGS)

.PHONY: chaos
chaos: ## kill, stop and cut off everything under load and write docs/reliability.md
	@$(GO) build -o bin/testenv ./internal/testenv
	bin/testenv $(GO) test -count 1 -timeout 30m -v -run TestChaos ./test/chaos -rate 100 -kills 48 -faults all \
		-output $(CURDIR)/docs/reliability.md $(ARGS)

.PHONY: soak
soak: ## chaos with 1000 kills and FLUSHALL with 100,000 deliveries queued, half an hour; writes docs/reliability.md
	@$(GO) build -o bin/testenv ./internal/testenv
	bin/testenv $(GO) test -count 1 -timeout 2h -v -run TestChaos ./test/chaos -rate 100 -kills 1000 -faults all,flushall-backlog \
		-output $(CURDIR)/docs/reliability.md $(ARGS)

# The deliveries that make years loads: some 1.3 KB each on disk, 200,000 a minute on two quiet cores.
DELIVERIES ?= 20000000

.PHONY: years
years: ## load a month of DELIVERIES (20000000), measure it beside a small database and write docs/years.md (ARGS="-keep" leaves it running, "-dir D" keeps it)
	@$(GO) build -o bin/testenv ./internal/testenv
	bin/testenv $(GO) test -count 1 -timeout 12h -v -run TestYears ./test/years -deliveries $(DELIVERIES) -output $(CURDIR)/docs/years.md $(ARGS)

.PHONY: bloat
bloat: ## update deliveries 10,000,000 times and tell how large their day became
	@$(GO) build -o bin/testenv ./internal/testenv
	bin/testenv $(GO) test -count 1 -timeout 12h -v -run TestBloat ./test/years -updates 10000000 $(ARGS)

.PHONY: microbench
microbench: ## run the packages' own benchmarks
	@$(GO) build -o bin/testenv ./internal/testenv
	bin/testenv $(GO) test -run '^$$' -bench . -benchmem $(FLAGS) $(PKG)

# What microbench-compare runs, COUNT times on each side: match and filter, sign, encode, group commit.
MICROBENCHMARKS := ^Benchmark(Match|Index|Signer|Chunk|Headers|EncodeBody|Accept|Commit)$$
MICROPACKAGES   := ./internal/match ./signature ./internal/queue ./internal/webhook ./internal/ingest ./internal/postgres
MICROTEST       := test -run '^$$' -bench '$(MICROBENCHMARKS)' -benchmem -benchtime 0.3s
COUNT           ?= 6

.PHONY: microbench-compare
microbench-compare: $(BENCHSTAT) ## run those of match, sign, encode and group commit on BASE (HEAD~1) and this tree, COUNT (6) times in turn
	@$(GO) build -o bin/testenv ./internal/testenv
	@$(BASETREE)
	@for n in $$(seq $(COUNT)); do \
		echo "round $$n of $(COUNT)"; \
		bin/testenv $(GO) -C bin/base/tree $(MICROTEST) $(FLAGS) $(MICROPACKAGES) >>bin/base/base.txt && \
		bin/testenv $(GO) $(MICROTEST) $(FLAGS) $(MICROPACKAGES) >>bin/base/present.txt || exit 1; \
	done
	$(BENCHSTAT) $(BASE)=bin/base/base.txt present=bin/base/present.txt
	@rm -rf bin/base

.PHONY: fuzz
fuzz: ## try what strangers may send, FUZZTIME (60s) for each target; finds land in testdata/fuzz
	@for dir in $$($(GO) list -f '{{.Dir}}' $(PKG)); do \
		for target in $$(cat "$$dir"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' | sort); do \
			echo "$$target in $$dir"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $(FLAGS) "$$dir" || exit 1; \
		done; \
	done

.PHONY: properties
properties: ## make requests of what openapi.json says, PROPERTIES (600) seconds and others each time
	@$(GO) build -o bin/testenv ./internal/testenv
	POSTRIDER_PROPERTIES_SECONDS=$(PROPERTIES) bin/testenv $(GO) test -count 1 -timeout 2h -v -run TestProperties ./test/openapi

.PHONY: mutants
mutants: ## break each rule of docs/rules.md on purpose and see its tests fail, some twenty minutes (ARGS="-run ordering" for some)
	@$(GO) build -o bin/testenv ./internal/testenv
	@$(GO) build -o bin/mutants ./test/mutants
	bin/testenv bin/mutants $(ARGS)

.PHONY: screenshots
screenshots: ## take pictures of the console's pages, light and dark, into docs/screenshots
	@$(GO) build -o bin/testenv ./internal/testenv
	POSTRIDER_SCREENSHOTS=$(CURDIR)/docs/screenshots bin/testenv $(GO) test -count 1 -timeout 30m -v -run TestConsole ./test/console

.PHONY: openapi
openapi: ## write openapi.json, the API's description, as the code has it
	@$(GO) run ./internal/openapi > openapi.json.new && mv openapi.json.new openapi.json

.PHONY: cli-docs
cli-docs: ## write docs/cli-reference.md, as the commands have it
	@$(GO) test -count 1 ./cmd/postrider -run TestReference -update

.PHONY: metrics-docs
metrics-docs: ## write the tables of docs/metrics.md, as the processes have them
	@$(GO) test -count 1 ./internal/app -run TestMetricsPage -update

.PHONY: dashboards
dashboards: ## write Grafana's dashboards into deploy/grafana/dashboards, as internal/dashboards has them
	@$(GO) run ./internal/dashboards deploy/grafana/dashboards
.PHONY: image
image: ## build the container image (VERSION=dev, DOCKER=docker; podman and buildah do as well)
	$(DOCKER) build -f deploy/Dockerfile --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) -t postrider:$(VERSION) .

.PHONY: compose-keys
compose-keys: ## write deploy/.env, with keys for deploy/compose.yaml, unless it is there
	@test -e deploy/.env || { umask 077; { \
		echo "POSTGRES_PASSWORD=$$(openssl rand -hex 24)"; \
		echo "POSTRIDER_API_ADMIN_KEY=$$(openssl rand -hex 32)"; \
		echo "POSTRIDER_SECRETS_KEY=$$(openssl rand -base64 32)"; } > deploy/.env; }

.PHONY: fmt
fmt: ## format the Go code
	gofmt -w .

.PHONY: fmt-check
fmt-check:
	@unformatted=$$(gofmt -l .) && test -z "$$unformatted" || \
		{ echo "not formatted (run make fmt): $$unformatted"; exit 1; }

.PHONY: vet
vet:
	$(GO) vet $(PKG)

.PHONY: lint
lint: $(LINT) ## run golangci-lint, which takes minutes to build at first
	$(LINT) run ./...

.PHONY: sqlc
sqlc: $(SQLC) ## generate the Go code of db/queries
	$(SQLC) generate

.PHONY: sqlc-diff
sqlc-diff: $(SQLC)
	$(SQLC) diff

.PHONY: race-notice
race-notice:
	@test -n "$(RACE)" || echo "no C compiler found: testing without the race detector"

.PHONY: clean
clean: ## remove what was built
	rm -rf bin

$(SQLC): tools/go.mod tools/go.sum
	@echo "building sqlc (about two minutes at first)"
	@CGO_ENABLED=0 $(GO) -C tools build -o ../$(SQLC) github.com/sqlc-dev/sqlc/cmd/sqlc

$(LINT): tools/lint/go.mod tools/lint/go.sum
	@echo "building golangci-lint (a few minutes at first)"
	@CGO_ENABLED=0 $(GO) -C tools/lint build -o ../../$(LINT) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BENCHSTAT): tools/benchstat/go.mod tools/benchstat/go.sum
	@CGO_ENABLED=0 $(GO) -C tools/benchstat build -o ../../$(BENCHSTAT) golang.org/x/perf/cmd/benchstat
