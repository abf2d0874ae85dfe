"""Install, check or remove V6 in this host's cron. Usually started by install_scheduler.sh."""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from v6.config.errors import ConfigError
from v6.cron.daemon_zone import DaemonZoneError
from v6.cron.roots import HOST, Roots
from v6.install import carry_out, files, plan, preview, status, uninstall
from v6.install.plan import Options
from v6.install.refused import RefusedError
from v6.model import V6Error
from v6.paths import Paths
from v6.runner.ownership import user_name

DONE, NOT_DONE, REFUSED = 0, 1, 2
WAIT = 150.0
EPILOG = (
    "Exit codes: 0 done (or nothing to do), 1 not installed, not proven or not in step, 2 refused: nothing changed."
)


def main(words: Sequence[str] | None = None, roots: Roots = HOST, paths: Paths | None = None) -> int:
    given = _parser().parse_args(words)
    try:
        return _carry_out(given, roots, paths or Paths.locate())
    except ConfigError as error:
        return _refuse(error.problems)
    except RefusedError as error:
        return _refuse(error.problems)
    except (V6Error, DaemonZoneError, OSError, subprocess.SubprocessError) as error:
        return _refuse([str(error)])


def _carry_out(given: argparse.Namespace, roots: Roots, paths: Paths) -> int:
    options = Options(not given.user, given.create_user, given.take_over)
    target = plan.target_of(paths, roots, options, user_name(os.geteuid()))
    if given.status:
        return status.status(paths, roots, target, say)
    looks_only = given.check or given.dry_run
    if options.system and os.geteuid() != 0 and not looks_only:
        raise RefusedError(f"{target.where} needs root: sudo ./install_scheduler.sh, or --user for your own crontab")
    if given.uninstall and looks_only:
        return uninstall.uninstall(paths, roots, target, say, dry_run=True)
    if looks_only:
        made = plan.make(paths, roots, options)
        return preview.preview(made, options, say, diff=given.dry_run, proof=not given.no_wait)
    with files.alone(roots.etc if options.system else paths.root):
        if given.uninstall:
            return uninstall.uninstall(paths, roots, target, say, dry_run=False)
        made = plan.make(paths, roots, options)
        preview.facts(made, say)
        return carry_out.install(options, made, say, wait=0.0 if given.no_wait else given.wait)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="install_scheduler.sh",
        description="Install V6 in /etc/cron.d/v6-trading: everything is checked first, by this host's own cron too; "
        "then one line is awaited that proves that cron fires the file.",
        epilog=EPILOG,
    )
    parser.add_argument("--user", action="store_true", help="into your own crontab instead; without root")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="check everything, change nothing")
    what.add_argument("--status", action="store_true", help="what is installed, and whether it is in step")
    what.add_argument(
        "--uninstall", action="store_true", help="take V6 out of cron; state, logs and configuration stay"
    )
    parser.add_argument("--dry-run", action="store_true", help="show what would change, as a diff; change nothing")
    parser.add_argument("--no-wait", action="store_true", help="do not wait for the proof that cron fires")
    parser.add_argument("--wait", type=_seconds, default=WAIT, metavar="SECONDS", help=f"for the proof ({WAIT:g})")
    parser.add_argument("--create-user", action="store_true", help="create the user that install.user names")
    parser.add_argument(
        "--take-over", action="store_true", help="replace a file that is not V6's, end an old unit, loops and lines"
    )
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is wrong, allowed: 1 to 3600 seconds")
    return seconds


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        sys.stderr.write(f"install_scheduler.sh: {problem}\n")
    return REFUSED


if __name__ == "__main__":
    raise SystemExit(main())
