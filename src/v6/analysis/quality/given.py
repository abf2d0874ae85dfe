"""What the rules look at: the rows of one trade date, by table, and what is known besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from v6.analysis.slot_states import SlotState
    from v6.config.settings import Quality

Span = tuple[datetime, datetime]
"""From (included) to (excluded), aware."""


@dataclass(frozen=True)
class Given:
    """Everything about one trade date. A table that is absent or empty is one that a rule cannot look at.

    `tables`: table -> its rows of the day, in the columns of the lake. `session`: open and close; None: NYSE is closed.
    `states`: every slot that calendar and schedule expect; None: nobody could tell. `null_shares`: of the days before,
    trade_date, table, column, share. `closed_rows`: snapshots -> rows of the closed days since the session before (a
    weekend, a holiday), on which there must be none. `drift`: table -> how its stored schema differs, in words; "": it
    does not. `rate`: risk-free, continuous, 0.04 is 4 % a year.

    Bars of a day are complete the morning after it, so the rules of bars judge the session before: `tables["bars"]` are
    the rows of `bar_day`, `bars_before` those of the days before that, `bar_session` its regular hours, and `bar_spans`
    says when contracts of other hours trade on it, by kind (FUT).
    """

    day: date
    limits: Quality
    rate: float
    session: Span | None
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    states: Sequence[SlotState] | None = None
    null_shares: pl.DataFrame | None = None
    closed_rows: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    bar_day: date | None = None
    bar_session: Span | None = None
    bars_before: pl.DataFrame | None = None
    bar_spans: Mapping[str, Span] = field(default_factory=dict)
    drift: Mapping[str, str] = field(default_factory=dict)

    def rows(self, *names: str) -> list[tuple[str, pl.DataFrame]]:
        """(table, rows) for each of these tables that has any."""
        return [(name, self.tables[name]) for name in names if name in self.tables and len(self.tables[name])]

    @cached_property
    def options(self) -> pl.DataFrame | None:
        """The day's option quotes with `spot`, `mid` and `half` beside them; None: there is no row.

        `spot`: the price of the underlying that TWS's model used, else that of the underlying's own quote in the slot
        (middle, else last). `mid` and `half`: middle of bid and ask and half their distance; null when a side is
        missing or they cross.
        """
        if not (rows := self.rows("option_snapshots")):
            return None
        two_sided = pl.col("bid") <= pl.col("ask")
        return (
            rows[0][1]
            .join(self._spots(), on=["symbol", "slot"], how="left", maintain_order="left")
            .with_columns(
                pl.coalesce("underlying_price", "slot_spot").alias("spot"),
                pl.when(two_sided).then((pl.col("bid") + pl.col("ask")) / 2).alias("mid"),
                pl.when(two_sided).then((pl.col("ask") - pl.col("bid")) / 2).alias("half"),
            )
        )

    def _spots(self) -> pl.DataFrame:
        """symbol, slot, slot_spot."""
        if not (rows := self.rows("underlying_snapshots")):
            return pl.DataFrame(
                schema={"symbol": pl.String(), "slot": pl.Datetime("us", "UTC"), "slot_spot": pl.Float64()}
            )
        middle = pl.when(pl.col("bid") <= pl.col("ask")).then((pl.col("bid") + pl.col("ask")) / 2)
        return rows[0][1].group_by("symbol", "slot").agg(pl.coalesce(middle, "last").median().alias("slot_spot"))
