"""Historical bars. TWS says every refusal with code 162: its text decides what it means (error_codes.py)."""

from datetime import UTC, date, datetime, time
from typing import Any

from v6.clock import NEW_YORK
from v6.gateway.connection import Connection, Undo
from v6.gateway.contracts import day, to_library
from v6.gateway.error_codes import lookup
from v6.gateway.errors import RequestError
from v6.model import Bar, Contract, MissReason

EPOCH_SECONDS = 2  # formatDate: intraday bars as epoch seconds, daily bars as yyyymmdd


async def historical_bars(
    connection: Connection,
    contract: Contract,
    duration: str,
    bar_size: str,
    what: str,
    use_rth: bool,
    end: datetime | None = None,
) -> list[Bar]:
    """Bars up to `end` (aware; None = now), oldest first; [] when TWS says that there are none.

    `duration` and `bar_size` in TWS's words: `2 D`, `1 hour`. Raises RequestError, recoverable when TWS means pacing.
    """
    wire = to_library(connection.library, contract)
    wire.includeExpired = contract.sec_type == "FUT"
    until = f"{end.astimezone(UTC):%Y%m%d-%H:%M:%S}" if end else ""
    request = f"{duration} of {bar_size} {what} bars of {contract}"
    try:
        rows = await connection.ask(
            request,
            lambda number: connection.client.reqHistoricalData(
                number, wire, until, duration, bar_size, what, use_rth, EPOCH_SECONDS, False, []
            ),
            undo=Undo(connection.client.cancelHistoricalData),
        )
    except RequestError as error:
        if error.code == 162 and lookup(error.code, error.text).miss is MissReason.NO_TICK:
            return []
        raise
    return [_bar(row) for row in rows]


def _bar(row: Any) -> Bar:
    return Bar(
        start=bar_start(str(row.date)),
        open=float(row.open),
        high=float(row.high),
        low=float(row.low),
        close=float(row.close),
        volume=_known(row.volume),
        wap=_known(row.average),
        count=None if row.barCount < 0 else int(row.barCount),
    )


def bar_start(text: str) -> datetime:
    """Epoch seconds -> UTC; `yyyymmdd` of a daily bar -> that date's midnight in New York."""
    on: date | None = day(text) if len(text) == 8 else None
    if on is not None:
        return datetime.combine(on, time(), NEW_YORK)
    return datetime.fromtimestamp(int(text), UTC)


def _known(value: float) -> float | None:
    """MIDPOINT, BID and ASK bars have -1 for volume, average and count."""
    return None if value < 0 else float(value)
