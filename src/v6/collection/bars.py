"""Bars into the lake: with unit, source, hours and `final`. A bar of an unfinished session is never final (L20), and a
bar has the time that TWS gives it, whenever it is asked for (L16)."""

from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime
from typing import TYPE_CHECKING

from v6 import clock, failpoint
from v6.analysis.bar_gaps import DAILY
from v6.clock import NEW_YORK
from v6.collection.bar_frames import is_usable, newest, to_frame
from v6.collection.bar_series import TABLE, TRADES, Calendars, Series
from v6.model import Bar
from v6.runner.context import Context
from v6.scheduler.nyse_calendar import Session

if TYPE_CHECKING:
    import polars as pl

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
        self._frames: list[pl.DataFrame] = []
        self._waiting = 0
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
        taken: list[tuple[Bar, Session]] = []
        for bar in bars:
            session = self._session(series, bar)
            if session is None:
                self.strays += 1
            elif not is_usable(bar):
                self.spoilt += 1
            else:
                days.add(session.date)
                if session.date in wanted:
                    taken.append((bar, session))
        if taken:
            self.bars += len(taken)
            self._waiting += len(taken)
            self._frames.append(
                to_frame(series, taken, unit=self._unit(series), task=self._ctx.task, asked_at=asked_at)
            )
        return days

    def commit_when_due(self) -> None:
        if self._waiting >= COMMIT_ROWS or clock.monotonic() - self._committed_at >= COMMIT_SECONDS:
            self.commit_beside()

    def commit_beside(self) -> None:
        """Commit everything taken so far in a thread, so that TWS is asked on meanwhile. One commit at a time: while
        one is under way it is left for the next, nobody waits."""
        if self._running is not None and not self._running.done():
            return
        self._finish()
        frames, self._frames, self._waiting = self._frames, [], 0
        self._committed_at = clock.monotonic()
        if frames and not self._ctx.dry_run:
            self._running = self._thread.submit(self._write, frames)

    def commit(self) -> None:
        """Commit everything taken, now; a dry run writes nothing."""
        self._finish()
        self.commit_beside()
        self._finish()

    def _finish(self) -> None:
        """Wait for the commit that is under way; raises what it raised."""
        running, self._running = self._running, None
        if running is not None:
            self.stored += running.result()

    def _write(self, frames: "list[pl.DataFrame]") -> int:
        began = clock.monotonic()
        rows = newest(frames)
        changed = self._ctx.lake.unite(TABLE, rows, final="final")
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

    def _unit(self, series: Series) -> str | None:
        """What volume counts; volatilities and indices have none."""
        if series.what != TRADES or series.contract.sec_type == "IND":
            return None
        return "contracts" if series.contract.sec_type == "FUT" else self._ctx.settings.bars.stock_volume_unit
