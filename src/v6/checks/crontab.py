"""The check of V6's lines in this host's cron: whether they are those that the configuration asks for."""

import hashlib
from datetime import timedelta

from v6 import clock
from v6.analysis.findings import Finding, could_not_check, failed, ok
from v6.config.sources import NAMES
from v6.cron import installed
from v6.cron.daemon_zone import DaemonZoneError, zone
from v6.cron.installed import Installed
from v6.cron.roots import HOST, Roots
from v6.journal import marks
from v6.runner.context import Context
from v6.scheduler.crontab_grammar import CrontabError

CHECK = "crontab"
MARK = "crontab in step"
RENDERED_AGAIN = timedelta(hours=6)
"""Rendering costs a third of a second of a core: it is done when anything has changed, and a few times a day."""


def crontab(ctx: Context, roots: Roots = HOST) -> Finding:
    """Lines that nobody has installed, or another V6 has, are nothing that this one could judge."""
    if clock.shifted():
        return could_not_check(CHECK, "not applicable under a shifted clock")
    found = installed.installed(True, roots) or installed.installed(False, roots)
    if found is None:
        return could_not_check(CHECK, "no lines of V6 are installed (./install_scheduler.sh)")
    if found.root != str(ctx.paths.root) or found.home != str(ctx.paths.home):
        return could_not_check(CHECK, f"{found.path} is of {found.root}, state in {found.home}: not of this V6")
    try:
        daemon = zone(roots=roots).name
    except DaemonZoneError as error:
        return failed(CHECK, f"cron's zone: {error}")
    out = f", commented out by hand: {', '.join(found.disabled)}" if found.disabled else ""
    state = _state(ctx, found, daemon)
    if _known(ctx, state):
        return ok(CHECK, f"{found.path} is in step{out}")
    try:
        words = installed.drift(ctx.config, ctx.paths, roots)
    except CrontabError as error:
        return failed(CHECK, f"this configuration's lines cannot be written: {error}")
    if words:
        return failed(CHECK, words + out)
    marks.write(ctx.journal, MARK, f"{state} {int(clock.epoch())}")
    return ok(CHECK, f"{found.path} is in step{out}")


def _state(ctx: Context, found: Installed, daemon: str) -> str:
    """Of everything that the lines follow from, and of them."""
    parts = [found.text.encode(errors="surrogateescape"), daemon.encode()]
    sources = ctx.paths.compiled / "sources"
    parts += [(sources / name).read_bytes() if (sources / name).exists() else b"-" for name in NAMES]
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _known(ctx: Context, state: str) -> bool:
    known, _, at = (marks.read(ctx.journal, MARK) or "").partition(" ")
    return known == state and 0 <= clock.epoch() - float(at) < RENDERED_AGAIN.total_seconds()
