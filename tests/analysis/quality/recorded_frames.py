"""The files of ../shared/data as frames of the lake's tables, as V6 would have stored what they show.

What TWS and Yahoo send for "unknown" (-1 and 0 prices, IV 0) becomes null, as everywhere in V6; every other defect
stays. con_ids are made up, one a contract. The recordings have no underlying price; the chains and GOOG do.
"""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl

import option_rows
from v6.clock import NEW_YORK
from v6.store.tables import polars_schema

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
RECORDED = (date(2026, 1, 28), date(2026, 1, 29), date(2026, 1, 30), date(2026, 2, 2))
CHAINS = date(2026, 2, 12)
OPTION = ("symbol", "expiry", "strike", "right")


def session(day: date, close: time = time(16)) -> tuple[datetime, datetime]:
    return datetime.combine(day, time(9, 30), NEW_YORK), datetime.combine(day, close, NEW_YORK)


def recorded(day: date) -> dict[str, pl.DataFrame]:
    """A recorded day through IBKR, and the underlyings as its own near-the-money calls and puts imply them."""
    options = option_rows.recorded(SHARED / "ibkr_option_snapshots" / f"{day}.parquet")
    return {"option_snapshots": options, "underlying_snapshots": implied_underlyings(options)}


def implied_underlyings(options: pl.DataFrame) -> pl.DataFrame:
    """Per symbol and slot the median of C - P + K over the five strikes nearest to the money (of the one expiry; the
    interest of 50 days and the dividend of March, 0.2 % of the price, are left in)."""
    two_sided = options.filter(pl.col("bid") <= pl.col("ask")).with_columns(mid=(pl.col("bid") + pl.col("ask")) / 2)
    key = ["symbol", "slot", "expiry", "strike"]
    calls, puts = (two_sided.filter(pl.col("right") == right).select(*key, "mid") for right in ("C", "P"))
    spots = (
        calls.join(puts, on=key, suffix="_put")
        .with_columns(difference=pl.col("mid") - pl.col("mid_put"))
        .filter(pl.col("difference").abs().rank("ordinal").over("symbol", "slot") <= 5)
        .group_by("symbol", "slot")
        .agg(last=(pl.col("difference") + pl.col("strike")).median())
    )
    return fitted("underlying_snapshots", spots.with_columns(con_id=pl.col("symbol").rank("dense").cast(pl.Int64)))


def chains() -> dict[str, pl.DataFrame]:
    """Yahoo's chains of 10:02 and 10:10 (slots 10:00 and 10:10), and the underlyings' prices in them."""
    parts = []
    for path in sorted((SHARED / "yahoo_chains").glob("*.csv.gz")):
        symbol, _, _, moment = path.name.removesuffix(".csv.gz").split("_")
        at = datetime.combine(CHAINS, time(10, int(moment[2:4])), NEW_YORK).astimezone(UTC)
        rows = pl.read_csv(path, infer_schema_length=None, try_parse_dates=False)
        parts.append(
            rows.select(
                pl.lit(symbol).alias("symbol"),
                pl.lit(at.replace(minute=at.minute - at.minute % 5)).alias("slot"),
                pl.lit(at).alias("received_at"),
                pl.col("expirationDate").str.to_date().alias("expiry"),
                pl.col("strike").cast(pl.Float64),
                pl.col("optionType").replace_strict({"call": "C", "put": "P"}).alias("right"),
                pl.col("contractSymbol").str.extract(r"^([A-Z]+)").alias("trading_class"),
                *(positive(name) for name in ("bid", "ask")),
                positive("lastPrice").alias("last"),
                pl.col("volume").cast(pl.Float64),
                pl.col("openInterest").cast(pl.Float64).alias("open_interest"),
                positive("impliedVolatility").alias("iv"),
                pl.col("underlyingPrice").alias("underlying_price"),
                pl.col("lastTradeDate")
                .str.slice(0, 19)
                .str.to_datetime()
                .dt.replace_time_zone("UTC")
                .alias("traded_at"),
            )
        )
    options = numbered(pl.concat(parts))
    return {"option_snapshots": fitted("option_snapshots", options), "traded_at": options}


