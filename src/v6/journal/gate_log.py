"""What the gate wrote about itself: one line for each call that it turned away, or that went wrong.

A line: `2026-11-27 13:05:00 EST|task|2026-11-27T18:05:00Z|skip|reason|detail`; task and slot may be empty.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from v6 import clock
from v6.journal.timestamps import instant

SKIP, DIE = "skip", "die"


class GateLine(NamedTuple):
    """`word`: skip, die (it could not decide), go_on, catch_up. `task` is `gate` where the gate speaks of itself."""

    at: datetime
    task: str
    slot: datetime | None
    word: str
    reason: str
    detail: str


def lines(path: Path, since: datetime | None = None) -> Iterator[GateLine]:
    """Of the log and the rotated ones before it, written from `since` on; lines that are something else are passed
    over. The logs are read from there on only: they may be large."""
    for file in (*sorted(path.parent.glob(f"{path.stem}.*{path.suffix}")), path):
        yield from _lines_of(file, since)


def _lines_of(path: Path, since: datetime | None) -> Iterator[GateLine]:
    try:
        log = path.open("rb")
    except FileNotFoundError:
        return
    with log:
        if since is not None:
            log.seek(_first(log, since))
        for text in log:
            line = _parsed(text)
            if line is not None and (since is None or line.at >= since):
                yield line


def _first(log: BinaryIO, since: datetime) -> int:
    """Where to begin to read: at or a little before the first line from `since` on. Lines are in the order of time."""
    low, high = 0, log.seek(0, 2)
    while high - low > 4096:
        middle = (low + high) // 2
        log.seek(middle)
        log.readline()  # the rest of a line
        line = next(filter(None, map(_parsed, iter(log.readline, b""))), None)
        if line is None or line.at >= since:
            high = middle
        else:
            low = middle
    log.seek(low)
    if low:
        log.readline()
    return log.tell()


def _parsed(text: bytes) -> GateLine | None:
    fields = text.decode("utf-8", errors="replace").rstrip("\n").split("|", 5)
    if len(fields) < 5:
        return None
    with suppress(ValueError):
        slot = instant(fields[2]) if fields[2] else None
        return GateLine(_wall(fields[0]), fields[1], slot, fields[3], fields[4], "|".join(fields[5:]))
    return None


def _wall(text: str) -> datetime:
    """`2026-11-01 01:30:00 EST`: the zone's letters tell the two hours of a fall-back apart."""
    stamp, zone = text.rsplit(" ", 1)
    first = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S").replace(tzinfo=clock.NEW_YORK)
    return first if first.tzname() == zone else first.replace(fold=1)
