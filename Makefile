# One line each; `make run` and `make test` need only make, Python >= 3.11 and the network for packages.
PYTHON ?= python3
BIN := .venv/bin
# As many processes as processors and memory carry (perf_pipeline_tests/support/processes_at_once.py).
WORKERS ?= auto
# uv takes seconds where pip takes minutes; pip knows a package index that only its own settings name.
# Compiled at once: where Python may write no bytecode, each process would compile all it imports.
install = $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python $(1) || $(BIN)/python -m pip install --quiet --disable-pip-version-check $(1)
BAD_DAYS := $(addprefix perf_pipeline_tests/,integration/cli/test_failing_targets.py integration/cli/test_stopped_anywhere.py integration/store/test_damage.py integration/config/test_hosts_elsewhere.py integration/cli/test_secrets.py defs/test_secrets.py)
.PHONY: run test fuzz bad-days check site ui lock clean compose-test wheel test-wheel

run: .venv/runs ## load a real system and judge it
	@$(BIN)/perf-pipeline run --profile quick

test: .venv/installed ## the whole suite against real services; WORKERS=0 in one process
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --reruns 1 --reruns-delay 10 --durations 10

fuzz: .venv/installed ## bad input until something ends in no sentence, or Ctrl-C; SEED=1 CASES=20000 KIND=toml
	@$(BIN)/python -m perf_pipeline_tests.fuzz.cases "$(SEED)" "$(CASES)" "$(KIND)"

bad-days: .venv/installed ## 50 failing targets and stops, 1,000 damages, foreign hosts, secrets; SEED=7
	@seed=$(or $(SEED),$(shell date +%s)); echo "SEED=$$seed"; PERF_TEST_MOMENTS=50 PERF_DAMAGE_CASES=500 PERF_TEST_SEED=$$seed $(BIN)/python -m pytest --durations 5 $(BAD_DAYS)

check: .venv/installed .venv/site ## lint, format, types, layers, dead links
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports && .ci/site/build

site: .venv/site ## the documentation as a site, with search: .perf/site/html/index.html
	@.ci/site/build && echo .perf/site/html/index.html

ui: .venv/runs ## Dagster's UI on 127.0.0.1
	@$(BIN)/perf-pipeline ui

lock: .venv/installed ## resolve requirements.lock anew, and cut the smaller locks out of it
	@$(BIN)/uv pip compile pyproject.toml --extra fleet --extra functions --extra s3 --extra schemas --extra sftp --extra stack --group dev --universal --no-strip-extras --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet --output-file requirements.lock && docker/renew_locks

wheel: .venv/installed ## the wheel of this machine, with what runs for each sample compiled; needs a C compiler
	@HATCH_BUILD_HOOK_ENABLE_CUSTOM=true $(BIN)/python -m hatchling build --target wheel

test-wheel: .venv/installed ## the tests of what is compiled, on the compiled wheel; not part of the tests
	@.ci/wheel/test

compose-test: .venv/runs ## docker-compose.yml on a real engine; ten minutes, not part of the tests
	@docker/compose_test

clean: ## remove the virtual environment and all local state
	@rm -rf .venv .perf

.venv/runs: requirements-installer.lock requirements-run.lock pyproject.toml
	@$(PYTHON) -c "import sys; v = sys.version_info; (3, 11) <= v < (3, 15) or sys.exit(f'Python 3.11 to 3.14 is needed; this is {v[0]}.{v[1]}. Name another with: make PYTHON=python3.12 ...')"
	@echo "creating .venv and installing what a run needs (once; seconds with a fast network)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-installer.lock
	@$(call install,--require-hashes --requirement requirements-run.lock)
	@$(call install,--no-deps --no-build-isolation --editable .)
	@$(BIN)/python -m compileall -q perf_pipeline
	@touch $@

.venv/installed: .venv/runs requirements.lock
	@echo "installing the tools for checks and tests (once)"
	@$(call install,--require-hashes --requirement requirements.lock)
	@touch $@

.venv/site: .venv/installed requirements-docs.lock
	@echo "installing what builds the site of the documentation (once)"
	@$(call install,--require-hashes --requirement requirements-docs.lock)
	@touch $@
