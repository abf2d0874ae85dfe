"""The front month, and how far its price has moved."""

from datetime import date, datetime, timedelta

import pytest

from v6.analysis.futures import Changes, Month, changes, front_month, nearest_months, price_at, price_of
from v6.clock import NEW_YORK
from v6.model import Bar, Contract, Quote, QuoteStatus


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def future(expiry: str, con_id: int = 1) -> Contract:
    return Contract("FUT", "ES", "CME", con_id, expiry=date.fromisoformat(expiry))


def bar(start: datetime, close: float) -> Bar:
    return Bar(start, close, close, close, close, 10.0, close, 1)


def bars(first: str, closes: list[float]) -> list[Bar]:
    start = at(first)
    return [bar(start + timedelta(minutes=5 * n), close) for n, close in enumerate(closes)]


DECEMBER, MARCH, JUNE = future("2026-12-18", 12), future("2027-03-19", 3), future("2027-06-18", 6)
OPENS, PREVIOUS_CLOSE = at("2026-11-20 09:30"), at("2026-11-19 16:00")


def test_the_two_nearest_living_months_compete() -> None:
    assert nearest_months([JUNE, MARCH, DECEMBER, future("2026-09-18")], date(2026, 11, 20)) == [DECEMBER, MARCH]


def test_a_month_lives_until_the_day_it_expires() -> None:
    assert nearest_months([DECEMBER, MARCH], date(2026, 12, 18))[0] == DECEMBER
    assert nearest_months([DECEMBER, MARCH], date(2026, 12, 19)) == [MARCH]


def test_the_month_with_more_volume_is_the_front_month() -> None:
    front = front_month([Month(DECEMBER, 300_000.0), Month(MARCH, 900_000.0)], date(2026, 12, 11))

    assert front is not None
    assert (front.contract, front.rule) == (MARCH, "volume")


def test_open_interest_decides_where_a_volume_is_unknown() -> None:
    front = front_month([Month(DECEMBER, None, 2e6), Month(MARCH, 900_000.0, 1e6)], date(2026, 12, 11))

    assert front is not None
    assert (front.contract, front.rule) == (DECEMBER, "open_interest")


@pytest.mark.parametrize(("on", "expected"), [("2026-12-09", DECEMBER), ("2026-12-10", MARCH)])
def test_without_figures_the_nearest_month_with_more_than_eight_days_is_taken(on: str, expected: Contract) -> None:
    front = front_month([Month(DECEMBER), Month(MARCH)], date.fromisoformat(on))

    assert front is not None
    assert (front.contract, front.rule) == (expected, "calendar")


def test_no_month_is_no_front_month() -> None:
    assert front_month([], date(2026, 11, 20)) is None


def test_changes_are_fractions_of_the_price_then() -> None:
    history = [
        *bars("2026-11-19 15:55", [100.0]),
        *bars("2026-11-20 05:55", [104.0]),
        *bars("2026-11-20 08:55", [108.0]),
        *bars("2026-11-20 09:25", [106.0]),
    ]

    moved = changes(110.0, history, at("2026-11-20 10:00"), OPENS, PREVIOUS_CLOSE)

    assert moved.change_1h == pytest.approx(110 / 108 - 1)
    assert moved.change_4h == pytest.approx(110 / 104 - 1)
    assert moved.change_overnight == pytest.approx(106 / 100 - 1)
    assert moved.change_daily == pytest.approx(110 / 100 - 1)


def test_before_the_open_the_overnight_change_is_measured_to_now() -> None:
    moved = changes(103.0, bars("2026-11-19 15:55", [100.0]), at("2026-11-20 08:00"), OPENS, PREVIOUS_CLOSE)

    assert moved.change_overnight == pytest.approx(0.03)


def test_l21_a_change_that_cannot_be_computed_is_null_never_zero() -> None:
    assert changes(110.0, [], at("2026-11-20 10:00"), OPENS, PREVIOUS_CLOSE) == Changes()
    assert changes(None, bars("2026-11-20 08:55", [108.0]), at("2026-11-20 10:00"), OPENS, None) == Changes()


def test_a_hole_in_the_bars_is_not_bridged() -> None:
    history = bars("2026-11-20 08:35", [108.0])

    assert price_at(history, at("2026-11-20 08:55")) == 108.0
    assert price_at(history, at("2026-11-20 09:00")) is None


def test_l20_a_bar_that_has_not_ended_does_not_count() -> None:
    history = bars("2026-11-20 09:25", [106.0, 999.0])

    assert price_at(history, at("2026-11-20 09:34")) == 106.0


def test_an_hour_is_an_hour_through_the_autumn_clock_change() -> None:
    before = datetime.fromisoformat("2026-11-01T00:55:00-04:00")
    slot = datetime.fromisoformat("2026-11-01T01:00:00-05:00").astimezone(NEW_YORK)
    history = [bar(before, 50.0), bar(before + timedelta(hours=1), 100.0)]

    assert changes(110.0, history, slot, None, None).change_1h == pytest.approx(110 / 50 - 1)


@pytest.mark.parametrize(
    ("last", "bid", "ask", "expected"),
    [(5.0, 1.0, 2.0, 5.0), (None, 1.0, 2.0, 1.5), (None, 1.0, None, None), (None, None, None, None)],
)
def test_the_price_is_the_last_trade_else_the_middle(
    last: float | None, bid: float | None, ask: float | None, expected: float | None
) -> None:
    quote = Quote(DECEMBER, QuoteStatus.COMPLETE, at("2026-11-20 10:00"), last=last, bid=bid, ask=ask)
    assert price_of(quote) == expected
