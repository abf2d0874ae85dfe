"""The week of Thanksgiving 2026, every task of the schedule: a holiday on Thursday, an early close on Friday.

The shortened week plays the hours around Friday's early close and what is due at the weekend, with small universes; the
whole week (`make soak`) plays all seven days from Monday 04:00 on, with the schedule as it is delivered.
"""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from v6.clock import NEW_YORK
from v6.journal import closed_days, database, runs
from v6.journal.closed_days import Closed
from v6.paths import ROOT
from v6.rehearsal.books import Books
from v6.rehearsal.rehearse import Plan, rehearse
from v6.rehearsal.stage import Stage, calendar_of
from v6.rehearsal.window import Window
from v6.store.lake import Lake

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

MONDAY, FRIDAY, SUNDAY = date(2026, 11, 23), date(2026, 11, 27), date(2026, 11, 29)
SESSIONS = [date(2026, 11, day) for day in (23, 24, 25, 27)]
CLOSING = ("final_data_collection", "calculate_daily_statistics", "validate_data_quality")
HOURLY = ("calculate_intraday_statistics", "validate_positions")
WEEKLY = ("load_historical_data", "audit_data_integrity", "refresh_calendar", "cleanup_old_data")
QUOTES = {"option_snapshots", "underlying_snapshots", "futures_snapshots"}
OTHERS = ("health_check", "pre_restart", "post_restart", "recover_restart", "validate_server_reset", "prove_live_data")
SHORTENED: dict[str, Any] = {
    "universe": {"symbols": ["SPY"], "max_contracts": 96, "max_expiries": 3, "max_dte": 100, "strike_band": 0.08},
    "bars": {"watchlist": ["VIX"], "daily_sessions": 26, "intraday_sessions": 1},
    "futures": {"symbols": {"ES": "CME"}},
    "quality": {"critical": ["schema_drift", "duplicates"]},  # of 42 slots the shortened Friday plays two
    "scheduler": {"tasks": {name: {"enabled": False} for name in OTHERS}},
}
"""Of one symbol, without the checks of connection and restart, which have rehearsals of their own."""


def at(day: int, wall: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day} {wall}").replace(tzinfo=NEW_YORK)


WINDOWS = tuple(
    Window(at(day, first), at(day, last))
    for day, first, last in (
        (27, "08:00", "08:30"),  # from the first task of the day on: nothing is played before
        (27, "08:45", "08:45"),
        (27, "09:35", "09:35"),
        (27, "10:08", "10:08"),
        (27, "12:55", "13:15"),
        (27, "15:00", "15:00"),
        (27, "15:30", "15:30"),
        (28, "10:00", "10:00"),
        (28, "15:00", "15:00"),
        (29, "05:30", "05:30"),
        (29, "16:00", "16:00"),
    )
)
WHOLE = (Window(at(23, "04:00"), at(29, "23:30")),)  # between the windows of two nightly restarts


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


def due_and_done(played: Week, tasks: Sequence[str]) -> dict[str, list[str]]:
    """Task -> weekday and time of the slots at which it succeeded."""
    with closing(database.connect(played.stage.paths.journal)) as db:
        found = runs.between(db, at(23, "00:00"), at(30, "00:00"))
    done = [run for run in found if run.outcome == "success" and run.slot is not None]
    return {task: [f"{run.slot:%a %H:%M}" for run in done if run.task == task] for task in tasks}


def explained(played: Week, day: date) -> None:
    """The score of the day is the mean of its rules' scores by weight, each of which follows from what it looked at,
    and at most the share of the expected quotes that were collected."""
    scores = played.lake.read("quality_scores", trade_date=day)
    [total] = scores.filter(pl.col("rule") == "total").iter_rows(named=True)
    parts = scores.filter(pl.col("rule") != "total").rows(named=True)
    looked = [part for part in parts if part["checked"]]
    assert len(looked) > 10
    for part in parts:
        of_it = 100 * (1 - part["failed"] / part["checked"]) if part["checked"] else None
        assert part["score"] == (None if of_it is None else pytest.approx(of_it))
    points = sum(part["weight"] * part["score"] for part in looked)
    mean = points / sum(part["weight"] for part in looked)
    share = {part["rule"]: part["score"] / 100 for part in looked}
    assert total["score"] == pytest.approx(min(mean, 100 * share["missing_slots"] * share["missing_contracts"]))
    found = played.lake.read("quality_findings", trade_date=day)
    assert set(found["rule"]) == {part["rule"] for part in parts if part["failed"]}


