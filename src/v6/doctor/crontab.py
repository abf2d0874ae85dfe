"""Cron: the daemon and its zone, V6's lines in it, and whether they fire."""

import os
import re
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from v6 import clock
from v6.doctor.answer import Answer, CannotTell, judged, unknown, well, wrong
from v6.doctor.patient import Patient, there

if TYPE_CHECKING:
    from v6.cron.installed import Installed

MADE_FOR = re.compile(r"^# V6 on a host in (\S+?)\.? ", re.MULTILINE)
NOTHING = "no lines of V6 are installed: neither in {system} nor in {own}"
GRACE = timedelta(minutes=5)
"""Cron may start a line late by four minutes, and the run is then a moment on its way to the journal."""
LOOK_BACK = (timedelta(hours=1), timedelta(hours=26), timedelta(days=8))
"""As far as it takes until anything was due: most schedules have a slot every quarter of an hour."""
SHOWN = 6


def cron(patient: Patient) -> Answer:
    found = patient.flavour
    if found.name == "none":
        return wrong(found.why)
    if not found.running:
        return wrong(f"{found.name} is not running: {found.why}", "systemctl enable --now cron (crond, cron.target)")
    return well(f"{found.name}: {found.why}")


def cron_zone(patient: Patient) -> Answer:
    """Lines written for another zone fire at other times, and the gate then turns nearly all of them away."""
    from v6.cron.daemon_zone import DaemonZoneError, zone

    try:
        daemon = zone(patient.flavour, patient.roots)
    except DaemonZoneError as error:
        return wrong(str(error), "give the daemon a zone that has a name (TZ in /etc/default/cron), restart it")
    words = f"{daemon.name} ({daemon.why})"
    written = {made[1] for found in installations(patient) if (made := MADE_FOR.search(found.text))}
    if other := sorted(written - {daemon.name}):
        return wrong(f"{words}, but the installed lines are for {', '.join(other)}")
    return well(words + ("" if written else "; nothing is installed for it yet"))


def crontab(patient: Patient) -> Answer:
    """What cron would refuse, it refuses without a word to anybody but syslog (L01)."""
    found = installations(patient)
    if not found:
        places = {"system": patient.roots.system_file, "own": f"the crontab of {_user(patient)}"}
        return wrong(NOTHING.format(**places), "sudo ./install_scheduler.sh (or --user)")
    problems = [problem for one in found for problem in _problems(one, patient)]
    if len(found) > 1:
        problems.append(f"installed twice, in {found[0].path} and {found[1].path}: ./install_scheduler.sh --uninstall")
    edited = "" if all(one.intact for one in found) else ", edited by hand since it was installed"
    lines = sum(1 for line in found[0].text.splitlines() if "cron_wrapper.sh" in line and not line.startswith("#"))
    return judged(problems, f"{found[0].path}: {lines} lines, accepted by {patient.flavour.name}{edited}")


def installations(patient: Patient) -> "list[Installed]":
    """In /etc/cron.d, and in the crontab of the user whose the installation is. Raises CannotTell."""
    from v6.cron.installed import installed

    found: list[Installed | None] = []
    try:
        found.append(installed(True, patient.roots))
        found.append(installed(False, patient.roots, _user(patient)))
    except OSError as error:  # of whom cron.allow leaves out the second cannot be read, and is not needed
        if not any(found):
            raise CannotTell(f"what is installed cannot be read: {error}") from error
    return [one for one in found if one is not None]


def _user(patient: Patient) -> str:
    from v6.runner.ownership import user_name

    return user_name(os.geteuid() if patient.owner is None else patient.owner)


def _problems(one: "Installed", patient: Patient) -> list[str]:
    from v6.cron.acceptance import refusals
    from v6.cron.installed import crontab_text

    problems = []
    if one.root != str(patient.paths.root) or one.home != str(patient.paths.home):
        problems.append(f"{one.path} is another installation's: of {one.root}, state in {one.home}")
    if one.system:
        text = one.path.read_text(encoding="utf-8", errors="replace")
        problems += _mode_problems(one.path)
    else:
        text = crontab_text(one.user, patient.roots)  # one bad line of anybody's spoils all of it
    problems += [f"{one.path}: {problem}" for problem in refusals(text, patient.flavour, one.system, patient.roots)]
    if one.user != _user(patient) and patient.owner is not None:
        problems.append(f"{one.path} runs as {one.user}, but {patient.paths.var} belongs to {_user(patient)}")
    if one.probing:
        problems.append(f"{one.path} still has the line of an installer's proof: run the installer again")
    return problems


