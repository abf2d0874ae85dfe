"""Gaps of the bars: which sessions, in which requests. Expected answers are written by hand from published hours."""

import csv
import gzip
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from v6.analysis.bar_gaps import Window, bar_seconds, expected_starts, holes, is_final, missing, windows
from v6.clock import NEW_YORK
from v6.scheduler.calendar_file import FUTURES_FIRST
from v6.scheduler.futures_calendar import FILE, FuturesCalendar

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "futures"
SATURDAY = datetime(2026, 11, 28, 10, 0, tzinfo=NEW_YORK)
HALF_HOUR = timedelta(minutes=30)


class Day(NamedTuple):
    date: date
    open: datetime
    close: datetime


def session(month: int, day: int, closes: int = 16) -> Day:
    on = date(2026, month, day)
    return Day(on, _at(on, 9, 30), _at(on, closes, 0))


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=NEW_YORK)


THANKSGIVING_WEEK = [session(11, 23), session(11, 24), session(11, 25), session(11, 27, closes=13)]


def test_thanksgiving_week_has_four_sessions_to_fill_newest_first() -> None:
    lacking = missing(THANKSGIVING_WEEK, final={date(2026, 11, 24)}, unavailable={date(2026, 11, 23)})
    assert [each.date.day for each in lacking] == [27, 25]


def test_one_request_covers_the_week_and_ends_after_the_early_close() -> None:
    assert windows(THANKSGIVING_WEEK, "5 mins", SATURDAY) == [
        Window(_at(date(2026, 11, 27), 13, 30), 5, tuple(date(2026, 11, day) for day in (27, 25, 24, 23)))
    ]


def test_no_request_is_longer_than_tws_allows_for_its_bars() -> None:
    days = [session(11, day) for day in (2, 3, 4, 5, 6, 9, 10, 11, 12, 13)]
    assert [(each.duration, each.sessions[0].day) for each in windows(days, "5 mins", SATURDAY)] == [
        ("5 D", 13),
        ("5 D", 6),
    ]
    assert [each.duration for each in windows(days, "1 min", SATURDAY)] == ["1 D"] * 10
    assert [each.duration for each in windows(days, "1 hour", SATURDAY)] == ["12 D"]
    assert [each.duration for each in windows(days, "1 day", SATURDAY)] == ["12 D"]


def test_a_session_that_is_going_on_is_asked_for_up_to_now() -> None:
    noon = _at(date(2026, 11, 24), 12, 0)
    assert windows([session(11, 24)], "5 mins", noon)[0].end is None


@given(st.sets(st.integers(0, 700), min_size=1), st.sampled_from(["1 day", "1 hour", "5 mins", "2 mins", "1 min"]))
def test_every_gap_is_asked_for_exactly_once_and_lies_in_its_request(offsets: set[int], size: str) -> None:
    first = date(2024, 1, 1)
    days = [first + timedelta(days=offset) for offset in sorted(offsets)]
    found = windows([Day(day, _at(day, 9, 30), _at(day, 16, 0)) for day in days], size, SATURDAY)

    asked = [day for window in found for day in window.sessions]
    assert asked == sorted(days, reverse=True)
    longest = {"1 day": 365, "1 hour": 30, "5 mins": 7, "2 mins": 2, "1 min": 1}[size]
    for window in found:
        assert window.days <= longest
        assert window.end is not None
        assert window.end.date() - timedelta(days=window.days - 1) == window.sessions[-1]


def test_a_bar_of_an_unfinished_session_is_never_final_l20() -> None:
    early = session(11, 27, closes=13)
    assert not is_final(early, _at(early.date, 12, 59))
    assert not is_final(early, _at(early.date, 13, 4))
    assert is_final(early, _at(early.date, 13, 5))


def test_the_last_bars_of_an_early_close_end_with_it() -> None:
    starts = expected_starts(session(11, 27, closes=13), "1 hour")
    assert [f"{start:%H:%M}" for start in starts] == ["09:30", "10:30", "11:30", "12:30"]
    assert len(expected_starts(session(11, 27, closes=13), "5 mins")) == 42
    assert len(expected_starts(session(11, 25), "5 mins")) == 78


@pytest.mark.parametrize(("size", "seconds"), [("1 day", 86400), ("1 hour", 3600), ("1 min", 60), ("30 secs", 30)])
def test_sizes_as_tws_words_them(size: str, seconds: int) -> None:
    assert bar_seconds(size) == seconds


