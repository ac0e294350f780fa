# `make lab` and `make test` do all set-up themselves: they need Python 3.11+, pip and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2

.PHONY: lab demo test bench lint format clean

lab: $(STAMP)  ## JupyterLab on a fresh copy of the course
	$(BIN)/k8slab lab

demo: $(STAMP)  ## the main job, headless: apply, fail a worker, watch it heal
	$(BIN)/k8slab demo

test: $(STAMP)  ## all tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

bench: $(STAMP)  ## figures beside named peers
	$(BIN)/python -m benchmarks

lint: $(STAMP)  ## style, banned APIs, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "k8slab needs Python 3.11 or later; say which with: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@
