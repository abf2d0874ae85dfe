"""Bars into the lake: with unit, source, hours and `final`. A bar of an unfinished session is never final (L20), and a
bar has the time that TWS gives it, whenever it is asked for (L16)."""

import math
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

from v6 import clock, failpoint
from v6.analysis.bar_gaps import DAILY, bar_seconds, is_final
from v6.clock import NEW_YORK
from v6.collection.bar_series import TABLE, TRADES, Calendars, Series
from v6.model import Bar
from v6.runner.context import Context
from v6.scheduler.nyse_calendar import Session
from v6.store.frames import rows_to_frame

SOURCE = "ibkr"
COMMIT_ROWS = 30_000
COMMIT_SECONDS = 60.0
"""What a kill may lose of a long run."""


class BarBook:
    """Bars on their way into the lake, committed by the thousand: a commit a request would make a file each (L17).

    `stored`: rows that were new or changed; `strays`: bars outside of every session (not stored); `spoilt`: without a
    usable price (not stored).
    """

    def __init__(self, ctx: Context, calendars: Calendars) -> None:
        self._ctx = ctx
        self._calendars = calendars
        self._rows: list[dict[str, Any]] = []
        self._committed_at = clock.monotonic()
        self._thread = ThreadPoolExecutor(1, "commit of bars")
        self._running: Future[int] | None = None
        self.bars = 0
        self.stored = 0
        self.strays = 0
        self.spoilt = 0

    def add(self, series: Series, bars: Sequence[Bar], wanted: Collection[date], asked_at: datetime) -> set[date]:
        """Take those of the `wanted` trade dates; returns all trade dates that the answer has usable bars of."""
        days: set[date] = set()
        for bar in bars:
            session = self._session(series, bar)
            if session is None:
                self.strays += 1
            elif not all(math.isfinite(price) and price > 0 for price in (bar.open, bar.high, bar.low, bar.close)):
                self.spoilt += 1
            else:
                days.add(session.date)
                if session.date in wanted:
                    self._rows.append(self._row(series, bar, session, asked_at))
                    self.bars += 1
        return days

    def commit_when_due(self) -> None:
        if len(self._rows) >= COMMIT_ROWS or clock.monotonic() - self._committed_at >= COMMIT_SECONDS:
            self.commit_beside()

    def commit_beside(self) -> None:
        """Commit everything taken so far in a thread, so that TWS is asked on meanwhile; one commit at a time."""
        self._finish()
        rows, self._rows = self._rows, []
        self._committed_at = clock.monotonic()
        if rows and not self._ctx.dry_run:
            self._running = self._thread.submit(self._write, rows)

    def commit(self) -> None:
        """Commit everything taken, now; a dry run writes nothing."""
        self.commit_beside()
        self._finish()

    def _finish(self) -> None:
        """Wait for the commit that is under way; raises what it raised."""
        running, self._running = self._running, None
        if running is not None:
            self.stored += running.result()

    def _write(self, rows: list[dict[str, Any]]) -> int:
        began = clock.monotonic()
        changed = self._ctx.lake.unite(TABLE, _newest(rows), final="final")
        self._ctx.log.info("{} bars committed in {:.1f} s", len(rows), clock.monotonic() - began)
        failpoint.reach("bars_committed")
        return changed

    def words(self) -> str:
        """What was left out, for a log; empty when nothing was."""
        parts = ((self.strays, "outside of every session"), (self.spoilt, "without a usable price"))
        return ", ".join(f"{count} bars {why}" for count, why in parts if count)

    def _session(self, series: Series, bar: Bar) -> Session | None:
        if series.bar_size == DAILY:
            return self._calendars.of(series).session(bar.start.astimezone(NEW_YORK).date())
        return self._calendars.session_of(series, bar.start)

    def _row(self, series: Series, bar: Bar, session: Session, asked_at: datetime) -> dict[str, Any]:
        contract, unit = series.contract, self._unit(series)
        start, end = session.open, session.close
        if series.bar_size != DAILY:
            start, end = bar.start, min(bar.start + timedelta(seconds=bar_seconds(series.bar_size)), session.close)
        return {
            "trade_date": session.date,
            "con_id": contract.con_id,
            "symbol": contract.symbol,
            "sec_type": contract.sec_type,
            "local_symbol": contract.local_symbol if contract.sec_type == "FUT" else None,
            "expiry": contract.expiry if contract.sec_type == "FUT" else None,
            "bar_size": series.bar_size,
            "what": series.what,
            "regular": series.regular,
            "start": start,
            "end": end,
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": bar.close,
            "volume": bar.volume if unit else None,
            "wap": bar.wap if unit else None,
            "count": bar.count if unit else None,
            "unit": unit,
            "final": is_final(session, asked_at),
            "source": SOURCE,
            "task": self._ctx.task,
            "received_at": asked_at.astimezone(UTC),
        }

    def _unit(self, series: Series) -> str | None:
        """What volume counts; volatilities and indices have none."""
        if series.what != TRADES or series.contract.sec_type == "IND":
            return None
        return "contracts" if series.contract.sec_type == "FUT" else self._ctx.settings.bars.stock_volume_unit


def _newest(rows: list[dict[str, Any]]) -> "Any":
    """A frame with one row a key, the one that was asked for last."""
    frame = rows_to_frame(TABLE, rows)
    key = ["con_id", "bar_size", "what", "regular", "start"]
    return frame.sort("received_at").unique(key, keep="last", maintain_order=True)
