# Everything runs in a virtual environment of the project's own; only make and Python (with venv) are needed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST := $(BIN)/python -m pytest -n $(WORKERS)
# What a kill, a rule or several machines do is the same code in the wheel; what is packed is not.
PACKED := $(addprefix --ignore=tests/,kill bench deploy rules swarm world store/test_kill.py end_to_end/test_workers.py end_to_end/test_x.py)

.DEFAULT_GOAL := help
.PHONY: help demo scan test test-wheel test-claude-flow check quality bench lock clean

help:  ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(READY): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("tgewatch needs Python 3.11 or newer; try: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(PIP) install --no-build-isolation --no-deps -e .
	@touch $@

demo: $(READY)  ## Set up, then watch a simulated week: offline, nothing to configure
	$(BIN)/tgewatch demo

scan: $(READY)  ## Set up, then scan the live default watchlist once
	$(BIN)/tgewatch --state state scan

test: $(READY)  ## Set up and pass all tests
	$(PYTEST)

test-wheel: $(READY)  ## Build the wheel and pass the tests with it in place of src
	rm -rf build/wheel dist
	$(PIP) wheel --no-build-isolation --no-deps --wheel-dir dist .
	$(PIP) install --no-deps --target build/wheel dist/tgewatch-*.whl
	TGEWATCH_TEST_INSTALLED=build/wheel PYTHONPATH=build/wheel $(PYTEST) $(PACKED)

test-claude-flow: $(READY)  ## Install claude-flow from npm, once, and test against it
	$(BIN)/python scripts/install_claude_flow.py
	TGEWATCH_TEST_CLAUDE_FLOW=run $(PYTEST) tests/swarm/claude_flow

check: $(READY)  ## Format, lint, types, imports
	$(BIN)/ruff format --check src tests benchmarks scripts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

quality: $(READY)  ## Score the detection on labelled text, against floors that only rise
	$(BIN)/python scripts/quality.py

bench: $(READY)  ## Measure everything; fill in the numbers and charts of the docs
	$(BIN)/tgewatch bench --json --charts docs/images > benchmarks/results.json.new
	mv benchmarks/results.json.new benchmarks/results.json
	$(BIN)/python scripts/check_numbers.py --write

lock: $(READY)  ## Resolve the dependencies anew, with hashes
	$(BIN)/uv pip compile pyproject.toml --group dev --all-extras --universal --upgrade --quiet \
		--python-version 3.11 --generate-hashes --no-emit-index-url --custom-compile-command "make lock" \
		--output-file requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml --all-extras $(PINNED) --output-file requirements/deploy.txt
	$(BIN)/uv pip compile requirements/build.in $(PINNED) --output-file requirements/build.txt

PINNED := --universal --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
	--constraint requirements/dev.txt --custom-compile-command "make lock"

clean:  ## Remove what was built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
