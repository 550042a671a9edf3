# make demo: the main job on real traffic; make test: every check. Needs Python 3.12 or newer and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Many tests wait for programs: one worker more than there are processors has them busy.
WORKERS := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
# Programs that tests start in their hundreds need not be compiled each time.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test quick system-packages lint bench mutants soak fuzz install-check venv schema screenshots clean

demo: venv
	$(BIN)/taskaudit demo

test: lint
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

# After each edit, within some 20 seconds: what is pure, and the commands; neither properties nor proxies.
QUICK := contract policy text config recording cli/test_check.py cli/test_findings.py test_auditor.py test_boundaries.py \
	test_catalogue.py test_lifecycle.py test_following.py test_job_state.py test_times.py test_totals.py test_scope.py
quick: venv
	$(BIN)/ruff check .
	$(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m "not hypothesis and not slow" $(addprefix tests/,$(QUICK))

# The programs that tests run beside Python: Debian's packages, as root. Without them those tests are skipped.
system-packages:
	@tests/system-packages

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	for system in linux win32 darwin; do \
		$(BIN)/mypy --platform $$system --cache-dir .mypy_cache/$$system || exit; \
	done

# Some minutes of load on `taskaudit serve`, on the loopback only: its memory has to stay flat.
soak: venv
	PYTHONPATH=tests/live $(BIN)/python -m tests.soak

# `taskaudit check` on input that nobody meant, for a minute; what breaks is saved. make fuzz SECONDS=3600 goes on longer.
# Then every reader on files that are cut at 200 places and changed at 2,000, in some minutes; then the properties, with examples that are new each time; make test draws the same ones.
SECONDS ?= 60
fuzz: venv
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)
	$(BIN)/python -m tests.systematic
	$(BIN)/pytest -n $(WORKERS) -m hypothesis --hypothesis-profile=new

# The ways to install it, in environments of their own; some minutes, and it fetches packages.
install-check: venv
	$(BIN)/python -m tests.install_check

# Are the tests of the contract and of the life of jobs sharp enough? Half an hour; a second run goes on with the first.
mutants: venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,mutants]'
	$(BIN)/python -m tests.mutants .mutants

# The costs, as ratios, in some minutes; the results go into docs/performance.md.
bench: venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,bench]'
	PYTHONPATH=tests/live $(BIN)/python -m tests.benchmarks --page

# The files that are generated from the code; a test fails when they are out of date.
schema: venv
	$(BIN)/python -m tests.generate

# The pictures of the READMEs, of a real run; needs Chromium, and a font with emoji for the marks.
screenshots: venv
	PYTHONPATH=tests/live $(BIN)/python -m tests.screenshots

venv: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 12))' || { \
		echo "taskaudit needs Python 3.12 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.13 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .mutants .mypy_cache .pytest_cache .ruff_cache .hypothesis
