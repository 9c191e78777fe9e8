# Every target prepares what it needs: a virtual environment of its own with the locked versions.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

# The tests start the program thousands of times; without its compiled modules each start takes twice as long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo run test check lint types imports unit coverage slow screenshots bench clean

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Fairlead needs Python 3.11 or newer; name one with PYTHON=python3.x make …" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP)  ## the workbench in the simulated world
	@$(BIN)/fairlead demo

run: $(STAMP)  ## the workbench on your own hosts
	@$(BIN)/fairlead

test: check unit  ## everything that decides whether a change may land

check: lint types imports

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

imports: $(STAMP)
	$(BIN)/lint-imports

unit: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" $(PYTEST_ARGS)

coverage: $(STAMP)  ## the same, and which lines no test runs: twice as long
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" --cov --cov-report=term $(PYTEST_ARGS)

slow: $(STAMP)  ## the long campaigns
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

screenshots: $(STAMP)  ## pictures for the README, from the demo world
	$(BIN)/python -m screenshots.make

bench: $(STAMP)  ## side by side with OpenSSH on this machine
	$(BIN)/python -m benchmarks.run

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage .coverage.* dist
