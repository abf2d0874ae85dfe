"""The dispatcher (`python -m v6.alerts.notify`): delivers the alert outbox, one dispatcher at a time, and then writes
the metrics' file.

`--alert TITLE BODY [--key KEY]` puts one alert into the outbox first: the way of the bash gate, and of a supervisor
that cannot use the journal. When the journal itself is unusable that alert is sent directly.

It waits until nothing new has been raised for a moment: what fails together is one message. A second dispatcher leaves
what it has raised to the first.
"""

import argparse
import fcntl
import importlib
import os
import sqlite3
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from v6 import clock, places
from v6.alerts import limits as rules
from v6.alerts import outbox
from v6.alerts.limits import Limits
from v6.alerts.outbox import DeliveryError
from v6.alerts.services import sender, urls
from v6.config import dotenv
from v6.journal import database, events
from v6.model import FatalError
from v6.paths import Paths
from v6.scheduler import compiled

GATHER_SECONDS = 2.0
LONGEST_GATHERING_SECONDS = 60.0
UNUSABLE = (sqlite3.Error, OSError, database.JournalError)


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """0 when nothing is left to deliver and the metrics are written, else 1 with the reason on stderr. What waits for
    the end of the quiet hours, or for the hour's next message, is not left."""
    options = _parser().parse_args(arguments)
    paths = Paths.locate(environ)
    addresses = urls({**_dotenv(paths), **environ})
    limits = limits_of(paths)
    try:
        db = database.connect(paths.journal)
        if options.alert:
            _put(db, options.alert[0], options.alert[1], options.key)
        code = _deliver(db, paths, addresses, limits)
    except UNUSABLE as error:
        return _send_without_journal(paths, addresses, limits, options, error)
    return max(code, _write_metrics(db, paths, environ))


def limits_of(paths: Paths) -> Limits:
    """Of the schedule in force; the defaults where it cannot be read."""
    try:
        return rules.of(compiled.load(places.place(str(paths.home), "schedule")).settings)
    except (compiled.ScheduleError, ValueError) as error:
        if not isinstance(error.__cause__, FileNotFoundError):  # before the first compilation there is none
            _complain(f"the limits are the defaults: {error}")
        return rules.of({})


def _deliver(db: sqlite3.Connection, paths: Paths, addresses: Sequence[str], limits: Limits) -> int:
    """Whoever finds the lock taken has raised its alert before: the holder looks again after letting it go."""
    while addresses and outbox.due(db, limits):
        with _alone(paths) as alone:
            if not alone:
                return 0
            _gather(db)
            outbox.deliver(db, sender(addresses), limits)
            if left := outbox.due(db, limits):
                tried = [alert for alert in left if alert.tries]
                if tried:
                    return _complain(f"not delivered: {tried[0].error}")
    return 0


def _gather(db: sqlite3.Connection) -> None:
    """Wait until nothing new has come for a moment."""
    until, known = clock.monotonic() + LONGEST_GATHERING_SECONDS, -1
    while clock.monotonic() < until and (latest := events.latest_alert(db)) != known:
        known = latest
        clock.sleep(GATHER_SECONDS)


def _write_metrics(db: sqlite3.Connection, paths: Paths, environ: Mapping[str, str]) -> int:
    """By name: an alert waits neither for them nor for all that they need, and they look at more than alerts may."""
    exporter = importlib.import_module("v6.metrics.exporter")
    try:
        exporter.write_when_wanted(db, paths, environ)
    except (FatalError, sqlite3.Error, OSError) as error:
        return _complain(f"the metrics were not written: {error}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m v6.alerts.notify", description=__doc__)
    parser.add_argument("--alert", nargs=2, metavar=("TITLE", "BODY"), help="put this alert into the outbox first")
    parser.add_argument("--key", help="alerts of the same key are raised once an hour (default: the title)")
    return parser


def _put(db: sqlite3.Connection, title: str, body: str, key: str | None) -> None:
    events.raise_alert(db, severity="failure", title=title, body=body, key=key or title)


def _send_without_journal(
    paths: Paths, addresses: Sequence[str], limits: Limits, options: argparse.Namespace, cause: Exception
) -> int:
    from v6.alerts import direct

    title, body = options.alert or ("the journal is unusable", f"{paths.journal}: alerts and metrics rest")
    troubles: list[str] = []
    if addresses:
        try:
            key = options.key or title
            troubles = direct.send(paths, limits, sender(addresses), title, body, key, f"{cause}")
        except DeliveryError as error:
            return _complain(f"the journal is unusable ({cause}) and the alert was not delivered: {title}: {error}")
    return _complain(f"the journal is unusable: {'; '.join((str(cause), *troubles))}")


def _dotenv(paths: Paths) -> dict[str, str]:
    try:
        return dotenv.read(paths.dotenv)
    except (dotenv.DotenvError, OSError, UnicodeDecodeError) as error:
        _complain(f"{paths.dotenv}: {error}")
        return {}


@contextmanager
def _alone(paths: Paths) -> Generator[bool]:
    """Whether this is the only dispatcher: two would send an alert twice."""
    paths.locks.mkdir(parents=True, exist_ok=True)
    with (paths.locks / "alerts.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def _complain(text: str) -> int:
    sys.stderr.write(f"alerts: {text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
