# `make` alone explains the targets. Everything is run from the checkout's root, and nothing is installed outside of it
# but Go's own caches (and PostgreSQL by apt-get, where it is missing and root asks).

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The one place where the versions of tools stand. A tool is built into bin/ once, and again when its version changes.
GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION   := v1.8.0
SQLC_VERSION          := v1.31.1
TEMPORAL_VERSION      := v1.5.1
WORKFLOWCHECK_VERSION := v0.6.0

GOLANGCI_LINT_PACKAGE := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
GOVULNCHECK_PACKAGE   := golang.org/x/vuln/cmd/govulncheck
SQLC_PACKAGE          := github.com/sqlc-dev/sqlc/cmd/sqlc
TEMPORAL_PACKAGE      := github.com/temporalio/cli/cmd/temporal
WORKFLOWCHECK_PACKAGE := go.temporal.io/sdk/contrib/tools/workflowcheck

# What a caller may set: packages and flags of `make test`, time of each fuzz target, arguments of run and bench.
PKG       ?= ./...
TESTFLAGS ?=
FUZZTIME  ?= 1m
ARGS      ?=

##@ Use

.PHONY: help
help: ## Show this help
	@awk 'BEGIN { FS = ":.*## " } /^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: run
run: up ## Play the next sample day, with the bank, and show what came out; stays until Ctrl-C (ARGS=--exit: ends by itself)
	@deploy/dev/sample-day $(ARGS)

.PHONY: up
up: ## Start PostgreSQL, Temporal, the worker, the front and stand-ins of partners; returns when all is healthy
	@deploy/dev/up

.PHONY: down
down: ## Stop what `make up` started; the data stays
	@deploy/dev/down

.PHONY: clean
clean: ## Stop it and drop the data, the built programs and the tools
	@deploy/dev/clean
	@rm -rf bin bench

##@ Develop

# --version names the commit, whatever GOFLAGS says of it; a tree that is no checkout, such as an archive, has none.
BUILDVCS = $(shell git cat-file -e HEAD:./go.mod 2>/dev/null && echo true || echo false)

.PHONY: build
build: ## Build bin/worker, bin/starter and the stand-ins for partners
	@mkdir -p bin
	go build -buildvcs=$(BUILDVCS) -o bin/ ./worker ./starter \
		./deploy/partners/bank/cmd/bank ./deploy/partners/pesitwizard/cmd/pesitwizard ./deploy/partners/divalto/cmd/divalto \
		./deploy/partners/systempay/cmd/systempay

# Where tests make databases of their own, and what they start a Temporal server of their own with.
TEST_SERVERS = REGLO_TEST_DATABASE_URL="$$(source .dev/env && echo "$$DEV_POSTGRES_ADMIN_URL")" \
	REGLO_TEST_TEMPORAL_CLI="$(CURDIR)/bin/temporal" \
	$(if $(and $(ISO_SCHEMAS),$(shell command -v xmllint)),REGLO_TEST_ISO_SCHEMAS="$(ISO_SCHEMAS)")
# ISO 20022's own schemas, by which xmllint judges what is written, where a folder beside the checkout has them.
ISO_SCHEMAS ?= $(abspath $(wildcard ../shared/xsd))

.PHONY: test
test: bin/temporal ## Run the tests on a real PostgreSQL and Temporal, with the race detector (PKG=./domain/..., TESTFLAGS=-v)
	@deploy/dev/needs sshd=openssh-server xmllint=libxml2-utils chromium=chromium
	@deploy/dev/up postgres
	@$(TEST_SERVERS) go test -race $(TESTFLAGS) $(PKG)

.PHONY: crash
crash: bin/temporal ## Kill worker, PostgreSQL, Temporal and the front, at each step of a day, and have the ERP fail (REGLO_CRASH_SEED=1)
	@deploy/dev/up postgres
	@$(TEST_SERVERS) REGLO_CRASH_STORM=1 REGLO_CRASH_DAY=1 REGLO_CRASH_PAYMENTS=1 \
		go test ./worker/e2e -run '^Test(Storm|ADayWhoseWorkersDie|PostingsUnderAStorm|TenThousandNotifications)$$' -count=1 -v -timeout 60m

.PHONY: month
month: bin/temporal ## Play 20 TARGET days with what goes wrong in a month, against a plain model (SEED=1)
	@deploy/dev/up postgres
	@$(TEST_SERVERS) REGLO_MONTH=$(or $(SEED),1) \
		go test ./worker/e2e -run '^TestAMonth' -count=1 -v -timeout 30m

