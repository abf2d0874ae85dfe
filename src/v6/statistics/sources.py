"""The lake's tables as the statistics read them: each is opened once a run, and of each file only what is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from v6.runner.context import Context

if TYPE_CHECKING:
    import polars as pl

COLLECTOR = "collect_option_snapshots"
QUOTED = ("bid", "ask", "volume", "open_interest")
MODELLED = ("iv", "delta", "gamma", "vega", "theta", "underlying_price")
VALUES = (*QUOTED, *MODELLED)
CONTRACT = ("con_id", "symbol", "trading_class", "expiry", "strike", "right")
COMPUTED = ("computed_iv", "computed_delta", "computed_gamma", "computed_vega", "computed_theta")


class Sources:
    """Of the trade dates from the first to the last of `days`. A table is read when a method asks for some of them."""

    def __init__(self, ctx: Context, days: Sequence[date]) -> None:
        self._ctx = ctx
        self._first, self._last = min(days), max(days)

    def row_counts(self) -> dict[date, int]:
        """Rows of option_snapshots by trade date, from the table's log: no file is opened."""
        import polars as pl

        from v6.store import delta

        if (stored := self._ctx.lake.opened("option_snapshots")) is None:
            return {}
        by_day = delta.files(stored).group_by(pl.col("partition.trade_date")).agg(pl.col("num_records").sum())
        return dict(by_day.iter_rows())

    def universe(self, days: Sequence[date]) -> pl.DataFrame:
        """Collected contracts of every version of these days' universe: trade_date, version, created_at, CONTRACT."""
        rows = _of_days(self._contracts, days)
        return rows.filter("collected").drop("collected").collect()

    def quotes(self, days: Sequence[date]) -> pl.DataFrame:
        """The collector's quotes of these days: trade_date, slot, con_id, symbol and VALUES, in no order."""
        return _of_days(self._quotes, days).collect()

    def outline(self, days: Sequence[date]) -> pl.DataFrame:
        """What every quote of these days is needed for: trade_date, slot, con_id, symbol and QUOTED, in no order. The
        volatility and greeks, most of a quote's bytes, are not read."""
        # streamed: a tenth of the memory that a collected string column takes on the way
        rows = _of_days(self._quotes, days).select("trade_date", "slot", "con_id", "symbol", *QUOTED)
        return rows.collect(engine="streaming")

    def modelled(self, points: pl.DataFrame) -> pl.DataFrame:
        """slot, con_id and MODELLED of the slots of `points` (trade_date, slot). The slots are looked for while the
        files are read: of every other row nothing but the slot is kept."""
        import polars as pl

        slots, days = (points[name].unique() for name in ("slot", "trade_date"))
        rows = _of_days(self._quotes, days.to_list()).filter(pl.col("slot").is_in(slots.implode()))
        return rows.select("slot", "con_id", *MODELLED).collect(engine="streaming")

    def underlying_prices(self, days: Sequence[date]) -> pl.DataFrame:
        """trade_date, slot, symbol, underlying_price: the last trade, else the middle of bid and ask."""
        import polars as pl

        price = pl.coalesce("last", (pl.col("bid") + pl.col("ask")) / 2).alias("underlying_price")
        point = ["trade_date", "slot", "symbol"]
        rows = _of_days(self._underlyings, days).select(*point, price)
        return rows.sort(point).unique(point, keep="first").collect()

    def greeks(self, points: pl.DataFrame) -> pl.DataFrame:
        """What option_greeks has of the slots of `points`: trade_date, slot, con_id, COMPUTED, price."""
        import polars as pl

        return self._greeks.filter(pl.col("slot").is_in(points["slot"].unique().implode())).collect()

    @cached_property
    def _quotes(self) -> pl.LazyFrame:
        import polars as pl

        names = ("trade_date", "slot", "task", "con_id", "symbol", *VALUES)
        return self._scan("option_snapshots", names).filter(pl.col("task") == COLLECTOR).drop("task")

    @cached_property
    def _contracts(self) -> pl.LazyFrame:
        return self._scan("option_contracts", ("trade_date", "version", "created_at", "collected", *CONTRACT))

    @cached_property
    def _underlyings(self) -> pl.LazyFrame:
        import polars as pl

        names = ("trade_date", "slot", "task", "symbol", "last", "bid", "ask")
        return self._scan("underlying_snapshots", names).filter(pl.col("task") == COLLECTOR)

    @cached_property
    def _greeks(self) -> pl.LazyFrame:
        return self._scan("option_greeks", ("trade_date", "slot", "con_id", *COMPUTED, "price"))

    def _scan(self, table: str, names: Sequence[str]) -> pl.LazyFrame:
        return self._ctx.lake.scan(table, self._first, self._last, names)


def _of_days(rows: pl.LazyFrame, days: Sequence[date]) -> pl.LazyFrame:
    import polars as pl

    return rows.filter(pl.col("trade_date").is_in(list(days)))
