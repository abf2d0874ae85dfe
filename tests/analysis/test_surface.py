"""The volatility surface against worked examples of CBOE and Hull, and against numpy by hand."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import surface_rows
from v6.analysis import option_statistics, parity, surface
from v6.analysis.parity import GROUP

DAY = date(2026, 11, 20)
SLOT = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
RATE = surface_rows.RATE


def chain(dtes: tuple[int, ...] = (24, 38, 52, 73), strikes: int = 11, half_spread: float = 0.02) -> pl.DataFrame:
    """SPY at 690 with a known smile, one slot; the volatility is that of `surface_rows.smile`."""
    listed = surface_rows.contracts("SPY", 690.0, DAY, dtes, strikes)
    rows = surface_rows.quotes(listed, [SLOT], [690.0], half_spread=half_spread)
    return rows.with_columns(computed=pl.lit(value=False))


def of(rows: pl.DataFrame) -> dict[str, Any]:
    return option_statistics.of_slots(rows, RATE).row(0, named=True)


def expiry(dte: int) -> date:
    return DAY + timedelta(days=dte)


def pair(dte: float, strike: float, call: float, put: float) -> dict[str, Any]:
    return {
        "trade_date": DAY, "slot": SLOT, "symbol": "SPX", "expiry": expiry(30), "dte": dte,
        "strike": strike, "call": call, "put": put,
    }  # fmt: skip


def by_hand(dte: int) -> float:
    """The volatility at the forward of one expiry, linear between the listed strikes."""
    strikes = np.round(690.0 * np.linspace(0.9, 1.1, 11))
    forward = 690.0 * np.exp(RATE * dte / 365)
    smile = surface_rows.smile(np.log(strikes / forward), np.full(11, dte / 365))
    return float(np.interp(forward, strikes, smile))


def in_time(days: int, near: tuple[int, float], far: tuple[int, float]) -> float:
    """Total variance linear between (dte, volatility) and (dte, volatility)."""
    (d1, v1), (d2, v2) = near, far
    variance = np.interp(days, [d1, d2], [v1**2 * d1 / 365, v2**2 * d2 / 365])
    return float(np.sqrt(variance * 365 / days))


@pytest.mark.parametrize(
    ("dte", "strike", "call", "put", "rate", "published"),
    [
        (35924 / 1440, 1965.0, 21.05, 23.15, 0.000305, 1962.89996),
        (46394 / 1440, 1960.0, 27.30, 24.90, 0.000286, 1962.40006),
    ],
)
def test_the_forwards_are_those_of_the_vix_white_paper(
    dte: float, strike: float, call: float, put: float, rate: float, published: float
) -> None:
    """CBOE, VIX White Paper: near-term and next-term forward of its worked example."""
    found = parity.forwards(pl.DataFrame([pair(dte, strike, call, put)]), rate)

    assert found["forward"][0] == pytest.approx(published, abs=5e-6)


def test_the_time_step_gives_the_vix_of_the_white_paper() -> None:
    """The same example: variances 0.01846292 and 0.01882101 at 35,924 and 46,394 minutes make a VIX of 13.69."""
    curve = pl.DataFrame(
        {
            "trade_date": DAY, "slot": SLOT, "symbol": "SPX", "expiry": [expiry(25), expiry(32)],
            "dte": [35924 / 1440, 46394 / 1440], "iv": [0.01846292**0.5, 0.01882101**0.5], "why": [None, None],
        }
    )  # fmt: skip

    found = surface.constant_maturity(curve, 30, "vix")

    assert round(100 * found["vix"][0], 2) == 13.69


def test_the_forward_of_hulls_options_is_the_spot_grown_at_the_rate() -> None:
    """Hull, chapter 15: S = 42, K = 40, r = 10 %, half a year, 20 %: call 4.76, put 0.81; F = 42 e^0.05 = 44.15."""
    found = parity.forwards(pl.DataFrame([pair(182.5, 40.0, 4.76, 0.81)]), 0.10)

    assert found["forward"][0] == pytest.approx(44.15, abs=0.01)


def test_one_wrong_quote_near_the_money_does_not_move_the_forward() -> None:
    rows = [pair(36.5, strike, 100.0 - strike + 10, 10.0) for strike in (98.0, 99.0, 100.0, 101.0, 102.0)]
    rows[2]["call"] = 10.4  # its parity says 100.4

    found = parity.forwards(pl.DataFrame(rows), 0.0)

    assert found["forward"][0] == pytest.approx(100.0)


def test_only_the_three_strikes_nearest_to_the_money_tell_the_forward() -> None:
    """Further puts in the money carry early-exercise value, so their parity says less and less: 97 at the last."""
    worth = {98.0: 0.0, 99.0: 0.0, 100.0: 0.0, 106.0: 1.0, 112.0: 2.0, 118.0: 3.0, 124.0: 3.0}
    rows = [pair(36.5, strike, 50.0, 50.0 + strike - 99.5 + more) for strike, more in worth.items()]

    found = parity.forwards(pl.DataFrame(rows), 0.0)

    assert found["forward"][0] == pytest.approx(99.5)


def test_a_crossed_or_one_sided_quote_has_no_middle() -> None:
    rows = pl.DataFrame(
        {"trade_date": [DAY] * 4, "expiry": [expiry(7)] * 4, "bid": [1.0, 1.2, None, 1.0], "ask": [1.1, 1.1, 1.1, 1.0]}
    )

    found = parity.with_middles(rows)

    assert found["middle"].to_list() == [pytest.approx(1.05), None, None, 1.0]
    assert found["dte"].to_list() == [7] * 4


def test_thirty_and_sixty_day_volatility_and_their_slope_are_those_of_a_computation_by_hand() -> None:
    found = of(chain())

    iv_30 = in_time(30, (24, by_hand(24)), (38, by_hand(38)))
    iv_60 = in_time(60, (52, by_hand(52)), (73, by_hand(73)))
    assert found["atm_iv_30d"] == pytest.approx(iv_30, abs=1e-9)
    assert found["atm_iv_60d"] == pytest.approx(iv_60, abs=1e-9)
    assert found["term_structure_slope"] == pytest.approx(iv_60 - iv_30, abs=1e-9)


def test_an_expiry_of_exactly_thirty_days_is_taken_as_it_is() -> None:
    assert of(chain((9, 30, 60)))["atm_iv_30d"] == pytest.approx(by_hand(30), abs=1e-9)


def test_skew_is_the_25_delta_put_over_the_call_at_thirty_days_by_hand() -> None:
    def wing(dte: int, right: str) -> float:
        side = rows.filter(expiry=expiry(dte), right=right).sort("delta")
        return float(np.interp(0.25 if right == "C" else -0.25, side["delta"].to_numpy(), side["iv"].to_numpy()))

    rows = chain()
    put, call = (in_time(30, (24, wing(24, right)), (38, wing(38, right))) for right in "PC")

    assert of(rows)["skew_25d"] == pytest.approx(put - call, abs=1e-9)
    assert of(rows)["skew_25d"] > 0.005


def test_the_out_of_the_money_side_gives_a_strikes_volatility() -> None:
    """A deep in-the-money quote says little about volatility; only where the other side has none is it used."""
    rows = chain()
    forward = 690.0 * np.exp(RATE * pl.col("expiry").sub(DAY).dt.total_days() / 365)
    inside = (pl.col("right") == "C") & (pl.col("strike") < forward) | (pl.col("right") == "P") & (
        pl.col("strike") >= forward
    )
    wrong = rows.with_columns(pl.when(inside).then(2.0).otherwise(pl.col("iv")).alias("iv"))
    only_inside = rows.with_columns(pl.when(inside).then(pl.col("iv")).alias("iv"))

    assert of(wrong)["atm_iv_30d"] == pytest.approx(of(rows)["atm_iv_30d"])
    assert of(only_inside)["atm_iv_30d"] == pytest.approx(of(rows)["atm_iv_30d"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(pl.col("expiry") >= expiry(38), "not_bracketed", id="every expiry is later"),
        pytest.param(pl.col("expiry") <= expiry(24), "not_bracketed", id="every expiry is earlier"),
        pytest.param(pl.col("strike") > 705, "too_few_strikes", id="every strike is above the forward"),
    ],
)
def test_nothing_is_extrapolated_l21(change: pl.Expr, reason: str) -> None:
    found = of(chain().filter(change))

    assert (found["atm_iv_30d"], found["atm_iv_30d_reason"]) == (None, reason)


@pytest.mark.parametrize(
    ("blank", "where", "statistic", "reason"),
    [
        pytest.param(["bid", "ask", "iv"], pl.lit(value=True), "atm_iv_30d", "no_quotes", id="no quote"),
        pytest.param(["iv"], pl.lit(value=True), "atm_iv_30d", "no_iv", id="no volatility"),
        pytest.param(["iv"], pl.col("expiry") <= expiry(38), "atm_iv_30d", "no_iv", id="none on both sides of 30"),
        pytest.param(["iv"], pl.col("expiry") >= expiry(38), "atm_iv_30d", "no_iv", id="none on the far side"),
        pytest.param(["ask"], pl.col("right") == "P", "atm_iv_30d", "no_forward", id="puts are one-sided"),
        pytest.param(["delta"], pl.lit(value=True), "skew_25d", "no_delta", id="no delta"),
        pytest.param(["delta"], pl.col("delta").abs() < 0.3, "skew_25d", "too_few_strikes", id="no delta at the wing"),
        pytest.param(["iv"], pl.col("expiry") > expiry(50), "term_structure_slope", "no_iv", id="none around 60"),
        pytest.param(["bid"], pl.lit(value=True), "expected_move", "no_quotes", id="nobody bids"),
        pytest.param(["bid"], pl.col("right") == "P", "expected_move", "no_straddle", id="nobody bids for puts"),
    ],
)
def test_a_null_says_what_is_missing_l21(blank: list[str], where: pl.Expr, statistic: str, reason: str) -> None:
    rows = chain().with_columns(pl.when(~where).then(pl.col(name)).alias(name) for name in blank)

    found = of(rows)

    assert (found[statistic], found[f"{statistic}_reason"]) == (None, reason)


def test_of_several_expiries_on_a_side_the_reason_is_that_of_the_nearest_to_thirty_days() -> None:
    """Nobody quotes the one of 9 days; the one of 24 has quotes and no volatility."""
    rows = chain((9, 24, 38)).with_columns(
        pl.when(pl.col("expiry") > expiry(24)).then(pl.col("iv")).alias("iv"),
        pl.when(pl.col("expiry") > expiry(9)).then(pl.col("bid")).alias("bid"),
    )

    assert of(rows)["atm_iv_30d_reason"] == "no_iv"


def test_a_further_expiry_takes_the_place_of_one_without_volatility() -> None:
    rows = chain().with_columns(pl.when(pl.col("expiry") != expiry(38)).then(pl.col("iv")).alias("iv"))

    assert of(rows)["atm_iv_30d"] == pytest.approx(in_time(30, (24, by_hand(24)), (52, by_hand(52))), abs=1e-9)


def test_the_expected_move_is_the_straddle_nearest_to_the_forward() -> None:
    """Spot 690 and 24 days at 4 %: the forward is 691.82, the nearest listed strike 690."""
    rows = chain()
    legs = rows.filter(expiry=expiry(24), strike=690.0)

    found = of(rows)

    assert found["expected_move"] == pytest.approx(float((legs["bid"] + legs["ask"]).sum() / 2))
    assert found["expected_move_expiry"] == expiry(24)


@pytest.mark.parametrize(("strike", "call", "put"), [(600.0, 90.5, 0.1), (800.0, 0.1, 109.5)])
def test_a_straddle_held_far_from_the_money_is_no_expected_move(strike: float, call: float, put: float) -> None:
    """Two legs of an old position, a week from expiry, are nearer in time than anything at the money."""
    held = chain((7,)).filter(pl.col("strike") == 690.0).with_columns(strike=pl.lit(strike))
    held = held.with_columns(
        bid=pl.when(pl.col("right") == "C").then(call).otherwise(put),
        ask=pl.when(pl.col("right") == "C").then(call + 0.5).otherwise(put + 0.02),
        con_id=pl.col("con_id") + 50_000,
    )

    assert of(pl.concat([chain(), held]))["expected_move_expiry"] == expiry(24)


def test_an_adjusted_class_with_the_same_strikes_is_left_out_of_the_surface_but_counted() -> None:
    adjusted = chain().filter(pl.col("strike") <= 690.0)
    adjusted = adjusted.with_columns(
        trading_class=pl.lit("2SPY"), iv=pl.lit(1.5), con_id=pl.col("con_id") + 50_000, bid=pl.lit(1.0)
    )

    found, alone = of(pl.concat([adjusted, chain()])), of(chain())

    assert found["atm_iv_30d"] == alone["atm_iv_30d"]
    assert found["contracts"] == alone["contracts"] + len(adjusted)


def test_a_symbol_with_calls_only_has_reasons_and_no_crash() -> None:
    found = of(chain().filter(pl.col("right") == "C"))

    assert (found["atm_iv_30d_reason"], found["skew_25d_reason"]) == ("no_forward", "not_bracketed")
    assert found["expected_move_reason"] == "no_straddle"


def test_every_null_has_a_reason_and_every_value_none_l21() -> None:
    """Groups that lack one thing after another, all in one call."""
    parts = []
    for number, name in enumerate(("bid", "iv", "delta", "volume", "open_interest", "ask")):
        blank = chain().with_columns(pl.lit(None, pl.Float64).alias(name), symbol=pl.lit(f"S{number}"))
        parts.append(blank)
    found = option_statistics.of_slots(pl.concat([*parts, chain()]), RATE)

    for name in [column.removesuffix("_reason") for column in found.columns if column.endswith("_reason")]:
        assert (found[name].is_null() == found[f"{name}_reason"].is_not_null()).all(), name
    assert found.select(GROUP).is_duplicated().sum() == 0
    assert len(found) == 7
