"""The compiled calendar and the full schedule, made once."""

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from checkout import FULL_SCHEDULE, make_checkout
from v6.config.load import load
from v6.config.scheduler_config import Scheduler
from v6.paths import Paths
from v6.scheduler import calendar_file, compiled, schedule_text
from v6.scheduler.nyse_calendar import NYSECalendar

TODAY = date(2026, 11, 21)


@pytest.fixture
def paths(home: Path, tmp_path: Path) -> Paths:
    return make_checkout(tmp_path / "check out", home)


@pytest.fixture(scope="session")
def calendar_text() -> str:
    """calendar.txt as it is compiled on 2026-11-21 without overrides."""
    return calendar_file.render(calendar_file.header(TODAY, None), calendar_file.build(TODAY, {}))


@pytest.fixture(scope="session")
def calendar(calendar_text: str) -> NYSECalendar:
    return NYSECalendar.from_text(calendar_text)


@pytest.fixture(scope="session")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Scheduler:
    """The whole schedule as it will be when every job exists."""
    base = tmp_path_factory.mktemp("full")
    paths = make_checkout(base / "checkout", base / "home")
    paths.production_config.write_text(FULL_SCHEDULE.read_text())
    return load(paths, {}).scheduler


@pytest.fixture(scope="session")
def schedule_on(scheduler: Scheduler) -> Callable[[str], compiled.Schedule]:
    """The compiled full schedule of a host in that zone."""

    @cache
    def on(host_zone: str) -> compiled.Schedule:
        return compiled.parse(schedule_text.render(scheduler, host_zone=host_zone))

    return on


@pytest.fixture(scope="session")
def schedule(schedule_on: Callable[[str], compiled.Schedule]) -> compiled.Schedule:
    """The same on a New York host."""
    return schedule_on("America/New_York")
