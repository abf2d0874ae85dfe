"""Which contracts a day queues and collects."""

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v6.analysis.universe import Reason, distance, dropped, select, worth_asking
from v6.config.settings import Universe
from v6.model import Contract

pytestmark = pytest.mark.long

ON = date(2026, 11, 20)
PRICES = {"SPY": 690.0, "QQQ": 620.0, "IWM": 260.0}


def rules(**changes: object) -> Universe:
    values: dict[str, object] = {
        "symbols": ("SPY", "QQQ", "IWM"),
        "min_dte": 20,
        "max_dte": 400,
        "strike_band": 0.15,
        "max_contracts": 258,
        "min_expiries": 3,
        "max_expiries": 4,
        "far_expiry_dte": 60,
        "wings": (0.02, 0.03, 0.045, 0.065),
    }
    return Universe.model_validate(values | changes)


def option(con_id: int, symbol: str, dte: int, strike: float, right: str = "C") -> Contract:
    return Contract(
        "OPT",
        symbol,
        "SMART",
        con_id,
        expiry=ON + timedelta(days=dte),
        strike=strike,
        right="C" if right == "C" else "P",
    )


def chain(prices: dict[str, float], dtes: list[int], width: float = 0.2, step: float = 1.0) -> list[Contract]:
    """Every strike within `width` of the price, every expiry, both rights."""
    listed: list[Contract] = []
    for symbol, price in prices.items():
        for dte in dtes:
            for number in range(int(price * (1 - width) / step), int(price * (1 + width) / step) + 1):
                for right in "CP":
                    listed.append(option(len(listed) + 1, symbol, dte, number * step, right))
    return listed


def test_the_whole_quota_is_used_and_nothing_nearer_the_money_is_left_out() -> None:
    choices = select(PRICES, chain(PRICES, [7, 14, 24, 31, 59, 87, 115]), [], ON, rules()).choices

    collected = [c for c in choices if c.collected]
    assert len(collected) == 258
    expiries = {c.contract.expiry for c in collected}
    nearest = max(c.distance or 0 for c in collected if c.reason is Reason.NEAREST)
    assert nearest <= min(c.distance or 0 for c in choices if not c.collected and c.contract.expiry in expiries)


def test_the_nearest_expiries_and_the_first_far_one_are_collected() -> None:
    selection = select(PRICES, chain(PRICES, [24, 31, 38, 45, 52, 87, 115]), [], ON, rules())

    for symbol in PRICES:
        days = sorted({c.dte for c in selection.choices if c.collected and c.contract.symbol == symbol})
        assert days == [24, 31, 38, 87]


def test_more_than_20_days_means_strictly_more() -> None:
    listed = [option(1, "SPY", 20, 690.0), option(2, "SPY", 21, 690.0)]

    assert [c.contract.con_id for c in select(PRICES, listed, [], ON, rules()).choices] == [2]


def test_everything_in_the_band_is_queued_even_beyond_the_quota() -> None:
    selection = select(PRICES, chain(PRICES, [24, 31, 87]), [], ON, rules())

    in_band = 3 * 2 * sum(2 * int(price * 0.15) + 1 for price in PRICES.values())
    assert len(selection.choices) == in_band
    assert Counter(c.collected for c in selection.choices)[True] == 258


def test_each_symbol_gets_three_expiries_of_which_one_is_beyond_60_days() -> None:
    far_away_strikes = [c for c in chain({"IWM": 260.0}, [24, 31, 87], step=1.0) if abs((c.strike or 0) - 260) > 20]
    renumbered = [c.with_con_id(100_000 + c.con_id) for c in far_away_strikes]

    selection = select(PRICES, chain({"SPY": 690.0}, [24, 31, 87]) + renumbered, [], ON, rules(max_contracts=40))

    for symbol in ("SPY", "IWM"):
        expiries = {c.expiry for c in selection.collected if c.symbol == symbol}
        assert len(expiries) == 3
        assert ON + timedelta(days=87) in expiries
    assert selection.shortfalls == ()


