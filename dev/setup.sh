#!/usr/bin/env bash
# Make a virtual environment from a lock file, once per content of the lock; check the system packages that need root.
#
#   dev/setup.sh                                   .venv from the lock file it was made from before, at first requirements.lock
#   dev/setup.sh --venv DIR --lock FILE [--python PYTHON] [--like DIR]
#                                                  --like: take from that environment what both lock files hold; seconds
#   dev/setup.sh --fresh [--venv DIR]              the same environment anew, from the same lock file: the cure of a spoilt one
#   dev/setup.sh --say [...]                       and say at the end what is ready, and what is next
#   dev/setup.sh --for-tests                       the system packages that only the tests need; .venv must be ib_insync's
#   dev/setup.sh --clients                         what the client tests run on beside the two virtual environments of the
#                                                  TWS libraries: .venv-ibapi and tests/clients/stoqey/node_modules
#
# As root on Debian or Ubuntu missing packages are installed; otherwise they are named and nothing is changed.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# need PACKAGE... : install them when root, else name them
need() {
    if [[ $EUID -eq 0 ]] && command -v apt-get >/dev/null; then
        printf 'setup: installing system packages: %s\n' "$*"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
    else
        die "missing system packages: $*. Install them with: sudo apt-get install $*"
    fi
}

# PYTHON if set, else the first supported one in PATH
find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    die "no Python 3.11, 3.12 or 3.13 found. Install one (sudo apt-get install python3 python3-venv) or set PYTHON=/path/to/python"
}

