# make run    sets everything up and opens the window (without a display: plays offscreen, leaves a video and a picture)
# make test   sets everything up and runs the checks and the tests
# make train  sets everything up and trains agents: make train ARGS="ppo Pong", make train ARGS=queue
# make docs   sets everything up and builds the pages in docs/ as a site
# More: make lint, make bench, make wheel, make clean. The set-up itself is tools/setup.py; docs/install.md explains it.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python3.10,$(shell command -v $(name))))
BIN := .venv/bin
# options and agents for the command, for example: make run ARGS="ppo/Pong/1"
ARGS ?=
# files of tests that run at a time; each takes about 1 GB
JOBS ?= 2

NEEDED := zoo_gui needs Python 3.10, 3.11, 3.12 or 3.13: apt install python3

.PHONY: run test train docs lint bench wheel clean setup setup-docs setup-train setup-test

run: setup
	@exec $(BIN)/zoo-gui $(ARGS)

# without the restart limit, xdist waits for ever for the files of a worker that died
test: setup-test lint
	@exec $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --max-worker-restart 0 $(ARGS)

train: setup-train
	@exec tools/train $(or $(ARGS),--help)

# BUILDER=linkcheck tries every address on the web
BUILDER ?= html
docs: setup-docs
	@$(BIN)/python -m sphinx -W --keep-going -q -b $(BUILDER) docs docs/_build/$(BUILDER)
	@echo "docs/_build/$(BUILDER) is there: open index.html in it"

lint: setup-test
	@$(BIN)/ruff check .

bench: setup
	@exec $(BIN)/zoo-gui bench $(ARGS)

wheel: setup-test
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:
	rm -rf .venv build dist docs/_build *.egg-info .pytest_cache .ruff_cache .import_linter_cache

setup:
	@$(or $(PYTHON),$(error $(NEEDED))) tools/setup.py run

setup-train:
	@$(or $(PYTHON),$(error $(NEEDED))) tools/setup.py train

setup-docs:
	@$(or $(PYTHON),$(error $(NEEDED))) tools/setup.py docs

setup-test:
	@$(or $(PYTHON),$(error $(NEEDED))) tools/setup.py test