def test_a_chain_without_a_far_expiry_is_said_not_hidden() -> None:
    selection = select(PRICES, chain({"SPY": 690.0}, [24, 31]), [], ON, rules())

    assert "SPY: no expiry beyond 60 days" in selection.shortfalls
    assert "SPY: only 2 of 3 expiries exist" in selection.shortfalls


def test_l12_an_open_position_is_collected_outside_band_expiry_and_symbols() -> None:
    held = [option(900_001, "SPY", 3, 500.0, "P"), option(900_002, "AAPL", 45, 250.0)]

    selection = select(PRICES, chain(PRICES, [24, 31, 87]), held, ON, rules())

    assert [c.contract for c in selection.choices[:2]] == held
    assert {c.reason for c in selection.choices[:2]} == {Reason.POSITION}
    assert len(selection.collected) == 258


def test_an_expired_position_is_no_longer_collected() -> None:
    selection = select(PRICES, [], [option(1, "SPY", -1, 690.0), option(2, "SPY", 0, 690.0)], ON, rules())

    assert [c.con_id for c in selection.collected] == [2]


def test_positions_are_never_dropped_even_when_they_exceed_the_quota() -> None:
    held = [option(900_000 + n, "SPY", 45, 600.0 + n) for n in range(6)]

    selection = select(PRICES, chain(PRICES, [24]), held, ON, rules(max_contracts=4))

    assert set(selection.collected) == set(held)
    assert "6 open positions exceed the quota of 4" in selection.shortfalls


def test_both_rights_of_a_strike_are_collected() -> None:
    selection = select(PRICES, chain(PRICES, [24, 31, 87]), [], ON, rules())

    kept = [choice.contract for choice in selection.choices if choice.collected and choice.reason is not Reason.WING]
    rights = Counter((c.symbol, c.expiry, c.strike) for c in selection.collected if c in kept)
    assert Counter(rights.values()).keys() <= {1, 2}
    singles = {key for key, count in rights.items() if count == 1}
    wings = {(w.symbol, w.expiry, w.strike) for w in (c.contract for c in selection.choices if c.reason is Reason.WING)}
    assert singles <= wings  # the other right is there already, as a wing


def test_symbols_compete_on_relative_distance() -> None:
    selection = select(PRICES, chain(PRICES, [24, 31, 87]), [], ON, rules())

    widest = {s: max(distance(c, PRICES) or 0 for c in selection.collected if c.symbol == s) for s in PRICES}
    one_strike = 1 / 260
    assert max(widest.values()) - min(widest.values()) <= one_strike


def test_without_a_price_only_positions_of_a_symbol_are_queued() -> None:
    selection = select({}, chain(PRICES, [24]), [option(900_001, "SPY", 45, 690.0)], ON, rules())

    assert [c.con_id for c in selection.collected] == [900_001]


def test_only_expiries_the_rules_can_use_are_asked_for() -> None:
    expiries = [ON + timedelta(days=d) for d in (500, 87, 20, 21, 0, 87)]

    assert [(e - ON).days for e in worth_asking(expiries, ON, rules())] == [21, 87]


def test_the_wings_hold_the_25_delta_strikes_of_the_expiries_around_30_days() -> None:
    """At 12 to 30 % volatility and 30 days a delta of 25 lies 2.3 to 6 % from the price: 0.67 x sigma x sqrt(T)."""
    selection = select(PRICES, chain(PRICES, [24, 31, 38, 87]), [], ON, rules())

    wings = [c for c in selection.choices if c.reason is Reason.WING]
    for symbol, price in PRICES.items():
        for dte in (24, 31):
            mine = [c.contract for c in wings if c.contract.symbol == symbol and c.dte == dte]
            puts = sorted(c.strike or 0 for c in mine if c.right == "P")
            calls = sorted(c.strike or 0 for c in mine if c.right == "C")
            assert [round(price - strike) for strike in puts] == [round(price * x) for x in (0.065, 0.045, 0.03, 0.02)]
            assert [round(strike - price) for strike in calls] == [round(price * x) for x in (0.02, 0.03, 0.045, 0.065)]
    assert {c.dte for c in wings} == {24, 31, 87}


