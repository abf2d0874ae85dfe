"""What ends a market session by itself, read from the real files each minute."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from loguru import logger

from v6.clock import NEW_YORK
from v6.config.load import load
from v6.model import SkipRun
from v6.paths import ROOT, Paths
from v6.runner.context import Context
from v6.scheduler import schedule_text
from v6.session.rules import Rules

CALENDAR = "# v6 calendar 1 covers 2026-11-01 2026-12-31\n2026-11-26 closed Thanksgiving\n"
PERSISTENT = "ibkr: {persistent_connection: true}\n"
Make = Callable[[str], Rules]


def ny(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.fixture
def paths(home: Path) -> Paths:
    """A home with a compiled schedule of the defaults, and the setting that makes sessions."""
    paths = Paths(ROOT, home)
    edit(paths, PERSISTENT)
    paths.compiled.mkdir(parents=True)
    (paths.compiled / "calendar.txt").write_text(CALENDAR)
    schedule = load(paths, {}).scheduler
    (paths.compiled / "schedule.txt").write_text(schedule_text.render(schedule, host_zone="America/New_York"))
    return paths


@pytest.fixture
def rules(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Make:
    def make(now: str) -> Rules:
        offset = ny(now).timestamp() - datetime.now(tz=NEW_YORK).timestamp()
        monkeypatch.setenv("V6_CLOCK_OFFSET", f"{offset:.3f}")
        return Rules(
            Context(
                task="run_market_session",
                slot=None,
                args=None,  # type: ignore[arg-type]
                config=load(paths, {}),
                paths=paths,
                log=logger,
                deadline=0.0,
            )
        )

    return make


def edit(paths: Paths, text: str) -> None:
    paths.production_config.parent.mkdir(exist_ok=True)
    paths.production_config.write_text(text)
    paths.production_config.chmod(0o600)


def look(rules: Rules, at: str) -> str:
    rules.read_again(ny(at))
    return rules.why_over(ny(at))


def test_a_session_goes_on_until_twenty_minutes_after_the_close(rules: Make) -> None:
    found = rules("2026-11-20 09:25")
    assert look(found, "2026-11-20 16:19") == ""
    assert look(found, "2026-11-20 16:20") == "16:20, 20 min after the close"


@pytest.mark.parametrize(
    ("now", "reason"),
    [("2026-11-21 10:00", "closed"), ("2026-11-26 10:00", "closed"), ("2026-11-20 16:20", "session_over")],
)
def test_none_begins_on_a_closed_day_or_after_the_day(rules: Make, now: str, reason: str) -> None:
    with pytest.raises(SkipRun) as skip:
        rules(now)
    assert skip.value.reason == reason


def test_the_roll_back_names_where_it_was_said(rules: Make, paths: Paths) -> None:
    found = rules("2026-11-20 10:00")
    edit(paths, "ibkr: {persistent_connection: false}\n")
    words = "ibkr.persistent_connection is false now (config/production.yaml)"
    assert look(found, "2026-11-20 10:01") == words


def test_a_broken_edit_changes_nothing_and_what_mends_it_counts(rules: Make, paths: Paths) -> None:
    found = rules("2026-11-20 10:00")
    edit(paths, "ibkr: {persistent_connection: perhaps}\n")
    assert look(found, "2026-11-20 10:01") == ""
    edit(paths, PERSISTENT + "futures: {symbols: {ES: CME}}\n")
    assert look(found, "2026-11-20 10:02") == ""
    assert found.config.settings.futures.symbols == {"ES": "CME"}


def test_other_settings_of_its_own_begin_it_anew(rules: Make, paths: Paths) -> None:
    found = rules("2026-11-20 10:00")
    edit(paths, PERSISTENT + "session: {cycle_minutes: 30}\n")
    assert look(found, "2026-11-20 10:01") == "its settings have changed, its next cron line begins with them"


def test_a_collector_that_is_switched_off_has_no_slots_any_more(rules: Make, paths: Paths) -> None:
    found = rules("2026-11-20 10:00")
    assert len(found.planned["collect_futures_snapshots"]) == 78
    schedule = paths.compiled / "schedule.txt"
    setting = "env|SCHEDULER_COLLECT_FUTURES_SNAPSHOTS_ENABLED|0\n"
    schedule.write_text(schedule.read_text() + setting)
    look(found, "2026-11-20 10:01")
    assert list(found.planned) == ["collect_option_snapshots"]
