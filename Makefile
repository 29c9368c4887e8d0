# make run    sets everything up, then serves on port 8000      make test   the quick tests (make test-all: all of them)
# make check  format, lint, types, C warnings                   make bench  measurements
# make fidelity  the picture beside the kernel's own trace (root)
# make samples  runs every experiment in the sandbox and keeps its recording as the sample (ARGS=ID: only that)
# make screenshots  makes the pictures of docs/screenshots (ARGS=NAME: only that)
# make lock   remakes the pinned requirements                   make clean  removes what was built (.venv stays)
#
# Settings: PYTHON=python3.13 (which interpreter), ARGS="--port 9000" (for run, test, bench),
#           SCHEDSCOPE_APT=0 (install no system packages), SCHEDSCOPE_BROKER=0 (no RabbitMQ).
#
# A stamp in .make/ says that a step of the set-up is done; a second `make run` starts at once.

SHELL = /bin/sh
.DELETE_ON_ERROR:
.DEFAULT_GOAL := run
.PHONY: samples screenshots run test test-all check check-python check-page check-c bench fidelity lock clean distclean FORCE
export PYTHON

bin = .venv/bin
# Errors only: the warnings of a package index are not the reader's.
pip_install = $(bin)/python -m pip install -qq --disable-pip-version-check --require-hashes
c_files := $(wildcard app/probe/*.[ch] app/probe/*/*.[ch])
c_flags = -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 -fPIC -fvisibility=hidden -pthread -c -o /dev/null

run: .make/command .make/built
	@exec $(bin)/schedscope serve $(ARGS)

test: .make/test .make/command .make/built
	@scripts/tests "not slow and" $(ARGS)

test-all: .make/test .make/page-packages .make/command .make/built
	@scripts/tests "" $(ARGS)

check: check-python check-page check-c

check-python: .make/dev-packages
	@$(bin)/ruff format --quiet --check . || { echo "the layout differs: ruff format ."; exit 1; }
	@$(bin)/ruff check --quiet .
	@$(bin)/mypy --no-error-summary

