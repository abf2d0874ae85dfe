"""Implied volatility and greeks where TWS sends none, of generated quotes with known answers (of recorded ones:
test_recorded_greeks.py)."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from option_rows import TASK
from v6.analysis import computed_greeks
from v6.clock import NEW_YORK
from v6.store.columns import WHY_NULL
from v6.store.tables import polars_schema

SLOT = datetime(2026, 11, 20, 10, 0, tzinfo=NEW_YORK)
EXPIRY = date(2027, 1, 15)
YEARS = (datetime(2027, 1, 15, 16, 0, tzinfo=NEW_YORK) - SLOT).total_seconds() / (365 * 86_400)
RATE = 0.04


@dataclass(frozen=True)
class Market:
    """A European market with one volatility, priced by Black and Scholes in closed form."""

    spot: float = 6900.0
    dividend_yield: float = 0.013
    volatility: float = 0.18

    def price(self, right: str, strike: float, years: float = YEARS) -> float:
        deviation = self.volatility * math.sqrt(years)
        forward = self.spot * math.exp((RATE - self.dividend_yield) * years)
        above = math.log(forward / strike) / deviation + deviation / 2
        sign = 1 if right == "C" else -1
        return (
            sign
            * math.exp(-RATE * years)
            * (forward * _normal(sign * above) - strike * _normal(sign * (above - deviation)))
        )

    def chain(self, strikes: tuple[float, ...] = (6500.0, 6700.0, 6900.0, 7100.0, 7300.0)) -> pl.DataFrame:
        prices = {(right, strike): self.price(right, strike) for strike in strikes for right in ("C", "P")}
        return quotes(prices, spot=self.spot)


def _normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def quotes(
    prices: dict[tuple[str, float], float], *, spot: float | None, trading_class: str = "SPXW", expiry: date = EXPIRY
) -> pl.DataFrame:
    """Rows of option_snapshots without greeks; bid and ask five cents around the price."""
    rows = [
        {
            "trade_date": SLOT.date(),
            "slot": SLOT.astimezone(UTC),
            "task": TASK,
            "con_id": number,
            "symbol": "SPX" if trading_class.startswith("SPX") else trading_class,
            "expiry": expiry,
            "strike": strike,
            "right": right,
            "trading_class": trading_class,
            "bid": price - 0.05,
            "ask": price + 0.05,
            "underlying_price": spot,
        }
        for number, ((right, strike), price) in enumerate(prices.items(), start=1)
    ]
    schema = polars_schema("option_snapshots")
    return pl.DataFrame(rows, schema_overrides=dict(schema)).with_columns(
        pl.lit(None, kind).alias(name) for name, kind in schema.items() if name not in rows[0]
    )


def reasons(frame: pl.DataFrame) -> list[str | None]:
    return computed_greeks.compute(frame, rate=RATE)["why_null"].to_list()


def changed(frame: pl.DataFrame, con_id: int, **cells: float | None) -> pl.DataFrame:
    return frame.with_columns(
        pl.when(pl.col("con_id") == con_id).then(pl.lit(value, pl.Float64)).otherwise(name).alias(name)
        for name, value in cells.items()
    )


def test_the_columns_are_those_of_the_table() -> None:
    schema = polars_schema("option_greeks")
    result = computed_greeks.compute(Market().chain(), rate=RATE)

    assert set(result.columns) == set(schema)
    assert {name: result.schema[name] for name in schema} == dict(schema)
    assert computed_greeks.compute(Market().chain().clear(), rate=RATE).schema == result.schema


def test_a_european_index_gives_back_its_volatility_its_dividend_yield_and_the_closed_forms_greeks() -> None:
    market = Market()
    result = computed_greeks.compute(market.chain(), rate=RATE)

    assert result["computed_iv"].to_list() == pytest.approx([market.volatility] * 10, abs=1e-5)
    assert result["dividend_yield"].to_list() == pytest.approx([market.dividend_yield] * 10, abs=1e-6)
    assert set(result["rate"]) == {RATE}
    for row in result.iter_rows(named=True):
        up, down = (Market(spot=market.spot + step).price(row["right"], row["strike"]) for step in (1, -1))
        louder = Market(volatility=market.volatility + 0.01).price(row["right"], row["strike"])
        tomorrow = market.price(row["right"], row["strike"], YEARS - 1 / 365)
        assert row["computed_delta"] == pytest.approx((up - down) / 2, abs=1e-3)
        assert row["computed_gamma"] == pytest.approx(up - 2 * row["price"] + down, rel=0.02)
        assert row["computed_vega"] == pytest.approx(louder - row["price"], rel=0.05)
        assert row["computed_theta"] == pytest.approx(tomorrow - row["price"], rel=0.03)


def test_calls_have_positive_and_puts_negative_delta_and_both_lose_with_time() -> None:
    result = computed_greeks.compute(Market().chain(), rate=RATE)

    assert result.filter(right="C")["computed_delta"].is_between(0, 1).all()
    assert result.filter(right="P")["computed_delta"].is_between(-1, 0).all()
    assert (result["computed_gamma"] > 0).all()
    assert (result["computed_vega"] > 0).all()
    assert (result["computed_theta"] < 0).all()


def test_an_american_put_priced_by_a_tree_gives_back_its_volatility() -> None:
    """Ju's table: S = K = 40, r = 0.0488, 0.5833 years at 30 %: put 3.1696; without dividends the call is European."""
    years = 0.5833
    deviation = 0.3 * math.sqrt(years)
    above = 0.0488 * years / deviation + deviation / 2
    call = 40 * (_normal(above) - math.exp(-0.0488 * years) * _normal(above - deviation))
    rows = quotes({("C", 40.0): call, ("P", 40.0): 3.1696}, spot=40.0, trading_class="XYZ")
    start = datetime(2027, 1, 15, 16, 0, tzinfo=NEW_YORK).timestamp() - years * 365 * 86_400
    rows = rows.with_columns(slot=pl.lit(datetime.fromtimestamp(start, UTC)).cast(rows.schema["slot"]))

    result = computed_greeks.compute(rows, rate=0.0488)
    assert result["dividend_yield"].to_list() == pytest.approx([0, 0], abs=2e-4)
    assert result["computed_iv"].to_list() == pytest.approx([0.3, 0.3], abs=2e-4)


