"""Crossed, locked, one-sided, stale and frozen quotes."""

from typing import Any

import pytest
from hand_made import SPOT, given, limits, of_options, option, options, slot, underlying

from v6.analysis.quality.quotes import crossed, frozen, locked, one_sided, stale


def test_a_bid_above_its_ask_is_crossed_and_one_at_it_is_locked() -> None:
    market = of_options(option(690, bid=10.1, ask=10.0), option(691, bid=10.0, ask=10.0), option(692))

    assert (crossed(market).checked, crossed(market).failed) == (3, 1)
    assert crossed(market).findings["message"].to_list() == ["SPY 2026-12-18 690C: bid 10.1 is above ask 10.0"]
    assert (locked(market).failed, locked(market).breached) == (1, False)


def test_sound_quotes_are_neither_crossed_nor_locked_nor_one_sided() -> None:
    market = of_options(*(option(strike) for strike in range(680, 700)))

    assert [rule(market).failed for rule in (crossed, locked, one_sided)] == [0, 0, 0]


def test_one_crossed_quote_in_a_thousand_is_tolerated_and_two_are_not() -> None:
    rows = [option(600 + n / 10) for n in range(1000)]

    def breached(count: int) -> bool:
        bad = [option(500 + n, bid=2.0, ask=1.0) for n in range(count)]
        return crossed(of_options(*rows[count:], *bad)).breached

    assert [breached(1), breached(2)] == [False, True]


def test_the_quotes_of_underlyings_are_looked_at_too() -> None:
    market = given({"underlying_snapshots": options().clear(), "option_snapshots": options(option())})
    assert crossed(market).checked == 1

    from hand_made import frame

    market = given({"underlying_snapshots": frame("underlying_snapshots", [underlying(bid=691.0)])})
    assert crossed(market).findings["message"].to_list() == ["SPY: bid 691.0 is above ask 690.01"]


@pytest.mark.parametrize(("without_bid", "breached"), [(15, False), (16, True)])
def test_more_than_15_percent_of_quotes_with_one_side_are_too_many(without_bid: int, breached: bool) -> None:
    rows = [option(600 + n, bid=None if n < without_bid else 1.0) for n in range(100)]

    said = one_sided(of_options(*rows))

    assert (said.failed, said.breached) == (without_bid, breached)


def test_a_contract_that_nobody_quotes_is_not_one_sided() -> None:
    assert one_sided(of_options(option(bid=None, ask=None), option(691))).failed == 0


def test_no_quotes_say_nothing_about_quotes() -> None:
    for rule in (crossed, locked, one_sided, stale, frozen):
        assert (rule(given()).checked, rule(given()).unable) == (0, "no quotes that day")


def standing(count: int, *, moves: float, **cells: Any) -> list[dict[str, Any]]:
    """A quote that does not change for so many slots while the underlying moves by `moves` in all."""
    steps = [SPOT + moves * n / (count - 1) for n in range(count)]
    return [option(slot=slot(n), underlying_price=spot, **cells) for n, spot in enumerate(steps)]


def test_a_quote_that_stands_still_while_the_underlying_moves_is_stale() -> None:
    said = stale(of_options(*standing(6, moves=2.0)))

    assert (said.checked, said.failed, said.breached) == (6, 6, True)
    assert said.findings["message"].to_list() == [
        "SPY 2026-12-18 690C unchanged for 6 slots while the underlying moved by 2.0"
    ]
    assert said.findings["slot"][0] == slot(5)


@pytest.mark.parametrize(
    "quiet",
    [
        standing(6, moves=1.0),  # less than 0.2 % of 690
        standing(5, moves=2.0),  # fewer than six slots
        standing(6, moves=2.0, delta=0.01),  # far from the money: worth 0.02 more, inside the spread of 0.10
        [row | {"bid": 9.0 + n / 100} for n, row in enumerate(standing(6, moves=2.0))],
        [row | {"bid_size": float(n)} for n, row in enumerate(standing(6, moves=2.0))],
    ],
    ids=["underlying quiet", "too short", "far from the money", "price moves", "size moves"],
)
def test_a_quote_that_rightly_stands_still_or_moves_is_not_stale(quiet: list[dict[str, Any]]) -> None:
    assert stale(of_options(*quiet)).failed == 0


def test_without_a_price_of_the_underlying_nobody_can_tell_what_is_stale() -> None:
    rows = [row | {"underlying_price": None} for row in standing(6, moves=2.0)]

    assert stale(of_options(*rows)).unable == "no quote has delta and a price of its underlying"


def test_the_underlyings_own_quote_serves_where_the_model_names_no_price() -> None:
    from hand_made import frame

    rows = [row | {"underlying_price": None} for row in standing(6, moves=2.0)]
    spots = [underlying(slot=slot(n), bid=SPOT + 2.0 * n / 5 - 0.01, ask=SPOT + 2.0 * n / 5 + 0.01) for n in range(6)]
    market = given({"option_snapshots": options(*rows), "underlying_snapshots": frame("underlying_snapshots", spots)})

    assert stale(market).failed == 6


def test_a_feed_that_stands_still_as_a_whole_is_frozen() -> None:
    still = [option(600 + n, slot=slot(number)) for n in range(20) for number in (0, 1)]
    moving = [row | {"bid": row["bid"] + (row["slot"] == slot(1)) / 100} for row in still]

    assert (frozen(of_options(*still)).checked, frozen(of_options(*still)).failed) == (1, 1)
    assert frozen(of_options(*still[:2], *moving[2:])).failed == 0


def test_the_share_of_crossed_quotes_that_is_tolerated_comes_from_the_settings() -> None:
    market = of_options(option(690, bid=10.1, ask=10.0), option(691), limits=limits(max_crossed_share=0.5))

    assert not crossed(market).breached
