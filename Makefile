# One line each; `make run` and `make test` need only make, Python >= 3.11 and the network for packages.
PYTHON ?= python3
BIN := .venv/bin
.PHONY: run test check ui lock clean

run: .venv/installed ## load a real system and judge it
	@$(BIN)/perf-pipeline run --profile quick

test: .venv/installed ## the whole suite against real services
	@$(BIN)/python -m pytest

check: .venv/installed ## lint, format, types, layers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

ui: .venv/installed ## Dagster's UI on 127.0.0.1
	@$(BIN)/perf-pipeline ui

lock: .venv/installed ## resolve requirements.lock anew, and cut the locks of docker/ out of it
	@$(BIN)/uv pip compile pyproject.toml --extra stack --group dev --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock && docker/renew_locks

clean: ## remove the virtual environment and all local state
	@rm -rf .venv .perf

.venv/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; v = sys.version_info; (3, 11) <= v < (3, 14) or sys.exit(f'Python 3.11, 3.12 or 3.13 is needed; this is {v[0]}.{v[1]}. Name another with: make PYTHON=python3.12 ...')"
	@echo "creating .venv and installing the locked dependencies (once; about a minute)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
