# Two commands on a fresh machine: `make demo` runs the main job, `make test` passes the tests.
# They need python3.11+ with venv and make; everything else is set up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
REQUIREMENTS ?= requirements/newest.txt
STAMP := $(VENV)/.installed-$(notdir $(REQUIREMENTS))
PYTEST_ARGS ?=
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
# many small predictions in several processes: more threads than cores would wait for each other
export OMP_NUM_THREADS := 1

.PHONY: demo test test-oldest lint bench bench-drift bench-drift-quick bench-drift-peers bench-equal soak requirements clean

$(STAMP): $(REQUIREMENTS) pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(REQUIREMENTS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	rm -f $(VENV)/.installed-*
	touch $@

demo: $(STAMP)
	$(BIN)/tradai demo

test: $(STAMP)
	$(BIN)/python -m pytest -m "not soak" $(PYTEST_ARGS)

# the oldest supported freqtrade, in an environment of its own: what touches the host
HOST_TESTS := tests/strategy $(wildcard tests/control/test_telegram_join*.py) tests/live/test_telegram.py tests/cli/test_profit.py
test-oldest:
	$(MAKE) VENV=.venv-oldest REQUIREMENTS=requirements/oldest.txt PYTEST_ARGS="$(HOST_TESTS) $(PYTEST_ARGS)" test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m benchmarks

# how well drift is detected; goes on where it was stopped. DRIFT_ARGS="--only 'BTC 1h'" runs a part of it
DRIFT_ARGS ?=
# whether holding back helps, and how often whole bots are held back: real candles only, and only in a whole run
WALKED = $(and $(TRADAI_TEST_DATA),$(if $(DRIFT_ARGS),,yes))
bench-drift: $(STAMP)
	$(BIN)/python -m benchmarks.drift $(DRIFT_ARGS)
	$(if $(WALKED),$(BIN)/python -m benchmarks.harm)
	$(if $(WALKED),$(BIN)/python -m benchmarks.whole_policy)

bench-drift-quick: $(STAMP)
	$(BIN)/python -m benchmarks.drift --quick

# detectors at equal false alarms; goes on where it was stopped
bench-equal: $(STAMP)
	$(BIN)/python -m benchmarks.equal_alarms

# other libraries to compare with, each in an environment of its own
PEERS := benchmarks/results/peers
bench-drift-peers: $(PEERS)/river/.installed $(PEERS)/nannyml/.installed $(PEERS)/evidently/.installed

$(PEERS)/%/.installed: benchmarks/drift/peers/%.txt
	$(PYTHON) -m venv --clear $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

soak: $(STAMP)
	$(BIN)/python -m pytest -m soak $(PYTEST_ARGS)

# writes the hashed requirement files anew (needs uv)
requirements:
	uv pip compile pyproject.toml --all-extras --generate-hashes --no-header --no-annotate --universal \
	  --python-version 3.11 --no-emit-index-url --no-emit-find-links -q -o requirements/newest.txt
	printf 'freqtrade==2026.3\njoblib<1.6  # its hyperopt imports what joblib 1.6 no longer has\n' | uv pip compile pyproject.toml - --all-extras --generate-hashes --no-header --no-annotate \
	  --universal --python-version 3.11 --no-emit-index-url --no-emit-find-links -q -o requirements/oldest.txt

clean:
	rm -rf $(VENV) .venv-oldest build *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage*
