# Everything here needs Python 3.11 or later, make and a package registry.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two at a time; the others start Ray or watch a clock, and want the machine to themselves.
SIDE_BY_SIDE := tests/adapters tests/cli tests/corpus tests/data tests/hooks tests/plugins tests/report \
    tests/rows tests/scaling tests/schedule tests/testing tests/test_ensemble.py tests/test_floors.py \
    tests/test_house.py tests/test_metrics.py
RUN := automl-runs/demo-$(shell date +%Y%m%d-%H%M%S)
TORCH_CPU := https://download.pytorch.org/whl/cpu

.PHONY: demo test test-slow lint format clean

demo: $(READY)  ## Train for a minute on 1,797 handwritten digits, then predict with the result.
	$(BIN)/automl fit sklearn:digits --target target --time-limit 60s --output $(RUN)
	$(BIN)/automl predict $(RUN) sklearn:digits --output $(RUN)/predictions.csv
	@echo "The leaderboard again:     $(BIN)/automl leaderboard $(RUN)"
	@echo "The model:                 $(RUN)/model"
	@echo "Predict new rows with it:  $(BIN)/automl predict $(RUN) NEW.csv --output predictions.csv"

test: lint  ## Lint, type-check and test.
	$(BIN)/python -m pytest --numprocesses 2 $(SIDE_BY_SIDE)
	$(BIN)/python -m pytest $(SIDE_BY_SIDE:%=--ignore=%)

test-slow: $(READY)  ## What `make test` leaves out to stay short.
	$(BIN)/python -m pytest -m slow

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Without a GPU, PyTorch's own index gives the build without CUDA (0.2 GB for 3 GB); where it does
# not answer, the registry's build does.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "automl needs Python 3.11 or later: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	extra=; \
	if ! command -v nvidia-smi >/dev/null 2>&1 && $(PYTHON) -c \
		'import urllib.request as u; u.urlopen("$(TORCH_CPU)/torch/", timeout=5)' 2>/dev/null; \
	then extra="--extra-index-url $(TORCH_CPU)"; fi; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$extra \
		--constraint constraints.txt --editable ".[all,dev]"
	@touch $@
