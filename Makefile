# Two habits: `make demo` and `make test`. Both need only Python 3.11+, make and the package index.
PYTHON ?= python3
WORKERS ?= 2
VENV   ?= .venv
BIN     = $(VENV)/bin
STAMP   = $(VENV)/.installed

.PHONY: help install learn-page demo test test-slow test-timing test-faults test-clusters bench-runs bench-scale costs test-fuzz test-levels test-browser lint format pages site bench test-mmaction2 test-learning test-consumers test-bounds lock clean

help:
	@echo "make demo            set up, make sample data, poison it, check the result"
	@echo "make test            run the tests"
	@echo "make test-slow       what takes minutes: memory over long and large clips"
	@echo "make test-timing     what runs take on real clips, beside what was said before the wait (minutes, an idle machine)"
	@echo "make test-clusters   a Dask scheduler and workers: killed, added, lost (minutes)"
	@echo "make bench-runs      whole runs: beside their clips, one job and two, with nothing to do, starting (a quarter of an hour)"
	@echo "make bench-scale     time and memory of plans and manifests up to a million samples; linking against cp -al"
	@echo "make test-faults     a hundred interruptions of every kind, a thousand rounds on a dead lock (half an hour)"
	@echo "make test-browser    the report in Chromium, which has to be installed (brings playwright)"
	@echo "make test-fuzz       10,000 damaged files, lists, recipes, outputs and predictions; 3,000 mutants whose every ok a second decoder checks"
	@echo "make test-levels     every encoding on emulated processors with and without AVX2 (needs qemu-x86_64; minutes)"
	@echo "make lint            ruff, mypy, import layers"
	@echo "make bench           cost of the main job beside the floor, ffmpeg, OpenCV, MoviePy, torchcodec … (1.5 GB in .venv-rivals)"
	@echo "make costs           measures what clips cost, for the estimates of \`poison\`, and docs/costs.md (minutes)"
	@echo "make test-mmaction2  MMAction2 reads our lists, trains on a poisoned copy, is scored (2.3 GB in .venv-mmaction2)"
	@echo "make test-learning   the short forms of examples/look_listen_attack and examples/defences: one row each (needs torch)"
	@echo "make test-consumers  the readers in docs/consumers.md open our output, and are compared (3.6 GB, .venv-consumers)"
	@echo "make test-bounds     a fixed job and quick tests with each Python, the lowest and the newest libraries (needs uv; an hour)"
	@echo "make learn-page      what models make of every trigger: runs what is missing, keeps it, makes the pages (hours; needs torch)"
	@echo "make pages           every page, table and picture of the docs that is made from the code; measures what is new"
	@echo "make site            the docs as a site in ./site, with a search (brings mkdocs-material)"
	@echo "make lock            compute requirements.lock again (needs uv)"

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml tools/setup_env.sh
	@sh tools/setup_env.sh "$(PYTHON)" "$(VENV)"
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/python examples/demo.py demo

# Compiled once, for hundreds of processes; also where the environment tells Python to keep nothing compiled.
test: $(STAMP)
	@$(BIN)/python -m compileall -q poisonkit tests tools
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not (slow or timing or levels or faults or browser or clusters or mmaction2 or consumers)"

test-fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --count 10000
	$(BIN)/python -m tests.fuzz --truth --count 3000

test-levels: $(STAMP)
	$(BIN)/python -m pytest -m levels

test-timing: $(STAMP)
	$(BIN)/python -m pytest -s -m timing

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

test-faults: $(STAMP)
	POISONKIT_INTERRUPTIONS=$${POISONKIT_INTERRUPTIONS:-100} POISONKIT_LOCK_ROUNDS=$${POISONKIT_LOCK_ROUNDS:-1000} $(BIN)/python -m pytest -s -m faults

test-browser: $(STAMP)
	@$(BIN)/python -c "import playwright" 2>/dev/null || $(BIN)/python -m pip install -q "playwright>=1.50,<2"
	$(BIN)/python -m pytest -m browser

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test-clusters: $(STAMP)
	$(BIN)/python -m pytest tests/engine/executors/test_dask.py

bench-runs: $(STAMP)
	$(BIN)/python benchmarks/whole_runs.py

bench-scale: $(STAMP)
	$(BIN)/python benchmarks/scale.py

costs: $(STAMP)
	$(BIN)/python benchmarks/costs.py --measure

# torchcodec takes PyAV's FFmpeg, as below.
bench: $(STAMP)
	@sh tools/setup_rivals.sh "$(PYTHON)" .venv-rivals
	LD_LIBRARY_PATH=.venv-rivals/ffmpeg .venv-rivals/bin/python benchmarks/side_by_side.py --keep
	.venv-rivals/bin/python benchmarks/main_job.py
	.venv-rivals/bin/python benchmarks/triggers.py

test-mmaction2: $(STAMP)
	@sh tools/setup_mmaction2.sh "$(PYTHON)" .venv-mmaction2
	.venv-mmaction2/bin/python -m pytest -m mmaction2 tests/mmaction2

# torchcodec takes PyAV's FFmpeg; what was found becomes docs/consumers.md by `make pages`.
CONSUMERS = LD_LIBRARY_PATH=.venv-consumers/ffmpeg POISONKIT_CONSUMERS=docs/consumers.json

test-learning: $(STAMP)
	@$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/python -m pip install -q "torch>=2.4,<3" --extra-index-url https://download.pytorch.org/whl/cpu
	$(BIN)/python -m pytest tests/test_look_listen_attack.py tests/test_defences_example.py

test-consumers: $(STAMP)
	@sh tools/setup_consumers.sh "$(PYTHON)" .venv-consumers
	$(CONSUMERS) .venv-consumers/bin/python -m pytest -m consumers tests/consumers
	$(CONSUMERS) PYTHONPATH=.venv-consumers/older .venv-consumers/bin/python -m pytest -m consumers tests/consumers -k "hugging_face or 3.6"

test-bounds: $(STAMP)
	$(BIN)/python -m tools.bounds $(BOUNDS)

# Run once in hours: rows that are missing; stopped, it continues.
learn-page: $(STAMP)
	@$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/python -m pip install -q "torch>=2.4,<3" --extra-index-url https://download.pytorch.org/whl/cpu
	$(BIN)/python -m tools.learn_page $${WORK:-learn} --seeds $${SEEDS:-0 1}

pages: $(STAMP)
	$(BIN)/python -m tools.pages

site: $(STAMP)
	@$(BIN)/python -c "import material, mkdocstrings_handlers.python" 2>/dev/null || $(BIN)/python -m pip install -q "mkdocs-material>=9.6,<10" "mkdocstrings[python]>=0.29,<2"
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "$(BIN)/python -m http.server -d site, then http://localhost:8000"

lock:
	uv pip compile --universal --upgrade --python-version 3.11 --extra dev --extra opencv -c tools/lock-constraints.txt \
		pyproject.toml -o requirements.lock --no-header --no-annotate

clean:
	rm -rf $(VENV) demo build *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