@pytest.mark.parametrize("move", [-0.035, -0.02, 0.0, 0.02, 0.035])
@pytest.mark.parametrize("symbol", sorted(PRICES))
def test_every_forward_stays_between_strikes_when_the_price_moves(symbol: str, move: float) -> None:
    """The volatility at the forward is null where no strike lies on each side of it. The forward of 87 days at 4 % a
    year lies 1 % above the price."""
    selection = select(PRICES, chain(PRICES, [24, 31, 38, 87]), [], ON, rules())

    for dte in (24, 31, 87):
        forward = PRICES[symbol] * (1 + move) * (1 + 0.04 * dte / 365)
        strikes = [c.strike or 0 for c in selection.collected if c.symbol == symbol and c.expiry == ON + timedelta(dte)]
        assert min(strikes) < forward < max(strikes)


def test_wings_never_take_more_than_a_quarter_of_the_places() -> None:
    selection = select(PRICES, chain(PRICES, [24, 31, 38, 87]), [], ON, rules(max_contracts=100))

    reasons = Counter(c.reason for c in selection.choices if c.collected)
    assert 20 < reasons[Reason.WING] <= 25
    assert len(selection.collected) == 100


def test_without_wings_every_place_is_near_the_money() -> None:
    selection = select(PRICES, chain(PRICES, [24, 31, 38, 87]), [], ON, rules(wings=()))

    assert {c.reason for c in selection.choices} == {Reason.COVERAGE, Reason.NEAREST, Reason.BEYOND_QUOTA}


def test_recentring_names_what_it_drops() -> None:
    before = select({"SPY": 690.0}, chain({"SPY": 690.0}, [24, 87]), [], ON, rules(max_contracts=20)).collected
    after = select({"SPY": 697.0}, chain({"SPY": 690.0}, [24, 87]), [], ON, rules(max_contracts=20)).collected

    gone = dropped(before, after)
    assert gone
    assert set(gone) == set(before) - set(after)


contracts = st.builds(
    option,
    st.integers(1, 10_000),
    st.sampled_from(["SPY", "QQQ", "IWM", "XYZ"]),
    st.integers(-5, 500),
    st.integers(150, 900).map(float),
    st.sampled_from("CP"),
)
chains = st.lists(contracts, max_size=120, unique_by=lambda c: c.con_id)
holdings = st.lists(
    contracts.map(lambda c: c.with_con_id(c.con_id + 20_000)), max_size=12, unique_by=lambda c: c.con_id
)


@settings(max_examples=200, deadline=None)
@given(chains, holdings, st.integers(1, 40), st.integers(1, 4))
def test_no_chain_breaks_the_promises(
    listed: list[Contract], held: list[Contract], quota: int, min_expiries: int
) -> None:
    chosen = select(PRICES, listed, held, ON, rules(max_contracts=quota, min_expiries=min_expiries))

    alive = {c.con_id for c in held if c.expiry is not None and c.expiry >= ON}
    ids = [c.contract.con_id for c in chosen.choices]
    collected = {c.con_id for c in chosen.collected}
    assert len(ids) == len(set(ids))
    assert [c.rank for c in chosen.choices] == list(range(1, len(ids) + 1))
    assert alive <= collected
    assert len(collected) <= max(quota, len(alive))
    for symbol in {c.symbol for c in listed}:
        assert len({c.expiry for c in chosen.collected if c.symbol == symbol and c.con_id not in alive}) <= 4
    for choice in chosen.choices:
        if choice.contract.con_id not in alive:
            assert 20 < choice.dte <= 400
            assert choice.distance is not None
            assert choice.distance <= 0.15 + 1e-9


@settings(max_examples=100, deadline=None)
@given(st.permutations(chain({"SPY": 30.0, "IWM": 26.0}, [24, 31, 87])), st.integers(2, 30))
def test_the_order_in_which_the_chain_arrives_does_not_matter(listed: list[Contract], quota: int) -> None:
    prices = {"SPY": 30.0, "IWM": 26.0}
    assert select(prices, listed, [], ON, rules(max_contracts=quota)) == select(
        prices, sorted(listed, key=lambda c: c.con_id), [], ON, rules(max_contracts=quota)
    )
