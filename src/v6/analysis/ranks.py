"""Where today's implied volatility stands among its own past: rank by range, percentile by count. Pure.

x is the day's atm_iv_30d; the window is the last N sessions of the calendar, today's included:

    iv_rank_Nd        100 (x - lowest) / (highest - lowest) of the window; N = 30, 60, 90, 252 sessions.
                      A rank says where x lies between the extremes: one old spike keeps it low for a year
    iv_percentile_1y  100 x sessions of the last 252 with a lower value / sessions of these with a value. Today's counts
                      among the latter and is never lower than itself: at the highest of 252 it is 100 x 251 / 252

`<name>_count`: how many sessions of the window have a value. Reasons: `no_iv` the day itself has none;
`too_few_sessions` the count is below half of N; `flat` the highest equals the lowest (a percentile is 0 then).
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from v6.analysis.session_grid import lagged, on_sessions
from v6.model import WhyNull

RANKS = {"iv_rank_30d": 30, "iv_rank_60d": 60, "iv_rank_90d": 90, "iv_rank_252d": 252}
PERCENTILE, PERCENTILE_WINDOW = "iv_percentile_1y", 252
WINDOWS = RANKS | {PERCENTILE: PERCENTILE_WINDOW}
VALUE = "atm_iv_30d"


def of_series(series: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """[symbol, trade_date, and each of WINDOWS with its `_count` and `_reason`] for every symbol on every session.

    `series`: [symbol, trade_date, atm_iv_30d], one row a symbol and session, any order. `sessions`: those of the
    calendar from the first that may count to the last that is asked about. Raises ValueError for a day given twice.
    """
    grid = on_sessions(series, sessions, (VALUE,)).with_columns(
        *(_count(window).over("symbol").alias(f"{name}_count") for name, window in WINDOWS.items())
    )
    values = [_rank(window).over("symbol").alias(name) for name, window in RANKS.items()]
    explained = grid.with_columns(
        *values,
        _percentile().over("symbol").alias(PERCENTILE),
        *(_reason(name, window).over("symbol").alias(f"{name}_reason") for name, window in WINDOWS.items()),
    ).with_columns(pl.when(pl.col(f"{name}_reason").is_null()).then(pl.col(name)).alias(name) for name in WINDOWS)
    columns = [column for name in WINDOWS for column in (name, f"{name}_count", f"{name}_reason")]
    return explained.select("symbol", "trade_date", *columns)


def _lowest(window: int) -> pl.Expr:
    return pl.col(VALUE).rolling_min(window, min_samples=1)


def _highest(window: int) -> pl.Expr:
    return pl.col(VALUE).rolling_max(window, min_samples=1)


def _count(window: int) -> pl.Expr:
    return pl.col(VALUE).is_not_null().cast(pl.Int32).rolling_sum(window, min_samples=1)


def _rank(window: int) -> pl.Expr:
    share = (pl.col(VALUE) - _lowest(window)) / (_highest(window) - _lowest(window))
    return 100 * share  # the share first: (100 x) / x can be above 100


def _percentile() -> pl.Expr:
    earlier = lagged(pl.col(VALUE), PERCENTILE_WINDOW)[1:]
    lower = pl.sum_horizontal([(value < pl.col(VALUE)).cast(pl.Int32) for value in earlier])
    return 100 * lower / pl.col(f"{PERCENTILE}_count")


def _reason(name: str, window: int) -> pl.Expr:
    why = [
        pl.when(pl.col(VALUE).is_null()).then(pl.lit(WhyNull.NO_IV.value)),
        pl.when(2 * pl.col(f"{name}_count") < window).then(pl.lit(WhyNull.TOO_FEW_SESSIONS.value)),
    ]
    if name in RANKS:
        why.append(pl.when(_highest(window) == _lowest(window)).then(pl.lit(WhyNull.FLAT.value)))
    return pl.coalesce(why)
