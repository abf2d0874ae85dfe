"""daily_statistics: one row for every trade date and every underlying of its universe, many days in one pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from v6.runner.context import Context
from v6.statistics import greeks, quotes, series
from v6.statistics.sources import Sources

if TYPE_CHECKING:
    import polars as pl

TABLE = "daily_statistics"
TASK = "calculate_daily_statistics"
BLOCK_ROWS = 2_000_000
"""Quotes whose outlines are in memory at once, 140 MB: 100 days of the default universe. A day is never divided."""
CHOSEN_ROWS = 200_000
"""Contracts at the chosen slots that are computed together, about 40 MB: 3 years of the default universe."""
UNFINISHED_SESSIONS = 25
"""How many sessions back a bar that comes late is noticed: the windows of 20 and 21, and the week of the Saturday on
which holes are filled. After it, --from and --to."""
KEY = ["trade_date", "symbol"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """`rows`: trade_date, symbol, as_of, slots, slots_expected. `quoted`: their contracts at those slots."""

    rows: pl.DataFrame
    quoted: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Computed:
    """`rows` fit the table; `greeks`: rows that option_greeks does not have yet; `without_universe`: days left out;
    `kept`: days whose quotes are no longer stored, and whose stored statistics therefore stay."""

    rows: pl.DataFrame
    greeks: pl.DataFrame
    without_universe: tuple[date, ...]
    kept: tuple[date, ...]

    @property
    def days(self) -> list[date]:
        return sorted(self.rows["trade_date"].unique().to_list())

    @property
    def unquoted(self) -> list[date]:
        """Days of which no underlying has a quote: all their statistics are null, with the reason."""
        quoted = self.rows.filter(self.rows["as_of"].is_not_null())
        return sorted(set(self.days) - set(quoted["trade_date"]))


def compute(ctx: Context, days: Sequence[date], told: Callable[[int], None] = lambda _: None) -> Computed:
    """The rows of these sessions; `told` hears how many days each step was. Writes nothing.

    Each table is opened once. Of every quote the outline is read, as many days at a time as have BLOCK_ROWS; the rest
    of a quote only at the slots that it chooses, and these of many days are computed together, as are bars and ranks.
    """
    import polars as pl

    from v6.store.frames import fitted

    wanted = sorted(set(days))
    source = Sources(ctx, wanted)
    parts = []
    waiting: list[Chosen] = []
    for block in blocks(wanted, source.row_counts() if len(wanted) > 1 else {}):
        waiting.append(_chosen(ctx, source, block))
        if sum(len(chosen.quoted) for chosen in waiting) >= CHOSEN_ROWS or block[-1] == wanted[-1]:
            parts.append(_of_quotes(source, waiting, ctx.settings.statistics.risk_free_rate))
            waiting = []
        told(len(block))
    surface = pl.concat([rows for rows, _ in parts])
    fresh = pl.concat([computed for _, computed in parts if len(computed)] or [parts[0][1]])
    kept = _kept(ctx, surface)
    surface = surface.filter(~pl.col("trade_date").is_in(kept))
    found = set(surface["trade_date"].to_list()) | set(kept)
    if not surface.is_empty():
        bars = series.of_bars(ctx, sorted(set(surface["trade_date"])), sorted(set(surface["symbol"])))
        surface = surface.join(bars, on=KEY, how="left")
        surface = surface.join(series.of_ranks(ctx, surface.select(*KEY, "atm_iv_30d")), on=KEY, how="left")
    rows = fitted(TABLE, surface.sort("symbol", "trade_date"), task=TASK)
    return Computed(rows, fresh, tuple(day for day in wanted if day not in found), tuple(kept))


def store(ctx: Context, computed: Computed) -> int:
    """Add or replace the rows, in one commit; how many are new or differ. A repeat commits nothing."""
    greeks.store(ctx, computed.greeks)
    return ctx.lake.unite(TABLE, computed.rows)


def unfinished(ctx: Context, day: date) -> list[date]:
    """Of the UNFINISHED_SESSIONS sessions before the day, those whose bars are there now and were not when the stored
    rows were computed: they came late, or a hole before them was filled. (A final bar never changes otherwise.)"""
    import polars as pl

    before = series.sessions_until(ctx.calendar, day - timedelta(days=1), UNFINISHED_SESSIONS)
    if not before:
        return []
    stored = ctx.lake.scan(TABLE, before[0], before[-1], (*KEY, *series.REASONS)).collect()
    if stored.is_empty():
        return []
    again = series.of_bars(ctx, stored["trade_date"].unique().to_list(), stored["symbol"].unique().to_list())
    both = stored.join(again.select(*KEY, *series.REASONS), on=KEY, suffix="_now")
    changed = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in series.REASONS)
    return sorted(both.filter(changed)["trade_date"].unique())


def blocks(days: Sequence[date], counts: Mapping[date, int]) -> list[list[date]]:
    """Consecutive days that together have at most BLOCK_ROWS quotes; `counts`: how many each day has."""
    parts: list[list[date]] = [[]]
    held = 0
    for day in days:
        held += counts.get(day, 0)
        if parts[-1] and held > BLOCK_ROWS:
            parts.append([])
            held = counts.get(day, 0)
        parts[-1].append(day)
    return parts


def _chosen(ctx: Context, source: Sources, days: Sequence[date]) -> Chosen:
    """What the statistics of these days are computed from; no rows of days without a universe.

    The surface is that of `as_of`, the last slot of the session with at least half of the quotes of the day's best one.
    A symbol without any is computed at the session's last slot, where it finds its volumes and no quotes.
    """
    import polars as pl

    from v6.analysis import option_statistics

    frozen, outline, bounds = source.universe(days), source.outline(days), quotes.session_bounds(ctx, days)
    by_slot = option_statistics.quoted(outline).join(bounds, on="trade_date")
    inside = by_slot.filter(pl.col("slot").is_between("open", "close", closed="left"))
    if len(inside) < len(by_slot):
        outline = outline.filter(pl.col("slot").is_in(inside["slot"].unique().implode()))
    best = option_statistics.as_of(inside)
    symbols = frozen.select(KEY).unique().join(bounds, on="trade_date").join(best, on=KEY, how="left").sort(KEY)
    points = symbols.select(*KEY, pl.coalesce("as_of", pl.col("close") - quotes.SLOT_SPAN).alias("slot"))
    at_points = outline.filter(pl.col("slot").is_in(points["slot"].unique().implode()))
    quoted = quotes.laid_out(points, frozen, at_points.join(source.modelled(points), on=["slot", "con_id"]))
    rows = symbols.select(*KEY, "as_of", pl.col("slots").fill_null(0), "slots_expected")
    last = inside.group_by("trade_date").agg(pl.col("slot").max())
    return Chosen(rows, quotes.with_the_days_last(quoted, outline, last))


def _of_quotes(source: Sources, waiting: Sequence[Chosen], rate: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(trade_date, symbol, as_of, slots, slots_expected, SURFACE; new greeks)."""
    import polars as pl

    from v6.analysis import option_statistics

    quoted = pl.concat([chosen.quoted for chosen in waiting])
    in_use, fresh = greeks.completed(source, quoted, rate)
    statistics = option_statistics.of_slots(in_use, rate).drop("slot")
    return pl.concat([chosen.rows for chosen in waiting]).join(statistics, on=KEY), fresh


def _kept(ctx: Context, computed: pl.DataFrame) -> list[date]:
    """Days without any quote in the lake of which statistics of quotes are stored: what is there is never lost."""
    import polars as pl

    empty = computed.group_by("trade_date").agg(pl.col("as_of").is_null().all()).filter("as_of")["trade_date"]
    if empty.is_empty():
        return []
    rows = ctx.lake.scan(TABLE, empty.min(), empty.max(), ("trade_date", "as_of"))  # type: ignore[arg-type]
    there = rows.filter(pl.col("as_of").is_not_null(), pl.col("trade_date").is_in(empty.to_list()))
    return sorted(there.select("trade_date").unique().collect()["trade_date"])
