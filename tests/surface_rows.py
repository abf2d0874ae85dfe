"""A made-up option market with a known volatility surface: Black-Scholes by numpy, no code of V6 in the prices.

Frames have the columns and types of option_contracts, option_snapshots, underlying_snapshots and bars, so that tests
and benchmarks know every statistic before it is computed.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from math import erf

import numpy as np
import numpy.typing as npt
import polars as pl

from v6.clock import NEW_YORK
from v6.store.tables import polars_schema

Numbers = npt.NDArray[np.float64]
SPOTS = {"SPY": 690.0, "QQQ": 625.0, "IWM": 263.0}
DTES = (24, 38, 52, 73)
RATE = 0.04
CON_IDS = {"SPY": 100_000, "QQQ": 200_000, "IWM": 300_000}
TASK = "collect_option_snapshots"
normal_cdf = np.vectorize(lambda x: (1 + erf(x / 2**0.5)) / 2, otypes=[np.float64])


def smile(moneyness: Numbers, years: Numbers) -> Numbers:
    """Volatility of log(strike / forward): skewed, and higher for later expiries."""
    return 0.16 + 0.05 * years - 0.25 * moneyness + 0.8 * moneyness**2


def black_scholes(
    forward: Numbers, strike: Numbers, years: Numbers, volatility: Numbers, call: npt.NDArray[np.bool_]
) -> tuple[Numbers, Numbers]:
    """Price and spot delta of European options on a forward without dividends, at RATE."""
    spread = volatility * np.sqrt(years)
    d1 = np.log(forward / strike) / spread + spread / 2
    sign = np.where(call, 1.0, -1.0)
    discount = np.exp(-RATE * years)
    price = discount * sign * (forward * normal_cdf(sign * d1) - strike * normal_cdf(sign * (d1 - spread)))
    return price, sign * normal_cdf(sign * d1)


def contracts(
    symbol: str, spot: float, day: date, dtes: Sequence[int] = DTES, strikes: int = 11, width: float = 0.10
) -> pl.DataFrame:
    """con_id, symbol, trading_class, expiry, strike, right: `strikes` strikes within +-`width` of spot an expiry."""
    grid = np.round(spot * np.linspace(1 - width, 1 + width, strikes))
    listed = [(dte, strike, right) for dte in dtes for strike in grid for right in "CP"]
    return pl.DataFrame(
        {
            "con_id": [CON_IDS.get(symbol, 900_000) + number for number in range(len(listed))],
            "symbol": symbol,
            "trading_class": symbol,
            "expiry": [day + timedelta(days=dte) for dte, _, _ in listed],
            "strike": [float(strike) for _, strike, _ in listed],
            "right": [right for _, _, right in listed],
        }
    )


def quotes(
    listed: pl.DataFrame,
    slots: Sequence[datetime],
    spots: Sequence[float],
    *,
    surface: Callable[[Numbers, Numbers], Numbers] = smile,
    half_spread: float = 0.02,
    seed: int = 0,
) -> pl.DataFrame:
    """Every contract at every slot, in the columns of option_snapshots. Volumes are cumulative over the slots."""
    random = np.random.default_rng(seed)
    count = len(listed)
    day = slots[0].astimezone(NEW_YORK).date()
    strike = np.tile(listed["strike"].to_numpy(), len(slots))
    call = np.tile((listed["right"] == "C").to_numpy(), len(slots))
    years = np.tile((listed["expiry"] - day).dt.total_days().to_numpy() / 365.0, len(slots))
    spot = np.repeat(np.array(spots), count)
    forward = spot * np.exp(RATE * years)
    volatility = surface(np.log(strike / forward), years)
    price, delta = black_scholes(forward, strike, years, volatility, call)
    traded = random.poisson(0.6, (len(slots), count)) * random.integers(1, 20, (len(slots), count))
    bell = np.exp(-((np.log(strike / forward) / 0.1) ** 2))
    instants = [slot.astimezone(UTC) for slot in slots]
    rows = pl.concat([listed] * len(slots)).with_columns(
        pl.Series(
            "slot", np.repeat(np.array([i.replace(tzinfo=None) for i in instants], "datetime64[us]"), count)
        ).dt.replace_time_zone("UTC"),
        bid=pl.Series(price - half_spread),
        ask=pl.Series(price + half_spread),
        bid_size=pl.Series(random.integers(1, 300, len(price)).astype(float)),
        ask_size=pl.Series(random.integers(1, 300, len(price)).astype(float)),
        last=pl.Series(price),
        volume=pl.Series(traded.cumsum(axis=0).ravel().astype(float)),
        open_interest=pl.Series(np.tile(random.integers(0, 4000, count).astype(float), len(slots))),
        iv=pl.Series(volatility),
        delta=pl.Series(delta),
        gamma=pl.Series(bell / (spot * 0.07)),
        vega=pl.Series(bell * spot * 0.0035),
        theta=pl.Series(-bell * spot * 4e-4),
        underlying_price=pl.Series(spot),
    )
    rows = rows.with_columns(pl.when(pl.col("bid") > 0).then(pl.col("bid")).alias("bid"))
    partial = pl.col("bid").is_null()
    return typed(
        rows.with_columns(
            trade_date=pl.lit(day),
            task=pl.lit(TASK),
            data_type=pl.lit("live"),
            status=pl.when(partial).then(pl.lit("partial")).otherwise(pl.lit("complete")),
            reason=pl.when(partial).then(pl.lit("no_tick")),
            received_at=pl.col("slot") + timedelta(seconds=20),
        ),
        "option_snapshots",
    )


def slots_of(day: date, count: int = 78, first: str = "09:30") -> list[datetime]:
    start = datetime.combine(day, time.fromisoformat(first), NEW_YORK)
    return [(start.astimezone(UTC) + timedelta(minutes=5 * index)) for index in range(count)]


def market(day: date, *, slots: int = 78, seed: int = 0, drift: float = 0.0) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(option_contracts, option_snapshots) of a day of SPY, QQQ and IWM, 264 contracts. `drift` lifts volatility."""
    random = np.random.default_rng([seed, day.toordinal()])
    times = slots_of(day, slots)
    frames, listings = [], []
    for symbol, spot in SPOTS.items():
        path = spot * np.exp(np.cumsum(random.normal(0, 4e-4, slots)))
        listed = contracts(symbol, spot, day)
        listings.append(listed)
        frames.append(quotes(listed, times, list(path), surface=lambda m, y: smile(m, y) + drift, seed=day.toordinal()))
    return universe(pl.concat(listings), day), pl.concat(frames)


