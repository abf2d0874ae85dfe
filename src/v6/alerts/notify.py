"""The dispatcher (`python -m v6.alerts.notify`): delivers the alert outbox, one dispatcher at a time, and then writes
the metrics' file.

`--alert TITLE BODY [--key KEY]` puts one alert into the outbox first: the way of the bash gate, and of a supervisor
that cannot use the journal. When the journal itself is unusable that alert is sent directly.
"""

import argparse
import fcntl
import os
import sqlite3
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from v6.alerts.outbox import DeliveryError, deliver
from v6.alerts.services import sender, urls
from v6.config import dotenv
from v6.journal import database, events
from v6.paths import Paths


def main(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """0 when nothing is left to deliver and the metrics are written, else 1 with the reason on stderr."""
    options = _parser().parse_args(arguments)
    paths = Paths.locate(environ)
    addresses = urls({**_dotenv(paths), **environ})
    try:
        db = database.connect(paths.journal)
        if options.alert:
            _put(db, options.alert[0], options.alert[1], options.key)
        code = _deliver(db, paths, addresses)
    except (sqlite3.Error, OSError, database.JournalError) as error:
        return _send_without_journal(addresses, options.alert, error)
    return max(code, _write_metrics(db, paths, environ))


def _deliver(db: sqlite3.Connection, paths: Paths, addresses: Sequence[str]) -> int:
    if not addresses:
        return 0
    try:
        with _alone(paths):
            deliver(db, sender(addresses))
            left = events.undelivered(db, limit=1)
    except DeliveryError as error:
        return _complain(str(error))
    return _complain(f"not delivered: {left[0].error}") if left else 0


def _write_metrics(db: sqlite3.Connection, paths: Paths, environ: Mapping[str, str]) -> int:
    from v6.alerts import metrics  # an alert does not wait for it, nor for what it needs
    from v6.config.errors import ConfigError

    try:
        place = metrics.place(paths, environ)
        if place is not None:
            metrics.write(db, place, paths, environ)
    except (ConfigError, sqlite3.Error, OSError) as error:
        return _complain(f"the metrics were not written: {error}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m v6.alerts.notify", description=__doc__)
    parser.add_argument("--alert", nargs=2, metavar=("TITLE", "BODY"), help="put this alert into the outbox first")
    parser.add_argument("--key", help="alerts of the same key are raised once an hour (default: the title)")
    return parser


def _put(db: sqlite3.Connection, title: str, body: str, key: str | None) -> None:
    events.raise_alert(db, severity="failure", title=title, body=body, key=key or title)


def _send_without_journal(addresses: Sequence[str], alert: Sequence[str] | None, cause: Exception) -> int:
    if alert and addresses:
        title, body = alert
        try:
            sender(addresses)("failure", f"V6: {title}", f"{body}\n(the journal is unusable: {cause})")
        except DeliveryError as error:
            return _complain(f"the journal is unusable ({cause}) and the alert was not delivered: {error}")
    return _complain(f"the journal is unusable: {cause}")


def _dotenv(paths: Paths) -> dict[str, str]:
    try:
        return dotenv.read(paths.dotenv)
    except (dotenv.DotenvError, OSError) as error:
        _complain(f"{paths.dotenv}: {error}")
        return {}


@contextmanager
def _alone(paths: Paths) -> Generator[None]:
    """Two dispatchers would send an alert twice; the second waits and then finds what the first left."""
    paths.locks.mkdir(parents=True, exist_ok=True)
    with (paths.locks / "alerts.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _complain(text: str) -> int:
    sys.stderr.write(f"alerts: {text}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
