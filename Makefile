# `make` alone lists the verbs. Needs make, a POSIX shell and Python >= 3.11 with venv and pip; brings the rest itself.

PYTHON ?= python3
SUITES ?=
BENCH ?=
UPGRADE ?=
ARCH ?=
PY     := .venv/bin/python
UV     := .venv-lock/bin/uv
# The locks name every dependency, so pip need not resolve; bytecode is written at the first import.
PIP    := --quiet --quiet --disable-pip-version-check --no-deps --no-compile --require-hashes --requirement
LOCK   := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(UPGRADE)

# Where the surroundings forbid bytecode, every process of every suite would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run check test fleet storm fix openapi openapi-check bench package lambda-test infra-check lock clean

help: ## List the verbs (this text)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

setup: .venv/.ready .venv-aws/.ready ## Make both virtual environments from their hashed locks

run: .venv/.ready ## Start the whole broker on this machine, the Genesys simulator beside it
	@exec $(PY) -m service.entrypoints.local

check: .venv/.ready openapi-check ## Format, lint, types, layers and OpenAPI; runs no test and rewrites nothing
	@$(PY) -m ruff format --quiet --check .
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy --no-error-summary
	@.venv/bin/lint-imports --no-logo

test: setup ## Run every suite, then the coverage gate; SUITES="unit contract" runs only those
	@$(PY) -m tests.run_suites $(SUITES)

# More chats than two cores can let talk every few seconds: here each side speaks about twice a minute.
fleet: .venv/.ready ## Kill listeners under FLEET_CHATS=600 talking chats for FLEET_SECONDS=60; takes minutes
	@FLEET_CHATS=$${FLEET_CHATS:-600} FLEET_SECONDS=$${FLEET_SECONDS:-60} FLEET_PAUSE=$${FLEET_PAUSE:-30} \
	  $(PY) -m pytest --quiet --capture=no tests/chaos/fleet/test_fleet.py

storm: .venv/.ready ## Let STORM_SESSIONS=2000 sessions come back after an outage, within the budget; takes minutes
	@STORM_SESSIONS=$${STORM_SESSIONS:-2000} $(PY) -m pytest --quiet tests/simulation/test_storm.py

fix: .venv/.ready ## Rewrite what can be put right by machine (the only verb that changes source files)
	@$(PY) -m ruff check --quiet --fix .
	@$(PY) -m ruff format --quiet .

openapi: .venv/.ready ## Write openapi/openapi.json from the application
	@mkdir -p openapi
	@$(PY) -m service.api.openapi_document > openapi/openapi.json.new
	@mv openapi/openapi.json.new openapi/openapi.json

openapi-check: .venv/.ready ## Say whether openapi/openapi.json is what the application would write
	@test ! -f service/api/openapi_document.py || $(PY) -m service.api.openapi_document | diff -u openapi/openapi.json -

bench: setup ## Measure beside a bare client in the same run; BENCH="links talk" runs only those
	@$(PY) -m tests.bench $(BENCH)

package: .venv/.ready ## Build dist/<architecture>/<function>.zip for Lambda; ARCH="arm64" builds only those
	@$(PY) -m infra.bundle $(ARCH)

# The only verb that needs Python 3.13 at hand: what runs there is what was packaged.
lambda-test: setup ## Run every function under AWS's own runtime client and emulator, out of its zip
	@if test -n "$$($(PY) -m infra.bundle.interpreter)"; then \
	  $(MAKE) --no-print-directory .venv-lambda/.ready && \
	  $(PY) -m infra.bundle $$(uname -m | sed s/aarch64/arm64/) && \
	  $(PY) -m pytest --quiet --numprocesses 2 tests/runtime; \
	else \
	  echo "NOT RUN: make lambda-test needs Python 3.13, and there is none; PYTHON313=... may name one" >&2; \
	fi

infra-check: setup ## Prove infra/ with Terraform: format, validation, tests, and a whole life on a stand-in; takes minutes
	@test -z "$$($(PY) -m infra.bundle.interpreter)" || $(MAKE) --no-print-directory .venv-lambda/.ready
	@$(PY) -m tests.infra_check

lock: .venv-lock/.ready ## Write requirements/*.txt from pyproject.toml; UPGRADE=--upgrade takes newer versions
	@$(UV) pip compile $(LOCK) pyproject.toml --output-file requirements/runtime.txt > /dev/null
	@$(UV) pip compile $(LOCK) pyproject.toml --group dev --constraint requirements/runtime.txt \
	  --output-file requirements/dev.txt > /dev/null
	@$(UV) pip compile $(LOCK) --group aws --output-file requirements/aws.txt > /dev/null
	@$(UV) pip compile $(LOCK) --no-deps --group lambda --output-file requirements/lambda.txt > /dev/null

clean: ## Remove everything the verbs made, the kept data included
	@rm -rf .venv .venv-aws .venv-lambda .venv-lock .wheels dist .reports .data .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .import_linter_cache openapi/openapi.json.new
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than its lock once that lock is installed, so the work is done again only when the lock changes.
.venv/.ready: requirements/dev.txt
.venv-aws/.ready: requirements/aws.txt
.venv-lambda/.ready: requirements/lambda.txt
.venv-lock/.ready: Makefile

.venv/.ready .venv-aws/.ready:
	@echo "setting up $(@D) from $<" >&2
	@$(NEW_ENOUGH)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install $(PIP) $<
	@touch $@

.venv-lambda/.ready:
	@echo "setting up $(@D) from $<" >&2
	@$$($(PY) -m infra.bundle.interpreter) -m venv $(@D)
	@$(@D)/bin/python -m pip install $(PIP) $<
	@touch $@

.venv-lock/.ready:
	@$(NEW_ENOUGH)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --quiet --quiet --disable-pip-version-check uv==0.13.9
	@touch $@

define NEW_ENOUGH
$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit( \
  "Python 3.11 or newer is needed, $(PYTHON) is %d.%d; try: make PYTHON=python3.13" % sys.version_info[:2])'
endef