.PHONY: check
check: ## Check format, vet, linters, import rules, workflow determinism, known vulnerabilities, go.mod, clean tree
	@before=$$(git status --porcelain); \
	$(MAKE) check-mod check-format check-vet check-lint check-workflows check-shell check-vulnerabilities; \
	after=$$(git status --porcelain); \
	if [[ "$$after" != "$$before" || ( -n "$${CI:-}" && -n "$$after" ) ]]; then \
		printf 'error: the checks left a tree that is not clean; commit or ignore these:\n%s\n' "$$after" >&2; exit 1; \
	fi
	@echo "check: all is well"

.PHONY: check-mod
check-mod:
	go mod verify
	go mod tidy -diff

.PHONY: check-format
check-format: bin/golangci-lint
	bin/golangci-lint fmt --diff

.PHONY: check-vet
check-vet:
	go vet ./...

.PHONY: check-lint
check-lint: bin/golangci-lint
	bin/golangci-lint run

.PHONY: check-workflows
check-workflows: bin/workflowcheck
	bin/workflowcheck ./workflows/...

.PHONY: check-shell
check-shell:
	@if command -v shellcheck >/dev/null; then \
		echo shellcheck; shellcheck -x deploy/dev/{up,down,clean,needs,sample-day,fuzz,*.sh} deploy/bench/peers/run .ci/run; \
	else \
		echo "shellcheck: skipped, it is not installed"; \
	fi

# Exit code 3 says that vulnerabilities were found; any other failure is one of the database or of the network, which
# not every machine reaches.
.PHONY: check-vulnerabilities
check-vulnerabilities: bin/govulncheck
	@echo govulncheck; \
	report=$$(bin/govulncheck ./... 2>&1) && code=0 || code=$$?; \
	if [[ $$code == 0 || $$code == 3 ]]; then \
		printf '%s\n' "$$report"; exit $$code; \
	elif grep -qE 'vuln\.go\.dev|dial tcp|no such host|[Tt]imeout|Forbidden' <<<"$$report"; then \
		echo "govulncheck: skipped, its database (https://vuln.go.dev) cannot be reached from here"; \
	else \
		printf '%s\n' "$$report"; exit $$code; \
	fi

.PHONY: fmt
fmt: bin/golangci-lint ## Format the code and sort its imports
	bin/golangci-lint fmt

.PHONY: generate
generate: bin/sqlc ## Write the typed queries anew from the SQL
	bin/sqlc generate

.PHONY: fuzz
fuzz: ## Run each fuzz target in turn (FUZZTIME=1m each)
	@deploy/dev/fuzz $(FUZZTIME)

.PHONY: bench
bench: up ## Measure the engine beside its ceilings and the naive way; writes bench/latest.json
	@source .dev/env && go run ./deploy/bench $(ARGS)

.PHONY: bench-peers
bench-peers: ## Have each peer that can run here write 100,000 orders, beside ours, as JSON (ARGS=npm: that one only)
	@deploy/bench/peers/run $(ARGS)

.PHONY: replay
replay: ## Replay the recorded workflow histories
	go test ./workflows -run Replay -count=1

.PHONY: record
record: bin/temporal ## Record the workflow histories anew; only before a release: running vacations replay the released ones
	@deploy/dev/up postgres
	@$(TEST_SERVERS) REGLO_RECORD_HISTORIES=1 \
		go test ./worker/e2e -run '^Test(.*(OnARealServer|ClosedByTheNext)|EveryEventIsTold|HistoriesOfWaits|FilesComeByWebhook|PayoutsDoNotWaitForTheERP|TenThousandNotifications)$$' -count=1
	@$(MAKE) replay

##@ Tools

.PHONY: tools
tools: bin/golangci-lint bin/govulncheck bin/sqlc bin/temporal bin/workflowcheck ## Build all tools into bin/

# One rule a tool: bin/NAME stands for the stamp bin/.NAME-VERSION, which is there when that version was built.
# $(1) name, $(2) version, $(3) package
define tool
.PHONY: bin/$(1)
bin/$(1): bin/.$(1)-$(2)
bin/.$(1)-$(2):
	@echo "building $(1) $(2) into bin/"
	@mkdir -p bin
	@GOBIN="$$(CURDIR)/bin" go install $(3)@$(2)
	@rm -f bin/.$(1)-*
	@touch $$@
endef

$(eval $(call tool,golangci-lint,$(GOLANGCI_LINT_VERSION),$(GOLANGCI_LINT_PACKAGE)))
$(eval $(call tool,govulncheck,$(GOVULNCHECK_VERSION),$(GOVULNCHECK_PACKAGE)))
$(eval $(call tool,sqlc,$(SQLC_VERSION),$(SQLC_PACKAGE)))
$(eval $(call tool,temporal,$(TEMPORAL_VERSION),$(TEMPORAL_PACKAGE)))
$(eval $(call tool,workflowcheck,$(WORKFLOWCHECK_VERSION),$(WORKFLOWCHECK_PACKAGE)))
