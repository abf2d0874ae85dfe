"""Realistic option rows for tests and benchmarks: recorded IBKR days where ../shared/data is there, generated ones
everywhere. Frames have the columns and types of option_snapshots."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from v6.clock import NEW_YORK
from v6.store.frames import rows_to_frame
from v6.store.market_tables import OPTION_SNAPSHOTS
from v6.store.tables import polars_schema

TASK = "collect_option_snapshots"
RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data" / "ibkr_option_snapshots"
SPOTS = {"SPY": 690.0, "QQQ": 625.0, "IWM": 263.0}


def recorded_days() -> list[Path]:
    """The recordings, oldest first; empty where ../shared/data is absent."""
    return sorted(RECORDINGS.glob("*.parquet"))


def recorded(path: Path) -> pl.DataFrame:
    """A recorded day: naive New York times; a slot is the 5 minutes a quote fell in, the last quote of a contract wins.

    con_ids are made up (the recording has none), one per contract, stable over days.
    """
    rows = pl.read_parquet(path).sort("timestamp")
    received = pl.col("timestamp").dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
    contract = ["symbol", "expiry", "strike", "right"]
    con_id = 700_000_000 + pl.struct(contract).hash(seed=7) % 100_000_000
    partial = pl.col("bid").is_null() | pl.col("delta").is_null()
    return _typed(
        rows.with_columns(received_at=received, con_id=con_id, slot=received.dt.truncate("5m"))
        .unique([*contract, "slot"], keep="last", maintain_order=True)
        .with_columns(pl.when(pl.col(name) > 0).then(pl.col(name)) for name in ("bid", "ask", "last", "iv"))
        .with_columns(
            pl.col("expiry").str.to_date("%Y%m%d"),
            trading_class=pl.col("symbol"),
            data_type=pl.lit("live"),
            status=pl.when(partial).then(pl.lit("partial")).otherwise(pl.lit("complete")),
            reason=pl.when(partial).then(pl.lit("no_greeks")),
        )
    )


def generated(day: date, *, slots: int = 78, contracts: int = 258, live: bool = False, seed: int = 0) -> pl.DataFrame:
    """A day from 09:35 New York: prices on a cent grid, greeks of full precision, some one-sided quotes.

    Like the recordings without sizes, IV and underlying price; `live` has them all, as a collector writes them.
    """
    random = np.random.default_rng([seed, day.toordinal()])
    symbol = np.resize(np.array(list(SPOTS)), contracts)
    rank = np.arange(contracts) // len(SPOTS)
    is_call = rank % 2 == 0
    spot = np.array([SPOTS[name] for name in symbol])
    strike = np.round(spot + (rank // 2 - contracts // 12), 0)
    expiry = day + timedelta(days=45)
    first = datetime(day.year, day.month, day.day, 9, 35, tzinfo=NEW_YORK).astimezone(UTC)
    frames = []
    volume = np.zeros(contracts)
    for index in range(slots):
        spot = spot * (1 + random.normal(0, 4e-4, contracts // len(SPOTS) + 1)[0])
        distance = (spot - strike) / (spot * 0.2 * np.sqrt(45 / 365))
        cdf = (1 + np.tanh(0.8 * distance)) / 2
        bell = np.exp(-(distance**2) / 2) / np.sqrt(2 * np.pi)
        iv = 0.18 + 0.03 * distance**2 + random.normal(0, 1e-4, contracts)
        middle = np.where(is_call, np.maximum(spot - strike, 0), np.maximum(strike - spot, 0)) + bell * spot * 0.06
        bid = np.round(middle - 0.02, 2)
        volume += random.poisson(0.6, contracts) * random.integers(1, 20, contracts)
        slot = first + timedelta(minutes=5 * index)
        arrived = np.datetime64(slot.replace(tzinfo=None), "us") + random.integers(0, 60_000_000, contracts)
        gone = random.random(contracts) < 0.02
        frames.append(
            pl.DataFrame(
                {
                    "con_id": 700_000_000 + np.arange(contracts) * 317,
                    "symbol": symbol,
                    "trading_class": symbol,
                    "strike": strike,
                    "right": np.where(is_call, "C", "P"),
                    "bid": np.where(gone | (bid <= 0), np.nan, bid),
                    "ask": np.round(middle + 0.03, 2),
                    "last": np.where(volume > 0, np.maximum(bid, 0.01), np.nan),
                    "volume": volume,
                    "delta": np.where(is_call, cdf, cdf - 1),
                    "gamma": bell / (spot * 0.07),
                    "vega": bell * spot * 0.0035,
                    "theta": -bell * spot * 4e-4 - random.random(contracts) * 1e-6,
                    "status": np.where(gone, "partial", "complete"),
                    "reason": np.where(gone, "no_tick", ""),
                    "received_at": arrived,
                    "open_interest": (rank * 137 % 4000).astype(float),
                    "bid_size": random.integers(1, 300, contracts).astype(float),
                    "ask_size": random.integers(1, 300, contracts).astype(float),
                    "iv": iv,
                    "underlying_price": np.round(spot, 2),
                }
            ).with_columns(
                pl.lit(slot).alias("slot"),
                pl.lit(expiry).alias("expiry"),
                pl.lit("live").alias("data_type"),
                pl.col("received_at").dt.replace_time_zone("UTC"),
                pl.col("bid", "last").fill_nan(None),
                pl.when(pl.col("reason") != "").then(pl.col("reason")),
            )
        )
    rows = _typed(pl.concat(frames))
    if live:
        return rows
    blank = ("bid_size", "ask_size", "iv", "underlying_price")
    return rows.with_columns(pl.lit(None, pl.Float64).alias(name) for name in blank)


def universe(day: date, version: int, strikes: list[float]) -> pl.DataFrame:
    """Calls on SPY as a version of the day's universe; a con_id is its strike."""
    return rows_to_frame(
        "option_contracts",
        [
            {
                "trade_date": day,
                "version": version,
                "task": "queue_option_contracts",
                "created_at": datetime(day.year, day.month, day.day, 13, tzinfo=UTC),
                "con_id": int(strike),
                "symbol": "SPY",
                "trading_class": "SPY",
                "exchange": "SMART",
                "currency": "USD",
                "expiry": day + timedelta(days=49),
                "strike": strike,
                "right": "C",
                "dte": 49,
                "collected": True,
                "held": False,
            }
            for strike in strikes
        ],
    )


def by_slot(rows: pl.DataFrame) -> dict[datetime, pl.DataFrame]:
    """Slot -> its rows, in the order of the slots."""
    return {part["slot"][0]: part for part in rows.sort("slot").partition_by("slot", maintain_order=True)}


def _typed(rows: pl.DataFrame) -> pl.DataFrame:
    stamped = rows.with_columns(
        pl.lit(TASK).alias("task"),
        pl.col("slot").dt.convert_time_zone("America/New_York").dt.date().alias("trade_date"),
    )
    schema = polars_schema(OPTION_SNAPSHOTS.name)
    absent = [pl.lit(None).alias(name) for name in schema if name not in stamped.columns]
    return stamped.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in schema.items())
