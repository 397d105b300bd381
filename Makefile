# The one door. Every target sets up what it needs; what it calls is plain Python.
#
#   make demo    run the quickstart notebook against the simulated provider
#   make test    lint, then every test on the built wheel, with coverage
#   make check   the quick tests on the sources, while you work (ARGS="-k budget")
#   make lint    ruff, mypy --strict, import-linter
#   make format  let ruff rewrite what it can
#   make bench   the benchmarks, with their peers where these install
#   make clean   remove everything that make made
#
# PYTHON=/path/to/python chooses the interpreter of a new environment.

BIN := .venv/bin
PROBE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
CANDIDATES := $(if $(PYTHON),"$(PYTHON)",$(BIN)/python python3 python3.13 python3.12 python3.11)

.DEFAULT_GOAL := help
.PHONY: help environment demo test check lint format bench clean

help:
	@sed -n 's/^#   //p' Makefile

# A candidate may exist and yet not run, or lack venv: each one is tried, not looked up.
environment:
	@for candidate in $(CANDIDATES); do \
	  if "$$candidate" -c '$(PROBE)' >/dev/null 2>&1; then \
	    exec "$$candidate" scripts/setup_env.py $(if $(PYTHON),--this-python); \
	  fi; \
	done; \
	echo "No working Python 3.11 or newer with venv and ensurepip was found$(if $(PYTHON), at $(PYTHON));" \
	  "install one (on Debian also python3-venv) or run: make PYTHON=/path/to/python" >&2; \
	exit 1

demo: environment
	@$(BIN)/python scripts/demo.py

test: lint
	@$(BIN)/python scripts/run_tests.py $(ARGS)

check: environment
	@$(BIN)/python -m pytest -q -m "not kernel and not browser and not network" $(ARGS)

lint: environment
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: environment
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: environment
	@$(BIN)/python scripts/setup_env.py --venv build/bench --extra bench
	@build/bench/bin/python -m benchmarks $(ARGS)

clean:
	rm -rf .venv build dist .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find benchmarks costroute_nb scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +
