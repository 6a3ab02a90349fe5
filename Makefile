# make run    the next batch, from the paper's data, in a fresh clone
# make test   the tests; make test-postgresql: those of the ledger on PostgreSQL
# make check  linters, types, layers
# make lock, audit, licences, wheel-check   see docs/supply_chain.md
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLS := build/tools
TORCH ?= -c constraints.txt torch
TESTS ?= -n 2 --dist loadfile
SHARED ?= $(addprefix tests/experiments/,test_ledger.py test_ledger_kept.py test_ledger_refusals.py \
  test_ledger_soundness.py test_seals.py test_recording.py test_settling.py test_assumptions.py \
  test_as_of_now.py)
# Without bytecode every process compiles all it imports: 20 s for MLflow and torch
unexport PYTHONDONTWRITEBYTECODE
export MPLBACKEND := Agg
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: run test test-postgresql check install clean lock audit licences wheel-check

install: $(VENV)/installed

# Every package but torch by hash; torch in its pinned version, in whichever build this machine's pip finds
$(VENV)/installed: pyproject.toml constraints.txt requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --no-deps --only-binary=:all: -r requirements.lock
	$(BIN)/pip install --quiet $(TORCH)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

run: install
	@test -e campaign/campaign.yaml || $(BIN)/glassloop init campaign
	@$(BIN)/glassloop propose --unless-open --campaign campaign
	@echo "         (glassloop lies in $(BIN): first type  . $(BIN)/activate )"

test: install
	$(BIN)/python -m pytest -q $(TESTS)

# The same tests, every ledger they make in a private PostgreSQL server; SHARED=tests/experiments for all of them
test-postgresql: install
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --ledgers postgresql $(SHARED)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: $(TOOLS)/installed
	$(TOOLS)/bin/python .ci/lock.py $(TOOLS)/bin/uv

# --strict: a package that could not be looked up is a failure, not a pass
audit: $(TOOLS)/installed
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock -r requirements-torch.lock

licences: install
	$(BIN)/python .ci/licences.py

wheel-check:
	PYTHON=$(PYTHON) .ci/wheel-check

$(TOOLS)/installed: Makefile
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet uv==0.13.9 pip-audit==2.10.1
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
