"""A diagnosis for commands and jobs: blocking, and no more often than `ibkr.diagnose_every_seconds` for this home.

The last one is kept in `diagnosis.json`; who asks again too early is shown it with its age, and who asks while another
is under way waits for its answer: a person who presses the key again must not make things worse for TWS (L29).
"""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from v6 import clock, file_locks
from v6.config.settings import Ibkr
from v6.gateway.connection import Log
from v6.gateway.diagnose import diagnose
from v6.gateway.verdicts import Diagnosis, Verdict, now

FILE, LOCK = "diagnosis.json", ".diagnosis.lock"
PATIENCE_SECONDS = 10.0
"""For another diagnosis, beyond the two probes that it may take."""


class UnderWay(Exception):  # noqa: N818 - it names what happened
    """Another diagnosis does not end."""


def diagnosed(
    settings: Ibkr,
    leases: Path,
    state: Path,
    *,
    log: Log | None = None,
    market_open: bool | None,
    symbol: str,
    client_id: int | None = None,
) -> Diagnosis:
    """As `diagnose`, or the stored one with its `age`. For threads without a running event loop. `state`: the folder
    of diagnosis.json. Raises nothing of the gateway's."""
    begun = clock.now()
    try:
        with alone(state, 2 * settings.probe_seconds + PATIENCE_SECONDS):
            wanted = (settings.place, settings.diagnose_client_id if client_id is None else client_id, symbol)
            if (stored := _recent(state, settings, wanted, begun)) is not None:
                return stored
            work = diagnose(settings, leases, log=log, market_open=market_open, symbol=symbol, client_id=client_id)
            return _store(state / FILE, asyncio.run(work))
    except (UnderWay, OSError) as error:
        return Diagnosis(Verdict.COULD_NOT_CHECK, settings.place, f"{error}", (), now(), 0.0)


def stored(state: Path) -> Diagnosis | None:
    """The last one, with its age; None: there is none, or it cannot be read."""
    try:
        found = Diagnosis.from_dict(json.loads((state / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
    return replace(found, age=found.age_at(clock.now()))


def _recent(state: Path, settings: Ibkr, wanted: tuple[str, int, str], begun: datetime) -> Diagnosis | None:
    """The stored one, if it is of this place, client id and symbol, and young enough, or was found while we waited."""
    last = stored(state)
    if last is None or (last.place, last.client_id, last.symbol) != wanted:
        return None
    fresh = last.age < settings.diagnose_every_seconds or last.at >= begun
    return last if fresh and last.age >= 0 else None


@contextmanager
def alone(state: Path, seconds: float) -> Iterator[None]:
    """While nobody else of this home diagnoses. Raises UnderWay when another has been at it for so long."""
    state.mkdir(parents=True, exist_ok=True)
    descriptor = file_locks.acquire(state / LOCK, seconds)
    if descriptor is None:
        raise UnderWay("another diagnosis has been under way for too long")
    try:
        yield
    finally:
        os.close(descriptor)


def _store(path: Path, found: Diagnosis) -> Diagnosis:
    """Replaced whole. A disk that refuses it takes nothing from what was found: it is a line of its evidence."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(json.dumps(found.as_dict(), indent=1) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        return replace(found, evidence=(*found.evidence, f"this diagnosis could not be stored: {error}"))
    return found
