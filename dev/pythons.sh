#!/usr/bin/env bash
# Run the core of the suite on every other supported Python that is installed here (PATH or pyenv).
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."

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

main() {
    local workers=${1:-2} version python own
    own=$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    for version in 3.11 3.12 3.13; do
        [[ $version != "$own" ]] || continue
        python=$(interpreter "$version")
        if [[ -z $python ]]; then
            printf 'pythons: no Python %s here, its run is left out\n' "$version"
            continue
        fi
        dev/setup.sh --venv ".venv-$version" --lock requirements.lock --python "$python"
        printf 'pythons: the core of the suite on Python %s\n' "$version"
        ".venv-$version/bin/python" -m pytest -q -n "$workers" -m "core or (not integration and not soak)"
    done
}

main "$@"
