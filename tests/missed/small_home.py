"""A home with a small schedule on Tuesday 2026-11-24, whose journal and gate log a test fills in."""

import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from v6 import clock
from v6.clock import NEW_YORK
from v6.config.scheduler_config import Scheduler
from v6.journal import database, events, missed, runs
from v6.missed import causes, find, signs
from v6.missed.causes import Missed
from v6.missed.find import Looked, Site
from v6.paths import ROOT, Paths
from v6.scheduler import compiled, schedule_text
from v6.scheduler.nyse_calendar import NYSECalendar

TUESDAY = "2026-11-24"
CALENDAR = (
    "# v6 calendar 1 test 1 covers 2026-10-01 2027-03-31 overrides none\n"
    "2026-11-27 open 0930 1300 Day after Thanksgiving\n2026-11-26 closed Thanksgiving\n"
)
COLLECT = {"script": "scripts/collect_option_snapshots.py", "frequency": "5min", "market_phase": "market_open"}
CHECK = {"script": "scripts/health_check.py", "frequency": "15min", "days": "every"}
STATISTICS = {
    "script": "scripts/calculate_daily_statistics.py",
    "frequency": "daily",
    "time": "18:00",
    "catch_up": "same_day",
    "deadline_seconds": 3 * 3600,
}
QUALITY = {
    "script": "scripts/validate_data_quality.py",
    "frequency": "daily",
    "time": "18:30",
    "catch_up": "same_day",
    "depends_on": ["calculate_daily_statistics"],
    "deadline_seconds": 3 * 3600,
}
TASKS: dict[str, dict[str, Any]] = {
    "collect_option_snapshots": COLLECT,
    "health_check": CHECK,
    "calculate_daily_statistics": STATISTICS,
    "validate_data_quality": QUALITY,
}


def ny(text: str, day: str = TUESDAY) -> datetime:
    """`10:05` of that Tuesday, or a whole `2026-11-25 10:05`."""
    return datetime.fromisoformat(text if " " in text else f"{day} {text}").replace(tzinfo=NEW_YORK)


def scheduler_of(tasks: dict[str, dict[str, Any]], **settings: Any) -> Scheduler:
    common = {"description": "a test's", "timeout_seconds": 600}
    return Scheduler.model_validate(
        {
            "timezone": "America/New_York",
            "log_directory": "logs",
            "enable_holiday_check": True,
            "enable_logging": True,
            "tasks": {name: {**common, **_tuples(body)} for name, body in tasks.items()},
            "restart_windows": {},
            **settings,
        }
    )


def schedule_of(tasks: dict[str, dict[str, Any]], home: Path, **settings: Any) -> compiled.Schedule:
    places = {"log_directory": str(home / "logs")}
    scheduler = scheduler_of(tasks, **settings)
    return compiled.parse(schedule_text.render(scheduler, host_zone="America/New_York", places=places))


def _tuples(body: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in body.items()}


class Home:
    """`at` is what its clock reads; the clock of this process is not moved."""

    def __init__(self, home: Path, monkeypatch: Any) -> None:
        self.monkeypatch = monkeypatch
        self.paths = Paths(ROOT, home)
        self.db: sqlite3.Connection = database.connect(self.paths.journal)
        calendar = NYSECalendar.from_text(CALENDAR)
        self.site = Site(self.paths, self.db, schedule_of(TASKS, home), calendar)
        self.at("08:00")

    def schedule(self, tasks: dict[str, dict[str, Any]], **settings: Any) -> None:
        schedule = schedule_of(tasks, self.paths.home, **settings)
        self.site = Site(self.paths, self.db, schedule, self.site.calendar)

    def at(self, wall: str) -> None:
        self.now = ny(wall)
        self.monkeypatch.setattr(clock, "epoch", self.now.timestamp)
        self.monkeypatch.setattr(clock, "now", lambda: self.now)
        awake = self.now.timestamp() - ny("2026-10-15 08:00").timestamp()  # it has not slept since
        self.monkeypatch.setattr(clock, "since_boot", lambda: (awake, awake))
        self.monkeypatch.setattr(clock, "shifted", lambda: "a test's clock")

    def ran(self, task: str, *slots: str, late: timedelta = timedelta(seconds=1), outcome: str = "success") -> None:
        """Runs of a minute at these slots, as cron's lines start them."""
        for text in slots:
            slot = ny(text)
            number = runs.start_attempt(self.db, task=task, slot=slot, attempt=1, pid=1, log_file="")
            runs.finish_attempt(self.db, number, runs.Ended(outcome, 0, 60.0, 1.0, 1.0))
            started, ended = slot + late, slot + late + timedelta(seconds=10)
            values = (started.astimezone().isoformat(), ended.astimezone().isoformat(), number)
            self.db.execute("UPDATE runs SET started_at = ?, ended_at = ? WHERE id = ?", values)

    def checked(self, first: str, last: str) -> None:
        """health_check's runs of every quarter of an hour from `first` to `last`."""
        slot = ny(first)
        while slot <= ny(last):
            self.ran("health_check", f"{slot:%Y-%m-%d %H:%M}")
            slot += timedelta(minutes=15)

    def gate_says(self, wall: str, task: str, rest: str) -> None:
        """`rest`: from the slot on, `2026-11-24T15:05:00Z|skip|phase|`."""
        log = self.site.gate_log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write(f"{ny(wall):%Y-%m-%d %H:%M:%S %Z}|{task}|{rest}\n")

    def started(self, wall: str) -> None:
        """The @reboot line has run."""
        now, self.now = self.now, ny(wall)
        events.record(self.db, signs.HOST_STARTED, "the host was started")
        self.now = now

    def looked(self, wall: str) -> None:
        """An earlier look that found nothing; from then on the present schedule is known."""
        if self.site.db.execute("SELECT count(*) FROM known_tasks").fetchone()[0] == 0:
            missed.know(self.db, find.definitions(self.site.schedule), ny(wall))
        missed.set_looked_until(self.db, ny(wall) - find.OLDER_THAN)

    def look(self) -> Looked:
        return find.look(self.site, self.now)

    def judged(self) -> list[Missed]:
        looked = self.look()
        return causes.judged(self.site, looked, signs.read(self.site, looked, self.now), self.now)

    def slots(self) -> dict[str, list[str]]:
        """Task -> the times of its missed slots."""
        found: dict[str, list[str]] = {}
        for task, slot in self.look().slots:
            found.setdefault(task, []).append(f"{slot.astimezone(NEW_YORK):%H:%M}")
        return found

    def causes(self) -> dict[str, str]:
        """`task HH:MM` -> cause."""
        return {f"{one.task} {one.slot.astimezone(NEW_YORK):%H:%M}": str(one.cause) for one in self.judged()}
