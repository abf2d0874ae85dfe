"""What kind of market a day is in, by thresholds."""

import polars as pl
import pytest

from v6.analysis import regime

LOW, HIGH, TREND = 0.12, 0.28, 0.003


def of(volatility: float | None, trend: float | None, **reasons: str) -> tuple[str | None, str | None]:
    frame = pl.DataFrame(
        {"volatility_20d": [volatility], "trend_20d": [trend]} | {name: [why] for name, why in reasons.items()},
        schema_overrides={"volatility_20d": pl.Float64, "trend_20d": pl.Float64},
    )
    row = regime.of_series(frame, LOW, HIGH, TREND).row(0, named=True)
    return row["regime"], row["regime_reason"]


@pytest.mark.parametrize(
    ("volatility", "trend", "expected"),
    [
        (0.08, 0.0, "low_vol"),
        (0.08, 0.01, "low_vol"),  # volatility decides before the trend
        (0.40, 0.01, "high_vol"),
        (0.20, 0.004, "trending"),
        (0.20, -0.004, "trending"),  # falling is a trend too
        (0.20, 0.001, "range_bound"),
        (0.12, 0.0, "range_bound"),  # a threshold itself is between the two
        (0.28, 0.0, "range_bound"),
        (0.20, 0.003, "range_bound"),
    ],
)
def test_the_first_threshold_that_is_crossed_decides(volatility: float, trend: float, expected: str) -> None:
    assert of(volatility, trend) == (expected, None)


def test_without_an_input_there_is_no_regime_and_never_a_neutral_one_l21() -> None:
    assert of(None, 0.001) == (None, "too_few_sessions")
    assert of(0.08, None) == (None, "too_few_sessions")
    assert of(float("nan"), 0.001) == (None, "too_few_sessions")


def test_the_reason_is_that_of_the_input() -> None:
    assert of(None, None, volatility_20d_reason="not_final", trend_20d_reason="not_final") == (None, "not_final")
    assert of(None, 0.0, volatility_20d_reason="flat") == (None, "flat")
