# The two commands of the README are `make demo` and `make test`; each does its own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON_VENV := .venv/bin/python
PYTEST := $(PYTHON_VENV) -m pytest -q
WORKERS ?= 2
# of tests that start processes and sockets: they wait more than they work
WAITING_WORKERS ?= 5
# environments whose tests run at once: each with WORKERS, or with GATEWAY_WORKERS where they wait
AT_ONCE ?= 2
GATEWAY_WORKERS ?= 3
# ib_insync or ib_async: the library that `make setup` puts into .venv; when unset, the one that it has
LIBRARY ?=
LOCK_ib_insync := requirements.lock
LOCK_ib_async := requirements-ib_async.lock
# thousands of processes start in the tests: each would compile every module anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup fresh setup-test demo check test integration libraries libraries-table clients pythons bench soak wire lock \
	clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  make \1\t/' | expand -t 20

setup: ## .venv from a lock file (hash-checked), LIBRARY=ib_async for that one; system packages checked, installed when root
	$(if $(LIBRARY),$(if $(LOCK_$(LIBRARY)),,$(error LIBRARY=$(LIBRARY): allowed: ib_insync, ib_async)))
	@dev/setup.sh $(if $(filter setup,$(MAKECMDGOALS)),--say) $(if $(LIBRARY),--lock $(LOCK_$(LIBRARY)))

fresh: ## .venv anew from the same lock file: the cure of a spoilt one
	@dev/setup.sh --fresh --say

setup-test: setup
	@dev/setup.sh --for-tests

demo: setup ## rehearse the latest trading morning on the simulated TWS and say what was collected
	@.venv/bin/v6 rehearse --demo

check: setup ## format, lint, types, import rules, shellcheck, drift and unit tests: for every commit
	@.venv/bin/ruff format --check --quiet src tests dev scripts
	@.venv/bin/ruff check --quiet src tests dev scripts
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo | tail -n 3
	@.venv/bin/shellcheck scripts/*.sh dev/*.sh install_scheduler.sh .ci/run
	@$(PYTEST) -n $(WORKERS) -m "not integration and not long and not soak"

test: setup-test check integration libraries clients pythons ## check + long ones and integration, both TWS libraries on three Pythons, four clients

integration: setup-test
	@$(PYTEST) -n $(WAITING_WORKERS) --dist worksteal -m "(integration or long) and not clients and not soak"

libraries: setup-test ## the gateway's tests on both TWS libraries and every supported Python found here
	@dev/pythons.sh gateway "$(AT_ONCE)" "$(GATEWAY_WORKERS)"

libraries-table: setup-test ## measure what works on which library and Python, write it into docs/libraries.md
	@dev/pythons.sh environments | xargs $(PYTHON_VENV) dev/libraries_table.py

clients: setup-test ## four unmodified clients of TWS on the simulated one, each in an environment of its own
	@dev/setup.sh --venv .venv-ib_async --lock requirements-ib_async.lock --like .venv
	@dev/setup.sh --clients
	@$(PYTEST) -n $(WORKERS) --dist loadgroup -m clients tests/clients tests/simulator/layouts

pythons: setup-test ## the suite's core on the other supported Pythons found here
	@dev/pythons.sh core "$(AT_ONCE)" "$(WORKERS)"

bench: setup-test ## the benchmark table
	@$(PYTHON_VENV) dev/bench.py

soak: setup-test ## the long repetitions, not in CI; every job around a restart on ib_async too, the gateway's on every Python
	@$(PYTEST) -m soak --timeout 3600
	@$(PYTEST) -n $(WORKERS) --hypothesis-profile=soak -m "not integration and not soak" --timeout 3600
	@dev/setup.sh --venv .venv-ib_async --lock requirements-ib_async.lock --like .venv
	@.venv-ib_async/bin/python -m pytest -q -n $(WAITING_WORKERS) -m both_libraries --timeout 3600 tests/jobs
	@dev/pythons.sh soak "$(AT_ONCE)" "$(WORKERS)"

wire: setup ## write scripts/<job>.py and crontab.txt from the jobs and config/default.yaml
	@$(PYTHON_VENV) dev/wire.py

lock: ## resolve pyproject.toml into the two lock files again (needs uv)
	@dev/lock.sh

clean: ## environments and caches; never var/ or logs/
	@rm -rf .venv .venv-* tests/clients/stoqey/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
