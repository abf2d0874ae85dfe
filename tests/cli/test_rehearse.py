"""What `v6 rehearse` decides before it starts anything."""

import sys
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from typer.testing import Result

from v6 import clock
from v6.cli.rehearsal_view import show
from v6.cli.rehearse import latest_session
from v6.clock import NEW_YORK
from v6.journal.session_cycles import Cycle
from v6.rehearsal.books import Books
from v6.rehearsal.rehearse import Plan
from v6.rehearsal.restarts import Rehearsed
from v6.rehearsal.window import Window
from v6.scheduler.nyse_calendar import NYSECalendar

Command = Callable[..., Result]


@pytest.mark.parametrize(
    ("now", "latest"),
    [
        ("2026-11-21 10:00", "2026-11-20"),  # a Saturday
        ("2026-11-20 15:59", "2026-11-19"),  # the session of the day is not over
        ("2026-11-20 16:00", "2026-11-20"),
        ("2026-11-27 13:00", "2026-11-27"),  # an early close
        ("2026-11-27 12:59", "2026-11-25"),  # Thanksgiving between
    ],
)
def test_the_latest_trading_day_is_the_last_session_that_is_over(
    compiled: Path, monkeypatch: pytest.MonkeyPatch, now: str, latest: str
) -> None:
    then = datetime.fromisoformat(now).replace(tzinfo=NEW_YORK)
    monkeypatch.setenv("V6_CLOCK_OFFSET", f"{then.timestamp() - clock.epoch() + 0.5:.3f}")

    calendar = NYSECalendar(compiled / "var" / "compiled" / "calendar.txt")

    assert latest_session(calendar) == date.fromisoformat(latest)


def test_a_demo_of_a_holiday_is_refused_with_its_reason(v6: Command) -> None:
    assert "Thanksgiving" in v6("rehearse", "2026-11-26", "--demo", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("2026-11-31",), "is not a date"),
        (("2026-11-20", "--from", "25:00"), "is not a time of day"),
        (("2026-11-20", "--replay", "/nowhere"), "does not exist"),
        (("--demo", "--from", "09:30"), "--demo has windows of its own"),
        (("2026-11-20", "--down", "2026-11-20 11:00"), "--down and --up: allowed together, without --demo"),
        (("--demo", "--down", "10:00", "--up", "11:00"), "--down and --up: allowed together, without --demo"),
        (
            ("2026-11-20", "--down", "2026-11-20 11:00", "--up", "2026-11-21 13:00"),
            "allowed: one after the other, within",
        ),
        (("2026-11-20", "--demo", "--to", "10:00"), "--demo has windows of its own"),
        (("2026-11-23", "--demo", "--until", "2026-11-29"), "--demo has windows of its own"),
        (("2026-11-23", "--until", "2028-11-23"), "--until 2028-11-23: 731 days after 2026-11-23, allowed: up to 31"),
        (("2026-11-23", "--until", "2026-11-20"), "--until 2026-11-20 18:35 is before 2026-11-23 07:55"),
        (("2026-11-20", "--scenario", "meteor"), "absurd_length, bad_morning, bad_utf8, broken_fields"),
    ],
)
def test_wrong_arguments_are_refused(v6: Command, arguments: tuple[str, ...], words: str) -> None:
    said = " ".join(v6("rehearse", *arguments, code=2).stderr.replace("│", " ").split())

    assert words in said


def test_help_says_what_realistic_costs(v6: Command) -> None:
    said = " ".join(v6("rehearse", "--help").stdout.replace("│", " ").split())

    assert "2 % of the contracts without greeks (so use --allow-missing)" in said


def test_what_it_tells_to_type_is_the_command_that_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binaries = tmp_path / "a checkout" / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "v6").touch()
    monkeypatch.setattr(sys, "executable", str(binaries / "python"))
    moment = datetime(2026, 11, 20, 10, tzinfo=NEW_YORK)
    window = Window(moment, moment)

    books = Books([], 0, 0, {}, Counter(), [], [], {"option_quotes": 12}, [])
    show(books, Plan((window,)), tmp_path, 1.0)

    said = capsys.readouterr().out
    for question in ("slots 2026-11-20", "runs", "why", "lake status"):
        assert f"  V6_HOME={tmp_path} '{binaries}/v6' {question}" in said


def test_after_a_night_it_points_to_the_restart_and_not_to_an_empty_lake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start, end = (datetime(2026, 11, day, hour, 30, tzinfo=NEW_YORK) for day, hour in ((23, 23), (24, 0)))
    night = Rehearsed("daily_restart", start, "restored", "restarted", 1, ("RESTORED: daily_restart",))
    books = Books([], 2, 2, {}, Counter(), [], [], {}, [], restarts_due=2, restarts=[night])

    show(books, Plan((Window(start, end),)), tmp_path, 1.0)

    said = capsys.readouterr().out
    questions = [line.split("v6 ", 1)[1] for line in said.splitlines() if line.startswith("  V6_HOME=")]
    assert questions[:2] == ["restart report", "restart history"]
    assert not any(question.startswith(("lake", "slots")) for question in questions)
    assert "1 order cancelled" in said


def test_a_session_is_shown_with_its_cycles_and_what_connected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, died = (datetime(2026, 11, 20, *time, tzinfo=NEW_YORK) for time in ((9, 25), (14, 15)))
    cycles = [Cycle("collect_option_snapshots", died, 1, died, None, outcome, "") for outcome in ("success", None)]
    books = Books([], 2, 2, {}, Counter(), [], [], {}, [], cycles=cycles, connections={first: 1, died: 2})

    show(books, Plan((Window(first, died),)), tmp_path, 1.0)

    said = capsys.readouterr().out
    assert "market session: 1 of 2 cycles committed" in said
    assert "connections to TWS: 3 (09:25 1, 14:15 2)" in said
