# make run   the next batch, from the paper's data, in a fresh clone
# make test  the tests
# make check linters, types, layers
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export MPLBACKEND := Agg
export MLFLOW_DISABLE_TELEMETRY := true

.PHONY: run test check install clean

install: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@

run: install
	@test -e campaign/campaign.yaml || $(BIN)/glassloop init campaign
	@$(BIN)/glassloop propose --unless-open --campaign campaign
	@echo "         (glassloop lies in $(BIN): first type  . $(BIN)/activate )"

test: install
	$(BIN)/python -m pytest -q

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) build dist *.egg-info
