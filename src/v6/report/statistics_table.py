"""The day's statistics as rows of a table: value or reason by underlying, and the values of the last 20 sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from v6 import clock
from v6.store.columns import Unit
from v6.store.tables import table_of

if TYPE_CHECKING:
    import polars as pl

    from v6.store.lake import Lake

SESSIONS = 20
TABLE = "daily_statistics"
NOT_SHOWN = ("month", "trade_date", "symbol", "task", "as_of")
GROUPS = {
    "Volatility surface": "atm_iv_30d atm_iv_60d term_structure_slope skew_25d expected_move expected_move_expiry",
    "Rank": "iv_rank_30d iv_rank_60d iv_rank_90d iv_rank_252d iv_percentile_1y",
    "Underlying": "underlying_open underlying_high underlying_low underlying_close underlying_return volatility_20d "
    "volatility_yz_20d trend_20d regime regime_low_vol regime_high_vol regime_trend vix_close",
    "Volume and open interest": "volume_total volume_calls volume_puts put_call_volume_ratio open_interest_total "
    "put_call_oi_ratio",
    "Volatilities and greeks of the universe": "iv_mean iv_std iv_min iv_p25 iv_median iv_p75 iv_max delta_mean "
    "gamma_mean vega_mean theta_mean",
    "Coverage": "slots slots_expected contracts contracts_quoted contracts_with_iv computed_iv_share",
}
"""A column that is named in none of them stands in the last group."""
SHOWN_AS: dict[str, Unit] = {"iv_std": "volatility"}
"""Units that tell a reader more than the column's own: a standard deviation of volatilities is in percent too."""
EXPLAINED_BY = {
    **dict.fromkeys(("underlying_open", "underlying_high", "underlying_low"), "underlying_close"),
    **dict.fromkeys(("iv_std", "iv_min", "iv_p25", "iv_median", "iv_p75", "iv_max", "computed_iv_share"), "iv_mean"),
    **dict.fromkeys(("volume_calls", "volume_puts"), "volume_total"),
    "expected_move_expiry": "expected_move",
}
"""Columns without a reason of their own: null for the reason of another one."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One statistic of one underlying. `count`: of how many sessions, where that is stored. `history`: of numbers one
    value a session, the last one the day's; None: there is none."""

    value: float | int | str | date | None
    reason: str
    count: int | None
    history: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Statistic:
    """`figures` are in the order of the table's symbols."""

    name: str
    meaning: str
    unit: Unit | None
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Statistics:
    """`as_of`: slot of the quotes by symbol; `sessions`: those of the histories, oldest first."""

    symbols: tuple[str, ...]
    as_of: tuple[datetime | None, ...]
    sessions: tuple[date, ...]
    groups: tuple[tuple[str, tuple[Statistic, ...]], ...]


def read(lake: Lake, sessions: Sequence[date]) -> tuple[Statistics, pl.DataFrame]:
    """Of the last of the sessions, with its rows as stored; without symbols when there are none."""
    import polars as pl

    stored = lake.read(TABLE, start=sessions[0], end=sessions[-1])
    rows = stored.filter(pl.col("trade_date") == sessions[-1])
    symbols = tuple(rows["symbol"])
    by_key = {(row["symbol"], row["trade_date"]): row for row in stored.iter_rows(named=True)}
    series = {symbol: [by_key.get((symbol, day), {}) for day in sessions] for symbol in symbols}
    groups = tuple((title, tuple(_statistic(name, series) for name in names)) for title, names in grouped().items())
    as_of = tuple(None if at is None else at.astimezone(clock.NEW_YORK) for at in rows["as_of"])
    return Statistics(symbols, as_of, tuple(sessions), groups), rows


def nothing(sessions: Sequence[date]) -> tuple[Statistics, pl.DataFrame]:
    """As where nothing is stored."""
    import polars as pl

    from v6.store.tables import polars_schema

    return Statistics((), (), tuple(sessions), ()), pl.DataFrame(schema=polars_schema(TABLE))


def grouped() -> dict[str, list[str]]:
    """Title -> columns; every statistic of the table once. Reasons and counts are parts of theirs."""
    beside = ("_reason", "_count")
    there = [name for name in table_of(TABLE).names if name not in NOT_SHOWN and not name.endswith(beside)]
    groups = {title: [name for name in names.split() if name in there] for title, names in GROUPS.items()}
    named = {name for names in groups.values() for name in names}
    groups[list(groups)[-1]] += [name for name in there if name not in named]
    return groups


def _statistic(name: str, series: dict[str, list[dict[str, Any]]]) -> Statistic:
    column = table_of(TABLE).column(name)
    return Statistic(
        name, column.meaning, SHOWN_AS.get(name, column.unit), tuple(_figure(name, rows) for rows in series.values())
    )


def _figure(name: str, rows: Sequence[dict[str, Any]]) -> Figure:
    today = rows[-1]
    history = tuple(value if isinstance(value := row.get(name), float) else None for row in rows)
    reason = today.get(f"{EXPLAINED_BY.get(name, name)}_reason") or ""
    return Figure(today.get(name), reason, today.get(f"{name}_count"), history)
