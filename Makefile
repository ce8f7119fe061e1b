# lensd: make demo shows it, make test tests it; make help lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PREFIX ?= /usr/local
DESTDIR ?=
VENV := .venv
BUILD := .build/release
# One configuration for programs and tests: SwiftPM would build them twice otherwise.
SWIFT_BUILD := swift build -c release --build-tests

BUILD_PACKAGES := libopenblas-dev libprotobuf-c-dev libsqlite3-dev pkg-config
PYTHON_PACKAGES := python3 python3-venv
BROWSER_PACKAGES := chromium chromium-driver
TRACE_PACKAGES := strace
PROTO_PACKAGES := protobuf-c-compiler protobuf-compiler

# Programmes of Tests/Reliability that make faults and make load run.
FAULTS := access ordering full_disk disconnects frames kills system_calls
LOAD := throughput waiting slow_peers crowded

SWIFT_FOLDERS := Package.swift Sources Clients/lensctl Tests
PYTHON_FOLDERS := .ci Models/training Protos Sources/Lens.docc Sources/LensTokenizer/Unicode Sources/Packaging Tests

.PHONY: help
help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.PHONY: demo
demo: build ## Run the main job on the embedded model: tokens, predictions, patterns, ablation, a page
	@Clients/demo.sh

.PHONY: build
build: toolchain ## Build the daemon, the CLI and the tests (release)
	@.ci/packages.sh $(BUILD_PACKAGES)
	@$(SWIFT_BUILD)

.PHONY: toolchain
toolchain:
	@command -v swift >/dev/null || { echo "make: a Swift toolchain (6.1 or later) is needed, and swift is not on the PATH" >&2; exit 69; }

.PHONY: test
test: test-swift test-python ## All tests, Swift and Python

.PHONY: test-swift
test-swift: build ## The Swift tests
# One after the other: some change the process's umask, and the wire's clocks should not wait for somebody's products.
	@swift test -c release --skip-build --no-parallel

.PHONY: families
families: build python ## Fill the table of model families (Models.md) from their tests
	@rm -f .build/families.jsonl
	@LENS_FAMILY_RESULTS=$(abspath .build/families.jsonl) swift test -c release --skip-build --no-parallel \
	    --filter 'FamilyParityTests|FamilyEngineTests|ForwardParityTests|HeadSweepTests|GenerateTests|TokenizerFuzzTests'
	@cd Tests/EndToEnd && LENS_FAMILY_RESULTS=$(abspath .build/families.jsonl) \
	    $(abspath $(VENV))/bin/python -m pytest -q test_families.py
	@.ci/family-table.py .build/families.jsonl

.PHONY: test-python
test-python: build python ## The Python tests: stories, client, end to end, browser
	@LENS_OPTIONAL=1 .ci/packages.sh $(BROWSER_PACKAGES) $(TRACE_PACKAGES)
	@command -v chromedriver >/dev/null || echo "make: without chromium-driver the browser tests are skipped"
	@for folder in Models/training Clients/python Tests/EndToEnd Tests/Reliability Tests/Browser; do \
	    (cd $$folder && $(abspath $(VENV))/bin/python -m pytest -q) || exit 1; \
	done

.PHONY: test-extras
test-extras: build ## What wants pandas, xarray, matplotlib, pyarrow or Dask (some hundred MB of Python packages)
	@.ci/packages.sh $(PYTHON_PACKAGES)
	@[ -x .venv-extras/bin/python ] || python3 -m venv .venv-extras
	@.venv-extras/bin/python -m pip install --quiet nbclient ipykernel \
	    -e 'Clients/python[test,notebook,parquet,dask]'
	@cd Clients/python && $(abspath .venv-extras)/bin/python -m pytest -q tests/test_views.py tests/test_tables.py \
	    tests/test_progress.py tests/test_notebook.py tests/test_corpus.py tests/test_corpus_analyses.py \
	    tests/test_dask.py

.PHONY: faults
faults: build python ## kill -9, failing system calls, full disks, bad frames, vanishing clients: half an hour and more
	@.ci/packages.sh $(TRACE_PACKAGES)
	@for programme in $(FAULTS); do \
	    echo "faults: $$programme"; \
	    $(VENV)/bin/python Tests/Reliability $$programme --record Tests/Reliability/records/$$programme.json \
	        >/dev/null || exit 1; \
	done
	@$(VENV)/bin/python Tests/Reliability/report.py

.PHONY: load
load: build python ## Many users at once: fair shares, waiting, slow peers, throughput; ten minutes and more
	@for programme in $(LOAD); do \
	    echo "load: $$programme"; \
	    $(VENV)/bin/python Tests/Reliability $$programme --record Tests/Reliability/records/$$programme.json \
	        >/dev/null || exit 1; \
	done
	@$(VENV)/bin/python Tests/Reliability/report.py

.PHONY: soak
soak: build python ## Mixed calls for two hours (SOAK_MINUTES): the daemon's memory does not grow
	@$(VENV)/bin/python Tests/Reliability soak --minutes $(or $(SOAK_MINUTES),120) \
	    --record Tests/Reliability/records/soak.json >/dev/null
	@$(VENV)/bin/python Tests/Reliability/report.py

.PHONY: tsan
tsan: toolchain python ## The concurrent Swift tests under the thread sanitizer, in a build of its own
	@.ci/packages.sh $(BUILD_PACKAGES)
	@$(VENV)/bin/python Tests/Reliability races --record Tests/Reliability/records/races.json >/dev/null
	@$(VENV)/bin/python Tests/Reliability/report.py

