#!/usr/bin/env bash
# Install V6 in this host's cron, prove that it fires, or look at what is installed.
#
#   sudo ./install_scheduler.sh               /etc/cron.d/v6-trading, for the whole host
#   ./install_scheduler.sh --user             your own crontab, without root
#       --check       check everything, change nothing
#       --dry-run     show what would change, as a diff
#       --status      what is installed, and whether it is in step with the configuration
#       --uninstall   take V6 out of cron; state, logs and configuration stay
#       --no-wait     do not wait for the proof that cron fires (--wait SECONDS: wait so long, 150)
#       --create-user create the user that the configuration names (install.user)
#       --take-over   replace a file that is not V6's, end an older systemd unit, loops and crontab lines
#
# exit codes: 0 done or nothing to do, 1 not installed, not proven or not in step, 2 refused: nothing was changed
set -euo pipefail
export LC_ALL=C

die() {
    printf 'install_scheduler.sh: %s\n' "$*" >&2
    exit 2
}

main() {
    local root python
    root=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
    case ${1-} in
        -h | --help)
            sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
            exit 0
            ;;
    esac
    python=$root/.venv/bin/python
    [[ -e $python || -L $python ]] || die "$python is missing: run make setup in $root first (then this again)"
    [[ -x $python ]] || die "$(id -un) cannot run $python ($(readlink "$python")): be a user who can reach it, or make fresh in $root"
    export PYTHONPATH=$root/src PATH=$PATH:/usr/sbin:/sbin # useradd, logrotate
    exec "$python" -B -m v6.install "$@" # -B: root leaves no files in a user's checkout
}

main "$@"
