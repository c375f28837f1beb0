# Everything is done by the Go tool and npm; make only knows the order.
# `make` lists what there is.

GO        ?= go
UI        := services/web/ui
UI_SOURCE := $(shell find $(UI)/src $(UI)/styles $(UI)/static $(UI)/build.js $(UI)/tsconfig.json -type f 2>/dev/null)
MODULES   := . .ci/tools deployments/check

# The race detector needs a C compiler, which Go itself does not.
# SQLite and the C library below it are C, translated to Go (docs/decisions/0071):
# with the detector in them, the tests that use them take twice as long.
# The driver between them and us is watched.
RACE := $(if $(shell command -v $$($(GO) env CC) 2>/dev/null),-race \
	-gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc/...=-race=false)

# What is not watched for races is compiled once, the way the images are.
ONCE := CGO_ENABLED=0 GOFLAGS="$(GOFLAGS) -trimpath"

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: ui ## start the gallery on http://127.0.0.1:8080, data in ./sajin-data
	@$(GO) run -tags embedded,nodynamic ./services/sajin

.PHONY: test
test: test-go test-ui ## run every test that this machine has the programs for

# The acceptance tests drive programs as they are shipped, so the race detector
# would watch nothing but the tests and the emulators. They mostly wait: the
# other tests run beside them.
ACCEPTANCE := ./services/sajin/internal/acceptance

.PHONY: test-go
test-go:
	$(ONCE) $(GO) vet ./...
	$(if $(RACE),,@echo "skipped: the race detector, which needs a C compiler")
	@$(MAKE) --no-print-directory --output-sync=target -j2 test-acceptance test-packages

.PHONY: test-acceptance
test-acceptance:
	$(ONCE) $(GO) test -shuffle=on -timeout 40m $(ACCEPTANCE)

.PHONY: test-packages
test-packages:
	$(GO) test $(RACE) -shuffle=on -timeout 20m $$($(GO) list ./... | grep -v '$(ACCEPTANCE:.%=%)$$')

.PHONY: test-ui
test-ui:
	@if ! command -v npm >/dev/null; then echo "skipped: the tests of the interface, which need npm"; \
	elif ! [ -d $(UI)/node_modules ]; then echo "skipped: the tests of the interface; 'make ui' fetches what they need"; \
	elif command -v chromium >/dev/null; then npm --prefix $(UI) test; \
	else echo "skipped: the tests in a browser, which need chromium"; \
		npm --prefix $(UI) run check && npm --prefix $(UI) run test:unit; fi

.PHONY: ui
ui: ## build the interface, where its sources are newer
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(UI)/dist/app.js; \
	else echo "npm is not installed: the gallery works, but without scripts (Node.js 20 or newer brings npm)"; fi

$(UI)/dist/app.js: $(UI)/node_modules/.package-lock.json $(UI_SOURCE)
	npm --prefix $(UI) run build
	@touch $@

$(UI)/node_modules/.package-lock.json: $(UI)/package.json $(UI)/package-lock.json
	npm --prefix $(UI) ci
	@touch $@

# With accounts: `make stack STACK='-auth password'`.
.PHONY: stack
stack: ui ## start the three services with a database, a bus and a bucket of their own
	$(GO) run ./services/sajin/cmd/stack $(STACK)

# Every fuzz target for a while; what one finds stays in its package's testdata.
FUZZTIME ?= 20s

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (20s)
	@grep -rl --include='*_test.go' '^func Fuzz' pkg services | sort | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$$file"); do \
			echo "$$(dirname "$$file") $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || exit 1; \
		done; \
	done

.PHONY: check-deployments
check-deployments: ## hold the files in deployments/ and k8s/ to the code
	$(ONCE) $(GO) -C deployments/check vet ./...
	@# What is outside of a module is no reason for Go to run its tests again.
	$(ONCE) $(GO) -C deployments/check test -count=1 ./...

# SEED repeats the plan of a run; the flags say how much of it, such as
# `make chaos CHAOS='-uploads 1000 -clients 10 -deployment split'`.
.PHONY: chaos
chaos: ## upload while everything breaks, and audit what is left; SEED=… repeats
	$(GO) run ./services/sajin/cmd/chaos -seed $(or $(SEED),0) $(CHAOS)

# Each benchmark that compares measures its peer in the same run.
BENCH := ./services/sajin/internal/acceptance ./services/upload/internal/goimaging \
	./services/catalog/... ./pkg/blob/... ./pkg/event/...

.PHONY: bench
bench: bin/golangci-lint ## measure; docs/benchmarks.md says what came out
	$(GO) test -run '^$$' -bench . -benchtime 1s -count 3 -timeout 60m $(BENCH) | tee bin/bench.txt
	bin/benchstat bin/bench.txt

# The linter's cache remembers files by their path: shared between checkouts, it
# reports what another one had.
lint fmt: export GOLANGCI_LINT_CACHE := $(CURDIR)/bin/lint-cache

# The tools are pinned in .ci/tools/go.mod and built into bin/.
bin/golangci-lint: .ci/tools/go.mod .ci/tools/go.sum
	$(ONCE) GOBIN=$(CURDIR)/bin $(GO) -C .ci/tools install tool
	@touch $@

.PHONY: lint
lint: bin/golangci-lint ## lint, and check that go.mod says what is imported
	$(ONCE) bin/golangci-lint run ./...
	cd deployments/check && $(ONCE) $(CURDIR)/bin/golangci-lint run ./...
	@for module in $(MODULES); do echo "$(GO) -C $$module mod tidy -diff"; $(GO) -C $$module mod tidy -diff || exit 1; done

.PHONY: dead
dead: bin/golangci-lint ## list the functions that no program and no test reaches
	bin/deadcode -test ./...

.PHONY: fmt
fmt: bin/golangci-lint ## format the Go files
	bin/golangci-lint fmt ./...

.PHONY: clean
clean: ## remove what was built; the pictures in ./sajin-data stay
	rm -rf bin $(UI)/node_modules coverage
	find $(UI)/dist -type f ! -name .gitkeep -delete 2>/dev/null || true
