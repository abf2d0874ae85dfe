"""The week of Thanksgiving 2026, every task of the schedule: a holiday on Thursday, an early close on Friday.

The shortened week plays the hours around Friday's early close and what is due at the weekend, with small universes; the
whole week (`make soak`) plays every minute of all seven days with the schedule as it is delivered.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from v6.clock import NEW_YORK
from v6.journal import database, runs
from v6.paths import ROOT
from v6.rehearsal.books import Books
from v6.rehearsal.rehearse import Plan, rehearse
from v6.rehearsal.stage import Stage
from v6.rehearsal.window import Window
from v6.store.lake import Lake

pytestmark = pytest.mark.integration

MONDAY, FRIDAY, SUNDAY = date(2026, 11, 23), date(2026, 11, 27), date(2026, 11, 29)
SESSIONS = [date(2026, 11, day) for day in (23, 24, 25, 27)]
CLOSING = ("final_data_collection", "calculate_daily_statistics", "validate_data_quality")
HOURLY = ("calculate_intraday_statistics", "validate_positions")
WEEKLY = ("load_historical_data", "audit_data_integrity", "refresh_calendar", "cleanup_old_data")
OTHERS = ("health_check", "pre_restart", "post_restart", "recover_restart", "validate_server_reset", "prove_live_data")
SHORTENED: dict[str, Any] = {
    "universe": {"symbols": ["SPY"], "max_contracts": 48, "min_expiries": 3, "max_expiries": 4},
    "bars": {"watchlist": ["AAPL", "VIX"], "daily_sessions": 30, "intraday_sessions": 3},
    "futures": {"symbols": {"ES": "CME"}},
    "quality": {"critical": ["schema_drift", "duplicates"]},  # of 42 slots the shortened Friday plays seven
    "scheduler": {"tasks": {name: {"enabled": False} for name in OTHERS}},
}
"""Of one symbol, without the checks of connection and restart, which have rehearsals of their own."""


def at(day: int, wall: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day} {wall}").replace(tzinfo=NEW_YORK)


WINDOWS = (
    Window(at(27, "12:40"), at(27, "16:00")),
    Window(at(28, "10:00"), at(28, "10:00")),
    Window(at(28, "15:00"), at(28, "15:00")),
    Window(at(29, "05:30"), at(29, "05:30")),
    Window(at(29, "16:00"), at(29, "16:00")),
)
WHOLE = (Window(at(23, "00:00"), at(29, "23:59")),)


class Quiet:
    def begin(self, minutes: int) -> None: ...

    def at(self, minute: datetime, started: Sequence[str]) -> None: ...


@dataclass(frozen=True)
class Week:
    stage: Stage
    books: Books

    @property
    def lake(self) -> Lake:
        return Lake(str(self.stage.home / "var" / "lake"), None, self.stage.paths.locks)

    @property
    def trouble(self) -> str:
        return "\n".join(f"{one.task} {one.slot:%a %H:%M}: {one.reason}" for one in self.books.not_done)

    def summary(self, task: str) -> str:
        """What its last successful run said."""
        with closing(database.connect(self.stage.paths.journal)) as db:
            return next(run.summary for run in runs.recent(db, task, 1000) if run.outcome == "success")


def week(home: Path, windows: Sequence[Window], site: Mapping[str, Any]) -> Week:
    stage = Stage(home)
    return Week(stage, rehearse(stage, Plan(tuple(windows), site), Quiet()))


@pytest.fixture(scope="module")
def shortened(tmp_path_factory: pytest.TempPathFactory) -> Week:
    return week(tmp_path_factory.mktemp("week") / "stage", WINDOWS, SHORTENED)
