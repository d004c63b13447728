# Everything runs from the project's own virtual environment; a bare machine needs Python >= 3.11, make and git.
PYTHON ?= python3
UV := .tools/bin/uv
RUN := $(UV) run --frozen
# compiled modules make every start faster
unexport PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE := 1

.PHONY: help demo shop test test-all fuzz soak lint format bench bench-peers bench-report coverage guarantees clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/ready ## Run the main job on 336,776 real flights
	@$(RUN) python examples/flights/demo.py

shop: .venv/ready ## A Django project with flows between files, models and its cache
	@$(RUN) python examples/shop/run.py

test: .venv/ready ## Lint, check types and run the tests (a few minutes)
	@$(MAKE) --no-print-directory lint
	$(RUN) pytest tests -m "not slow" -n auto

test-all: .venv/ready ## The same with the slow tests
	@$(MAKE) --no-print-directory lint
	$(RUN) pytest tests -n auto

fuzz: .venv/ready ## The tests with generated examples that are new each time
	HYPOTHESIS_PROFILE=fuzz $(RUN) pytest tests -m "not slow" -n auto

guarantees: .venv/ready ## Strike everything, and write what was proved into the package and docs/guarantees.md
	$(RUN) pytest tests/acceptance/test_crash_*.py tests/runtimes/heartbeat/test_crashes.py -n auto --crash-proofs .crash-proofs.json
	$(RUN) python -m active_data_flow.testing.crash.matrix write .crash-proofs.json

soak: .venv/ready ## An hour of kills; SOAK_SECONDS=600 makes it shorter, figures go to soak-results/
	$(RUN) pytest tests/soak -m soak -s --soak-seconds $(or $(SOAK_SECONDS),3600)

lint: .venv/ready ## Style, types, direction of imports
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) pyright
	$(RUN) lint-imports

format: .venv/ready ## Put the code into the house style
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

coverage: .venv/ready ## Tests with coverage, child processes included
	$(RUN) coverage erase
	$(RUN) coverage run -m pytest tests -m "not slow" -n auto
	$(RUN) coverage combine --quiet
	$(RUN) coverage report

bench: .venv/ready ## Benchmarks against the references; needs sqlite3
	$(RUN) python -m benchmarks

bench-peers: .venv/ready ## The same against other libraries too, which get an environment of their own
	$(UV) sync --frozen --quiet --project benchmarks/peers
	$(RUN) python -m benchmarks --peers

bench-report: .venv/ready ## All figures of docs/benchmarks.md, the page and its plots (some 25 minutes)
	$(UV) sync --frozen --quiet --project benchmarks/peers
	$(RUN) python -m benchmarks --peers --save
	$(RUN) python -m benchmarks scaling
	$(RUN) python -m benchmarks report

clean: ## Remove what the other commands made
	rm -rf .venv .venv-newest .tools benchmarks/peers/.venv benchmarks/data demo soak-results .pytest_cache .ruff_cache .hypothesis

$(UV):
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv

.venv/ready: $(UV) pyproject.toml uv.lock
	$(UV) sync --frozen --quiet
	@touch $@
