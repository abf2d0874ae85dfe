"""A ping of a dead man's switch, healthchecks.io and alike (https://healthchecks.io/docs/http_api/):
`python -S -m v6.alerts.heartbeat TASK start|skip|EXIT_CODE RUN WORDS`.

    URL/start    a run begins
    URL          it succeeded, or is skipped as planned: a holiday is no silence
    URL/<code>   it failed, with its exit code

Detached from the run, which neither waits for it nor hears of it; one ping of a task at a time, so that a start never
overtakes its end. `rid` ties the two together. Addresses are secrets: only the task and what was said is recorded.
Standard library only.
"""

import fcntl
import hashlib
import os
import signal
import sqlite3
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager

from v6 import clock, places
from v6.config import dotenv
from v6.journal import database, deliveries
from v6.scheduler import compiled
from v6.scheduler.side_channels import address

START = "start"
SKIP = "skip"
TIMEOUT_SECONDS = 10.0
PAUSES_SECONDS = (0.0, 2.0, 10.0)
LONGEST_BODY = 2000


class PingError(Exception):
    """The ping was not taken; without the address."""


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """0 when the ping was taken or none is wanted, else 1 with the reason on stderr."""
    task, what, run, words = arguments
    home = places.home(environ)
    try:
        settings = compiled.load(places.place(home, "schedule")).settings
    except compiled.ScheduleError:
        settings = {}
    listed = tuple(settings.get("heartbeat.tasks", "").split(","))
    url = address(task, listed, {**_dotenv(home), **environ})
    if not url:
        return 0
    timeout = float(settings.get("heartbeat.timeout_seconds", TIMEOUT_SECONDS))
    with _in_turn(home, task):
        if what == START and _is_over(home, run):
            return 0
        error = deliver(target(url, what, _rid(home, task, run)), words, timeout, once=what == START)
    said = " ".join(part for part in (task, what if what in (START, SKIP) else f"exit {what}", words) if part)
    error += _record(home, said[:200], error)
    if error:
        sys.stderr.write(f"heartbeat: {task} {what}: {error}\n")
    return 1 if error else 0


def target(url: str, what: str, rid: str = "") -> str:
    """The address for what is said: its path grows, its query stays. Raises nothing: a wrong one fails when used."""
    ending = "" if what in (SKIP, "0") else f"/{what}"
    path, mark, query = url.partition("?")
    query = "&".join(part for part in (query, f"rid={rid}" if rid else "") if part)
    return f"{path.rstrip('/')}{ending}{mark or ('?' if query else '')}{query}"


def deliver(url: str, words: str, timeout: float, *, once: bool = False) -> str:
    """Ping, again after each pause; why it was not taken, empty when it was. A start is said once: later it would be
    taken for another one."""
    error = ""
    for pause in PAUSES_SECONDS[: 1 if once else None]:
        clock.sleep(pause)
        try:
            with _limited(timeout):
                _ping(url, words, timeout)
        except PingError as refused:
            error = str(refused)
        else:
            return ""
    return error


def _ping(url: str, words: str, timeout: float) -> None:
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    if not url.startswith(("http://", "https://")):
        raise PingError("the address is not one of http:// or https://")
    try:
        body = words.encode("utf-8", "replace")[:LONGEST_BODY]
        request = Request(url, data=body, headers={"User-Agent": "v6", "Content-Type": "text/plain; charset=utf-8"})  # noqa: S310
        with urlopen(request, timeout=timeout) as answer:  # noqa: S310
            answer.read(1000)
    except HTTPError as error:
        with error:
            raise PingError(f"answered with {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise PingError(f"{getattr(reason, 'strerror', '') or type(reason).__name__}") from None


@contextmanager
def _limited(timeout: float) -> Generator[None]:
    """An answer that drips in is no answer: `timeout` limits a single wait only."""

    def give_up(*_: object) -> None:
        raise PingError("no whole answer in time")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, timeout * 1.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _rid(home: str, task: str, run: str) -> str:
    """The same UUID for start and end of one run; none without a run."""
    if run == "0":
        return ""
    digits = hashlib.sha256(f"{home} {task} {run}".encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


@contextmanager
def _in_turn(home: str, task: str) -> Generator[None]:
    """Without a lock, on a disk that takes nothing, the word is still sent."""
    try:
        file = open(f"{places.place(home, 'locks')}/heartbeat-{task}.lock", "w")  # noqa: SIM115
    except OSError:
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_over(home: str, run: str) -> bool:
    """Whether the first attempt of the run has already ended well: a start now would be taken for another run's."""
    try:
        with closing(database.connect(places.place(home, "journal"))) as db:
            row = db.execute("SELECT outcome FROM runs WHERE id = ?", (int(run),)).fetchone()
    except (sqlite3.Error, OSError, database.JournalError):
        return False
    return row is not None and row[0] is not None


def _record(home: str, said: str, error: str) -> str:
    try:
        with closing(database.connect(places.place(home, "journal"))) as db:
            deliveries.record(db, deliveries.HEARTBEAT, said, error=error)
    except (sqlite3.Error, OSError, database.JournalError) as unusable:
        return f" (the journal is unusable: {unusable})"
    return ""


def _dotenv(home: str) -> dict[str, str]:
    try:
        return dotenv.read(places.place(home, "dotenv"))
    except (dotenv.DotenvError, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"heartbeat: {places.place(home, 'dotenv')}: {error}\n")
        return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
