# Every target makes the environment that it needs: Python 3.11 or newer, make, git and a compiler are enough.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
PROJECTS := packages/core packages/video_text packages/genomics
BENCH  ?= default
# Where benchmark runs are made, e.g. WHERE="--processes 2" or WHERE="--on slurm --processes 16"; see `--help`.
WHERE  ?=

.PHONY: help setup demo test test-slow test-fuzz trust curves lint bench screenshots claims ablate clean lock release
.DEFAULT_GOAL := help

help:            ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 14

setup: $(READY)  ## make .venv with the tested versions and the three packages in it

# The pinned versions first; then the packages themselves, whose requirements they meet.
$(READY): requirements.lock $(PROJECTS:%=%/pyproject.toml)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the tested versions into $(VENV): 5.8 GB, 2 to 3 minutes, in which pip is silent"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(PROJECTS:%=-e %)
	touch $@

demo: setup      ## embedded benchmark, TABLE and its frames-only baseline, a leaderboard to look at (5 to 10 minutes on two idle cores)
	$(BIN)/python -m benchmarks.leaderboard demo --processes 1

bench: setup     ## train what is missing, evaluate, write LEADERBOARD.md and site/; BENCH=quick, default, full, clover, vlsa or regulome; BENCH=pages only draws
	$(BIN)/python -m benchmarks.leaderboard $(BENCH) $(WHERE)

screenshots: setup ## pictures of site/index.html, in a browser that is installed, into docs/screenshots
	$(BIN)/python -m benchmarks.screenshots

claims: setup    ## the papers' claims, e.g. CLAIMS="T1 T2", or all: five seeds or more (many hours on two cores, goes on where it was cut)
	$(BIN)/python -m benchmarks.leaderboard claims $(CLAIMS:%=--claim %) $(WHERE)

# Settings of all arms, e.g. SET="data.size=tiny train.steps=40"; without a STUDY, the studies are listed.
ablate: setup    ## an ablation study, e.g. STUDY=transplants; goes on where it was cut, writes benchmarks/results/ablations
	$(BIN)/quatrefoil ablate $(STUDY) --store benchmarks/results/ablations/$(STUDY) --known benchmarks/results $(WHERE) $(SET)

# One process per core; a file's tests stay in one of them, so that what they share is made once. One thread each: more
# would wait for one another.
test: setup      ## the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses=auto --dist=loadfile

test-slow: setup ## what takes longer than 20 seconds a test
	$(BIN)/python -m pytest -m slow

test-fuzz: setup ## the suite with newly drawn examples and seeds: run it now and then, and keep what it finds as an @example
	HYPOTHESIS_PROFILE=drawn OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses=auto --dist=loadfile

trust: setup     ## run what is promised of training, and write docs/trust.md
	$(BIN)/python -m benchmarks.trust

curves: setup    ## train the small recipes for 100 steps, and store their losses as what is expected (tests/models/curves)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.models.curves

lint: setup      ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy packages/core/src packages/video_text/src packages/genomics/src benchmarks

lock: setup      ## write requirements.lock from .venv
	(echo "# The tested versions of everything that a checkout's .venv holds. Written by \`make lock\`."; \
	$(BIN)/pip freeze --exclude-editable) > requirements.lock

release: setup   ## wheels with ordinary requirements into dist/
	$(BIN)/python tools/release.py dist

clean:           ## remove what was made here (not the caches of corpora)
	rm -rf $(VENV) runs site dist build .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