.PHONY: fuzz
fuzz: toolchain ## Fuzz the readers of checkpoint files and the wire's decoder (FUZZ_SECONDS per target, 300)
	@Tests/Fuzz/fuzz.sh long $(FUZZ_SECONDS)

.PHONY: fuzz-slice
fuzz-slice: toolchain
	@Tests/Fuzz/fuzz.sh slice

.PHONY: python
python:
	@.ci/packages.sh $(PYTHON_PACKAGES)
	@.ci/python.sh $(VENV)

.PHONY: bench
bench: build python ## Measure against limits of the same run; figures go to .build/bench.json
	@$(BUILD)/lens-bench --json .build/bench.json
	@$(VENV)/bin/python Tests/Peers/fetch.py --lensd $(BUILD)/lensd

.PHONY: bench-sizes
bench-sizes: build python ## Load time, memory and speed of random checkpoints up to 1.3 billion parameters (some minutes)
	@$(VENV)/bin/python Tests/Peers/sizes.py --lensd $(BUILD)/lensd $(SIZES)

.PHONY: bench-peers
bench-peers: build ## Run the same work through lensd, TransformerLens and torch (some GB of Python packages)
	@.ci/packages.sh $(PYTHON_PACKAGES)
	@[ -x .venv-peers/bin/python ] || python3 -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet -r Tests/Peers/requirements.txt -e Clients/python
	@.venv-peers/bin/python Tests/Peers/peers.py --lensd $(BUILD)/lensd --checkpoints .build/peers \
	    --json .build/peers.json $(PEERS)

.PHONY: test-notebooks
test-notebooks: build ## TransformerLens's demos and analyses on served models, against itself (some GB of Python packages)
	@.ci/packages.sh $(PYTHON_PACKAGES)
	@[ -x .venv-notebooks/bin/python ] || python3 -m venv .venv-notebooks
	@.venv-notebooks/bin/python -m pip install --quiet -r Tests/Notebooks/requirements.txt -e Clients/python
	@cd Tests/Notebooks && $(abspath .venv-notebooks)/bin/python -m pytest -q

.PHONY: tokenizers-python
tokenizers-python:
	@.ci/packages.sh $(PYTHON_PACKAGES)
	@[ -x .venv-tokenizers/bin/python ] || python3 -m venv .venv-tokenizers
	@grep -E '^(numpy|tokenizers)==' Tests/Fixtures/requirements.txt | .venv-tokenizers/bin/python -m pip install --quiet -r /dev/stdin

.PHONY: bench-tokenizers
bench-tokenizers: build tokenizers-python ## Text to tokens, against the tokenizers library on one thread
	@.venv-tokenizers/bin/python Tests/Peers/tokenizer_speed.py --program $(BUILD)/lens-bench

.PHONY: fuzz-tokenizers
fuzz-tokenizers: build tokenizers-python ## Random strings against the tokenizers library, COUNT=1000000 for each family
	@TOKENIZERS_PARALLELISM=false .venv-tokenizers/bin/python Tests/Fixtures/tokenizer_fuzz.py \
	    --against $(BUILD)/lens-bench --count $(or $(COUNT),1000000) --seed $(or $(SEED),1) $(FUZZ)

.PHONY: lint
lint: toolchain python ## Format, imports, generated code, Python types
	@.ci/packages.sh $(BUILD_PACKAGES) $(PROTO_PACKAGES)
	@swift format lint --strict --recursive --parallel $(SWIFT_FOLDERS)
	@.ci/check-imports.py
	@.ci/family-table.py --check
	@Protos/generate.sh --check
	@$(VENV)/bin/ruff check --quiet $(PYTHON_FOLDERS) Clients/python
	@cd Clients/python && $(abspath $(VENV))/bin/mypy --no-error-summary
	@Sources/LensReport/embed-assets.sh --check
	@Sources/LensExplore/embed-assets.sh --check
	@Sources/Packaging/version.sh >/dev/null
	@Tests/Packaging/units.sh
	@echo "lint: clean"

.PHONY: format
format: toolchain python ## Format Swift and Python
	@swift format --in-place --recursive --parallel $(SWIFT_FOLDERS)
	@$(VENV)/bin/ruff check --quiet --fix $(PYTHON_FOLDERS) Clients/python

.PHONY: protos
protos: ## Generate C and Python from Protos/
	@.ci/packages.sh $(PROTO_PACKAGES)
	@Protos/generate.sh

include Sources/Packaging/packaging.mk

.PHONY: reference
reference: build python ## Write the reference pages of commands and of the Python client from the code
	@$(VENV)/bin/python Sources/Lens.docc/Reference/commands.py --programs $(BUILD)
	@$(VENV)/bin/python Sources/Lens.docc/Reference/python_api.py

.PHONY: fixtures
fixtures: ## Make the reference fixtures again (3 GB of Python packages; needed only when they change)
	@.ci/packages.sh $(PYTHON_PACKAGES)
	@[ -x .venv-fixtures/bin/python ] || python3 -m venv .venv-fixtures
	@.venv-fixtures/bin/python -m pip install --quiet -r Tests/Fixtures/requirements.txt
	@.venv-fixtures/bin/python Tests/Fixtures/generate.py

.PHONY: clean
clean: ## Remove what was built
	@rm -rf .build $(VENV) .venv-fixtures .venv-peers .venv-tokenizers .venv-notebooks .venv-extras
