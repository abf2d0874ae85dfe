"""Trading days, early closes, holidays and DST Sundays rehearse right, through the real wrapper."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from v6.cli import app

from .conftest import Rehearsed

pytestmark = pytest.mark.integration

Rehearse = Callable[..., Rehearsed]
Site = Callable[..., Path]
OPTIONS, FUTURES = "collect_option_snapshots", "collect_futures_snapshots"
UNIVERSE = ("queue_option_contracts", "schedule_935_et")


def test_a_morning_is_collected_whole_and_can_be_looked_at(
    rehearse: Rehearse, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    morning = rehearse("2026-11-20", "--from", "08:00", "--to", "09:36", "--config", site(*UNIVERSE, OPTIONS, FUTURES))

    assert morning.code == 0, morning.trouble
    assert morning.verdicts(OPTIONS) == {"09:30": "complete", "09:35": "complete"}
    assert morning.verdicts(FUTURES) == {"09:30": "complete", "09:35": "complete"}
    assert morning.outcomes("schedule_935_et") == {"success": 1}
    assert morning.said["rows"]["option_snapshots"] >= 24
    assert morning.said["misses"] == {}

    monkeypatch.setenv("V6_HOME", str(morning.home))
    assert "2 complete" in v6("slots", "2026-11-20", "--from", "09:30", "--to", "09:35")
    assert "version 2: 12 collected" in v6("runs", "--task", "schedule_935_et")
    assert "it ran: success" in v6("why", OPTIONS, "2026-11-20 09:35")
    assert "2 -> 1 file," in v6("lake", "compact", "--date", "2026-11-20")
    assert "option_snapshots" in v6("lake", "status")


def v6(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_an_early_close_ends_the_collection_at_13_00(rehearse: Rehearse, site: Site) -> None:
    noon = rehearse("2026-11-27", "--from", "12:50", "--to", "13:10", "--config", site(FUTURES))

    assert noon.code == 0, noon.trouble
    assert noon.verdicts(FUTURES) == {"12:50": "complete", "12:55": "complete"}
    assert noon.turned_away(FUTURES) == {"phase": 3}


def test_on_a_holiday_only_the_tasks_of_every_day_run(rehearse: Rehearse, site: Site) -> None:
    config = site(*UNIVERSE, OPTIONS, "health_check")

    thanksgiving = rehearse("2026-11-26", "--from", "09:30", "--to", "09:35", "--allow-missing", "--config", config)

    assert thanksgiving.code == 0, thanksgiving.trouble
    assert thanksgiving.outcomes("health_check") == {"success": 1}
    assert thanksgiving.turned_away(OPTIONS) == {"holiday": 2}
    assert thanksgiving.said["slots"] == []
    assert thanksgiving.said["trading_day"] is False


def test_a_saturday_is_warned_of_and_ends_with_exit_code_1(rehearse: Rehearse, site: Site) -> None:
    config = site(*UNIVERSE, OPTIONS, "health_check")

    saturday = rehearse("2026-11-21", "--from", "09:30", "--to", "09:35", "--config", config, in_words=True)

    assert saturday.code == 1, saturday.errors
    assert saturday.errors.startswith("v6: 2026-11-21 is not a trading day (weekend): no collector is due")
    assert "not a trading day: no collector was due, only what runs every day was rehearsed" in saturday.words
    assert "everything expected is there" not in saturday.words


@pytest.mark.parametrize(
    ("sunday", "window", "quarters"),
    [("2026-03-08", ("01:45", "03:00"), 2), ("2026-11-01", ("01:00", "02:00"), 9)],
)
def test_a_dst_sunday_has_each_real_quarter_hour_once(
    rehearse: Rehearse, site: Site, sunday: str, window: tuple[str, str], quarters: int
) -> None:
    span = ("--from", window[0], "--to", window[1])

    night = rehearse(sunday, *span, "--allow-missing", "--config", site("health_check"))

    assert night.code == 0, night.trouble
    assert night.outcomes("health_check") == {"success": quarters}


def test_a_window_may_cross_midnight(rehearse: Rehearse, site: Site) -> None:
    night = rehearse("2026-11-19", "--from", "23:50", "--to", "00:10", "--config", site("health_check"))

    assert night.code == 0, night.trouble
    assert night.outcomes("health_check") == {"success": 1}
