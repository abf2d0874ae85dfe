"""A home with a real lake for the statistics, without processes or TWS: `StatisticsDesk.ctx` is a job's context."""

import argparse
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from loguru import logger

import surface_rows
from v6 import clock
from v6.clock import NEW_YORK
from v6.config.load import load
from v6.paths import Paths
from v6.runner.context import Context
from v6.scheduler.nyse_calendar import NYSECalendar
from v6.store.lake import Lake

DAY = date(2026, 11, 20)
CALENDAR = """# v6 calendar 1 covers 2024-01-01 2027-12-31
2026-11-26 closed Thanksgiving
2026-11-27 open 0930 1300 day after Thanksgiving
"""


class StatisticsDesk:
    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.home = home
        self._patch = patch
        self.at("18:00")

    def at(self, wall: str, day: date = DAY) -> None:
        """Set the clock to that New York minute."""
        moment = datetime.combine(day, datetime.strptime(wall, "%H:%M").time(), NEW_YORK)
        self._patch.setenv("V6_CLOCK_OFFSET", f"{moment.timestamp() - time.time():.3f}")

    def context(self, task: str = "calculate_daily_statistics", *, dry_run: bool = False, **given: str) -> Context:
        paths = Paths.locate()
        args = argparse.Namespace(date=None, first=None, last=None)
        for name, value in given.items():
            setattr(args, name, value)
        made = Context(task, None, args, load(paths, {}), paths, logger, clock.monotonic() + 600, dry_run)
        made.__dict__["calendar"] = NYSECalendar.from_text(CALENDAR)
        return made

    @property
    def ctx(self) -> Context:
        return self.context()

    @property
    def lake(self) -> Lake:
        return self.ctx.lake

    def store(self, contracts: pl.DataFrame, quotes: pl.DataFrame) -> None:
        """What queue_option_contracts and the collector would have stored, underlyings included."""
        day, version = contracts["trade_date"][0], contracts["version"][0]
        self.lake.write_universe(day, version, contracts)
        for table, rows in (("option_snapshots", quotes), ("underlying_snapshots", surface_rows.underlyings(quotes))):
            for part in rows.partition_by("slot"):
                self.lake.write_slot(table, task=surface_rows.TASK, slot=part["slot"][0], frame=part)

    def store_days(self, days: Sequence[date], drifts: Sequence[float] = ()) -> None:
        """One slot of each day's market, all of them in one commit a table; `drifts` lift the days' volatility."""
        pairs = [
            surface_rows.market(day, slots=1, drift=drift)
            for day, drift in zip(days, drifts or [0.0] * len(days), strict=True)
        ]
        quotes = pl.concat([rows for _, rows in pairs])
        self.lake.unite("option_contracts", pl.concat([contracts for contracts, _ in pairs]))
        self.lake.unite("option_snapshots", quotes)
        self.lake.unite("underlying_snapshots", surface_rows.underlyings(quotes))

    def store_bars(self, days: Sequence[date], symbols: Sequence[str] = ("SPY", "QQQ", "IWM", "VIX")) -> None:
        self.lake.unite("bars", surface_rows.daily_bars(symbols, days), final="final")


def weekdays(last: date, count: int) -> list[date]:
    """So many weekdays, ending with `last`."""
    found = [day for back in range(2 * count) if (day := last - timedelta(days=back)).weekday() < 5]
    return found[:count][::-1]
