#!/usr/bin/env bash
# Resolve pyproject.toml into requirements.lock (ib_insync) and requirements-ib_async.lock: the two TWS libraries never
# share an environment, because eventkit and aeventkit install the same module. And the client tests' requirements into
# requirements-ibapi.lock and tests/clients/stoqey/package-lock.json, which names no registry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

main() {
    local scratch plain options
    scratch=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder's name is known now
    trap "rm -rf '$scratch'" EXIT
    plain=(--universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url)
    options=("${plain[@]}" --extra dev)
    printf "ib_insync ; python_version < '0'\n" >"$scratch/without_ib_insync"
    printf 'ib_async>=2.1\n' >"$scratch/ib_async.in"
    uv pip compile "${options[@]}" pyproject.toml -o requirements.lock >/dev/null
    uv pip compile "${options[@]}" --override "$scratch/without_ib_insync" pyproject.toml "$scratch/ib_async.in" \
        -o requirements-ib_async.lock >/dev/null
    printf 'ibapi==9.81.1.post1\n' >"$scratch/ibapi.in"
    uv pip compile "${plain[@]}" "$scratch/ibapi.in" -o requirements-ibapi.lock >/dev/null
    (cd tests/clients/stoqey && npm install --silent --package-lock-only --omit-lockfile-registry-resolved)
}

main "$@"
