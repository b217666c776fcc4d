# Every target sets up what it needs, once, in $(VENV). `make help` lists them.

PYTHON ?= python3
VENV ?= .venv
WORKERS ?= auto
ARGS ?=

PY := $(VENV)/bin/python
SOURCES := gradc compiler runtime codegen_templates tests examples benchmarks

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check dev fmt lint type bless pages bench fuzz memcheck clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.has-demo ## Train a classifier of handwritten digits with compiled gradients
	$(PY) examples/digits.py

test: $(VENV)/.has-test ## Run all tests; ARGS="-k name" chooses some
	$(PY) -m pytest -n $(WORKERS) --maxprocesses 8 $(ARGS)

check: lint type test ## What the continuous integration runs

dev: $(VENV)/.has-dev $(VENV)/.has-test ## Set up for development: linters, types, tests

fmt: $(VENV)/.has-dev ## Format the code and mend what can be mended
	$(PY) -m ruff check --fix $(SOURCES)
	$(PY) -m ruff format $(SOURCES)

lint: $(VENV)/.has-dev ## Look for mistakes and unformatted code
	$(PY) -m ruff check $(SOURCES)
	$(PY) -m ruff format --check $(SOURCES)

type: $(VENV)/.has-dev ## Check the types
	$(PY) -m mypy

bless: $(VENV)/.has-test ## Accept what the compiler generates now as the golden files
	$(PY) -m pytest --bless $(ARGS)

pages: $(VENV)/.has-test ## Write the lists in docs/numpy-coverage.md from the tables of the compiler
	$(PY) -m pytest --bless tests/house/test_coverage_page.py

bench: $(VENV)/.has-bench ## Measure the workloads beside the peers
	$(PY) -m benchmarks $(ARGS)

fuzz: $(VENV)/.has-test ## Run random programs as native code; ARGS="--programs 500 --seed 7"
	$(PY) -m tests.fuzz $(ARGS)

memcheck: $(VENV)/.has-test ## Run kernels of native code by Valgrind; ARGS="pooling" chooses some
	$(PY) -m tests.memcheck $(ARGS)

clean: ## Remove what the other targets made, the virtual environment included
	rm -rf $(VENV) build dist gradc.egg-info examples/output
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

# The set-up. A stamp says which extras are installed; pyproject.toml makes it out of date.
EXTRAS_demo := demo
EXTRAS_test := test,parity
EXTRAS_dev := dev
EXTRAS_bench := bench

$(VENV)/.created:
	@echo "Creating $(VENV) with $(PYTHON) ..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.has-%: pyproject.toml | $(VENV)/.created
	@echo "Installing gradc[$(EXTRAS_$*)] into $(VENV) ..."
	@$(PY) -m pip install --quiet --editable '.[$(EXTRAS_$*)]'
	@touch $@
