"""Logs are bounded, and no record of a process that is writing is lost (L31)."""

import os
from datetime import date, datetime, timedelta
from pathlib import Path

from v6.clock import NEW_YORK
from v6.runner.logs import appender
from v6.upkeep import rotation

TODAY = date(2026, 11, 22)


def log(home: Path, name: str, size: int = 10, written: date | None = None) -> Path:
    path = home / "logs" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.truncate(path, size)
    moment = datetime.combine(written or TODAY, datetime.min.time(), NEW_YORK).timestamp()
    os.utime(path, (moment, moment))
    return path


def lived(home: Path) -> None:
    """A log of each of the last 60 days."""
    for passed in range(1, 61):
        day = TODAY - timedelta(days=passed)
        log(home, f"tasks/lived-{day}.log", written=day)


def due(home: Path) -> tuple[list[str], list[str]]:
    found = rotation.due(home / "logs", TODAY, 90)
    return [one.path.name for one in found.removed], [target.name for _, target in found.renamed]


def test_a_task_log_goes_when_its_day_is_older_than_the_retention(home: Path) -> None:
    lived(home)
    log(home, "tasks/health_check-2026-08-23.log", written=date(2026, 8, 23))
    log(home, "tasks/health_check-2026-08-24.log", written=date(2026, 8, 24))
    assert due(home) == (["health_check-2026-08-23.log"], [])


def test_a_clock_that_is_a_year_ahead_leaves_the_newest_logs(home: Path) -> None:
    lived(home)
    log(home, "tasks/health_check-2027-11-22.log", written=date(2027, 11, 22))
    found = rotation.due(home / "logs", date(2027, 11, 22), 90)
    assert len(found.removed) == 61 - 51


def test_one_that_is_still_written_to_stays(home: Path) -> None:
    lived(home)
    log(home, "tasks/run_market_session-2026-08-01.log")
    assert due(home) == ([], [])


def test_what_has_no_day_in_its_name_is_never_removed(home: Path) -> None:
    log(home, "scheduler/cron_wrapper.log", written=date(2025, 1, 1))
    log(home, "cron/health_check.log", written=date(2025, 1, 1))
    log(home, "tasks/somebody's-2026-13-45.log", written=date(2025, 1, 1))
    log(home, "elsewhere/x-2020-01-01.log", written=date(2020, 1, 1))
    lived(home)
    assert due(home) == ([], [])


def test_a_large_log_of_everything_is_renamed_once_a_day(home: Path) -> None:
    log(home, "scheduler/unified_scheduler.log", (16 << 20) + 1)
    log(home, "cron/health_check.log", 16 << 20)
    assert due(home) == ([], ["unified_scheduler.2026-11-22.log"])

    rotation.carry_out(rotation.due(home / "logs", TODAY, 90))
    log(home, "scheduler/unified_scheduler.log", (16 << 20) + 1)

    assert due(home) == ([], [])


def test_who_has_the_log_open_loses_no_record_when_it_is_renamed(home: Path) -> None:
    path = log(home, "scheduler/unified_scheduler.log", (16 << 20) + 1)
    writer = appender(path)
    rotation.carry_out(rotation.due(home / "logs", TODAY, 90))

    writer("from before\n")
    appender(path)("from after\n")

    assert path.read_text() == "from after\n"
    assert path.with_name("unified_scheduler.2026-11-22.log").read_bytes().endswith(b"from before\n")


def test_l31_a_log_of_69_gb_goes_when_its_day_is_finished(home: Path) -> None:
    log(home, "tasks/collect-2026-11-18.log", 69 << 30, date(2026, 11, 18))
    log(home, "tasks/collect-2026-11-19.log", 1 << 20, date(2026, 11, 19))
    log(home, "tasks/collect-2026-11-21.log", 69 << 30, date(2026, 11, 21))
    assert due(home) == (["collect-2026-11-18.log"], [])


def test_a_removed_log_that_has_gone_already_is_no_trouble(home: Path) -> None:
    lived(home)
    path = log(home, "tasks/health_check-2026-01-05.log", written=date(2026, 1, 5))
    found = rotation.due(home / "logs", TODAY, 90)
    path.unlink()
    rotation.carry_out(found)


def test_a_home_without_logs_has_none_due(home: Path) -> None:
    assert due(home) == ([], [])
