# BTrackMate: setup · demo · test · bench
# Needs only Python 3.11+, a JDK (17+), Maven and make; everything else goes into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
WARM   := $(VENV)/.warm
# Files with compiled loops: what changes one of them makes the next `make` compile again.
LOOPS  := $(shell grep -rl --include='*.py' 'core.compiled import njit' python)
DEMO   ?= demo-output
MVN    ?= mvn -B -ntp
# The small networks and numba share the two cores of a laptop badly with more workers than that.
PYTEST_WORKERS ?= 2

.PHONY: help setup demo test test-python test-java lint bench clean

help:
	@echo "make setup   .venv with everything the demo and the tests need"
	@echo "make demo    segment, track and report on the sample that ships with the package"
	@echo "make test    lint, types, pytest, Maven (JUnit)"
	@echo "make bench   the side-by-side measurements of benchmarks/"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[stardist,dev]'
	@touch $@

# compiles all loops into numba's cache, about a minute, so that no verb waits for it later
$(WARM): $(STAMP) $(LOOPS)
	$(BIN)/btrackmate warm-up
	@touch $@

setup: $(WARM)

demo: $(WARM)
	$(BIN)/btrackmate demo --output $(DEMO) --overwrite

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test-python: $(WARM)
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile

test-java:
	$(MVN) $$(java/maven-options) verify

test: lint test-python test-java

bench: $(WARM)
	$(BIN)/python benchmarks/measure.py
	$(BIN)/python benchmarks/scoring.py

clean:
	rm -rf $(VENV) $(DEMO) java/*/target target