# The page has no build step: node only checks its types and runs its tests.
check-page: $(if $(wildcard package.json),.make/check .make/page-packages)
	@if [ ! -e package.json ] || ! command -v node >/dev/null; then echo "the page was not checked: no package.json or no node"; exit 0; fi; \
	if [ -x node_modules/.bin/tsc ]; then node_modules/.bin/tsc --noEmit -p tsconfig.json || exit 1; fi; \
	if [ -d tests/js ]; then node --test --test-reporter=dot tests/js/*.test.*js || exit 1; fi

check-c: .make/check .make/venv
	@for file in $(wildcard app/probe/preload/*.c); do cc $(c_flags) $$file || exit 1; done
	@include=$$($(bin)/python -c 'import sysconfig; print(sysconfig.get_paths()["include"])'); \
	for file in $(wildcard app/probe/hooks/*.c); do cc $(c_flags) -Wno-unused-parameter -isystem "$$include" $$file || exit 1; done
	@if command -v clang-format >/dev/null; then for file in $(c_files); do \
	    clang-format --dry-run --Werror $$file 2>/dev/null || { echo "the layout differs: clang-format -i $$file"; failed=1; }; \
	done; exit $${failed:-0}; fi

bench: .make/command .make/built
	@$(bin)/python -m bench $(ARGS)

# The picture beside the kernel's own trace; says so when it may not (it needs root and tracefs).
fidelity: .make/command .make/built
	@$(bin)/python -m bench fidelity

# Hashes of every published file of a version, so that one list serves all interpreters and machines; no address of any
# package index, so that whoever installs uses their own.
pip_compile = CUSTOM_COMPILE_COMMAND="make lock" $(bin)/python -m piptools compile --quiet --generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options $(ARGS)
lock: .make/dev-packages
	@$(pip_compile) --output-file requirements.txt pyproject.toml
	@$(pip_compile) --output-file requirements-build.txt --only-build-deps --all-build-deps pyproject.toml
	@$(pip_compile) --output-file requirements-dev.txt requirements-dev.in

# Real runs, never edited; a change of an experiment's code asks for a new one (tests/test_samples.py).
samples: .make/command .make/built
	@$(bin)/python scripts/samples.py $(ARGS)

# Needs a browser, as the tests of the page do.
screenshots: .make/test .make/command .make/built
	@$(bin)/python scripts/screenshots.py $(ARGS)

clean:
	@rm -rf .make build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find app -name '*.so' -delete
	@find app tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

distclean: clean
	@rm -rf .venv node_modules

# --- the set-up ---

.make:
	@mkdir -p $@

# What is missing is named once; after installing it by hand nothing has to be told. To look again: make clean.
.make/system: scripts/system-packages scripts/choose-python | .make
	@scripts/system-packages "$$(scripts/choose-python)" run && touch $@
.make/check: scripts/system-packages | .make/system
	@scripts/system-packages "$$(scripts/choose-python)" check && touch $@
# Where no package has a browser (Ubuntu's is a snap), playwright's own; where neither can be had, its tests are skipped.
.make/browser: scripts/system-packages .make/dev-packages
	@scripts/system-packages "$$(scripts/choose-python)" test
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || { \
	    echo "fetching a browser for the tests"; \
	    if [ "$$(id -u)" = 0 ]; then deps=--with-deps; fi; \
	    $(bin)/playwright install $$deps chromium >/dev/null 2>&1 || echo "no browser: its tests are skipped" >&2; }
	@touch $@

# Made anew only when it does not run, or when PYTHON= asks for another interpreter than it was made of.
.make/venv: $(if $(PYTHON),.make/python) | .make/system
	@python=$$(scripts/choose-python) || exit 1; \
	which='import sys; print(sys.version, sys.base_prefix)'; \
	if ! $(bin)/python -m pip --version >/dev/null 2>&1 || { [ -n "$(PYTHON)" ] && [ "$$($(bin)/python -c "$$which")" != "$$("$$python" -c "$$which")" ]; }; then \
	    echo "making .venv with $$python"; \
	    "$$python" -m venv --clear .venv || exit 1; \
	fi; touch $@
.make/python: FORCE | .make
	@[ "$$(cat $@ 2>/dev/null)" = "$(PYTHON)" ] || echo "$(PYTHON)" >$@

.make/packages: requirements.txt requirements-build.txt .make/venv
	@echo "installing the pinned packages"
	@$(pip_install) -r requirements.txt -r requirements-build.txt && touch $@

.make/dev-packages: requirements-dev.txt .make/packages
	@echo "installing the packages for development"
	@$(pip_install) -r requirements-dev.txt && touch $@

.make/test: .make/dev-packages .make/browser
	@touch $@

.make/page-packages: $(wildcard package.json package-lock.json) .make/check
	@if command -v npm >/dev/null; then \
	    if [ -e package-lock.json ]; then npm ci --silent --no-audit --no-fund; else npm install --silent --no-audit --no-fund --no-package-lock; fi && touch $@; \
	fi

# Not an installation: a script under observation must not find the checkout on its path.
.make/command: Makefile .make/packages
	@printf '%s\n' '#!$(CURDIR)/$(bin)/python' 'import sys' 'sys.path.insert(0, "$(CURDIR)")' 'from app.cli import main' 'sys.exit(main())' >$(bin)/schedscope
	@chmod +x $(bin)/schedscope && touch $@

# Without a compiler the page and all recordings still work; what is missing was named, and doctor says it too.
.make/built: setup.py $(c_files) .make/packages
	@if command -v cc >/dev/null; then \
	    echo "building the probe"; \
	    $(bin)/python setup.py --quiet build_ext --inplace --build-temp .make/objects || exit 1; \
	    if ls app/probe/_hooks.*.so >/dev/null 2>&1; then touch $@; fi; \
	else echo "no C compiler: going on without the probe" >&2; fi
