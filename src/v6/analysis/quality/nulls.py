"""Columns that nobody fills, or that say the same in every row (L13)."""

from __future__ import annotations

from datetime import date

import polars as pl

from v6.analysis.quality.given import Given
from v6.analysis.quality.outcome import Outcome, listed, unable

LEAST_DAYS = 5
"""A median of fewer days says nothing."""
LEAST_ROWS = 100

WATCHED: dict[str, tuple[str, ...]] = {
    "option_snapshots": (
        *("bid", "ask", "last", "volume", "open_interest", "iv", "delta", "gamma", "vega", "theta"),
        *("underlying_price", "bid_size", "ask_size"),
    ),
    "underlying_snapshots": ("bid", "ask", "last", "volume", "close"),
    "futures_snapshots": ("bid", "ask", "last", "volume", "close"),
    "closing_marks": ("bid", "ask", "open_interest", "iv", "delta", "underlying_price", "mark"),
}
"""Columns that TWS fills for most contracts: without one value in a whole day, something is broken."""
BESIDE_OPTIONS = ("underlying_snapshots",)
"""Filled by the collector of options, which counts contracts only: nobody else misses a row of them."""
VARYING = ("bid", "ask", "last", "volume", "open_interest", "iv", "delta", "gamma", "vega", "theta")
"""Columns of option_snapshots that cannot be the same for a hundred contracts."""


def shares(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """trade_date, table, column, share: of each watched column, the share of rows without a value."""
    names = WATCHED[table]
    counted = rows.group_by("trade_date").agg(pl.len().alias("of"), pl.col(names).null_count())
    # A whole column is 1.0 exactly: a division by a constant may be done as a multiplication.
    share = pl.when(pl.col("nulls") == pl.col("of")).then(1.0).otherwise(pl.col("nulls") / pl.col("of"))
    return counted.unpivot(names, index=["trade_date", "of"], variable_name="column", value_name="nulls").select(
        "trade_date", pl.lit(table).alias("table"), "column", share.alias("share")
    )


def null_share(given: Given) -> Outcome:
    """Share of nulls of a column, against its median over the days before (at least 5 of them) + `null_share_rise`.

    A column without a single value is wrong whatever the days before were: a fault of months is a fault. So is a
    table without a single row where options have some and the days before had its rows too (`underlying_snapshots`;
    of the others missing_slots tells). checked: columns; failed: those.
    """
    today = [shares(table, rows) for table, rows in given.rows(*WATCHED)]
    if not today:
        return unable("no rows that day")
    known = _usual(given)
    if given.rows("option_snapshots"):
        today += [_without_a_row(known, table) for table in BESIDE_OPTIONS if not given.rows(table)]
    compared = pl.concat(today).join(known, on=["table", "column"], how="left")
    found, checked = [], 0
    for row in compared.iter_rows(named=True):
        usual, share, limit = row["usual"], row["share"], 1.0
        checked += usual is not None or share == 1.0
        if usual is not None:
            limit = min(1.0, usual + given.limits.null_share_rise)
        if share > limit or share == 1.0:
            before = (
                f"{usual:.1%} on the median of {row['days']} days before"
                if usual is not None
                else f"fewer than {LEAST_DAYS} days before"
            )
            found.append(
                {
                    "table": row["table"],
                    "column": row["column"],
                    "value": share,
                    "limit": limit,
                    "rows": round(share * _height(given, row["table"])),
                    "message": f"{row['column']} {_how_null(share, _height(given, row['table']))}, {before}",
                }
            )
    if not checked:
        return unable(f"fewer than {LEAST_DAYS} days before to compare with, and no column is wholly null")
    return Outcome(checked, len(found), listed(found))


def constant_column(given: Given) -> Outcome:
    """One and the same value in every row of a day (open interest 0, say). checked: columns of enough values."""
    if not (rows := given.rows("option_snapshots")):
        return unable("no rows that day")
    frame = rows[0][1]
    counts = frame.select(pl.col(VARYING).drop_nulls().len()).row(0, named=True)
    enough = [name for name in VARYING if counts[name] >= LEAST_ROWS]
    if not enough or frame["con_id"].n_unique() < LEAST_ROWS // 10:
        return unable(f"fewer than {LEAST_ROWS} values of {LEAST_ROWS // 10} contracts in every column")
    kinds = frame.select(pl.col(enough).drop_nulls().n_unique()).row(0, named=True)
    found = [
        {
            "table": "option_snapshots",
            "column": name,
            "value": frame[name].drop_nulls()[0],
            "rows": counts[name],
            "message": f"{name} is {frame[name].drop_nulls()[0]:g} in each of {counts[name]} rows",
        }
        for name in enough
        if kinds[name] == 1
    ]
    return Outcome(len(enough), len(found), listed(found))


def _usual(given: Given) -> pl.DataFrame:
    """table, column, usual, days: the median share of the days before; null where there are too few."""
    before = given.null_shares
    if before is None:
        before = pl.DataFrame(
            schema={"trade_date": pl.Date(), "table": pl.String(), "column": pl.String(), "share": pl.Float64()}
        )
    latest = before.filter(pl.col("trade_date").is_in(_days(before, given.day, given.limits.null_share_days)))
    usual = pl.when(pl.len() >= LEAST_DAYS).then(pl.col("share").median())
    return latest.group_by("table", "column").agg(usual.alias("usual"), pl.len().alias("days"))


def _without_a_row(known: pl.DataFrame, table: str) -> pl.DataFrame:
    """Columns of `shares` for a table that the days before had and this one has not; none where they had none."""
    had = known.filter((pl.col("table") == table) & pl.col("usual").is_not_null()).sort("column")
    return had.select(pl.lit(None, dtype=pl.Date).alias("trade_date"), "table", "column", pl.lit(1.0).alias("share"))


def _height(given: Given, table: str) -> int:
    return len(given.tables[table]) if table in given.tables else 0


def _how_null(share: float, rows: int) -> str:
    return f"is null in {share:.1%} of the rows" if rows else "has no value: the table has no row that day"


def _days(before: pl.DataFrame, day: date, count: int) -> list[date]:
    return before.filter(pl.col("trade_date") < day)["trade_date"].unique().sort().to_list()[-count:]
