# `make` lists the targets. Each one first creates .venv and installs what is missing; nothing else needs to be installed
# by hand but Python, make and git.

PYTHON ?= $(shell python3.11 -c '' 2>/dev/null && echo python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
READY := $(VENV)/.ready
# What is formatted, linted and type-checked, as far as it exists.
SOURCES := $(wildcard mars_nb tests notebooks benchmarks examples .ci)
TYPED := $(wildcard mars_nb tests .ci notebooks/run_demo.py benchmarks examples)
FAST_TESTS := $(wildcard mars_nb tests/unit tests/conformance tests/architecture)
# What is tested without measuring coverage, which would make it take more than twice as long and shows nothing that the
# other tests do not: thousands of random runs, a browser, and an environment of its own.
UNMEASURED := $(wildcard tests/property tests/e2e tests/binder)

.DEFAULT_GOAL := help
.PHONY: help install demo check test e2e screenshots lab gallery bench ci format format-check lint types layers fast-tests coverage clean faults

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(READY) ## create .venv and install the package and its tools

$(READY): pyproject.toml
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade 'pip>=25.1'
	$(PY) -m pip install --quiet --editable . --group dev
	@touch $@

demo: $(READY) ## run the quickstart notebook, offline and without a key
	$(PY) notebooks/run_demo.py

check: format-check lint types layers fast-tests ## all that is fast: before every commit

test: $(READY) ## everything, with coverage
	@mkdir -p out/coverage
	$(PY) -m pytest --cov --cov-report=term --cov-report=json $(addprefix --ignore=,$(UNMEASURED))
	$(PY) .ci/coverage_gate.py
	$(PY) -m pytest $(UNMEASURED)

faults: $(READY) ## kill runs a thousand times, damage journals everywhere: the long fault tests, with their figures
	MARS_FAULTS=1000 $(PY) -m pytest -s tests/faults

e2e: $(READY) ## the tests in a browser, with screenshots in out/screenshots
	$(PY) -m pytest tests/e2e

screenshots: $(READY) ## take the pictures of the README in a browser
	MARS_SCREENSHOTS=1 $(PY) -m pytest -q tests/e2e/test_screenshots.py

lab: $(READY) ## open the notebooks in JupyterLab
	$(BIN)/jupyter-lab notebooks

gallery: $(READY) ## draw the pictures that notebooks/03_gallery.ipynb is saved with anew
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False \
		notebooks/03_gallery.ipynb

bench: $(READY) ## measure the overhead against a bare asyncio floor
	$(PY) -m benchmarks

ci: format-check lint types layers test ## what has to pass before a change lands

format: $(READY) ## format the code and sort its imports
	$(PY) -m ruff format $(SOURCES)
	$(PY) -m ruff check --select I --fix $(SOURCES)

format-check: $(READY) ## is the code formatted?
	$(PY) -m ruff format --check $(SOURCES)

lint: $(READY) ## ruff
	$(PY) -m ruff check $(SOURCES)

types: $(READY) ## mypy --strict
	$(PY) -m mypy $(TYPED)

layers: $(READY) ## do the layers point down?
	$(BIN)/lint-imports --no-logo

fast-tests: $(READY) ## unit, conformance and architecture tests, and the doctests
	$(PY) -m pytest -q -m 'not slow' $(FAST_TESTS)

coverage: $(READY) ## the coverage of the last `make test` as pages in out/coverage/html
	$(PY) -m coverage html --directory out/coverage/html

clean: ## remove .venv and everything that was made
	rm -rf $(VENV) out build dist .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