def test_an_unknown_size_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'5 minutes', allowed"):
        bar_seconds("5 minutes")


# the futures of the real world


CALENDAR = """# v6 calendar 1 by hand covers 2026-01-01 2026-12-31 from CME's published hours
2026-11-27 open 1800 1315 Day after Thanksgiving
2026-11-26 open 1800 1300 Thanksgiving
2026-04-03 open 1800 0915 Good Friday
"""


@pytest.fixture
def futures(tmp_path: Path) -> FuturesCalendar:
    path = tmp_path / FILE
    path.write_text(CALENDAR)
    return FuturesCalendar(path)


def holes_of(futures: FuturesCalendar, starts: Iterable[datetime], day: date) -> list[tuple[str, str]]:
    found = futures.session(day)
    assert found is not None
    spans = holes(found, starts, "5 mins", HALF_HOUR)
    return [(f"{begin:%m-%d %H:%M}", f"{end:%m-%d %H:%M}") for begin, end in spans]


def recorded(name: str) -> list[dict[str, str]]:
    path = RECORDED / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    with gzip.open(path, "rt") as file:
        return list(csv.DictReader(file))


def starts_of(symbol: str) -> list[datetime]:
    rows = recorded(f"{symbol}_5min.csv.gz")
    return [datetime.fromisoformat(row["datetime"]).replace(tzinfo=NEW_YORK) for row in rows]


@pytest.mark.shared_data
@pytest.mark.parametrize("symbol", ["ES", "NQ"])
def test_the_recorded_futures_have_their_hole_on_april_20_and_nothing_on_good_friday(
    futures: FuturesCalendar, symbol: str
) -> None:
    """Ten weeks over the change of the clocks on March 8: everything else is there, the daily break is no hole."""
    starts = starts_of(symbol)
    sessions = list(futures.sessions(date(2026, 2, 18), date(2026, 4, 28)))
    assert len(sessions) == 50
    found = {each.date: holes_of(futures, starts, each.date) for each in sessions}
    assert {day: spans for day, spans in found.items() if spans} == {
        date(2026, 4, 3): [("04-03 00:00", "04-03 09:15")],
        date(2026, 4, 20): [("04-20 02:05", "04-20 05:30")],
    }


@pytest.mark.shared_data
@pytest.mark.parametrize("symbol", ["ES", "NQ"])
def test_no_recorded_bar_lies_outside_of_the_compiled_sessions(futures: FuturesCalendar, symbol: str) -> None:
    sessions = list(futures.sessions(date(2026, 2, 17), date(2026, 4, 29)))
    strays = [start for start in starts_of(symbol) if not any(s.open <= start < s.close for s in sessions)]
    assert strays == []


@pytest.mark.shared_data
def test_in_2013_they_traded_until_1715_so_the_compiled_calendar_does_not_reach_back_there() -> None:
    rows = recorded("ES_2013-10_minute_bidask.csv.gz")
    traded = [datetime.fromisoformat(row["ts_utc"]).replace(tzinfo=UTC) for row in rows if float(row["volume"] or 0)]
    walls = {f"{each.astimezone(NEW_YORK):%H:%M}" for each in traded}
    assert max(wall for wall in walls if wall < "18:00") == "17:14"
    assert traded[-1].date() < FUTURES_FIRST


def test_a_generated_night_with_a_hole_and_a_holiday(futures: FuturesCalendar) -> None:
    """The twin: every five minutes of Thanksgiving week, but for three and a half hours of one night."""
    starts = []
    for each in futures.sessions(date(2026, 11, 23), date(2026, 11, 27)):
        at = each.open
        while at < each.close:
            starts.append(at)
            at += timedelta(minutes=5)
    gone = (datetime(2026, 11, 25, 2, 0, tzinfo=NEW_YORK), datetime(2026, 11, 25, 5, 30, tzinfo=NEW_YORK))
    left = [start for start in starts if not gone[0] <= start < gone[1]]

    assert holes_of(futures, left, date(2026, 11, 25)) == [("11-25 02:00", "11-25 05:30")]
    for day in (23, 24, 26, 27):
        assert holes_of(futures, left, date(2026, 11, day)) == []
    assert len(starts) == 3 * 276 + 228 + 231
