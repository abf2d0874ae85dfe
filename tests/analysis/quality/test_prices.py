"""Prices that jump where the underlying does not explain it, and bars that cannot be or are not there."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hand_made import CLOSE, DAY, OPEN, SPOT, bar, bars, given, of_options, option, slot

from v6.analysis.quality.bars import bar_jump, bar_shape, missing_bars
from v6.analysis.quality.given import Given
from v6.analysis.quality.prices import price_jump

FIVE = timedelta(minutes=5)


def walk(count: int = 40, jumps: dict[int, float] | None = None, moves: dict[int, float] | None = None) -> Given:
    """A call of delta 0.5 that follows its underlying with a noise of 2 cents; jumps of its own, moves of both."""
    random = np.random.default_rng(5)
    spot, middle, rows = SPOT, 20.0, []
    for n in range(count):
        step = float(random.normal(0, 0.5)) + (moves or {}).get(n, 0.0)
        spot += step
        middle += 0.5 * step + float(random.normal(0, 0.02)) + (jumps or {}).get(n, 0.0)
        rows.append(option(slot=slot(n), bid=middle - 0.05, ask=middle + 0.05, underlying_price=spot))
    return of_options(*rows)


def test_an_option_that_follows_its_underlying_does_not_jump() -> None:
    said = price_jump(walk())

    assert (said.checked, said.failed) == (39, 0)


def test_a_jump_of_the_option_alone_is_found_in_its_slot() -> None:
    said = price_jump(walk(jumps={20: 2.0}))

    assert said.findings["slot"].to_list() == [slot(20)]
    assert said.findings["value"][0] > 12


def test_a_crash_of_the_underlying_is_no_jump_of_the_option() -> None:
    assert price_jump(walk(moves={20: -15.0})).failed == 0


def test_what_lies_within_the_spread_is_not_a_jump() -> None:
    rows = [option(slot=slot(n), bid=10.0, ask=12.0 if n != 9 else 13.0) for n in range(20)]  # middle 11.0 to 11.5

    assert price_jump(of_options(*rows)).failed == 0


def test_a_gap_of_an_hour_is_not_a_step() -> None:
    rows = [option(slot=slot(n)) for n in range(14)] + [option(slot=slot(26), bid=30.0, ask=30.1)]

    assert (price_jump(of_options(*rows)).checked, price_jump(of_options(*rows)).failed) == (13, 0)


def test_a_dozen_changes_are_needed_to_know_what_is_usual() -> None:
    assert price_jump(walk(12)).unable == "no contract has 12 changes with delta and a price of its underlying"


@pytest.mark.parametrize(
    "cells",
    [{"high": 689.0}, {"low": 691.0}, {"close": None, "open": None}, {"open": 0.0}, {"volume": -1.0}],
)
def test_a_bar_that_cannot_be_is_found(cells: dict[str, Any]) -> None:
    said = bar_shape(given({"bars": bars(bar(OPEN) | cells, bar(OPEN + FIVE))}))

    assert (said.checked, said.failed) == (2, 1)


def test_a_bar_without_volume_or_movement_can_be() -> None:
    rows = bars(bar(OPEN, volume=None), bar(OPEN + FIVE, high=690.0, low=690.0))

    assert bar_shape(given({"bars": rows})).failed == 0


def session_of(on: datetime, closes: list[float], **cells: Any) -> list[dict[str, Any]]:
    return [bar(on + n * FIVE, close, **cells) for n, close in enumerate(closes)]


def quiet(seed: int, count: int = 78) -> list[float]:
    return [float(690 + step) for step in np.cumsum(np.random.default_rng(seed).normal(0, 0.3, count))]


def test_a_close_that_jumps_and_comes_back_is_found_twice() -> None:
    closes = quiet(1)
    closes[40] *= 1.05

    said = bar_jump(given({"bars": bars(*session_of(OPEN, closes))}))

    assert said.findings["slot"].to_list() == [(OPEN + 40 * FIVE).astimezone(UTC), (OPEN + 41 * FIVE).astimezone(UTC)]
    assert said.findings["message"][0].startswith("SPY 5 mins bar of 2026-11-20 12:50: close 7")


def test_what_happens_over_night_is_no_jump_of_shorter_bars() -> None:
    yesterday = bars(*session_of(OPEN - timedelta(days=1), quiet(1)))
    today = bars(*session_of(OPEN, [close * 1.05 for close in quiet(2)]))

    assert bar_jump(given({"bars": today}, bars_before=yesterday)).failed == 0


def test_a_split_shows_in_the_daily_bars() -> None:
    days = [bar(OPEN - timedelta(days=n), 690 + n % 3, bar_size="1 day") for n in range(1, 40)]

    today = bars(bar(OPEN, 69.0, bar_size="1 day"))

    assert bar_jump(given({"bars": today}, bars_before=bars(*days))).failed == 1
    assert bar_jump(given({"bars": today}, bars_before=bars(*days[:5]))).unable == "no series has 20 returns"


def test_bars_that_are_not_there_are_counted_against_the_session() -> None:
    rows = session_of(OPEN, quiet(1))

    full, holes = (missing_bars(given({"bars": bars(*some)})) for some in (rows, rows[:70]))

    assert (full.checked, full.failed) == (78, 0)
    assert (holes.failed, holes.breached) == (8, False)
    assert holes.findings["message"].to_list() == ["SPY 5 mins TRADES: 8 of 78 bars missing"]


def test_an_early_close_has_fewer_bars() -> None:
    early = (OPEN, OPEN.replace(hour=13, minute=0))

    assert missing_bars(given({"bars": bars(*session_of(OPEN, quiet(1, 42)))}, bar_session=early)).failed == 0


def test_a_day_without_any_bar_of_a_known_series_is_a_breach() -> None:
    before = bars(bar(OPEN - timedelta(days=1), bar_size="1 day"))

    said = missing_bars(given(bars_before=before))

    assert (said.checked, said.failed, said.breached) == (1, 1, True)


def test_a_series_that_ended_weeks_ago_is_not_expected() -> None:
    before = bars(bar(OPEN - timedelta(days=20), bar_size="1 day"))

    assert missing_bars(given(bars_before=before)).unable == "no session that bars are expected in"


def test_bars_of_other_hours_are_expected_where_their_trading_hours_are_known() -> None:
    night = bars(bar(OPEN, sec_type="FUT", regular=False, symbol="ES"))
    span = {"FUT": (OPEN - timedelta(hours=15, minutes=30), CLOSE + timedelta(hours=1))}  # 18:00 to 17:00

    assert missing_bars(given({"bars": night})).checked == 0
    assert missing_bars(given({"bars": night}, bar_spans=span)).failed == 275  # 23 hours are 276 bars


def test_no_bars_are_said_to_be_none() -> None:
    assert DAY.weekday() < 5
    assert [rule(given()).checked for rule in (bar_shape, bar_jump, missing_bars)] == [0, 0, 0]


def test_after_a_roll_nobody_misses_the_bars_of_the_old_month() -> None:
    """The front month became another contract, with bars of its own; a symbol that has none of any month is missed."""
    future = {"sec_type": "FUT", "regular": False, "bar_size": "1 day"}
    december, march = ({"con_id": con_id, "symbol": "ES"} | future for con_id in (1, 2))
    lost = {"con_id": 3, "symbol": "NQ"} | future
    before = bars(*(bar(OPEN - timedelta(days=1), **which) for which in (december, lost)))
    span = {"FUT": (OPEN - timedelta(hours=15, minutes=30), CLOSE + timedelta(hours=1))}

    said = missing_bars(given({"bars": bars(bar(OPEN, **march))}, bars_before=before, bar_spans=span))

    assert (said.checked, said.failed) == (2, 1)
    assert said.findings["message"].to_list() == ["NQ 1 day TRADES: 1 of 1 bars missing"]
