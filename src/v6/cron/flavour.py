"""Which cron this host has, whether it runs, and how that is known."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

from v6.cron import programs
from v6.cron.programs import ask
from v6.cron.roots import HOST, Roots

Name = Literal["debian", "cronie", "systemd-cron", "none"]
COMMANDS = ("cron", "crond")
SECONDS = 20


class Flavour(NamedTuple):
    """`pids`: of daemons that read this host's /etc/cron.d (systemd-cron has none of its own). `why`: the evidence."""

    name: Name
    running: bool
    pids: tuple[int, ...]
    crontab: str | None
    """The `crontab` program."""
    why: str

    def __str__(self) -> str:
        return f"{self.name}, {'running' if self.running else 'NOT running'} ({self.why})"


def find(roots: Roots = HOST) -> Flavour:
    crontab = shutil.which("crontab", path=programs.PATH)
    pids = {pid: command for pid, command in _processes(roots) if command in COMMANDS and _is_ours(pid, roots)}
    shown = ", ".join(f"{command} is process {pid}" for pid, command in pids.items()) or "no process cron or crond"
    made_by = generator(roots)
    if made_by and not pids:
        running, why = _systemd_cron_runs()
        return Flavour("systemd-cron", running, (), crontab, f"{made_by}; {why}")
    if crontab is None:
        return Flavour("none", False, tuple(pids), None, f"no program crontab in {programs.PATH}; {shown}")
    version = _version(crontab)
    if "cronie" in version:
        return Flavour("cronie", bool(pids), tuple(pids), crontab, f"{crontab} is {version}; {shown}")
    daemon = _first(roots.sbin, "cron")
    if daemon and _checks_syntax(crontab):
        return Flavour("debian", bool(pids), tuple(pids), crontab, f"{daemon}, {crontab} knows -n; {shown}")
    if daemon:
        older = f"{crontab} knows no -n: a cron older than Debian 12's cannot be asked about a file, cronie can"
        return Flavour("none", False, tuple(pids), crontab, f"{older}; {shown}")
    return Flavour("none", False, tuple(pids), crontab, f"{crontab} is neither Debian's nor cronie's; {shown}")


def generator(roots: Roots = HOST) -> Path | None:
    """Of systemd-cron: makes timers of crontabs."""
    return _first(roots.systemd, "system-generators/systemd-crontab-generator")


def _first(folders: tuple[Path, ...], name: str) -> Path | None:
    return next((folder / name for folder in folders if (folder / name).exists()), None)


def _processes(roots: Roots) -> Iterator[tuple[int, str]]:
    for folder in sorted(roots.proc.glob("[0-9]*"), key=lambda folder: int(folder.name)):
        try:
            yield int(folder.name), (folder / "comm").read_text().strip()
        except (OSError, UnicodeDecodeError):
            continue  # it has ended


def _is_ours(pid: int, roots: Roots) -> bool:
    """Not the cron of a container: its /etc/cron.d is this one. Who may not look takes it for this host's."""
    try:
        its = (roots.proc / str(pid) / "root" / str(roots.cron_d).lstrip("/")).stat()
        return os.path.samestat(its, roots.cron_d.stat())
    except PermissionError:
        return True
    except OSError:
        return False


def _systemd_cron_runs() -> tuple[bool, str]:
    state = said("systemctl", "is-active", "cron.target")
    return state == "active", f"cron.target is {state or 'unknown: no systemctl'}"


def _version(crontab: str) -> str:
    """What `crontab -V` says first; Debian's has no -V and complains."""
    return (said(crontab, "-V").splitlines() or [""])[0]


def _checks_syntax(crontab: str) -> bool:
    return "-n" in said(crontab, "-h")


def said(*command: str) -> str:
    """Its output and errors, "" when it cannot be asked or does not answer."""
    try:
        done = ask(*command, seconds=SECONDS)
    except OSError:
        return ""
    return f"{done.stdout}{done.stderr}".strip()
