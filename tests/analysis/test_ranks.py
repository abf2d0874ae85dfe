"""Where a day's implied volatility stands among its past. A rank is by range, a percentile by count (L22)."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v6.analysis import ranks

SESSIONS = [day for day in (date(2025, 1, 6) + timedelta(days=number) for number in range(400)) if day.weekday() < 5]
WINDOWS = {"iv_rank_30d": 30, "iv_rank_60d": 60, "iv_rank_90d": 90, "iv_rank_252d": 252}


def last(values: list[float | None]) -> dict[str, object]:
    """The statistics of the last of the sessions that `values` are of."""
    sessions = SESSIONS[: len(values)]
    series = pl.DataFrame(
        {"symbol": "SPY", "trade_date": sessions, "atm_iv_30d": values}, schema_overrides={"atm_iv_30d": pl.Float64}
    )
    return ranks.of_series(series, sessions).row(-1, named=True)


def test_l22_after_one_old_spike_the_rank_is_low_and_the_percentile_high() -> None:
    """251 calm days at 10-15 %, one of them at 80 %, today 20 %: near the low of the range, above nearly every day."""
    calm = [0.10 + 0.05 * number / 249 for number in range(250)]
    row = last([*calm[:100], 0.80, *calm[100:], 0.20])

    assert row["iv_rank_252d"] == pytest.approx(100 * (0.20 - 0.10) / (0.80 - 0.10))
    assert row["iv_percentile_1y"] == pytest.approx(100 * 250 / 252)
    assert (row["iv_rank_252d_count"], row["iv_percentile_1y_count"]) == (252, 252)


def test_each_rank_looks_at_its_own_number_of_sessions() -> None:
    """A spike 40 sessions ago is beyond 30 sessions and within 60, 90 and 252."""
    values = [0.10, *[0.15] * 199, 0.60, *[0.15, 0.25] * 20]
    row = last(values)

    for name, window in WINDOWS.items():
        seen = values[-window:]
        assert row[name] == pytest.approx(100 * (0.25 - min(seen)) / (max(seen) - min(seen)))
        assert row[f"{name}_count"] == min(window, len(values))
    assert row["iv_rank_30d"] == 100
    assert row["iv_rank_60d"] < 30


def test_the_highest_ranks_100_and_the_lowest_0() -> None:
    assert last([0.1 + 0.001 * number for number in range(252)])["iv_rank_252d"] == 100
    row = last([0.5 - 0.001 * number for number in range(252)])
    assert (row["iv_rank_252d"], row["iv_percentile_1y"]) == (0, 0)


def test_today_counts_among_the_sessions_and_is_never_below_itself() -> None:
    assert last([0.1 + 0.001 * number for number in range(252)])["iv_percentile_1y"] == pytest.approx(100 * 251 / 252)


@pytest.mark.parametrize(("name", "half"), [(name, window // 2) for name, window in WINDOWS.items()])
def test_below_half_of_the_sessions_there_is_no_rank_l21(name: str, half: int) -> None:
    rising = [0.1 + 0.001 * number for number in range(half)]
    assert last(rising)[name] == 100

    row = last(rising[1:])
    assert (row[name], row[f"{name}_reason"], row[f"{name}_count"]) == (None, "too_few_sessions", half - 1)


def test_below_126_sessions_there_is_no_percentile_l21() -> None:
    assert last([0.1 + 0.001 * number for number in range(126)])["iv_percentile_1y"] is not None
    row = last([0.1 + 0.001 * number for number in range(125)])
    assert (row["iv_percentile_1y"], row["iv_percentile_1y_reason"]) == (None, "too_few_sessions")


def test_a_session_without_a_value_is_counted_as_missing_not_skipped() -> None:
    """15 of the last 30 sessions have a value: enough. One fewer is not, whatever came before."""
    before: list[float | None] = [0.9] * 30
    row = last([*before, *[None, 0.2] * 15])
    assert (row["iv_rank_30d_count"], row["iv_rank_30d_reason"]) == (15, "flat")

    row = last([*before, *[None, None], *[None, 0.2] * 14])
    assert (row["iv_rank_30d_count"], row["iv_rank_30d_reason"]) == (14, "too_few_sessions")


def test_a_volatility_that_never_moved_has_no_rank_l21() -> None:
    row = last([0.2] * 252)
    assert (row["iv_rank_252d"], row["iv_rank_252d_reason"]) == (None, "flat")
    assert row["iv_percentile_1y"] == 0


def test_a_day_without_a_value_has_no_rank_but_its_count_l21() -> None:
    row = last([*[0.1, 0.3] * 125, None])
    for name in (*WINDOWS, "iv_percentile_1y"):
        assert (row[name], row[f"{name}_reason"]) == (None, "no_iv")
    assert row["iv_rank_30d_count"] == 29


@given(st.lists(st.one_of(st.none(), st.floats(0.05, 2.0)), min_size=1, max_size=280), st.integers(0, 2**31))
@settings(max_examples=25, deadline=None)
def test_ranks_and_percentiles_lie_between_0_and_100_and_agree_with_a_count_by_hand(
    values: list[float | None], seed: int
) -> None:
    sessions = SESSIONS[: len(values)]
    series = pl.DataFrame(
        {"symbol": "SPY", "trade_date": sessions, "atm_iv_30d": values}, schema_overrides={"atm_iv_30d": pl.Float64}
    )
    result = ranks.of_series(series, sessions)

    assert ranks.of_series(series.sample(fraction=1, shuffle=True, seed=seed), sessions).equals(result)
    row = result.row(-1, named=True)
    for name, window in (WINDOWS | {"iv_percentile_1y": 252}).items():
        assert (row[name] is None) is (row[f"{name}_reason"] is not None)
        assert row[name] is None or 0 <= row[name] <= 100
        assert row[f"{name}_count"] == sum(value is not None for value in values[-window:])
    if row["iv_percentile_1y"] is not None:
        seen = np.array([value for value in values[-252:] if value is not None])
        assert row["iv_percentile_1y"] == pytest.approx(100 * np.mean(seen < values[-1]))


def test_underlyings_do_not_see_each_other() -> None:
    sessions = SESSIONS[:252]
    frames = {
        symbol: pl.DataFrame({"symbol": symbol, "trade_date": sessions, "atm_iv_30d": np.linspace(low, high, 252)})
        for symbol, low, high in (("SPY", 0.1, 0.2), ("QQQ", 0.9, 0.5))
    }
    both = ranks.of_series(pl.concat(frames.values()), sessions)

    for symbol, frame in frames.items():
        assert both.filter(symbol=symbol).equals(ranks.of_series(frame, sessions))