def minute_chains(name: str) -> dict[str, pl.DataFrame]:
    """5-minute chain snapshots of one file of option_5min."""
    rows = pl.read_csv(SHARED / "option_5min" / f"{name}_5min.csv.gz", infer_schema_length=None)
    slot = pl.col("snapshot_et").str.to_datetime().dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
    return {
        "option_snapshots": fitted(
            "option_snapshots",
            numbered(
                rows.select(
                    pl.col("underlying").alias("symbol"),
                    slot.cast(pl.Datetime("us", "UTC")).alias("slot"),
                    pl.col("expiry").str.to_date(),
                    pl.col("strike").cast(pl.Float64),
                    "right",
                    pl.col("underlying").alias("trading_class"),
                    *(positive(column) for column in ("bid", "ask", "last")),
                    *(
                        pl.col(column).cast(pl.Float64)
                        for column in ("bid_size", "ask_size", "volume", "open_interest")
                    ),
                    pl.col("underlying_price").cast(pl.Float64),
                )
            ),
        )
    }


def intraday_bars(symbol: str, *, folder: str = "bars_5min", kind: str = "STK") -> pl.DataFrame:
    """5-minute bars as rows of `bars`; of a future the trade date is that of the day's 17:00 end."""
    rows = pl.read_csv(SHARED / folder / f"{symbol}_5min.csv.gz", infer_schema_length=None)
    wall = pl.col("datetime").str.to_datetime()
    start = wall.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC"))
    belongs = wall.dt.offset_by("6h").dt.date() if kind == "FUT" else wall.dt.date()
    return _bars(rows.with_columns(start=start, trade_date=belongs), symbol, kind, "5 mins", timedelta(minutes=5))


def daily_bars(symbol: str) -> pl.DataFrame:
    """Daily bars as rows of `bars`, in the order of the file; literal nulls stay null."""
    name = f"{symbol}.csv" if symbol != "RTY" else "RTY_daily_2017_2020_yahoo.csv"
    rows = pl.read_csv(SHARED / "daily" / name, infer_schema_length=None, null_values="null")
    rows = rows.rename({column: column.lower() for column in rows.columns})
    day = pl.col("date").str.slice(0, 10).str.to_date()
    opens = (day.cast(pl.Datetime("us")) + timedelta(hours=9, minutes=30)).dt.replace_time_zone("America/New_York")
    kind = "FUT" if symbol == "RTY" else "STK"
    stamped = rows.with_columns(start=opens.dt.convert_time_zone("UTC"), trade_date=day)
    return _bars(stamped, symbol, kind, "1 day", timedelta(hours=6, minutes=30))


def _bars(rows: pl.DataFrame, symbol: str, kind: str, size: str, length: timedelta) -> pl.DataFrame:
    return fitted(
        "bars",
        rows.with_columns(
            pl.lit(symbol).alias("symbol"),
            pl.lit(kind).alias("sec_type"),
            pl.lit(size).alias("bar_size"),
            pl.lit("TRADES").alias("what"),
            pl.lit(kind == "STK").alias("regular"),
            (pl.col("start") + length).alias("end"),
            pl.lit(value=True).alias("final"),
            pl.lit("shares" if kind == "STK" else "contracts").alias("unit"),
            pl.lit(sum(map(ord, symbol))).alias("con_id"),
        ),
    )


def positive(name: str) -> pl.Expr:
    return pl.when(pl.col(name) > 0).then(pl.col(name).cast(pl.Float64)).alias(name)


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(con_id=pl.struct(OPTION).rank("dense").cast(pl.Int64))


def fitted(table: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The table's columns and types; what is absent is null, rows that the lake would refuse are kept."""
    schema = polars_schema(table)
    task = rows if "task" in rows.columns else rows.with_columns(task=pl.lit("recorded"))
    absent = [pl.lit(None).alias(name) for name in schema if name not in task.columns]
    return task.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in schema.items())
