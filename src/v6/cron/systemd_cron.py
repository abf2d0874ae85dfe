"""What systemd-cron makes of a crontab: its own generator is run over it, in a mount namespace of its own.

The generator reads /etc/cron.d and writes a timer for every line; a line that it does not understand it leaves out and
says so. It knows no `\\%`, and a native v6-trading.timer silently replaces the whole file.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from v6.cron.flavour import generator
from v6.cron.programs import ask
from v6.cron.roots import HOST, NAME, Roots

CANNOT = "systemd-cron's generator cannot be asked"
IN_PRIVATE = """
set -eu
mount --bind "$1/cron.d" /etc/cron.d
mount -t tmpfs none /run
mkdir -p /run/systemd
exec "$2" "$1/out"
"""


def refusals(text: str, system: bool, roots: Roots = HOST) -> list[str]:
    program = generator(roots)
    if program is None:
        return [f"{CANNOT}: it is not installed"]
    if r"\%" in text:
        return [r"\% in a command: systemd-cron would not make it %; move V6 to a folder without % in its path"]
    entries = [line for line in text.splitlines() if line[:1] in "@*0123456789" and line]
    if not system:  # the generator takes the user of a personal crontab from the file's name: give the lines one
        text = "".join(_with_user(line, entries) for line in text.splitlines(keepends=True))
    with tempfile.TemporaryDirectory(prefix="v6-systemd-cron-") as name:
        folder = Path(name)
        (folder / "cron.d").mkdir()
        (folder / "out").mkdir()
        (folder / "cron.d" / NAME).write_text(text, encoding="utf-8", errors="surrogateescape")
        done = _run("unshare", "-rm", "sh", "-c", IN_PRIVATE, "sh", name, str(program))
        if done is None or done.returncode != 0:
            return [f"{CANNOT}: {_said(done)}"]
        timers = sorted((folder / "out").glob(f"cron-{NAME}-*.timer"))
        return list(_problems(entries, timers, done.stderr))


def _problems(entries: list[str], timers: list[Path], said: str) -> Iterator[str]:
    yield from (f"systemd-cron: {line}" for line in said.splitlines() if NAME in line)
    if len(timers) != len(entries):
        yield f"systemd-cron makes {len(timers)} timers of {len(entries)} lines"
    calendars = [
        line.removeprefix("OnCalendar=")
        for timer in timers
        for line in timer.read_text(encoding="utf-8").splitlines()
        if line.startswith("OnCalendar=")
    ]
    if calendars:
        checked = _run("systemd-analyze", "calendar", *calendars)
        if checked is None or checked.returncode != 0:
            yield f"systemd-analyze calendar refuses a line: {_said(checked)}"


def _with_user(line: str, entries: list[str]) -> str:
    if line.rstrip("\n") not in entries:
        return line
    fields = 1 if line.startswith("@") else 5
    words = line.split(" ", fields)
    return " ".join([*words[:fields], "root", *words[fields:]])


def _run(*command: str) -> "subprocess.CompletedProcess[str] | None":
    try:
        return ask(*command)
    except OSError:
        return None


def _said(done: "subprocess.CompletedProcess[str] | None") -> str:
    return "it did not answer" if done is None else " ".join(done.stderr.split()) or f"exit {done.returncode}"
