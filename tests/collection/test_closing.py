"""When a closing quote is one: of today, after the close, before midnight in New York, for the day's one slot."""

from collections.abc import Callable
from datetime import date, datetime
from types import SimpleNamespace
from typing import cast

import pytest

from v6.clock import NEW_YORK
from v6.collection.closing import session_to_close, slot_of
from v6.model import FatalError
from v6.paths import ROOT, Paths
from v6.runner.context import Context
from v6.scheduler.compile import compile_all
from v6.scheduler.nyse_calendar import NYSECalendar

At = Callable[..., Context]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """A home with nothing but defaults, compiled."""
    paths = Paths(ROOT, tmp_path_factory.mktemp("home"))
    assert compile_all(paths).error == ""
    return paths


@pytest.fixture
def at(paths: Paths) -> At:
    """The job's context at a New York time; `slot` is None by hand."""
    calendar = NYSECalendar(paths.compiled / "calendar.txt")

    def context(now: str, slot: str | None = None) -> Context:
        facts = {"now": lambda: ny(now), "slot": ny(slot) if slot else None, "task": "final_data_collection"}
        return cast(Context, SimpleNamespace(calendar=calendar, paths=paths, **facts))

    return context


def ny(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("now", "slot", "asked", "words"),
    [
        (
            "2026-11-20 16:20",
            None,
            date(2026, 11, 19),
            "2026-11-19: the closing quotes of a day are there until it ends",
        ),
        ("2026-11-20 16:20", None, date(2026, 11, 23), "what is missing stays missing"),
        ("2026-11-21 00:10", "2026-11-20 16:15", None, "a quote of now would be another day's"),
        ("2026-11-21 12:00", None, None, "NYSE is closed"),
        ("2026-11-20 15:59", None, None, "the session is open until 16:00"),
        ("2026-11-27 12:59", None, None, "the session is open until 13:00"),
    ],
    ids=["yesterday", "tomorrow", "after midnight", "Saturday", "before the close", "before an early close"],
)
def test_what_would_not_be_todays_close_is_refused_l16(
    at: At, now: str, slot: str | None, asked: date | None, words: str
) -> None:
    with pytest.raises(FatalError, match=words):
        session_to_close(at(now, slot), asked)


@pytest.mark.parametrize(
    ("now", "slot"),
    [("2026-11-20 16:15", "2026-11-20 16:15"), ("2026-11-20 23:59", "2026-11-20 16:15"),
     ("2026-11-27 13:15", "2026-11-27 13:15"), ("2026-11-02 16:15", "2026-11-02 16:15")],
    ids=["the slot", "late in the evening", "an early close", "the first day of standard time"],
)  # fmt: skip
def test_the_day_has_one_slot_by_cron_and_by_hand(at: At, now: str, slot: str) -> None:
    for ctx in (at(now), at(now, slot)):
        session = session_to_close(ctx, None)

        assert slot_of(ctx, session) == ny(slot)
