"""A stretch of ten days with the host down for 26 hours in the middle: what was missed is listed with its cause, what
can be made up is made up, a person is told once.

The shortened stretch has five tasks that are due once a day; the whole one (`make soak`) has the schedule as delivered.
"""

from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from v6.clock import NEW_YORK
from v6.journal import database, events, evidence, missed, runs
from v6.journal.ledger import TABLE_OF
from v6.journal.missed import MissedSlot
from v6.paths import ROOT
from v6.rehearsal.prologue import tasks_of
from v6.rehearsal.rehearse import Plan, rehearse
from v6.rehearsal.stage import Stage
from v6.rehearsal.window import Window

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

DAYS = 10
FRIDAY, SATURDAY = "2026-11-20", "2026-11-21"


def at(day: str, wall: str) -> datetime:
    return datetime.fromisoformat(f"{day} {wall}").replace(tzinfo=NEW_YORK)


DOWN, UP = at(FRIDAY, "11:00"), at(SATURDAY, "13:00")
STRETCH = (
    Window(at("2026-11-16", "00:00"), DOWN - timedelta(minutes=1)),
    Window(UP, at("2026-11-25", "23:59")),
)
WEEKLY = {"frequency": "weekly", "catch_up": "same_day"}
SHORTENED: dict[str, Any] = {
    "collect_futures_snapshots": {"frequency": "daily", "time": "12:30"},
    "health_check": {"frequency": "daily", "time": "20:00"},
    "validate_ib_connection": {**WEEKLY, "day": "friday", "time": "12:00"},
    "refresh_calendar": {**WEEKLY, "day": "saturday", "time": "11:30"},
    "audit_data_integrity": {**WEEKLY, "day": "saturday", "time": "11:00", "depends_on": ["refresh_calendar"]},
    "cleanup_old_data": {**WEEKLY, "day": "saturday", "time": "12:15", "must_finish_by": "13:05"},
}


class Quiet:
    def begin(self, minutes: int) -> None: ...

    def at(self, minute: datetime, started: object) -> None: ...


def delivered() -> dict[str, Any]:
    text = (ROOT / "config" / "default.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["scheduler"]["tasks"])


def shortened() -> dict[str, Any]:
    tasks: dict[str, Any] = {name: {"enabled": False} for name in delivered()}
    return {"futures": {"symbols": {"ES": "CME"}}, "scheduler": {"tasks": tasks | SHORTENED}}


def thinned() -> dict[str, Any]:
    often = [name for name, task in delivered().items() if task["frequency"] not in ("daily", "weekly")]
    tasks: dict[str, Any] = {name: {"frequency": "daily", "minute": None, "time": "14:45"} for name in often}
    tasks["calculate_intraday_statistics"]["time"] = "15:08"  # it needs the quotes of a slot before
    return {
        "universe": {"symbols": ["SPY"], "max_contracts": 96, "max_expiries": 3, "max_dte": 100, "strike_band": 0.08},
        "bars": {"watchlist": ["VIX"], "daily_sessions": 26, "intraday_sessions": 1},
        "futures": {"symbols": {"ES": "CME"}},
        "scheduler": {"tasks": tasks | {"recover_restart": {"enabled": False}}},
    }


class Stretch:
    """What a rehearsed stretch has left behind."""

    def __init__(self, home: Path, site: dict[str, Any]) -> None:
        self.stage = Stage(home)
        self.books = rehearse(self.stage, Plan(STRETCH, site, prologue=False, host_down=True), Quiet())
        with closing(database.connect(self.stage.paths.journal)) as db:
            self.missed = missed.between(db, STRETCH[0].start, STRETCH[1].end)
            self.runs = runs.between(db, STRETCH[0].start, STRETCH[1].end)
            self.alerts = events.alerts_since(db, STRETCH[0].start)

    def due_while_down(self) -> set[tuple[str, datetime]]:
        return set(evidence.expected_runs(self.stage.paths, {}, DOWN, UP))

    @property
    def told(self) -> events.Alert:
        [alert] = [alert for alert in self.alerts if alert.key.startswith("missed:")]
        return alert

    def made_up(self) -> list[MissedSlot]:
        return [one for one in self.missed if one.catch_up == missed.STARTED]


def all_that_was_due_is_listed_with_its_cause(stretch: Stretch) -> None:
    assert {(one.task, one.slot) for one in stretch.missed} == stretch.due_while_down()
    assert {one.cause for one in stretch.missed} == {"host_down"}
    [evidence_] = {one.evidence for one in stretch.missed}
    assert "last sign of life 2026-11-" in evidence_
    assert f"started again {SATURDAY} 13:0" in evidence_


def what_was_made_up_ran_once_and_in_time(stretch: Stretch) -> None:
    tasks = tasks_of(stretch.stage)
    for one in stretch.made_up():
        [run] = [run for run in stretch.runs if run.task == one.task and run.slot == one.slot]
        assert run.outcome == "success", (run.task, run.summary)
        assert run.started_at >= UP
        assert tasks[one.task].script not in TABLE_OF
    others = {(one.task, one.slot) for one in stretch.missed if one.catch_up != missed.STARTED}
    assert not others & {(run.task, run.slot) for run in stretch.runs}


def a_person_was_told_once_of_all_of_it(stretch: Stretch) -> None:
    told = stretch.told
    assert told.title.startswith(f"{len(stretch.missed)} slots missed of {len({one.task for one in stretch.missed})}")
    assert "the host was down" in told.title


def test_a_shortened_stretch_of_ten_days_with_the_host_down_26_hours(tmp_path: Path) -> None:
    stretch = Stretch(tmp_path / "stage", shortened())

    all_that_was_due_is_listed_with_its_cause(stretch)
    assert [f"{one.slot:%a %H:%M} {one.task} {one.catch_up}".strip() for one in stretch.missed] == [
        "Fri 12:00 validate_ib_connection not_today",
        "Fri 12:30 collect_futures_snapshots",
        "Fri 20:00 health_check",
        "Sat 11:00 audit_data_integrity started",
        "Sat 11:30 refresh_calendar started",
        "Sat 12:15 cleanup_old_data too_late",
    ]
    what_was_made_up_ran_once_and_in_time(stretch)
    a_person_was_told_once_of_all_of_it(stretch)
    assert [alert.title for alert in stretch.alerts if alert.severity == "failure"] == [stretch.told.title]
    first, second = sorted(
        (run for run in stretch.runs if run.slot in {one.slot for one in stretch.made_up()}), key=lambda run: run.id
    )
    assert (first.task, second.task) == ("refresh_calendar", "audit_data_integrity")
    assert stretch.books.not_done == []


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_the_whole_stretch_with_every_task(tmp_path: Path) -> None:
    """The schedule as delivered, but for what is due more than once a day: that is due once."""
    stretch = Stretch(tmp_path / "stage", thinned())

    all_that_was_due_is_listed_with_its_cause(stretch)
    what_was_made_up_ran_once_and_in_time(stretch)
    a_person_was_told_once_of_all_of_it(stretch)
    assert [one.task for one in stretch.made_up()] == ["load_historical_data"]
    assert [alert.title for alert in stretch.alerts if alert.severity == "failure"] == [stretch.told.title]
    assert stretch.books.not_done == []
