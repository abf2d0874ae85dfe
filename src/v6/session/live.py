"""What the session last saw, for people: var/live/quotes.json, replaced whole, at most once a second.

{"at": "2026-11-24T10:35:00-05:00", "pid": n, "quotes": [{"symbol", "sec_type", "local_symbol", "expiry", "strike",
"right", "bid", "ask", "last", "iv", "delta", "at", "source": "stream" | "cycle"}, ...]}; null is unknown.
"""

import json
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from v6 import clock
from v6.gateway.connection import Log
from v6.model import Quote, QuoteStatus
from v6.paths import Paths

EVERY_SECONDS, AT_LEAST_EVERY_SECONDS = 1.0, 8.0
BYTES_A_SECOND = 64_000
"""A cycle's quotes are some hundred kB: written each second they would be gigabytes a day."""


class LastSeen(NamedTuple):
    """`age` in seconds since it was written; `quotes` as in the file."""

    at: datetime
    pid: int
    age: float
    quotes: list[dict[str, Any]]


def place(paths: Paths) -> Path:
    return paths.var / "live" / "quotes.json"


def read(path: Path) -> LastSeen | None:
    """What a session wrote last; None when none ever has. Raises ValueError naming a file that is none of ours."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        found = json.loads(text)
        at = datetime.fromisoformat(found["at"])
        return LastSeen(at, int(found["pid"]), (clock.now() - at).total_seconds(), list(found["quotes"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is not what the market session writes: {error!r}") from error


class Live:
    """The writer. `cycle` may be called on any thread."""

    def __init__(self, path: Path, log: Log) -> None:
        self.path = path
        self._log = log
        self._lock = threading.Lock()
        self._cycles: dict[str, str] = {}  # collector -> rows, as text: they are written more often than they change
        self._streams: Sequence[Quote] = ()
        self._changed = False
        self._next = 0.0
        self._complained = False

    def cycle(self, task: str, quotes: Sequence[Quote]) -> None:
        """Replace what the last cycle of this collector said; what has no value at all is left out."""
        rows = _rows([quote for quote in quotes if quote.status is not QuoteStatus.MISSING], "cycle")
        with self._lock:
            self._cycles[task] = rows
            self._changed = True

    def stream(self, quotes: Sequence[Quote]) -> None:
        """Replace what the watched symbols say."""
        with self._lock:
            self._streams = quotes
            self._changed = True

    def write(self) -> None:
        """Replace the file when something has changed and it is time again. A disk that refuses is only logged."""
        with self._lock:
            if not self._changed or clock.monotonic() < self._next:
                return
            parts = [rows for rows in (_rows(self._streams, "stream"), *self._cycles.values()) if rows]
            self._changed = False
        head = json.dumps({"at": clock.now().isoformat(), "pid": os.getpid()})
        text = "".join((head[:-1], ', "quotes": [\n', ",\n".join(parts), "\n]}\n"))
        pause = min(max(EVERY_SECONDS, len(text) / BYTES_A_SECOND), AT_LEAST_EVERY_SECONDS)
        self._next = clock.monotonic() + pause
        try:
            self._replace(text)
            self._complained = False
        except OSError as error:
            if not self._complained:
                self._log.warning(f"{self.path}: {error.strerror}")
            self._complained = True

    def _replace(self, text: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_name(f".{self.path.name}")
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise


def _rows(quotes: Sequence[Quote], source: Literal["stream", "cycle"]) -> str:
    return ",\n".join(json.dumps(_row(quote, source), allow_nan=False) for quote in quotes)


def _row(quote: Quote, source: str) -> dict[str, Any]:
    contract = quote.contract
    return {
        "symbol": contract.symbol,
        "sec_type": contract.sec_type,
        "local_symbol": contract.local_symbol,
        "expiry": contract.expiry.isoformat() if contract.expiry else None,
        "strike": contract.strike,
        "right": contract.right,
        "bid": quote.bid,
        "ask": quote.ask,
        "last": quote.last,
        "iv": quote.iv,
        "delta": quote.delta,
        "at": quote.received_at.isoformat(),
        "source": source,
    }
