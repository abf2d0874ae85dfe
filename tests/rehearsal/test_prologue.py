"""A rehearsal that begins in the middle of a day first plays what that day has fed it with."""

from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Rehearsed

pytestmark = pytest.mark.integration

Rehearse = Callable[..., Rehearsed]
Site = Callable[..., Path]
OPTIONS, FUTURES = "collect_option_snapshots", "collect_futures_snapshots"
ONCE_A_DAY = ("queue_option_contracts", "validate_ib_connection", "schedule_935_et")


def played(day: Rehearsed) -> list[str]:
    return [f"{one['slot'][11:16]} {one['task']}" for one in day.said["prologue"]]


def test_a_late_morning_has_its_universe_and_a_past_that_the_health_check_is_content_with(
    rehearse: Rehearse, site: Site
) -> None:
    tasks = (*ONCE_A_DAY, OPTIONS, "health_check")

    day = rehearse("2026-11-20", "--from", "10:00", "--to", "10:00", "--config", site(*tasks))

    assert day.code == 0, day.trouble
    assert played(day)[:3] == ["08:00 queue_option_contracts", "08:45 validate_ib_connection", "09:35 schedule_935_et"]
    assert played(day)[3:] == [f"09:{minute} {OPTIONS}" for minute in (40, 45, 50, 55)]
    assert day.outcomes("queue_option_contracts") == {"success": 1}
    assert day.verdicts(OPTIONS) == {"10:00": "complete"}
    assert (day.said["due"], day.said["expected_runs"]) == (2, 9)


def test_the_prologue_is_said(rehearse: Rehearse, site: Site) -> None:
    tasks = ("queue_option_contracts", FUTURES)

    day = rehearse("2026-11-20", "--from", "15:55", "--to", "15:55", "--config", site(*tasks), in_words=True)

    assert day.code == 0, day.errors
    assert f"(--no-prologue: not): 08:00 queue_option_contracts, 15:35 {FUTURES}" in " ".join(day.words.split())


def test_without_the_prologue_the_universe_is_missing(rehearse: Rehearse, site: Site) -> None:
    config = site("queue_option_contracts", OPTIONS)

    day = rehearse("2026-11-20", "--from", "10:00", "--to", "10:00", "--no-prologue", "--config", config)

    assert day.code == 1, day.errors
    assert played(day) == []
    assert day.said["misses"] == {"no_universe": 1}


def test_a_holiday_has_no_prologue(rehearse: Rehearse, site: Site) -> None:
    config = site(*ONCE_A_DAY, "health_check")

    day = rehearse("2026-11-26", "--from", "10:00", "--to", "10:00", "--allow-missing", "--config", config)

    assert (day.code, played(day)) == (0, []), day.trouble