def clean_up_dry(played: Week, days_later: int) -> set[str]:
    """The tables of which cleanup_old_data would remove days, so long after the rehearsal."""
    stage = played.stage
    stage.set_clock(at(29, "16:30").timestamp() + 86400 * days_later)
    later = [FRIDAY + timedelta(days=passed) for passed in range(1, days_later)]
    with closing(database.connect(stage.paths.journal)) as db:  # the clock alone makes nothing old
        closed_days.record(db, [Closed(table, day, 0, "", at(29, "16:30")) for table in QUOTES for day in later])
    command = [sys.executable, str(ROOT / "scripts" / "cleanup_old_data.py"), "--dry-run"]
    done = subprocess.run(
        command, env=stage.environ(), cwd=stage.home, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert "would go" in said
    return set(re.findall(r"\| (\w+): \d+ days?\b", said))


def every_task_of_the_week_ran_when_it_was_due(shortened: Week) -> None:
    assert shortened.books.not_done == [], shortened.trouble
    assert due_and_done(shortened, (*HOURLY, *CLOSING, *WEEKLY)) == {
        "calculate_intraday_statistics": ["Fri 10:08"],
        "validate_positions": ["Fri 09:35"],
        "final_data_collection": ["Fri 13:15"],
        "calculate_daily_statistics": ["Fri 15:00"],
        "validate_data_quality": ["Fri 15:30"],
        "load_historical_data": ["Sat 10:00"],
        "audit_data_integrity": ["Sat 15:00"],
        "refresh_calendar": ["Sun 05:30"],
        "cleanup_old_data": ["Sun 16:00"],
    }
    assert shortened.books.alerts == []


def after_the_early_close_nothing_is_collected_any_more(shortened: Week) -> None:
    collected = [state.slot for state in shortened.books.slots if state.task == "collect_option_snapshots"]
    assert collected == [at(27, wall) for wall in ("09:35", "12:55")]
    assert shortened.books.miss_reasons == {}


def fridays_statistics_are_there_before_the_evening_is(shortened: Week) -> None:
    [row] = shortened.lake.read("daily_statistics", trade_date=FRIDAY, symbols=["SPY"]).rows(named=True)
    there = ("atm_iv_30d", "atm_iv_60d", "term_structure_slope", "skew_25d", "expected_move", "underlying_close")
    assert {name: row[f"{name}_reason"] for name in there if row[name] is None} == {}
    assert row["as_of"] == at(27, "12:55")
    assert (row["slots"], row["slots_expected"]) == (2, 42)
    assert row["volatility_20d"] is not None
    assert row["vix_close"] is not None
    assert (row["iv_rank_30d"], row["iv_rank_30d_reason"]) == (None, "too_few_sessions")


def the_score_of_a_day_is_explained_by_its_rules(shortened: Week) -> None:
    explained(shortened, FRIDAY)
    [row] = shortened.lake.read("quality_scores", trade_date=FRIDAY, rule="missing_slots").rows(named=True)
    assert (row["checked"], row["failed"]) == (2 * 42 + 1, 2 * 40)


def the_audit_at_the_weekend_is_clean(shortened: Week) -> None:
    assert re.fullmatch(r"\d+ ok", shortened.summary("audit_data_integrity"))


def a_clean_up_would_take_old_quotes_and_never_statistics_or_ledgers(shortened: Week) -> None:
    """Nothing after a week; of a day that is 120 days old what its retention of 90 says."""
    assert clean_up_dry(shortened, 0) == set()
    assert clean_up_dry(shortened, 120) == QUOTES


def fridays_page_shows_what_the_week_has_left(shortened: Week) -> None:
    from v6.config.load import load
    from v6.report.day import read
    from v6.report.page import render

    paths = shortened.stage.paths
    page = render(read(paths, {}, load(paths, {}), calendar_of(shortened.stage), FRIDAY))

    assert "early close (Day after Thanksgiving), 09:30 to 13:00" in page
    assert "SPY 12:55 collect_option_snapshots: complete" in page
    assert "SPY 12:00 collect_option_snapshots: missing" in page


def test_a_shortened_week_with_every_task(tmp_path: Path) -> None:
    """One rehearsal, looked at from all sides."""
    shortened = week(tmp_path / "stage", WINDOWS, SHORTENED)
    every_task_of_the_week_ran_when_it_was_due(shortened)
    after_the_early_close_nothing_is_collected_any_more(shortened)
    fridays_statistics_are_there_before_the_evening_is(shortened)
    the_score_of_a_day_is_explained_by_its_rules(shortened)
    the_audit_at_the_weekend_is_clean(shortened)
    a_clean_up_would_take_old_quotes_and_never_statistics_or_ledgers(shortened)
    fridays_page_shows_what_the_week_has_left(shortened)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_the_whole_week_with_the_schedule_as_delivered(tmp_path: Path) -> None:
    """About 2,100 runs: half an hour and more."""
    whole = week(tmp_path / "stage", WHOLE, {})

    assert whole.books.not_done == [], whole.trouble
    assert [
        title for title, _ in whole.books.alerts if "failed" in title
    ] == []  # reminders of the login are no failure
    every = set(yaml.safe_load((ROOT / "config" / "default.yaml").read_text(encoding="utf-8"))["scheduler"]["tasks"])
    persistent = {"run_market_session", "resume_market_session"}  # disabled without the persistent connection
    assert set(whole.books.runs) == every - persistent
    assert whole.books.miss_reasons == {}
    assert len([state for state in whole.books.slots if state.task == "collect_option_snapshots"]) == 3 * 78 + 42
    statistics = whole.lake.read("daily_statistics", start=MONDAY, end=SUNDAY, symbols=["IWM", "QQQ", "SPY"])
    assert sorted(set(statistics["trade_date"])) == SESSIONS
    assert statistics.height == 3 * len(SESSIONS)
    assert statistics["atm_iv_30d"].null_count() == 0
    assert statistics["atm_iv_60d"].null_count() == 0
    assert statistics["skew_25d"].null_count() == 0
    for day in SESSIONS:
        explained(whole, day)
    assert re.fullmatch(r"\d+ ok", whole.summary("audit_data_integrity"))
    assert clean_up_dry(whole, 0) == set()
