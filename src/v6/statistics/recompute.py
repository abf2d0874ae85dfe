"""Stored statistics against the same computed again from what the lake holds: for the audit. Writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from v6.model import WhyNull
from v6.runner.context import Context
from v6.statistics import daily, intraday

if TYPE_CHECKING:
    import polars as pl

STILL_COMING = frozenset({WhyNull.NOT_FINAL, WhyNull.NO_BARS, WhyNull.TOO_FEW_SESSIONS})
"""Reasons of a stored null that bars or sessions stored later take away: not a difference, an incompleteness."""
TOLERANCE = 1e-9


def recomputable(ctx: Context, days: Sequence[date]) -> list[date]:
    """Those of the days that have stored daily statistics and whose quotes are still in the lake."""
    import polars as pl

    if not days:
        return []
    parts = []
    for table in (daily.TABLE, "option_snapshots"):
        rows = ctx.lake.scan(table, min(days), max(days), ("trade_date",))
        parts.append(set(rows.filter(pl.col("trade_date").is_in(days)).unique().collect()["trade_date"]))
    return sorted(parts[0] & parts[1])


def difference(ctx: Context, day: date) -> list[str]:
    """Every value of daily_statistics and intraday_statistics of the day that recomputes to another, in words; [] when
    none does. Ask only about `recomputable` days: of another one it says that it cannot be recomputed.

    Numbers are equal within 1e-9 of their size. A stored null that waited for bars or sessions is no difference, nor is
    a slot that the intraday statistics have not come to.
    """
    if day not in recomputable(ctx, [day]):
        return [f"{day}: cannot be recomputed: its statistics or its quotes are not in the lake"]
    found = _differing(
        daily.TABLE, ctx.lake.read(daily.TABLE, trade_date=day), daily.compute(ctx, [day]).rows, ("symbol",)
    )
    stored = ctx.lake.read(intraday.TABLE, trade_date=day)
    again = intraday.compute(ctx, day) if len(stored) else None
    if len(stored):
        rows = again.rows if again else stored.clear()
        found += _differing(intraday.TABLE, stored, rows, ("slot", "symbol"), every=False)
    return [f"{day} {words}" for words in found]


def _differing(
    table: str, stored: pl.DataFrame, again: pl.DataFrame, key: tuple[str, ...], *, every: bool = True
) -> list[str]:
    """`every`: rows that are computed and not stored count."""
    old, new = ({tuple(row[name] for name in key): row for row in frame.to_dicts()} for frame in (stored, again))
    words = []
    for place in sorted({*old, *new}, key=str):
        where = f"{table} {' '.join(str(part) for part in place)}"
        if place not in new:
            words.append(f"{where}: stored, and not recomputed")
        elif place in old:
            words += [f"{where} {told}" for told in _columns(old[place], new[place])]
        elif every:
            words.append(f"{where}: recomputed, and not stored")
    return words


def _columns(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return [
        f"{name}: stored {old[name]}, recomputed {new[name]}"
        for name in old
        if not _same(old[name], new[name]) and not _was_incomplete(name, old)
    ]


def _was_incomplete(name: str, old: dict[str, Any]) -> bool:
    """Whether the stored value, or what it follows from, was null until bars or sessions came."""
    statistic = name.removesuffix("_reason")
    if old.get(f"{statistic}_reason") in STILL_COMING:
        return True
    prices = ("underlying_open", "underlying_high", "underlying_low")
    return statistic in prices and old.get("underlying_close_reason") in STILL_COMING


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TOLERANCE * max(1.0, abs(one), abs(other))
    return bool(one == other)
