# What a person types. `make demo` and `make test` need python3 with venv, and make; they set up .venv from the hashed lock.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
SETUP := $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes
SELF := $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
SEED ?= $(shell date +%s)
SEED := $(SEED)

.PHONY: demo test prove live lint bench requirements lock clean

demo: .venv/.demo
	@$(BIN)/connector demo

test: .venv/.dev
	$(PYTEST) -n 2

# random, by a seed that is printed: `make prove SEED=…` repeats a run
prove: .venv/.dev
	$(PYTEST) -n 2 -m "prove or property" --hypothesis-profile prove --hypothesis-seed=$(SEED) -p randomly --randomly-seed=$(SEED)

# drives a real org; tests/live/README.md says what it wants to know
live: .venv/.dev
	$(PYTEST) -m live $(or $(ARGS),tests/live)

lint: .venv/.dev
	$(BIN)/ruff check connector tests
	$(BIN)/ruff format --check connector tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/bandit -q -c pyproject.toml -r connector

bench: .venv/.dev
	$(BIN)/python tests/bench/bench.py $(ARGS)

requirements: .venv/.dev
	@$(BIN)/python tests/requirements.py

lock:
	uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-header --no-annotate -q -o requirements.lock
	uv pip compile pyproject.toml --all-extras --universal --generate-hashes --no-header --no-annotate -q -c requirements.lock --group dev -o requirements-dev.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv

# the development set-up holds all that the demo needs
.venv/.demo: requirements.lock pyproject.toml | .venv/bin/python
	@test -f .venv/.dev && test .venv/.dev -nt requirements-dev.lock && test .venv/.dev -nt pyproject.toml || \
		{ $(SETUP) -r requirements.lock && $(SELF); }
	@touch $@

.venv/.dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	$(SETUP) -r requirements-dev.lock
	$(SELF)
	@touch $@
