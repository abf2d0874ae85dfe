"""The proof that cron fires what was installed: the probe's line stands in the very file, fires, and is taken out.

However the installer ends but by SIGKILL, the file ends without the line: as it is to be, or as it was before.
"""

import hashlib
import secrets
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from v6 import clock
from v6.clock import utc_now
from v6.cron import probe
from v6.install import files
from v6.install.plan import Plan
from v6.scheduler import crontab_mark

RECORD = "proven.txt"
"""In the folder of what is kept: sha256 of the text that fired, and when."""
LOOK_EVERY = 0.5


class UnprovenError(Exception):
    """Cron did not fire the line, or the gate could not decide."""


def is_proven(plan: Plan) -> bool:
    """Whether this very text has fired before."""
    return bool(when(plan.target.kept, plan.text))


def when(kept: Path, text: str) -> str:
    """This very text has fired, '' when it has not."""
    try:
        fired, _, at = (kept / RECORD).read_text(encoding="ascii").partition(" ")
    except (OSError, UnicodeDecodeError):
        return ""
    return at.strip() if fired == _sum(text) else ""


def prove(plan: Plan, seconds: float) -> str:
    """What the gate said when cron asked it. Raises UnprovenError; the file is then again without the line."""
    token = secrets.token_hex(8)
    marked = crontab_mark.find(plan.text)
    assert marked is not None
    probing = crontab_mark.sealed(probe.with_probe(marked.body, token, plan.line_user, _asked(plan)))
    refused = plan.refusals_of(probing)
    if refused:
        raise UnprovenError(f"the line of the proof is refused: {'; '.join(refused)}")
    with _signals_raise():
        try:
            plan.target.put(probing)
            said = _wait(plan.paths.home, token, seconds)
        finally:
            plan.target.put(plan.text)
    if said is None:
        raise UnprovenError(
            f"cron has not fired the line of the proof within {seconds:g} s. {plan.flavour}; its own log may say why: "
            f"journalctl -u cron, or grep -i cron /var/log/syslog; then run this again"
        )
    status, words = said
    if status:
        raise UnprovenError(f"cron fires, but the gate cannot decide (exit {status}): {words}")
    files.make_folder(plan.target.kept)
    files.put(plan.target.kept / RECORD, f"{_sum(plan.text)} {utc_now():%Y-%m-%d %H:%M:%S UTC}\n")
    return words


def _asked(plan: Plan) -> str:
    task = next(iter(plan.config.scheduler.tasks.values()))
    return " ".join(shlex.quote(word) for word in (task.script, *task.args)).replace("%", r"\%")


def _wait(home: Path, token: str, seconds: float) -> tuple[int, str] | None:
    until = clock.monotonic() + seconds
    while clock.monotonic() < until:
        said = probe.answer(home, token)
        if said is not None:
            return said
        clock.sleep(LOOK_EVERY)
    return None


@contextmanager
def _signals_raise() -> Iterator[None]:
    """What ends an installer ends it through `finally`."""

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
