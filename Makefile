# The two that matter: `make demo` and `make test`. Both set up what they need.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
TOOL    := go tool -modfile=.ci/tools.mod
OUT     ?= out/demo
FUZZ    ?= 30s

export CGO_ENABLED := 0

.PHONY: all build demo serve test lint bench fuzz browser postgres clean

all: build

build: ## the one binary, static, in bin/
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/bartizan ./cmd/bartizan

demo: build ## analyse a sample system and say where the report lies
	bin/bartizan analyze --analyst builtin --system "Tallybridge Portal" --out $(OUT) testdata/designs/portal/docs
	@echo
	@echo "Open $(CURDIR)/$(OUT)/report.html in a browser."

serve: build postgres ## the service on this machine, with a sample system analysed; Ctrl-C ends it
	bin/bartizan serve --dev --sample testdata/designs/portal/docs $(SERVE)

# Go's ten minutes are too few for the tests that kill workers where the machine
# has other work.
test: browser postgres ## all tests
	go test -timeout 30m ./...

lint: ## what CI checks beside the tests
	go vet ./...
	@unformatted="$$($(TOOL) gofumpt -l $$(git ls-files '*.go' ':!internal/postgres/query'))"; \
	if [ -n "$$unformatted" ]; then echo "not formatted as gofumpt does:"; echo "$$unformatted"; exit 1; fi
	$(TOOL) staticcheck ./...
	cd internal/postgres && go tool -modfile=../../.ci/sqlc.mod sqlc diff -f sqlc.yaml

bench: ## speed and size, as ratios side by side where there is something to compare with
	go test -run '^$$' -bench . -benchmem ./...

fuzz: ## every fuzz target for FUZZ each (default 30s)
	@for pkg in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) $$pkg || exit 1; \
	  done; \
	done

# The tests of the report want a real browser. On Debian and Ubuntu, as root,
# it is installed; elsewhere those tests are skipped and say so.
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing chromium for the tests of the report"; \
	  (apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends chromium) >/dev/null; \
	else echo "no chromium: the browser tests of the report will be skipped"; fi

# The tests of the service want PostgreSQL and pgvector. On Debian and Ubuntu,
# as root, what is missing is installed; elsewhere the command that installs it
# is printed. With BARTIZAN_TEST_DATABASE_URL they use the server named there.
postgres:
	@test -n "$$BARTIZAN_TEST_DATABASE_URL" || scripts/install-postgres

clean:
	rm -rf bin out
