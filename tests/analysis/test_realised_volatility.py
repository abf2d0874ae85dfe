"""Returns, realised volatility and trend of an underlying; the expected numbers are made by numpy from the formulas."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v6.analysis import realised_volatility

pytestmark = pytest.mark.long

SESSIONS = [day for day in (date(2026, 1, 5) + timedelta(days=number) for number in range(84)) if day.weekday() < 5]
STATISTICS = realised_volatility.STATISTICS


def bars(symbol: str = "SPY", sessions: list[date] = SESSIONS, seed: int = 1) -> pl.DataFrame:
    """A random walk with overnight gaps; consistent bars."""
    random = np.random.default_rng(seed)
    steps = random.normal(0.0005, 0.01, (len(sessions), 2)).ravel().cumsum()
    opened, close = 690 * np.exp(steps[0::2]), 690 * np.exp(steps[1::2])
    high = np.maximum(opened, close) * (1 + random.random(len(sessions)) * 0.004)
    low = np.minimum(opened, close) * (1 - random.random(len(sessions)) * 0.004)
    return pl.DataFrame(
        {"symbol": symbol, "trade_date": sessions, "open": opened, "high": high, "low": low, "close": close}
    )


def on(frame: pl.DataFrame, day: date) -> dict[str, object]:
    return frame.row(by_predicate=pl.col("trade_date") == day, named=True)


def by_hand(given: pl.DataFrame) -> tuple[float, float, float]:
    """volatility_20d, volatility_yz_20d and trend_20d of the last session of 21 bars."""
    opened, high, low, close = (given[name].to_numpy() for name in ("open", "high", "low", "close"))
    daily = np.diff(np.log(close))
    overnight, session = np.log(opened[1:] / close[:-1]), np.log(close / opened)[1:]
    up, down = np.log(high / opened)[1:], np.log(low / opened)[1:]
    rogers_satchell = np.mean(up * (up - session) + down * (down - session))
    k = 0.34 / (1.34 + 21 / 19)
    variance = np.var(overnight, ddof=1) + k * np.var(session, ddof=1) + (1 - k) * rogers_satchell
    trend = np.polyfit(np.arange(20), np.log(close[1:]), 1)[0]
    return np.std(daily, ddof=1) * np.sqrt(252), np.sqrt(252 * variance), trend


def test_the_last_session_is_what_numpy_makes_of_21_bars() -> None:
    given = bars()
    row = on(realised_volatility.of_series(given, SESSIONS), SESSIONS[-1])

    expected = by_hand(given.tail(21))
    assert [row["volatility_20d"], row["volatility_yz_20d"], row["trend_20d"]] == pytest.approx(expected, rel=1e-10)
    assert row["underlying_return"] == pytest.approx(given["close"][-1] / given["close"][-2] - 1)
    assert all(row[f"{name}_reason"] is None for name in STATISTICS)


def test_a_price_that_grows_by_a_percent_a_session_has_that_trend_and_no_volatility() -> None:
    close = [100 * np.exp(0.01 * number) for number in range(len(SESSIONS))]
    given = bars().with_columns(pl.Series(name, close) for name in ("open", "high", "low", "close"))

    row = on(realised_volatility.of_series(given, SESSIONS), SESSIONS[-1])
    assert row["trend_20d"] == pytest.approx(0.01)
    assert row["underlying_return"] == pytest.approx(np.exp(0.01) - 1)
    assert row["volatility_20d"] == pytest.approx(0, abs=1e-12)


def test_prices_that_do_not_move_have_no_volatility_and_say_so_l21() -> None:
    given = bars().with_columns(pl.lit(100.0).alias(name) for name in ("open", "high", "low", "close"))

    row = on(realised_volatility.of_series(given, SESSIONS), SESSIONS[-1])
    assert (row["volatility_20d"], row["volatility_20d_reason"]) == (None, "flat")
    assert (row["volatility_yz_20d"], row["volatility_yz_20d_reason"]) == (None, "flat")
    assert row["trend_20d"] == 0


def test_volatilities_begin_at_21_sessions_and_the_trend_at_20_l21() -> None:
    result = realised_volatility.of_series(bars(), SESSIONS)

    for index, present in ((18, []), (19, ["trend_20d"]), (20, ["trend_20d", "volatility_20d", "volatility_yz_20d"])):
        row = on(result, SESSIONS[index])
        for name in ("volatility_20d", "volatility_yz_20d", "trend_20d"):
            assert (row[name] is not None) is (name in present), (index, name)
            assert row[f"{name}_reason"] == (None if name in present else "too_few_sessions")


def test_a_session_without_a_bar_is_a_hole_not_a_skipped_day() -> None:
    hole = 30
    result = realised_volatility.of_series(bars().filter(pl.col("trade_date") != SESSIONS[hole]), SESSIONS)

    missing = on(result, SESSIONS[hole])
    assert [missing[f"{name}_reason"] for name in STATISTICS] == ["no_bars"] * 4
    after = on(result, SESSIONS[hole + 1])
    assert (after["underlying_return"], after["underlying_return_reason"]) == (None, "too_few_sessions")
    assert on(result, SESSIONS[hole + 20])["volatility_20d_reason"] == "too_few_sessions"
    assert on(result, SESSIONS[hole + 21])["volatility_20d"] is not None
    assert on(result, SESSIONS[hole + 19])["trend_20d_reason"] == "too_few_sessions"
    assert on(result, SESSIONS[hole + 20])["trend_20d"] is not None


def test_a_bar_whose_high_is_below_its_close_has_no_yang_zhang() -> None:
    given = bars().with_columns(
        high=pl.when(pl.col("trade_date") == SESSIONS[40]).then(pl.col("low") * 0.9).otherwise("high")
    )
    result = realised_volatility.of_series(given, SESSIONS)

    for index, reason in ((39, None), (40, "inconsistent_bar"), (59, "inconsistent_bar")):
        assert on(result, SESSIONS[index])["volatility_yz_20d_reason"] == reason
        assert on(result, SESSIONS[index])["volatility_20d"] is not None


def test_a_bar_of_a_day_that_is_no_session_does_not_count() -> None:
    closed = SESSIONS[30]
    open_days = [day for day in SESSIONS if day != closed]

    stray = realised_volatility.of_series(bars(), open_days)
    assert stray.equals(realised_volatility.of_series(bars().filter(pl.col("trade_date") != closed), open_days))
    assert stray["volatility_20d_reason"].null_count() == len(open_days) - 20


def test_two_bars_of_one_day_are_refused() -> None:
    with pytest.raises(ValueError, match="SPY 2026-01-05: two rows"):
        realised_volatility.of_series(pl.concat([bars(), bars().head(1)]), SESSIONS)


def test_a_day_alone_is_bit_for_bit_what_it_is_among_others() -> None:
    given = pl.concat([bars("QQQ", seed=2), bars(), bars("IWM", seed=3)])
    among = realised_volatility.of_series(given, SESSIONS).filter(symbol="SPY").tail(1)

    alone = realised_volatility.of_series(bars().tail(21), SESSIONS[-21:]).tail(1)
    assert alone.equals(among)


@given(st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_the_order_of_the_bars_does_not_matter(seed: int) -> None:
    given = pl.concat([bars(), bars("QQQ", seed=2)])

    shuffled = given.sample(fraction=1, shuffle=True, seed=seed)
    assert realised_volatility.of_series(shuffled, SESSIONS).equals(realised_volatility.of_series(given, SESSIONS))


@given(st.floats(0.01, 1000))
@settings(max_examples=15, deadline=None)
def test_volatility_and_trend_do_not_depend_on_the_unit_of_the_price(factor: float) -> None:
    scaled = bars().with_columns(pl.col("open", "high", "low", "close") * factor)

    plain, other = (on(realised_volatility.of_series(frame, SESSIONS), SESSIONS[-1]) for frame in (bars(), scaled))
    for name in STATISTICS:
        assert other[name] == pytest.approx(plain[name], rel=1e-6, abs=1e-12)


def test_no_bars_give_no_rows_and_the_same_columns() -> None:
    empty = realised_volatility.of_series(bars().clear(), SESSIONS)

    assert empty.schema == realised_volatility.of_series(bars(), SESSIONS).schema
    assert empty.height == 0
