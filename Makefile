# Two commands for a new user: `make run` and `make test`. Everything else is for those who work on the project.
# Needs Python 3.11 or newer and a network that reaches a Python package index; no key, no server.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FINOPS := $(BIN)/finops-ai

.DEFAULT_GOAL := help
.PHONY: help run ui test test-long check format bench bench-evidence bench-money bench-routing bench-prices bench-baseline bench-exports requirements clean

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# A stamp per requirements file: changed pins install again, unchanged ones cost nothing.
$(VENV)/run.stamp: requirements.txt pyproject.toml
	@echo "setting up $(VENV): pinned, hash-checked requirements (a minute or two, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "needs Python 3.11 or newer, found $$($(PYTHON) --version); name another with PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.txt
	@echo "setting up $(VENV): what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	@touch $@

run: $(VENV)/run.stamp  ## set up, submit the example briefs, run them, show where each stands
	@$(FINOPS) submit examples/*.yaml
	@$(FINOPS) run
	@$(FINOPS) status

ui: $(VENV)/run.stamp  ## Dagster's web UI and daemon on the same home as `make run`
	@$(FINOPS) ui

test: $(VENV)/dev.stamp check  ## set up, lint, check types, run every test
	@$(BIN)/python -m pytest -n 3

test-long: $(VENV)/dev.stamp  ## the tests again, with soaks and sweeps at full count
	@FINOPS_AI_TESTS_LONG=1 $(BIN)/python -m pytest

check: $(VENV)/dev.stamp  ## lint, formatting, strict types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(VENV)/dev.stamp  ## mend formatting and what the linter can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/dev.stamp  ## the price of the workflow over bare Dagster, on SQLite and PostgreSQL
	@$(BIN)/python -m bench.workflow

bench-evidence: $(VENV)/dev.stamp  ## claims, veto, contradictions, injections and extraction on labelled data
	@$(BIN)/python -m bench.evidence

bench-money: $(VENV)/dev.stamp  ## money under fire: races, kills, faulty endpoints; and what its safety costs
	@$(BIN)/python -m bench.money

bench-routing: $(VENV)/dev.stamp  ## routing and escalation on stored outcomes of two models
	@$(BIN)/python -m bench.routing

bench-prices: $(VENV)/dev.stamp  ## thirty priced calls against published rates
	@$(BIN)/python -m bench.prices

bench-baseline: $(VENV)/dev.stamp  ## the baseline's rows a second and memory, beside a query written by hand
	@$(BIN)/python -m bench.baseline

bench-exports: $(VENV)/dev.stamp  ## a million charges as FOCUS, beside DuckDB's bare COPY of the same rows
	@$(BIN)/python -m bench.exports

requirements:  ## pin anew (needs uv): versions and hashes, no download address
	uv pip compile pyproject.toml --extra build --universal --generate-hashes --no-annotate --no-header --no-strip-extras -q -o requirements.txt
	uv pip compile pyproject.toml --extra build --extra dev --universal --generate-hashes --no-annotate --no-header --no-strip-extras -q -c requirements.txt -o requirements-dev.txt

clean:  ## remove the environment and the local home
	rm -rf $(VENV) .finops_ai
