# Everything that is done with this project, from a clean clone: `make help` lists it.

ITEMS ?= 1000000
VARIATIONS ?= $(shell expr $(ITEMS) \* 2)
GROUPS ?= 4000
FEED ?=
PYTHON ?= python3
# Many tests wait for processes and sockets: a worker more than two cores, and none of them idle in the end.
PYTEST_FLAGS ?= -q -n 3 --dist worksteal
FUZZ_SECONDS ?= 60
SEED ?= 7
ROUNDS ?= 200

# A toolchain that rustup installed is found without a login shell.
export PATH := $(PATH):$(HOME)/.cargo/bin

# Tests start many processes: what one has compiled spares the others a third of their start.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
RUST := $(shell find rust -name '*.rs' -not -path '*/target/*' 2>/dev/null) Cargo.toml Cargo.lock $(wildcard rust/*/Cargo.toml)
PACKAGED := README.md pyproject.toml
# The extension is built by maturin under this interpreter's settings; cargo must see the same ones or it rebuilds.
export PYO3_PYTHON := $(abspath $(BIN)/python)

.DEFAULT_GOAL := all
.PHONY: all help setup demo test test-rust test-python lint format bench bench-full fuzz soak kills wheel coverage third-party lock clean

all: lint test  ## what CI runs: lint and test

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV)/.built  ## virtual environment, locked dependencies, release build of the extension

demo: $(VENV)/.built  ## the main job on a generated catalog (ITEMS=, VARIATIONS=, GROUPS=) or on FEED=path
	$(BIN)/python demo/run.py --items $(ITEMS) --variations $(VARIATIONS) --groups $(GROUPS) $(if $(FEED),--feed "$(FEED)")

test: test-rust test-python  ## all tests

# The binding has no tests: it is named so that both are built with the same features, and what they share once.
test-rust: $(VENV)/.deps
	cargo test --locked --release --package feedengine-core --package feedengine-py

test-python: $(VENV)/.built
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

# Of Rust what is built for release, in one folder: the tests and the extension share its build scripts and macros.
lint: $(VENV)/.deps  ## ruff, mypy, rustfmt, clippy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cargo fmt --all --check
	cargo clippy --locked --release --workspace --all-targets -- -D warnings
	cargo check --release --manifest-path rust/fuzz/Cargo.toml --target-dir target

format: $(VENV)/.deps  ## rewrite the sources as lint wants them
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cargo fmt --all

bench: $(VENV)/.built $(VENV)/.bench  ## parts, then side by side with other tools at 1 million rows (minutes)
	cargo bench --locked --package feedengine-bench
	$(BIN)/python -m pytest benches -q --benchmark-only --benchmark-columns=median,rounds
	$(BIN)/python benches/side_by_side.py --rows 1000000

bench-full: $(VENV)/.built $(VENV)/.bench  ## side by side at 10 million rows (40 GB of disk, an hour)
	$(BIN)/python benches/side_by_side.py --rows 10000000 --runs 3

fuzz: $(VENV)/.deps  ## every fuzz target for FUZZ_SECONDS each (needs cargo-fuzz)
	@command -v cargo-fuzz >/dev/null || { echo "fuzzing needs cargo-fuzz: cargo install cargo-fuzz" >&2; exit 1; }
	cd rust/fuzz && for target in $$(cargo fuzz list --fuzz-dir .); do \
	  RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir . $$target -- -max_total_time=$(FUZZ_SECONDS) || exit 1; done

soak: $(VENV)/.built  ## a day in the life of the service: 50 accounts, 2,000 feeds, faults and kills (a quarter of an hour)
	$(BIN)/python tests/soak/day.py --seed $(SEED)

kills: $(VENV)/.built  ## kill -9 of server, worker and all at every state, ROUNDS rounds (200: half an hour)
	PYTHONPATH=tests $(BIN)/python tests/service/kill_loop.py --rounds $(ROUNDS) --seed $(SEED)

wheel: $(VENV)/.deps  ## an abi3 wheel in dist/, for any Python from 3.11 on
	$(BIN)/maturin build --release --locked --out dist

coverage:  ## rewrite docs/coverage.md: which test shows which capability
	$(PYTHON) tests/coverage.py

third-party:  ## rewrite THIRD-PARTY.md: the licences of what is built in
	$(PYTHON) requirements/third_party.py

lock: $(VENV)/.deps  ## pin the newest versions that pyproject.toml allows
	$(BIN)/python requirements/lock.py

clean:  ## remove what was built, the virtual environment included
	rm -rf $(VENV) target dist .demo .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find python -name '_engine*.so' -delete

$(VENV)/.python:
	@sh requirements/machine.sh "$(PYTHON)"
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.deps: requirements/run.txt requirements/dev.txt | $(VENV)/.python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.deps
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/bench.txt
	@touch $@

$(VENV)/.built: $(VENV)/.deps $(RUST) $(PACKAGED)
	@echo "building the extension (minutes the first time)"
	PATH="$(abspath $(BIN)):$$PATH" MATURIN_PEP517_ARGS=--locked $(BIN)/python -m pip install --quiet \
	  --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
