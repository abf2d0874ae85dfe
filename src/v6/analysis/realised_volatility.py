"""Return, realised volatility and trend of an underlying from its daily bars. Pure.

O, H, L, C are the prices of a session's final bar, c = ln(C of the session / C of the session before), n = 20:

    underlying_return  C / C of the session before - 1
    volatility_20d     sqrt(252) x sample standard deviation (divisor n - 1) of the last 20 c
    volatility_yz_20d  sqrt(252 (V_o + k V_c + (1 - k) V_rs)), k = 0.34 / (1.34 + (n + 1) / (n - 1)): Yang and Zhang,
                       "Drift-independent volatility estimation", Journal of Business 73 (2000). Over the last 20
                       sessions V_o is the sample variance of ln(O / C before), V_c that of ln(C / O), and V_rs the mean
                       of ln(H/O) ln(H/C) + ln(L/O) ln(L/C) (Rogers and Satchell)
    trend_20d          slope of the least-squares line through the last 20 ln(C), per session

The volatilities need 21 consecutive sessions and the trend 20: a session without a bar makes them null for as long as
it lies in the window. Reasons: `no_bars` the session itself has none; `too_few_sessions` one before it has none;
`inconsistent_bar` a high below, or a low above, another price of its bar; `flat` no price moved.
"""

from collections.abc import Sequence
from datetime import date
from math import sqrt

import polars as pl

from v6.analysis.session_grid import lagged, on_sessions, window_sum
from v6.model import WhyNull

WINDOW = 20
SESSIONS_A_YEAR = 252
YANG_ZHANG_K = 0.34 / (1.34 + (WINDOW + 1) / (WINDOW - 1))
PRICES = ("open", "high", "low", "close")
CHANGES = ("daily", "overnight", "in_session")
VOLATILITIES = ("volatility_20d", "volatility_yz_20d")
STATISTICS = ("underlying_return", *VOLATILITIES, "trend_20d")


def of_series(bars: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """[symbol, trade_date, and each of STATISTICS with its `_reason`] for every symbol of `bars` on every session.

    `bars`: [symbol, trade_date, open, high, low, close], one row a symbol and session, any order. `sessions`: those of
    the calendar from the first that may count to the last that is asked about. Raises ValueError for a bar given twice.
    """
    grid = on_sessions(bars, sessions, PRICES).with_columns(_price(name) for name in PRICES)
    parts = grid.with_columns(
        _parts().struct.unnest().over("symbol"),
        consistent=(pl.col("high") >= pl.max_horizontal("open", "close"))
        & (pl.col("low") <= pl.min_horizontal("open", "close")),
    )
    centred = parts.with_columns(
        _mean(name).over("symbol").alias(f"{name}_mean") for name in (*CHANGES, "rogers_satchell")
    )
    values = centred.with_columns(expression.over("symbol").alias(name) for name, expression in _values().items())
    reasons = [_reason(name).over("symbol").alias(f"{name}_reason") for name in STATISTICS]
    explained = values.with_columns(reasons).with_columns(
        pl.when(pl.col(f"{name}_reason").is_null()).then(pl.col(name)).alias(name) for name in STATISTICS
    )
    columns = [column for name in STATISTICS for column in (name, f"{name}_reason")]
    return explained.select("symbol", "trade_date", *columns)


def _price(name: str) -> pl.Expr:
    return pl.when(pl.col(name) > 0).then(pl.col(name)).alias(name)


def _parts() -> pl.Expr:
    """What the windows are sums of: one struct, so that a symbol is looked at once."""
    opened, high, low, close = (pl.col(name).log() for name in PRICES)
    before = close.shift(1)
    return pl.struct(
        log_close=close,
        daily=close - before,
        overnight=opened - before,
        in_session=close - opened,
        rogers_satchell=(high - opened) * (high - close) + (low - opened) * (low - close),
    )


def _values() -> dict[str, pl.Expr]:
    within = (1 - YANG_ZHANG_K) * pl.col("rogers_satchell_mean")
    yang_zhang = _variance("overnight") + YANG_ZHANG_K * _variance("in_session") + within
    middle = (WINDOW - 1) / 2
    spread = WINDOW * (WINDOW**2 - 1) / 12  # sum of squared distances of 0 .. n-1 from their mean
    # of log prices less today's: the same slope, and exactly 0 where prices do not move
    rises = [value - pl.col("log_close") for value in lagged(pl.col("log_close"), WINDOW)]
    slope = window_sum([(middle - lag) / spread * rise for lag, rise in enumerate(rises)])
    return {
        "underlying_return": pl.col("close") / pl.col("close").shift(1) - 1,
        "volatility_20d": _variance("daily").sqrt() * sqrt(SESSIONS_A_YEAR),
        "volatility_yz_20d": yang_zhang.sqrt() * sqrt(SESSIONS_A_YEAR),
        "trend_20d": slope,
    }


def _mean(name: str) -> pl.Expr:
    return window_sum(lagged(pl.col(name), WINDOW)) / WINDOW


def _variance(name: str) -> pl.Expr:
    """Sample variance (divisor n - 1) of the last WINDOW values, about their mean: two passes, no cancellation."""
    distances = [value - pl.col(f"{name}_mean") for value in lagged(pl.col(name), WINDOW)]
    return window_sum([distance * distance for distance in distances]) / (WINDOW - 1)


def _reason(name: str) -> pl.Expr:
    why = [pl.when(pl.col("close").is_null()).then(pl.lit(WhyNull.NO_BARS.value))]
    if name == "volatility_yz_20d":
        wrong = pl.any_horizontal(lagged(pl.col("consistent").not_(), WINDOW)).fill_null(value=False)
        why.append(pl.when(wrong).then(pl.lit(WhyNull.INCONSISTENT_BAR.value)))
    why.append(pl.when(pl.col(name).is_null()).then(pl.lit(WhyNull.TOO_FEW_SESSIONS.value)))
    if name in VOLATILITIES:
        why.append(pl.when(pl.col(name) <= 0).then(pl.lit(WhyNull.FLAT.value)))
    return pl.coalesce(why)
