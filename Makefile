# The two commands of the README are `make demo` and `make test`; each does its own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON_VENV := .venv/bin/python
PYTEST := $(PYTHON_VENV) -m pytest -q
WORKERS ?= 2
# of tests that start processes and sockets: they wait more than they work
WAITING_WORKERS ?= 4

.PHONY: help setup setup-test demo check test integration libraries clients pythons bench soak wire lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 20

setup: ## .venv from requirements.lock (hash-checked); system packages checked, or installed when root
	@dev/setup.sh

setup-test: setup
	@dev/setup.sh --system-for-tests

demo: setup ## rehearse the latest trading morning on the simulated TWS and say what was collected
	@.venv/bin/v6 rehearse --demo

check: setup ## format, lint, types, import rules, shellcheck, drift and unit tests: for every commit
	@.venv/bin/ruff format --check --quiet src tests dev scripts
	@.venv/bin/ruff check --quiet src tests dev scripts
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo | tail -n 3
	@.venv/bin/shellcheck scripts/*.sh dev/*.sh .ci/run
	@$(PYTEST) -n $(WORKERS) -m "not integration and not soak"

test: setup-test check integration libraries clients pythons ## check + integration, both TWS libraries, four clients, other Pythons

integration: setup-test
	@$(PYTEST) -n $(WAITING_WORKERS) --dist worksteal -m "integration and not clients and not soak"

libraries: setup-test ## the gateway's tests on ib_async, in an environment of its own
	@dev/setup.sh --venv .venv-ib_async --lock requirements-ib_async.lock
	@.venv-ib_async/bin/python -m pytest -q -n $(WAITING_WORKERS) --dist worksteal -m "both_libraries and not soak" \
		tests/gateway tests/restart tests/jobs/test_whole_restart.py tests/jobs/test_server_reset.py tests/simulator/layouts

clients: setup-test ## four unmodified clients of TWS on the simulated one, each in an environment of its own
	@dev/setup.sh --venv .venv-ib_async --lock requirements-ib_async.lock
	@dev/setup.sh --clients
	@$(PYTEST) -n $(WORKERS) --dist loadgroup -m clients tests/clients tests/simulator/layouts

pythons: setup-test ## the suite's core on the other supported Pythons found here
	@dev/pythons.sh "$(WORKERS)"

bench: setup-test ## the benchmark table
	@$(PYTHON_VENV) dev/bench.py

soak: setup-test ## the long repetitions, not in CI; every job around a restart on ib_async too
	@$(PYTEST) -m soak --timeout 3600
	@dev/setup.sh --venv .venv-ib_async --lock requirements-ib_async.lock
	@.venv-ib_async/bin/python -m pytest -q -n $(WAITING_WORKERS) -m "both_libraries and not soak" tests/jobs

wire: setup ## write scripts/<job>.py and crontab.txt from the jobs and config/default.yaml
	@$(PYTHON_VENV) dev/wire.py

lock: ## resolve pyproject.toml into the two lock files again (needs uv)
	@dev/lock.sh

clean: ## environments and caches; never var/ or logs/
	@rm -rf .venv .venv-* tests/clients/stoqey/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
