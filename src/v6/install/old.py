"""What came before V6's own installation and still starts jobs: shown always, ended only when asked (--take-over)."""

import os
import pwd
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from v6 import clock
from v6.cron.installed import OLDER, crontab_text
from v6.cron.roots import NAME, Roots
from v6.install import files
from v6.install.account import tools
from v6.scheduler import crontab_mark

UNITS = (NAME, "v6-position-sync", "v6-health-check", "v6-paper-trading", "v6-dashboard", "v6-backup")
"""Of the older guides (docs/migration.md). Never ib-gateway: that is TWS's."""
LOOPS = ("START_TRADER.sh", "test_runner_connection.py", "robo_trader.runner_async", "robo_trader.websocket_server")
ANYBODYS = ("run_production.py", "run_paper_trading.py", "unified_monitor.py", "watchdog.sh", "runner_async.py",
            "websocket_server.py")  # fmt: skip
"""Loops with names that other programs have too: they are older ones only in a folder that says so."""
FOLDERS = re.compile(r"v6|robo.?trader", re.IGNORECASE)
INTERPRETERS = ("sh", "bash", "dash", "python", "nohup", "setsid")
PATIENCE = 10.0
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Old:
    """`take`: ends it and says what it did. `in_the_way`: nothing can be installed beside it."""

    words: str
    take: Callable[[], str]
    in_the_way: bool = False


def find(roots: Roots, user: str, *, system: bool, flavour: str) -> list[Old]:
    return [
        *_units(roots, flavour),
        *_loops(roots),
        *_crontabs(roots, flavour),
        *(old for who in _whose(user) if system and (old := _crontab(roots, who))),
    ]


def _whose(user: str) -> list[str]:
    """Crontabs that may be looked at: only root may look at all."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    return sorted({user, "root"}) if me == "root" else [me]


def _units(roots: Roots, flavour: str) -> Iterator[Old]:
    for name in (f"{unit}.{kind}" for unit in UNITS for kind in ("service", "timer")):
        for folder in (roots.etc / "systemd" / "system", *(place / "system" for place in roots.systemd)):
            file = folder / name
            there = file.exists() or file.is_symlink()
            if there and file.resolve() != Path(os.devnull):  # a masked one starts nothing
                masks = flavour == "systemd-cron" and name == f"{NAME}.timer"
                beside = f", and systemd-cron ignores /etc/cron.d/{NAME} beside it" if masks else ""
                yield Old(f"an older systemd unit: {file}{beside}", partial(_end_unit, file, roots), in_the_way=masks)
                break


def _end_unit(file: Path, roots: Roots) -> str:
    linked = f"# a link to {file.readlink()}\n" if file.is_symlink() else ""
    text = linked or file.read_text(encoding="utf-8", errors="surrogateescape")
    copy = files.keep_replaced(roots.kept, file.name, text)
    said = _systemctl("disable", "--now", file.name)
    file.unlink(missing_ok=True)
    said += _systemctl("daemon-reload")
    return f"{file} is ended and moved to {copy}{said}"


def _systemctl(*words: str) -> str:
    """What went wrong, "" for nothing."""
    command = ["systemctl", *words]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False, env=tools(),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"; {' '.join(command)}: {error}"
    return f"; {' '.join(command)}: {done.stderr.strip()}" if done.returncode else ""


def _crontabs(roots: Roots, flavour: str) -> Iterator[Old]:
    """Other files of /etc/cron.d with V6's lines: an older installer left copies there, v6-trading.backup.DATE."""
    ours = {roots.system_file, files.temporary(roots.system_file)}
    for file in sorted(roots.cron_d.glob("*")) if roots.cron_d.is_dir() else ():
        if file in ours or not file.is_file() or not (file.name.startswith(f"{NAME}.") or OLDER.search(_text(file))):
            continue
        ignored = "." in file.name and flavour == "debian"
        does = "Debian's cron ignores its name, cronie would run it" if ignored else "cron runs it beside V6's"
        yield Old(f"an older schedule: {file}: {does}", partial(_move_away, file, roots))
    table = roots.etc / "crontab"
    if OLDER.search(_text(table)):
        yield Old(f"{table} has lines of V6 too", lambda: f"{table}: nothing is done, take them out by hand")


def _move_away(file: Path, roots: Roots) -> str:
    copy = files.keep_replaced(roots.kept, file.name, _text(file))
    file.unlink()
    return f"{file} is moved to {copy}"


def _text(file: Path) -> str:
    """Nothing for what is not there, or not ours to read."""
    try:
        return file.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _loops(roots: Roots) -> Iterator[Old]:
    for folder in sorted(roots.proc.glob("[0-9]*"), key=lambda folder: int(folder.name)):
        pid = int(folder.name)
        words = _words(folder)
        if pid != os.getpid() and _is_loop(words, folder):
            line = " ".join(words)[:120]
            yield Old(f"an older loop: process {pid}: {line}", partial(_end, roots, pid, words))


def _words(folder: Path) -> list[str]:
    try:
        return [word.decode(errors="replace") for word in (folder / "cmdline").read_bytes().split(b"\0") if word]
    except OSError:
        return []


def _is_loop(words: list[str], folder: Path) -> bool:
    """The program itself, or an interpreter that runs it: not an editor that shows it."""
    if not words:
        return False
    at_work = words if Path(words[0]).name.startswith(INTERPRETERS) else words[:1]
    found = [word for word in at_work if Path(word).name in (*LOOPS, *ANYBODYS)]
    return any(Path(word).name in LOOPS or FOLDERS.search(str(_where(folder) / word)) for word in found)


def _where(folder: Path) -> Path:
    """Where a process works; nowhere for one that we may not look at."""
    try:
        return (folder / "cwd").readlink()
    except OSError:
        return Path()


def _end(roots: Roots, pid: int, words: list[str]) -> str:
    """Only while it is still that program; what does not end is left, and said."""
    folder = roots.proc / str(pid)
    until = clock.monotonic() + PATIENCE
    if _words(folder) == words:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        while _words(folder) == words and clock.monotonic() < until:
            clock.sleep(0.1)
    if _words(folder) == words:
        return f"process {pid} goes on after {PATIENCE:g} s: end it by hand"
    return f"process {pid} is ended"


def _crontab(roots: Roots, user: str) -> Old | None:
    """Lines of V6's wrapper in a personal crontab, beside a system file, would ask for every slot twice."""
    try:
        text = crontab_text(user, roots)
    except OSError as error:
        return Old(f"the crontab of {user} cannot be read: {error}", lambda: f"the crontab of {user}: nothing is done")
    marked = crontab_mark.find(text)
    rest = text if marked is None else marked.before + marked.after
    count = len(OLDER.findall(rest)) + (marked is not None)
    if not count:
        return None
    return Old(
        f"the crontab of {user} has lines of V6 too: crontab -l -u {user}",
        lambda: _comment_out(roots, user, text, rest),
    )


def _comment_out(roots: Roots, user: str, text: str, rest: str) -> str:
    copy = files.keep_replaced(roots.kept, f"crontab-{user}", text)
    lines = [f"# {line}" if OLDER.match(line) else line for line in rest.splitlines(keepends=True)]
    done = subprocess.run(
        ["crontab", "-u", user, "-"],
        input="".join(lines), capture_output=True, text=True, errors="surrogateescape", timeout=SECONDS, check=False,
        env=tools(),
    )  # fmt: skip
    if done.returncode:
        return f"the crontab of {user} is left as it was: {done.stderr.strip()}"
    return f"the crontab of {user}: lines of V6 are taken out, a copy is {copy}"
