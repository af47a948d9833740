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
IJ     := net.imagej:ij:1.54p
# One more than a laptop has cores: many tests wait for a process that they started.
PYTEST_WORKERS ?= 3
# Where make can: what each of two lanes prints stands together.
SYNC   := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)
PYTEST  = $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile --ignore=tests/napari

# Without them every process that a test starts would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup ij demo test test-slow test-long coverage test-python \
	test-pytest test-windows test-others test-java lint bench clean

help:
	@echo "make setup   .venv with everything the demo and the tests need"
	@echo "make demo    segment, track and report on the sample that ships with the package"
	@echo "make test    lint, types, pytest, Maven (JUnit): minutes"
	@echo "make test-slow  what trains networks, kills processes or draws statistics (CI runs it too)"
	@echo "make test-long  stop every verb at every call, 100,000 damaged inputs (hours)"
	@echo "make coverage  the Python tests, and what they reach of the package"
	@echo "make bench   the side-by-side measurements of benchmarks/"

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[stardist,fiji,napari,dev,peers]'
	@touch $@

# compiles all loops into numba's cache, about a minute, so that no verb waits for it later
$(WARM): $(STAMP) $(LOOPS)
	$(BIN)/btrackmate warm-up
	@touch $@

# Reads the types of all libraries once, 40 s; what is wrong in ours `make lint` tells.
setup: $(WARM)
	-@$(BIN)/mypy > /dev/null

# ImageJ alone, for the tests of fiji_bridge's conversions; they are skipped where it cannot be had.
ij:
	-$(MVN) -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get -Dartifact=$(IJ) -Dtransitive=false

demo: $(WARM)
	$(BIN)/btrackmate demo --output $(DEMO) --overwrite

lint: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test-python: test-pytest test-windows

test-pytest: $(WARM) ij
	$(PYTEST)

# Windows have a process of their own: Mesa's OpenGL crashes beside a loaded TensorFlow.
test-windows: $(WARM)
	$(BIN)/python -m pytest tests/napari

# what takes seconds each: networks trained, processes killed, films, statistics of many draws
test-slow: $(WARM) ij
	$(PYTEST) -m "slow and not long"
	$(BIN)/python -m pytest tests/napari -m "slow and not long"

# every call at which a verb can be stopped, and 100,000 damaged inputs: hours
test-long: $(WARM)
	$(BIN)/python -m pytest -n 2 -m long

# the same tests, with what they reach of the package: fails below the floor in pyproject.toml
coverage: $(WARM)
	$(PYTEST) -m "not long" --cov --cov-report= --cov-fail-under=0
	$(BIN)/python -m pytest tests/napari -m "not long" --cov --cov-append --cov-report=term

test-java:
	$(MVN) $$(java/maven-options) verify

# What is not pytest's takes what it leaves of two cores.
test: $(WARM) ij
	+$(MAKE) -j2 $(SYNC) test-pytest test-others

test-others:
	+$(MAKE) lint
	+$(MAKE) test-windows
	+$(MAKE) test-java

bench: $(WARM)
	$(BIN)/python benchmarks/measure.py
	$(BIN)/python benchmarks/scoring.py

clean:
	rm -rf $(VENV) $(DEMO) java/*/target target
