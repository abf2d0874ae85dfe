"""Volumes that fall, and volumes in another unit."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hand_made import DAY, OPEN, bar, bars, given, of_options, option, slot

from v6.analysis.quality.volumes import falling_volume, unit_jump


def day_of(*volumes: float | None) -> list[dict[str, Any]]:
    return [option(slot=slot(n), volume=volume) for n, volume in enumerate(volumes)]


def test_l22_a_cumulative_volume_that_falls_is_found() -> None:
    said = falling_volume(of_options(*day_of(10, 12, 11, 15)))

    assert (said.checked, said.failed, said.breached) == (3, 1, True)
    assert said.findings.select("slot", "value", "limit", "message").rows() == [
        (slot(2), 11.0, 12.0, "SPY 2026-12-18 690C: volume 11 after 12")
    ]


def test_a_volume_that_grows_or_stays_is_well_also_over_a_slot_without_one() -> None:
    assert falling_volume(of_options(*day_of(0, 0, 5, None, 5, 9))).failed == 0


def test_the_previous_days_volume_until_the_first_trade_is_told_and_tolerated() -> None:
    """Yahoo's chains: 765 of yesterday until today's first trade, then 1."""
    said = falling_volume(of_options(*day_of(765, 765, 1, 4)))

    assert (said.failed, said.breached) == (1, False)
    assert said.findings["message"].to_list() == [
        "SPY 2026-12-18 690C: volume 1 after 765, its first change: perhaps the previous day's until then"
    ]


def test_a_second_fall_is_no_reset() -> None:
    assert falling_volume(of_options(*day_of(765, 765, 4, 1))).findings["severe"].to_list() == [False, True]


def test_contracts_are_not_compared_with_each_other() -> None:
    assert falling_volume(of_options(option(690, volume=9.0), option(691, volume=5.0))).unable.startswith("no contract")


def daily(*volumes: float, unit: str = "shares", **cells: Any) -> list[dict[str, Any]]:
    """Daily bars of the days up to DAY, the latest last."""
    starts = [OPEN - timedelta(days=len(volumes) - 1 - n) for n in range(len(volumes))]
    return [
        bar(at, volume=volume, unit=unit, bar_size="1 day", **cells) for at, volume in zip(starts, volumes, strict=True)
    ]


def judged(rows: list[dict[str, Any]]) -> Any:
    frame = bars(*rows)
    return unit_jump(
        given({"bars": frame.filter(frame["trade_date"] == DAY)}, bars_before=frame.filter(frame["trade_date"] < DAY))
    )


USUAL = [1000.0, 900.0, 1100.0, 1000.0, 1200.0]


@pytest.mark.parametrize(("volume", "wrong"), [(20.0, 1), (21.0, 0), (1000.0, 0), (99_000.0, 0), (100_000.0, 1)])
def test_l19_a_volume_of_two_percent_or_a_hundred_times_the_median_is_in_another_unit(
    volume: float, wrong: int
) -> None:
    said = judged(daily(*USUAL, volume))

    assert (said.checked, said.failed) == (1, wrong)


def test_l19_shares_that_become_lots_are_found_by_their_unit_too() -> None:
    said = judged([*daily(*USUAL, 1000.0)[:-1], *daily(1000.0, unit="lots")])

    assert said.findings["message"].to_list() == [
        "SPY 1 day bars: volume 1000 is 1 times the median of 20 days before, counted in lots after shares"
    ]


def test_four_days_before_are_too_few_and_a_day_that_is_not_over_does_not_count() -> None:
    assert judged(daily(*USUAL[:4], 1.0)).unable == "no bars of 5 days before"
    assert judged([*daily(*USUAL, 1.0)[:-1], *daily(1.0, final=False)]).unable == "no bars of 5 days before"


def test_the_month_that_becomes_the_front_one_is_compared_with_the_front_one_before() -> None:
    rolled = [row | {"con_id": 7} for row in daily(1000.0)]

    assert judged([*daily(*USUAL, 1000.0)[:-1], *rolled]).failed == 0


def test_an_early_close_is_no_jump_of_the_unit() -> None:
    """Five days of 78 bars, then one of 42: a bar's mean stays."""
    days = [date(2026, 11, 13), *(date(2026, 11, n) for n in range(16, 21))]
    rows = []
    for on in days:
        opening = datetime.combine(on, OPEN.timetz())
        rows += [bar(opening + timedelta(minutes=5 * n)) for n in range(42 if on == DAY else 78)]

    said = judged(rows)

    assert (said.checked, said.failed) == (1, 0)


def test_without_bars_nothing_is_known_of_their_unit() -> None:
    assert unit_jump(given()).unable == "no bars of that day and of days before"
