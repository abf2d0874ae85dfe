"""What ends a market session by itself, read from the real files each minute."""

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from loguru import logger

from v6.clock import NEW_YORK
from v6.config.load import load
from v6.jobs.run_market_session import run_market_session
from v6.model import SkipRun
from v6.paths import ROOT, Paths
from v6.restart.manager import TWSRestartManager
from v6.restart.states import Event
from v6.runner.context import Context
from v6.scheduler import schedule_text
from v6.session import run
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
def context(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Context]:
    """Of a session that begins at that New York time."""

    def make(now: str) -> Context:
        offset = ny(now).timestamp() - datetime.now(tz=NEW_YORK).timestamp()
        monkeypatch.setenv("V6_CLOCK_OFFSET", f"{offset:.3f}")
        args = argparse.Namespace(resume=False)
        return Context("run_market_session", None, args, load(paths, {}), paths, logger, deadline=0.0)

    return make


@pytest.fixture
def rules(context: Callable[[str], Context]) -> Make:
    return lambda now: Rules(context(now))


def edit(paths: Paths, text: str) -> None:
    paths.production_config.parent.mkdir(exist_ok=True)
    paths.production_config.write_text(text)
    paths.production_config.chmod(0o600)


def look(rules: Rules, at: str) -> str:
    rules.read_again(ny(at))
    return rules.why_over(ny(at))


def test_a_session_says_at_its_start_until_when_it_lasts_and_what_it_collects(rules: Make) -> None:
    tasks = "collect_option_snapshots, collect_futures_snapshots"
    assert (
        rules("2026-11-24 10:00").plan_in_words()
        == f"until 16:20, 20 min after the close; collects {tasks} every 5 min"
    )


def test_a_session_goes_on_until_twenty_minutes_after_the_close(rules: Make) -> None:
    found = rules("2026-11-20 09:25")
    assert look(found, "2026-11-20 16:19") == ""
    assert look(found, "2026-11-20 16:20") == "16:20, 20 min after the close"


def test_a_session_that_slept_over_night_does_not_begin_another_day(rules: Make) -> None:
    assert look(rules("2026-11-19 15:00"), "2026-11-20 10:00") == "its day is over"


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-11-21 10:00", "NYSE is closed: weekend"),
        ("2026-11-26 10:00", "NYSE is closed: Thanksgiving"),
        ("2026-11-20 16:20", "16:20, 20 min after the close"),
    ],
)
def test_none_begins_on_a_closed_day_or_after_the_day(rules: Make, now: str, words: str) -> None:
    with pytest.raises(SkipRun, match=f"^no_session: it would have ended at .*{words}$"):
        rules(now)


def test_a_schedule_that_cannot_be_read_changes_nothing(rules: Make, paths: Paths) -> None:
    found = rules("2026-11-20 10:00")
    for name in ("schedule.txt", "calendar.txt"):
        (paths.compiled / name).write_text("torn")
        assert look(found, "2026-11-20 10:01") == ""
    assert len(found.plan.slots["collect_option_snapshots"]) == 78


def test_the_roll_back_names_where_it_was_said(rules: Make, paths: Paths) -> None:
    found = rules("2026-11-20 10:00")
    edit(paths, "ibkr: {persistent_connection: false}\n")
    words = "ibkr.persistent_connection is false now (config/production.yaml)"
    assert look(found, "2026-11-20 10:01") == words


def test_a_roll_back_in_the_second_in_which_a_session_begins_is_seen(
    context: Callable[[str], Context], paths: Paths
) -> None:
    begins = context("2026-11-20 10:00")
    edit(paths, "ibkr: {persistent_connection: false}\n")
    assert look(Rules(begins), "2026-11-20 10:01").startswith("ibkr.persistent_connection is false now")


def test_a_closure_that_is_announced_late_closes_the_market_of_a_session_at_work(rules: Make, paths: Paths) -> None:
    found = rules("2026-11-20 10:00")
    assert found.market_open
    head, rest = CALENDAR.split("\n", 1)
    (paths.compiled / "calendar.txt").write_text(f"{head}\n2026-11-20 closed Mourning\n{rest}")
    assert look(found, "2026-11-20 10:01") == "10:01, NYSE is closed: Mourning"
    assert not found.market_open


@pytest.mark.parametrize(
    ("events", "begins", "goes_on"),
    [
        ([Event.WINDOW_NEAR], False, False),
        ([Event.TWS_GONE], False, True),
        ([Event.TWS_BACK], False, True),
        ([Event.TWS_BACK, Event.CONNECTED], False, True),
        ([Event.TWS_BACK, Event.CONNECTED, Event.VALIDATED], True, True),
        ([Event.FAILED], True, True),
    ],
    ids=["pre_restart", "restarting", "reconnecting", "validating", "normal", "degraded"],
)
def test_no_session_begins_while_tws_is_on_its_way_and_one_at_work_ends_only_before(
    context: Callable[[str], Context],
    monkeypatch: pytest.MonkeyPatch,
    events: list[Event],
    begins: bool,
    goes_on: bool,
) -> None:
    class BegunError(Exception): ...

    def begun(_: Context) -> None:
        raise BegunError

    ctx = context("2026-11-20 10:00")
    session = run.MarketSession(ctx, Rules(ctx))
    for event in events:
        TWSRestartManager(ctx.journal, ()).step(event, "of the test")
    monkeypatch.setattr(run, "Rules", begun)
    with pytest.raises(BegunError if begins else SkipRun):
        run.run(ctx)
    assert (session._why_over() == "") is goes_on
    ctx.journal.close()


def test_a_spoilt_journal_ends_no_session(context: Callable[[str], Context], paths: Paths) -> None:
    ctx = context("2026-11-20 10:00")
    session = run.MarketSession(ctx, Rules(ctx))
    paths.journal.write_bytes(b"no database at all " * 500)
    assert session._why_over() == ""


def test_the_rules_are_read_again_half_a_minute_away_from_the_slots(
    context: Callable[[str], Context], monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = context("2026-11-20 10:04")
    rules = Rules(ctx)
    session = run.MarketSession(ctx, rules)
    read: list[datetime] = []
    monkeypatch.setattr(rules, "read_again", read.append)
    for second in ("10:04:20", "10:04:35", "10:05:00", "10:05:20", "10:05:31", "10:06:02"):
        context(f"2026-11-20 {second}")
        session._read_rules()
    assert [f"{at:%H:%M:%S}" for at in read] == ["10:04:35", "10:05:31"]


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


def test_without_the_setting_there_is_no_session(context: Callable[[str], Context], paths: Paths) -> None:
    edit(paths, "")
    with pytest.raises(SkipRun, match=r"^not_persistent: ibkr.persistent_connection is false \(config/default.yaml\)"):
        run_market_session(context("2026-11-20 10:00"))


def test_a_collector_that_is_switched_off_has_no_slots_any_more(rules: Make, paths: Paths) -> None:
    found = rules("2026-11-20 10:00")
    assert len(found.plan.slots["collect_futures_snapshots"]) == 78
    schedule = paths.compiled / "schedule.txt"
    setting = "env|SCHEDULER_COLLECT_FUTURES_SNAPSHOTS_ENABLED|0\n"
    schedule.write_text(schedule.read_text() + setting)
    look(found, "2026-11-20 10:01")
    assert list(found.plan.slots) == ["collect_option_snapshots"]
