"""Bars of one answer as rows of the table: built by columns, for a backfill brings tens of thousands of them while TWS
waits to be asked on."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from v6.analysis.bar_gaps import DAILY, bar_seconds, is_final
from v6.collection.bar_series import TABLE, Series
from v6.model import Bar
from v6.scheduler.nyse_calendar import Session
from v6.store.frames import UNSET, fitted
from v6.store.tables import table_of

if TYPE_CHECKING:
    import polars as pl

SOURCE = "ibkr"
INFINITE = float("inf")


def is_usable(bar: Bar) -> bool:
    """Whether its four prices are numbers above zero; of NaN no comparison is true."""
    return 0 < bar.open < INFINITE and 0 < bar.high < INFINITE and 0 < bar.low < INFINITE and 0 < bar.close < INFINITE


def to_frame(
    series: Series, taken: Sequence[tuple[Bar, Session]], *, unit: str | None, task: str, asked_at: datetime
) -> "pl.DataFrame":
    """Each bar with its session. A daily bar gets its session's open and close, an intraday one ends with it at the
    latest. `unit` None: these bars count nothing."""
    import polars as pl

    contract, future = series.contract, series.contract.sec_type == "FUT"
    finals = {day: is_final(session, asked_at) for day, session in _sessions(taken).items()}
    frame = pl.DataFrame(
        {
            "trade_date": [session.date for _, session in taken],
            **dict(zip(("start", "end"), _spans(series.bar_size, taken), strict=True)),
            "final": [finals[session.date] for _, session in taken],
            **{name: [getattr(bar, name) for bar, _ in taken] for name in ("open", "high", "low", "close")},
            "volume": pl.Series([bar.volume if unit else None for bar, _ in taken], dtype=pl.Float64),
            "wap": pl.Series([bar.wap if unit else None for bar, _ in taken], dtype=pl.Float64),
            "count": pl.Series([bar.count if unit else None for bar, _ in taken], dtype=pl.Int64),
        }
    ).with_columns(
        *(pl.from_epoch(name, "s").dt.replace_time_zone("UTC").alias(name) for name in ("start", "end")),
        pl.when((pl.col("volume") >= 0) & (pl.col("volume") < UNSET)).then("volume").alias("volume"),
        pl.when((pl.col("wap") > 0) & (pl.col("wap") < UNSET)).then("wap").alias("wap"),
    )
    return fitted(
        TABLE,
        frame,
        con_id=contract.con_id,
        symbol=contract.symbol,
        sec_type=contract.sec_type,
        local_symbol=(contract.local_symbol or None) if future else None,
        expiry=contract.expiry if future else None,
        bar_size=series.bar_size,
        what=series.what,
        regular=series.regular,
        unit=unit,
        source=SOURCE,
        task=task,
        received_at=asked_at.astimezone(UTC),
    )


def newest(frames: Sequence["pl.DataFrame"]) -> "pl.DataFrame":
    """One row a key, the one that was asked for last."""
    import polars as pl

    key = list(table_of(TABLE).key)
    return pl.concat(frames).sort("received_at", maintain_order=True).unique(key, keep="last", maintain_order=True)


def _sessions(taken: Sequence[tuple[Bar, Session]]) -> dict[date, Session]:
    return {session.date: session for _, session in taken}


def _spans(bar_size: str, taken: Sequence[tuple[Bar, Session]]) -> tuple[list[int], list[int]]:
    """First seconds since 1970 of the bars, and those after them."""
    sessions = _sessions(taken)
    closes = {day: int(session.close.timestamp()) for day, session in sessions.items()}
    if bar_size == DAILY:
        opens = {day: int(session.open.timestamp()) for day, session in sessions.items()}
        return [opens[each.date] for _, each in taken], [closes[each.date] for _, each in taken]
    step = bar_seconds(bar_size)
    starts = [int(bar.start.timestamp()) for bar, _ in taken]
    return starts, [min(start + step, closes[each.date]) for start, (_, each) in zip(starts, taken, strict=True)]