def universe(listed: pl.DataFrame, day: date, version: int = 1, created: str = "08:00") -> pl.DataFrame:
    """The contracts as a frozen version, all of them collected."""
    stamped = listed.with_columns(
        trade_date=pl.lit(day),
        version=pl.lit(version),
        task=pl.lit("queue_option_contracts"),
        created_at=pl.lit(datetime.combine(day, time.fromisoformat(created), NEW_YORK).astimezone(UTC)),
        exchange=pl.lit("SMART"),
        currency=pl.lit("USD"),
        multiplier=pl.lit(100.0),
        dte=(pl.col("expiry") - day).dt.total_days(),
        collected=pl.lit(value=True),
        held=pl.lit(value=False),
    )
    return typed(stamped, "option_contracts")


def underlyings(options: pl.DataFrame) -> pl.DataFrame:
    """One quote of each underlying in each slot of the options."""
    one = options.unique(["slot", "symbol"], keep="first", maintain_order=True)
    return typed(
        one.select(
            "trade_date",
            "slot",
            "task",
            pl.col("symbol").replace_strict(CON_IDS, default=1).cast(pl.Int64).alias("con_id"),
            "symbol",
            pl.col("underlying_price").alias("last"),
            (pl.col("underlying_price") - 0.01).alias("bid"),
            (pl.col("underlying_price") + 0.01).alias("ask"),
            pl.lit("complete").alias("status"),
            "received_at",
        ),
        "underlying_snapshots",
    )


def daily_bars(symbols: Sequence[str], sessions: Sequence[date], *, seed: int = 0, final: bool = True) -> pl.DataFrame:
    """Final daily TRADES bars of a random walk; the same symbol and day always has the same bar of a given `seed`."""
    frames = []
    for number, symbol in enumerate(symbols):
        steps = np.array(
            [np.random.default_rng([seed, number, day.toordinal()]).normal(0, 0.01, 4) for day in sessions]
        )
        close = 100.0 * (number + 1) * np.exp(steps[:, 0])
        opened = close * np.exp(steps[:, 1])
        high = np.maximum(opened, close) * np.exp(np.abs(steps[:, 2]))
        low = np.minimum(opened, close) * np.exp(-np.abs(steps[:, 3]))
        start = [datetime.combine(day, time(9, 30), NEW_YORK).astimezone(UTC) for day in sessions]
        frames.append(
            pl.DataFrame(
                {
                    "month": [day.replace(day=1) for day in sessions],
                    "trade_date": list(sessions),
                    "con_id": 1000 + number,
                    "symbol": symbol,
                    "sec_type": "STK",
                    "bar_size": "1 day",
                    "what": "TRADES",
                    "regular": True,
                    "start": start,
                    "end": [instant + timedelta(hours=6, minutes=30) for instant in start],
                    "open": opened,
                    "high": high,
                    "low": low,
                    "close": close,
                    "final": final,
                    "source": "ibkr",
                    "task": "load_enhanced_market_data",
                    "received_at": start,
                }
            )
        )
    return typed(pl.concat(frames), "bars")


def typed(rows: pl.DataFrame, table: str) -> pl.DataFrame:
    schema = polars_schema(table)
    absent = [pl.lit(None).alias(name) for name in schema if name not in rows.columns]
    return rows.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in schema.items())
