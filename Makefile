# Every target prepares its own environment: a fresh machine needs Python >= 3.11 and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
MINOR := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
# One more than there are processors: some tests wait for a process or a deadline.
WORKERS := $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')
CONSTRAINTS := constraints-$(MINOR).txt
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable
# Programs of ours start in the tests by the hundred: each would be compiled anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install demo test test-all check bench format contract gas clean

demo: $(VENV)/.run
	$(BIN)/holdfast demo

install: $(VENV)/.run

test: $(VENV)/.dev
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

test-all: $(VENV)/.dev
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "slow or not slow"

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m contracts.build --check
	$(BIN)/python tests/contracts/gas_snapshot.py --check

bench: $(VENV)/.run
	$(BIN)/python -m benchmarks

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

contract: $(VENV)/.dev
	$(BIN)/python -m contracts.build

gas: $(VENV)/.dev
	$(BIN)/python tests/contracts/gas_snapshot.py

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/bin/python:
	@test -f $(CONSTRAINTS) || { echo "holdfast: expected Python 3.11, 3.12 or 3.13, got $(MINOR) (choose one: make PYTHON=python3.11 ...)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml $(CONSTRAINTS)
	@echo "installing holdfast into $(VENV)"
	$(INSTALL) ".[learn,plot]"
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	@echo "installing the development tools into $(VENV)"
	$(INSTALL) ".[learn,plot,dev]"
	@touch $@
