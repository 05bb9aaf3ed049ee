# Two commands on a fresh machine: `make demo` predicts with the embedded model, `make test` runs the suite.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP = -m pip install -qq --disable-pip-version-check -c constraints.txt

# The package knows no default for its data; tests that need data skip where there are none.
ifneq ($(wildcard ../shared/data/.),)
export RETORT_DATA ?= $(abspath ../shared/data)
endif

# One thread each: many-threaded libraries slow one another down on small machines.
ONE_THREAD = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 POLARS_MAX_THREADS=1 RAYON_NUM_THREADS=1 \
	TOKENIZERS_PARALLELISM=false

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench bench-peers clean

help: ## say what the targets do
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST)

# Core only: no torch.
.venv/.installed: pyproject.toml constraints.txt
	@echo "installing into .venv"
	@$(PYTHON) -m venv --clear .venv
	@.venv/bin/python $(PIP) -e .
	@touch $@

.venv-dev/.installed: pyproject.toml constraints.txt
	@echo "installing into .venv-dev"
	@$(PYTHON) -m venv --clear .venv-dev
	@.venv-dev/bin/python $(PIP) -e '.[dev]'
	@touch $@

demo: .venv/.installed ## install the core into .venv and predict with the embedded model
	@echo "What could paracetamol be made from?"
	@.venv/bin/retort predict retrosynthesis 'CC(=O)Nc1ccc(O)cc1' --top-k 5
	@echo "What do acetyl chloride and 4-aminophenol give?"
	@.venv/bin/retort predict forward 'CC(=O)Cl.Nc1ccc(O)cc1' --top-k 3
	@echo "Which reagents couple benzoic acid with benzylamine?"
	@.venv/bin/retort predict reagents 'O=C(O)c1ccccc1.NCc1ccccc1>>O=C(NCc1ccccc1)c1ccccc1' --top-k 5

test: .venv-dev/.installed ## install everything the tests need into .venv-dev and run them
	@$(ONE_THREAD) .venv-dev/bin/python -m pytest

check: .venv-dev/.installed ## format, lint, types, and the tests that take less than ten seconds
	@.venv-dev/bin/ruff format --check .
	@.venv-dev/bin/ruff check .
	@.venv-dev/bin/mypy
	@cd benchmarks && MYPYPATH=. ../.venv-dev/bin/mypy --config-file ../pyproject.toml *.py
	@$(ONE_THREAD) .venv-dev/bin/python -m pytest -m 'not slow'

docs: .venv-dev/.installed ## write the pages that come from code and figures
	@.venv-dev/bin/python docs/generate.py

bench: .venv-dev/.installed ## measure ratios of speed in one run
	@$(ONE_THREAD) .venv-dev/bin/python benchmarks/bench.py --output docs/explanation/performance.json
	@.venv-dev/bin/python docs/generate.py

bench-peers: ## install what is compared with, each into an environment of its own
	@for name in $(basename $(notdir $(wildcard benchmarks/peers/*.txt))); do \
		$(PYTHON) -m venv --clear .venv-peers/$$name; \
		.venv-peers/$$name/bin/python -m pip install -qq --disable-pip-version-check -r benchmarks/peers/$$name.txt; done

clean: ## remove environments, caches and builds
	rm -rf .venv .venv-dev .venv-peers .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist src/*.egg-info
	find src tests docs -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
