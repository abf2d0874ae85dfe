#!/usr/bin/env bash
# Run tests on both TWS libraries and on every supported Python that is installed here (PATH or pyenv), several environments
# at once. Each environment is made when it is missing: .venv and .venv-ib_async of this Python, .venv-3.12 and
# .venv-3.12-ib_async of another.
#
#   dev/pythons.sh gateway [AT_ONCE] [WORKERS]   the gateway's tests in all of them but .venv, a whole restart on ib_async
#   dev/pythons.sh core [AT_ONCE] [WORKERS]      the suite's core and its unit tests on the other Pythons
#   dev/pythons.sh soak [AT_ONCE] [WORKERS]      what those leave out: the long ones, restarts, the simulator's unit tests,
#                                                and of the Python between the others everything but the core
#   dev/pythons.sh environments                  only make them, and print their folders
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly LOCK_INSYNC=requirements.lock LOCK_ASYNC=requirements-ib_async.lock
# what runs on ib_async, on one Python
readonly ON_THE_OTHER=(tests/gateway tests/session tests/jobs/test_whole_restart.py tests/jobs/test_server_reset.py
    tests/simulator/layouts)
# Between two that are tested whole: beside these only what is marked `core`, the rest in `soak`.
readonly BETWEEN=.venv-3.12

# the interpreter of version $1, or nothing
interpreter() {
    local candidate
    for candidate in "python$1" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
        if "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
}

# the two environments of version $1, of the interpreter $2: one after the other, the second from the first
make_both() {
    local base=$1 python=$2
    dev/setup.sh --venv "$base" --lock "$LOCK_INSYNC" --python "$python"
    dev/setup.sh --venv "$base-ib_async" --lock "$LOCK_ASYNC" --python "$python" --like "$base"
}

# Fills FOLDERS with the environments of the Pythons that are here, .venv's first. Different Pythons are filled at once.
make_environments() {
    local own version python base makers=() maker
    own=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    python=$(.venv/bin/python -c 'import sys; print(sys._base_executable)')
    FOLDERS=(.venv .venv-ib_async)
    make_both .venv "$python" >&2 &
    makers+=($!)
    for version in 3.11 3.12 3.13; do
        [[ $version != "$own" ]] || continue
        python=$(interpreter "$version")
        if [[ -z $python ]]; then
            printf 'pythons: no Python %s here, its runs are left out\n' "$version" >&2
            continue
        fi
        base=.venv-$version
        FOLDERS+=("$base" "$base-ib_async")
        make_both "$base" "$python" >&2 &
        makers+=($!)
    done
    for maker in "${makers[@]}"; do
        wait "$maker"
    done
}

# run FOLDER WORKERS PYTEST-ARGUMENT... : one line when it passes, everything when it fails
run() {
    local folder=$1 workers=$2 log
    shift 2
    log=$SCRATCH/${folder#.}
    if "$folder/bin/python" -m pytest -q -n "$workers" --dist worksteal "$@" >"$log" 2>&1; then
        printf 'pythons: %-20s %s\n' "$folder" "$(tail -n 1 "$log")"
    else
        : >"$SCRATCH/failed"
        cat "$log"
        printf 'pythons: %s failed\n' "$folder"
    fi
}

gateway() {
    case $1 in
        .venv) ;; # the suite itself
        .venv-ib_async) run "$1" "$2" -m "both_libraries and not soak" "${ON_THE_OTHER[@]}" ;;
        "$BETWEEN" | "$BETWEEN-ib_async") run "$1" "$2" -m "both_libraries and core" tests/gateway ;;
        *) run "$1" "$2" -m "both_libraries and not soak and not one_python" tests/gateway ;;
    esac
}

soak() {
    case $1 in
        .venv) ;;
        .venv-ib_async)
            run "$1" "$2" --timeout 3600 -m "both_libraries and soak" tests/gateway
            run "$1" "$2" -m "both_libraries and not soak" tests/restart
            ;;
        "$BETWEEN" | "$BETWEEN-ib_async")
            run "$1" "$2" --timeout 3600 -m "both_libraries and not core" tests/gateway
            [[ $1 == *-ib_async ]] || run "$1" "$2" -m "not integration and not soak and not core"
            ;;
        *-ib_async) run "$1" "$2" --timeout 3600 -m "both_libraries and (soak or one_python)" tests/gateway ;;
        *)
            run "$1" "$2" --timeout 3600 -m "both_libraries and (soak or one_python)" tests/gateway
            run "$1" "$2" -m "not integration and not soak" tests/simulator
            ;;
    esac
}

core() {
    case $1 in
        .venv | *-ib_async) ;;
        "$BETWEEN") run "$1" "$2" -m core --ignore tests/gateway ;; # those run in `gateway`
        *) run "$1" "$2" -m "core or (not integration and not long and not soak)" --ignore tests/simulator ;; # that runs in `gateway`
    esac
}

main() {
    local what=${1:-} at_once=${2:-2} workers=${3:-2} folder
    case $what in
        gateway | soak | core | environments) ;;
        *) printf 'pythons: unknown %s; allowed: gateway, soak, core, environments\n' "${what:-nothing}" >&2 && exit 2 ;;
    esac
    make_environments
    if [[ $what == environments ]]; then
        printf '%s\n' "${FOLDERS[@]}"
        return
    fi
    SCRATCH=$(mktemp -d)
    trap 'rm -rf "$SCRATCH"' EXIT
    trap 'kill 0' INT TERM # shells in the background do not hear an interrupt
    for folder in "${FOLDERS[@]}"; do
        while [[ $(jobs -rp | wc -l) -ge $at_once ]]; do wait -n || true; done
        "$what" "$folder" "$workers" &
    done
    wait
    [[ ! -e $SCRATCH/failed ]] || exit 1
}

main "$@"
