"""`v6 calendar DATE`."""

from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import Result

Command = Callable[..., Result]


def test_a_regular_day(v6: Command) -> None:
    said = v6("calendar", "2026-11-20").stdout

    assert "Friday 2026-11-20: a regular session, 09:30-16:00 EST" in said
    assert "next session Monday 2026-11-23" in said


def test_an_early_close_is_a_session_until_13_00(answer: Callable[..., Any]) -> None:
    facts = answer("calendar", "2026-11-27")

    assert facts["early_close"] is True
    assert facts["close"] == "2026-11-27T13:00:00-05:00"


@pytest.mark.parametrize(
    ("day", "words"),
    [("2026-11-26", "Thanksgiving"), ("2026-04-03", "Good Friday"), ("2026-11-21", "weekend")],
)
def test_l05_a_closed_day_is_answered_with_its_reason_and_exit_code_1(v6: Command, day: str, words: str) -> None:
    assert words in v6("calendar", day, code=1).stdout


def test_10_april_2026_is_no_good_friday(v6: Command) -> None:
    assert "a regular session" in v6("calendar", "2026-04-10").stdout


def test_a_wrong_date_is_refused_with_what_is_allowed(v6: Command) -> None:
    said = " ".join(v6("calendar", "27.11.2026", code=2).stderr.replace("│", " ").split())

    assert "'27.11.2026' is not a date: write YYYY-MM-DD, today, yesterday or tomorrow" in said


def test_a_day_outside_the_calendar_is_refused_not_guessed(v6: Command) -> None:
    assert "the calendar covers 1990-01-01" in v6("calendar", "1980-01-02", code=2).stderr
