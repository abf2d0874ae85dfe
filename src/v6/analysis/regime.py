"""The market regime of a day by thresholds of the configuration (`statistics.low_vol`, `high_vol`, `trend`). Pure.

The first line that holds decides:

    low_vol      volatility_20d < low_vol
    high_vol     volatility_20d > high_vol
    trending     |trend_20d| > trend
    range_bound  otherwise
"""

import polars as pl

from v6.model import WhyNull

INPUTS = ("volatility_20d", "trend_20d")


def of_series(frame: pl.DataFrame, low_vol: float, high_vol: float, trend: float) -> pl.DataFrame:
    """The frame with `regime` and `regime_reason` added.

    Null while volatility_20d or trend_20d is null, with the reason of that input (its `_reason` column, where there is
    one), else `too_few_sessions`. Volatilities are annualised fractions, the trend is log price per session.
    """
    volatility, slope = (pl.col(name).cast(pl.Float64).fill_nan(None) for name in INPUTS)
    regime = (
        pl.when(volatility.is_null() | slope.is_null())
        .then(None)
        .when(volatility < low_vol)
        .then(pl.lit("low_vol"))
        .when(volatility > high_vol)
        .then(pl.lit("high_vol"))
        .when(slope.abs() > trend)
        .then(pl.lit("trending"))
        .otherwise(pl.lit("range_bound"))
    )
    stated = [pl.col(f"{name}_reason") for name in INPUTS if f"{name}_reason" in frame.columns]
    why = pl.coalesce(*stated, pl.lit(WhyNull.TOO_FEW_SESSIONS.value))
    return frame.with_columns(
        regime=regime.cast(pl.String), regime_reason=pl.when(regime.is_null()).then(why).cast(pl.String)
    )
