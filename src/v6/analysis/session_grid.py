"""Daily series on the calendar's sessions, so that a session without data counts as missing and is never skipped. Pure.

Sums over a window are sums of shifted columns, always added in the same order: a value is the same bit for bit whether
it is computed alone or among years of others, which is what makes stored statistics recomputable.
"""

from collections.abc import Sequence
from datetime import date
from functools import reduce
from operator import add

import polars as pl


def on_sessions(series: pl.DataFrame, sessions: Sequence[date], values: Sequence[str]) -> pl.DataFrame:
    """[symbol, trade_date, *values]: one row for every symbol of `series` and every session, by symbol and date.

    Rows of days that are no session (a closed day's stray bar) are dropped; NaN and infinities become null. Raises
    ValueError for two rows of one symbol and day.
    """
    key = ["symbol", "trade_date"]
    given = series.select(*key, *(_finite(name) for name in values))
    twice = given.filter(given.select(key).is_duplicated())
    if twice.height:
        raise ValueError(
            f"{twice['symbol'][0]} {twice['trade_date'][0]}: two rows; one a symbol and session is allowed"
        )
    days = pl.DataFrame({"trade_date": sorted(set(sessions))}, schema={"trade_date": pl.Date})
    grid = given.select("symbol").unique().join(days, how="cross")
    return grid.join(given, on=key, how="left").sort(key)


def lagged(value: pl.Expr, window: int) -> list[pl.Expr]:
    """The value of a row and of the `window` - 1 rows before it; evaluate over("symbol")."""
    return [value.shift(lag) for lag in range(window)]


def window_sum(values: Sequence[pl.Expr]) -> pl.Expr:
    """Their sum from first to last, null when one of them is null. (pl.sum_horizontal adds in parallel, in whatever
    order: its last bits differ from run to run.)"""
    return reduce(add, values)


def _finite(name: str) -> pl.Expr:
    number = pl.col(name).cast(pl.Float64)
    return pl.when(number.is_finite()).then(number).alias(name)