system_for_setup() {
    local python=$1 missing=() version
    [[ -e /usr/share/zoneinfo/America/New_York ]] || missing+=(tzdata)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        missing+=("python$version-venv")
    fi
    [[ ${#missing[@]} -eq 0 ]] || need "${missing[@]}"
}

for_tests() {
    local missing=()
    [[ ! -f .venv/.stamp || $(lock_of .venv) == requirements.lock ]] ||
        die "the suite needs ib_insync in .venv and makes its own environments of ib_async: make setup LIBRARY=ib_insync"
    command -v crontab >/dev/null || [[ -x /usr/bin/crontab ]] || missing+=(cron)
    command -v setpriv >/dev/null || missing+=(util-linux)
    command -v strace >/dev/null || missing+=(strace)
    command -v faketime >/dev/null || missing+=(faketime)
    command -v ps >/dev/null || missing+=(procps)
    [[ -x /usr/sbin/logrotate ]] || missing+=(logrotate)
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
    [[ ${#missing[@]} -eq 0 ]] || need "${missing[@]}"
    node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' ||
        die "the client tests need Node.js 18 or later, $(command -v node) is $(node --version)"
    make_promtool
}

# promtool checks the metrics and node_exporter reads them. Their packages would install services, so only the programs
# are taken out of them.
make_promtool() {
    take_program promtool prometheus
    take_program prometheus-node-exporter prometheus-node-exporter
    # makes timers of crontabs on hosts with systemd-cron, whose package would replace cron
    take_program systemd-crontab-generator systemd-cron '*/system-generators/systemd-crontab-generator'
}

# take_program NAME PACKAGE [PATTERN in it]
take_program() {
    local folder=.venv-promtool scratch
    if command -v "$1" >/dev/null || [[ -x $folder/$1 ]]; then return; fi
    command -v apt-get >/dev/null || die "missing $1 (package $2): put it into PATH"
    printf 'setup: %s/%s from the package %s\n' "$folder" "$1" "$2"
    scratch=$(mktemp -d)
    (
        cd "$scratch"
        apt-get download -qq "$2" 2>/dev/null ||
            { [[ $EUID -eq 0 ]] && apt-get update -qq && apt-get download -qq "$2" 2>/dev/null; }
    ) || die "the package $2 cannot be downloaded: sudo apt-get update, or put $1 into PATH"
    mkdir -p "$folder"
    dpkg-deb --fsys-tarfile "$scratch/$2"_*.deb | tar -x -O --wildcards "${3:-./usr/bin/$1}" >"$folder/$1.new"
    rm -rf "$scratch"
    chmod +x "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
}

# the lock file that the environment $1 was made from, else requirements.lock
lock_of() {
    local stamp=''
    [[ ! -f $1/.stamp ]] || stamp=$(<"$1/.stamp")
    stamp=${stamp##* }
    if [[ -n $stamp && -f $stamp ]]; then printf '%s' "$stamp"; else printf 'requirements.lock'; fi
}

# forget DIR : it will be filled anew
forget() {
    [[ -f $1/pyvenv.cfg || ! -e $1 ]] || die "$1 is not a virtual environment: nothing is changed"
    rm -f "$1/.stamp" "$1/.stamp-v6"
}

make_venv() {
    local venv=$1 lock=$2 python=$3 like=$4 stamp
    [[ -f $lock ]] || die "no lock file $lock"
    stamp="$(pwd) $("$python" -VV) $(sha256sum "$lock")"
    if [[ ! -x $venv/bin/python || ! -f $venv/.stamp || $(<"$venv/.stamp") != "$stamp" ]]; then
        rm -rf "$venv"
        if [[ -n $like ]] && alike "$like" "$python"; then
            copy_venv "$venv" "$lock" "$python" "$like"
        else
            fill_venv "$venv" "$lock" "$python"
        fi
        printf '%s' "$stamp" >"$venv/.stamp"
    fi
    stamp=$(sha256sum pyproject.toml)
    if [[ ! -f $venv/.stamp-v6 || $(<"$venv/.stamp-v6") != "$stamp" ]]; then
        "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
        printf '%s' "$stamp" >"$venv/.stamp-v6"
    fi
    check_library "$venv"
}

# Two event packages would fight over one module (docs/libraries.md); a later `pip install` by hand can bring that about.
check_library() {
    local told
    told=$("$1/bin/python" - 2>&1 <<'PYTHON'
from v6.gateway import installation
from v6.gateway.errors import LibraryUnusable

try:
    installation.choose("auto")
except LibraryUnusable as error:
    raise SystemExit(str(error)) from None
PYTHON
    ) || die "$1: $told"
}

say_ready() {
    "$1/bin/python" - "$1" <<'PYTHON'
import sys

from v6.gateway import installation

name, version = installation.choose("auto")
python = "{}.{}".format(*sys.version_info[:2])
print(f"ready: {name} {version}, Python {python} in {sys.argv[1]}; next: make demo, or README.md, Install on a real host")
PYTHON
}

# whether environment $1 is complete and of the version of Python $2
alike() {
    [[ -f $1/.stamp && -d $(packages_of "$1" "$2") ]]
}

packages_of() {
    "$2" -c 'import sys; print("%s/lib/python%d.%d/site-packages" % (sys.argv[1], *sys.version_info[:2]))' "$1"
}

# The libraries of TWS and their event packages first leave: pip would leave their shared module behind in pieces.
copy_venv() {
    local venv=$1 lock=$2 python=$3 like=$4 packages
    printf 'setup: %s from %s (%s), like %s\n' "$venv" "$lock" "$("$python" -V)" "$like"
    "$python" -m venv --without-pip "$venv"
    packages=$(packages_of "$venv" "$python")
    cp -al "$(packages_of "$like" "$python")/." "$packages/" # hard links: pip replaces files, it never writes into one
    "$venv/bin/python" -m pip uninstall -q -y ib_insync eventkit ib_async aeventkit 2>/dev/null ||
        die "$venv: the copied TWS library cannot be removed"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --retries 5 --no-deps --require-hashes -r "$lock"
}

fill_venv() {
    local venv=$1 lock=$2 python=$3
    printf 'setup: %s from %s (%s), a minute or two\n' "$venv" "$lock" "$("$python" -V)"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --retries 5 --require-hashes -r "$lock"
}

# The official client comes as a source archive only: it is built with the hash-checked setuptools of .venv.
make_ibapi() {
    local venv=.venv-ibapi lock=requirements-ibapi.lock python=$1 stamp
    stamp="$(pwd) $("$python" -VV) $(sha256sum "$lock")"
    if [[ -x $venv/bin/python && -f $venv/.stamp && $(<"$venv/.stamp") == "$stamp" ]]; then
        return
    fi
    printf 'setup: %s from %s (%s)\n' "$venv" "$lock" "$("$python" -V)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    .venv/bin/python -m pip wheel -q --disable-pip-version-check --retries 5 --no-deps --no-build-isolation \
        --require-hashes -r "$lock" -w "$venv/wheels"
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-index "$venv"/wheels/*.whl
    printf '%s' "$stamp" >"$venv/.stamp"
}

# `npm ci` checks every archive against the integrity hash of the lock file
make_stoqey() {
    local folder=tests/clients/stoqey stamp
    stamp="$(pwd) $(node --version) $(sha256sum "$folder/package.json" "$folder/package-lock.json")"
    if [[ -f $folder/node_modules/.stamp && $(<"$folder/node_modules/.stamp") == "$stamp" ]]; then
        return
    fi
    printf 'setup: %s/node_modules (node %s)\n' "$folder" "$(node --version)"
    (cd "$folder" && npm ci --silent --ignore-scripts --no-audit --no-fund) ||
        die "npm ci failed in $folder; run it there by hand to see why"
    printf '%s' "$stamp" >"$folder/node_modules/.stamp"
}

main() {
    local venv=.venv lock='' python='' like='' clients='' fresh='' say=''
    while [[ $# -gt 0 ]]; do
        case $1 in
            --for-tests) for_tests && return ;;
            --clients) clients=yes && shift ;;
            --fresh) fresh=yes && shift ;;
            --say) say=yes && shift ;;
            --venv) venv=$2 && shift 2 ;;
            --lock) lock=$2 && shift 2 ;;
            --python) python=$2 && shift 2 ;;
            --like) like=$2 && shift 2 ;;
            *) die "unknown argument $1; allowed: --venv DIR, --lock FILE, --python PYTHON, --like DIR, --fresh," \
                "--say, --for-tests, --clients" ;;
        esac
    done
    [[ -n $lock ]] || lock=$(lock_of "$venv")
    [[ -n $python || -z $fresh || ! -x $venv/bin/python ]] ||
        python=$("$venv/bin/python" -c 'import sys; print(sys._base_executable)')
    [[ -n $python ]] || python=$(find_python)
    system_for_setup "$python"
    if [[ -n $clients ]]; then
        make_ibapi "$python"
        make_stoqey
        return
    fi
    [[ -z $fresh ]] || forget "$venv"
    make_venv "$venv" "$lock" "$python" "$like"
    [[ -z $say ]] || say_ready "$venv"
}

main "$@"