def test_the_same_prices_mean_less_volatility_where_early_exercise_is_possible() -> None:
    prices = {(right, strike): Market().price(right, strike) for strike in (6900.0, 7100.0) for right in ("C", "P")}
    european, american = (
        computed_greeks.compute(quotes(prices, spot=6900.0, trading_class=name), rate=RATE) for name in ("SPXW", "SPY")
    )

    difference = (european["computed_iv"] - american["computed_iv"]).to_list()
    assert difference[3] > 0.001  # the put in the money
    assert all(part >= -1e-6 for part in difference)


def test_a_class_without_an_entry_is_american_and_none_is_taken_for_its_symbol() -> None:
    prices = {(right, 6900.0): Market().price(right, 6900.0) for right in ("C", "P")}
    named = quotes(prices, spot=6900.0, trading_class="SPXW").with_columns(symbol=pl.lit("SPXW"))

    unnamed = computed_greeks.compute(named.with_columns(trading_class=pl.lit(None, pl.String)), rate=RATE)
    assert unnamed["computed_iv"].equals(computed_greeks.compute(named, rate=RATE)["computed_iv"])


def test_a_class_settled_in_the_morning_ends_the_next_day_at_half_past_nine() -> None:
    """SPX's last trading day is Thursday, its settlement Friday's opening: 17.5 hours more than a close on Thursday."""
    years = YEARS + 17.5 / 24 / 365
    prices = {(right, 6900.0): Market().price(right, 6900.0, years) for right in ("C", "P")}

    result = computed_greeks.compute(quotes(prices, spot=6900.0, trading_class="SPX"), rate=RATE)
    assert result["computed_iv"].to_list() == pytest.approx([0.18, 0.18], abs=1e-5)


def test_rows_with_a_usable_volatility_of_tws_are_left_alone() -> None:
    frame = changed(changed(Market().chain(), 1, iv=0.2), 2, iv=0.01)

    assert computed_greeks.compute(frame, rate=RATE)["con_id"].to_list() == list(range(2, 11))
    assert computed_greeks.compute(frame, rate=RATE, everything=True).height == 10