def _mode_problems(path: Path) -> list[str]:
    """Debian's cron and cronie ignore a file in /etc/cron.d that others could have written."""
    found = path.lstat()
    problems = []
    if not stat.S_ISREG(found.st_mode):
        problems.append(f"{path} is no plain file: cron ignores it")
    if found.st_uid != 0:
        problems.append(f"{path} does not belong to root: cron ignores it: chown root:root {path}")
    if found.st_nlink > 1:
        problems.append(f"{path} has a second name (a hard link): cron ignores it: sudo ./install_scheduler.sh")
    if found.st_mode & 0o022:
        problems.append(f"{path} can be written by others (mode {stat.S_IMODE(found.st_mode):o}): chmod 644 {path}")
    return problems


def drift(patient: Patient) -> Answer:
    from v6.cron.installed import drift as difference
    from v6.scheduler.crontab_grammar import CrontabError

    found = installations(patient)
    if not found:
        raise CannotTell("nothing is installed, see the line crontab")
    try:
        words = difference(patient.config, patient.paths, patient.roots)
    except CrontabError as error:
        return wrong(f"this configuration's lines cannot be written: {error}", "correct the path or argument it names")
    out = "; ".join(f"commented out by hand: {', '.join(one.disabled)}" for one in found if one.disabled)
    if words:
        cure = "" if found[0].system else "./install_scheduler.sh --user: it shows the difference with --dry-run"
        return wrong("; ".join(filter(None, [words, out])), cure)
    return well(f"as the configuration asks{'; ' if out else ''}{out}")


def firing(patient: Patient) -> Answer:
    """Slots whose time is over, against what the gate's log and the journal know of them; also after an upgrade that no
    run has followed yet: that none has may be the fault."""
    from v6.journal import evidence

    if said := clock.shifted():
        return unknown(f"cron follows the host's clock, and {said}")
    if patient.config.settings.ibkr.simulator and not installations(patient):
        return unknown("a rehearsed home: nothing is to be started here")
    now = clock.now()
    due = _due(patient, now)
    if not due:
        return unknown("no slot was due since anything ran here, or since the lines were installed")
    start = min(slot for _, slot in due)
    journal = patient.older_journal if there(patient.paths.journal) else None
    known = evidence.traced(journal, evidence.gate_log(patient.paths), start, now)
    fired = sorted((slot, task) for task, slot in due if (task, slot) in known)
    silent = sorted((slot, task) for task, slot in due if (task, slot) not in known)
    counts = f"{len(fired)} of {len(due)} slots since {start:%m-%d %H:%M %Z} left a trace"
    last = f"the last {fired[-1][1]} {fired[-1][0]:%H:%M}" if fired else "none at all"
    if not silent:
        return well(f"{counts}, {last}")
    named = ", ".join(f"{task} {slot:%H:%M}" for slot, task in silent[-SHOWN:])
    more = f" and {len(silent) - SHOWN} earlier" if len(silent) > SHOWN else ""
    return wrong(f"{counts}, {last}; never fired: {named}{more}")


def _due(patient: Patient, now: datetime) -> list[tuple[str, datetime]]:
    """The slots of the shortest span in which there are any; none from before the first run or the installation. Where
    nothing has ever run, cron may be why: then the installation alone counts."""
    from v6.journal import evidence, runs

    found = installations(patient)
    first = runs.first_started(patient.older_journal) if there(patient.paths.journal) else None
    begun = [moment for moment in (first, *(_placed(one.path) for one in found)) if moment is not None]
    if not begun or (first is None and not found):
        raise CannotTell("no run has ever been started here")
    since = max(begun)
    out = {task for one in found for task in one.disabled}
    tasks = [task for task in patient.schedule.tasks.values() if task.name not in out]
    for span in LOOK_BACK:
        start = max(since, now - span)
        if due := list(evidence.due_slots(tasks, patient.schedule.windows, patient.calendar, start, now - GRACE)):
            return due
    return []


def _placed(path: Path) -> datetime | None:
    """When the file was put there; None where only its owner, cron, may look."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, clock.NEW_YORK)
    except OSError:
        return None