def test_the_spot_is_tws_own_else_the_one_that_is_given() -> None:
    frame = changed(Market().chain().with_columns(spot=pl.lit(6901.0)), 1, underlying_price=None)

    result = computed_greeks.compute(frame, rate=RATE)
    assert result["spot"].to_list() == [6901.0, *[6900.0] * 9]
    assert result["computed_iv"].null_count() == 0


def test_a_bid_that_equals_the_ask_is_a_price() -> None:
    result = computed_greeks.compute(changed(Market().chain(), 1, bid=500.0, ask=500.0), rate=RATE)

    assert (result["price"][0], result["why_null"][0]) == (500.0, None)


WITHOUT = {
    "no_quotes": {"bid": None, "ask": None},
    "one_sided": {"bid": None},
    "crossed": {"bid": 500.0, "ask": 400.0},
    "no_spot": {"underlying_price": None},
    "below_intrinsic": {"bid": 300.0, "ask": 301.0},  # the call of 6500 with the underlying at 6900
    "not_invertible": {"bid": 6800.0, "ask": 6801.0},  # more than a call can be worth
}


@pytest.mark.parametrize("reason", sorted(WITHOUT))
def test_a_quote_that_has_no_volatility_says_why_and_gets_none_l21(reason: str) -> None:
    row = computed_greeks.compute(changed(Market().chain(), 1, **WITHOUT[reason]), rate=RATE).row(0, named=True)

    assert row["why_null"] == reason
    assert reason in WHY_NULL
    assert all(row[name] is None for name in computed_greeks.COMPUTED)


def test_minus_one_and_zero_are_no_quotes() -> None:
    assert reasons(changed(Market().chain(), 1, bid=-1.0))[0] == "one_sided"
    assert reasons(changed(Market().chain(), 1, bid=0.0, ask=-1.0))[0] == "no_quotes"


def test_at_four_o_clock_of_its_last_day_an_option_has_expired() -> None:
    prices = {(right, 6900.0): 20.0 for right in ("C", "P")}
    frame = quotes(prices, spot=6900.0, expiry=SLOT.date())

    assert reasons(frame) == [None, None]
    after = frame.with_columns(slot=pl.lit(SLOT.replace(hour=16).astimezone(UTC)).cast(frame.schema["slot"]))
    assert reasons(after) == ["expired", "expired"]


def test_without_a_call_and_a_put_of_one_strike_no_dividend_yield_is_made_up_l21() -> None:
    result = computed_greeks.compute(Market().chain().filter(right="C"), rate=RATE)

    assert set(result["why_null"]) == {"no_forward"}
    assert result["dividend_yield"].null_count() == result.height


def test_one_bad_quote_does_not_move_the_dividend_yield_of_its_expiry() -> None:
    frame = changed(Market().chain(), 6, bid=300.0, ask=310.0)  # the put of 6900, far from its value

    result = computed_greeks.compute(frame, rate=RATE)
    assert result["dividend_yield"][0] == pytest.approx(0.013, abs=1e-5)


@given(st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_quotes_does_not_matter(seed: int) -> None:
    chain = Market().chain()
    shuffled = computed_greeks.compute(chain.sample(fraction=1, shuffle=True, seed=seed), rate=RATE)

    assert shuffled.sort("con_id").equals(computed_greeks.compute(chain, rate=RATE))


@given(st.floats(0.05, 1.5), st.floats(-0.02, 0.08))
@settings(max_examples=25, deadline=None)
def test_any_volatility_and_dividend_yield_come_back(volatility: float, dividend_yield: float) -> None:
    result = computed_greeks.compute(
        Market(6900.0, dividend_yield, volatility).chain((6700.0, 6900.0, 7100.0)), rate=RATE
    )

    assert result["dividend_yield"].to_list() == pytest.approx([dividend_yield] * 6, abs=1e-6)
    assert result["computed_iv"].to_list() == pytest.approx([volatility] * 6, abs=1e-4)
