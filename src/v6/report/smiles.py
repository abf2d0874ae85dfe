"""The volatility smile of every underlying: stored implied volatilities of one slot, by expiry and strike.

Of each strike the option out of the money is taken: the put below the underlying's price, the call at and above it. Its
volatility is TWS's, or, where TWS sent none that is usable (`quality.min_iv`, `quality.max_iv`), the computed one of
`option_greeks`, marked as such: what the statistics use. Nothing is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from v6 import clock

if TYPE_CHECKING:
    import polars as pl

    from v6.store.lake import Lake

BY_STATISTICS = "slot of the day's statistics"
LATEST = "latest slot with volatilities; no daily statistics of it"
MARKED_POINTS = 1000
"""Of a symbol: beyond, a mark for each would make a page of megabytes on which nobody can tell them apart."""


@dataclass(frozen=True, slots=True)
class Point:
    """`iv`: annualised, 0.25 is 25 %. `computed`: V6's own, TWS sent none."""

    strike: float
    iv: float
    computed: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """One expiry, points by strike. `nearest`: those of both rights at the strike nearest the underlying's price."""

    expiry: date
    dte: int
    points: tuple[Point, ...]
    nearest: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Smile:
    """`as_of`: the quotes' slot; `why`: how it was chosen. `constant`: (days, volatility) of the stored
    constant-maturity points, where they are not null."""

    symbol: str
    as_of: datetime
    why: str
    spot: float | None
    curves: tuple[Curve, ...]
    constant: tuple[tuple[int, float], ...]

    @property
    def drawn(self) -> tuple[Curve, ...]:
        """Those of more than one option: an open position alone, far from the money, says nothing of the smile."""
        return tuple(curve for curve in self.curves if len(curve.points) > 1)

    @property
    def size(self) -> int:
        """How many points are drawn."""
        return sum(len(curve.points) for curve in self.drawn)

    @property
    def marked(self) -> bool:
        """Whether each point is marked, or only the lines are drawn."""
        return self.size <= MARKED_POINTS

    @property
    def computed(self) -> int:
        """How many of these are computed."""
        return sum(point.computed for curve in self.drawn for point in curve.points)


def read(lake: Lake, day: date, statistics: pl.DataFrame, usable: tuple[float, float]) -> tuple[Smile, ...]:
    """One for each underlying that has a volatility in any slot of the day; `statistics`: the day's daily ones;
    `usable`: the bounds of TWS's volatilities that count."""
    import polars as pl

    quotes = lake.read("option_snapshots", trade_date=day, columns=["slot", "symbol", "iv"])
    if quotes.is_empty():
        return ()  # retention may keep the computed ones longer; a smile is of quotes
    computed = lake.read("option_greeks", trade_date=day, columns=["slot", "symbol", "computed_iv"])
    known = pl.concat(
        [
            quotes.filter(pl.col("iv").is_between(*usable)).select("symbol", "slot"),
            computed.filter(pl.col("computed_iv").is_not_null()).select("symbol", "slot"),
        ]
    )
    latest = dict(known.group_by("symbol").agg(pl.col("slot").max()).sort("symbol").iter_rows())
    rows = {row["symbol"]: row for row in statistics.iter_rows(named=True)}
    return tuple(_smile(lake, symbol, slot, rows.get(symbol, {}), usable) for symbol, slot in latest.items())


def every_volatility_sent(lake: Lake, day: date, usable: tuple[float, float]) -> bool:
    """Whether there are quotes of the day and TWS sent a usable volatility with each: none is to be computed then."""
    sent = lake.read("option_snapshots", trade_date=day, columns=["iv"])["iv"]
    return len(sent) > 0 and bool(sent.is_between(*usable).fill_null(value=False).all())


def _smile(lake: Lake, symbol: str, latest: datetime, row: dict[str, Any], usable: tuple[float, float]) -> Smile:
    slot = row.get("as_of") or latest
    frame = _with_volatility(lake, symbol, slot, usable)
    spot = frame["underlying_price"].drop_nulls().median()
    constant = [(days, row.get(f"atm_iv_{days}d")) for days in (30, 60)]
    at = slot.astimezone(clock.NEW_YORK)
    return Smile(
        symbol,
        at,
        BY_STATISTICS if row.get("as_of") else LATEST,
        float(spot) if isinstance(spot, float) else None,
        tuple(_curve(part, spot, at.date()) for part in frame.partition_by("expiry", maintain_order=True)),
        tuple((days, iv) for days, iv in constant if iv is not None),
    )


def _with_volatility(lake: Lake, symbol: str, slot: datetime, usable: tuple[float, float]) -> pl.DataFrame:
    """expiry, strike, right, underlying_price, iv, computed of the slot's contracts that have a volatility."""
    import polars as pl

    own = ["con_id", "expiry", "strike", "right", "underlying_price", "iv"]
    quotes = lake.read("option_snapshots", slot=slot, symbols=[symbol], columns=own)
    greeks = lake.read("option_greeks", slot=slot, symbols=[symbol], columns=["con_id", "computed_iv", "spot"])
    own_iv = pl.when(pl.col("iv").is_between(*usable)).then(pl.col("iv"))
    return (
        quotes.join(greeks.unique("con_id"), on="con_id", how="left")
        .with_columns(
            pl.coalesce(own_iv, "computed_iv").alias("iv"),
            pl.coalesce("underlying_price", "spot").alias("underlying_price"),
            own_iv.is_null().alias("computed"),
        )
        .filter(pl.col("iv").is_not_null())
        .sort("expiry", "strike", "right")
    )


def _curve(frame: pl.DataFrame, spot: Any, day: date) -> Curve:
    import polars as pl

    expiry = frame["expiry"][0]
    if spot is None:
        return Curve(expiry, (expiry - day).days, _points(frame.unique("strike", keep="first").sort("strike")), ())
    outside = frame.filter((pl.col("right") == "P") == (pl.col("strike") < spot))
    distance = (pl.col("strike") - spot).abs()
    nearest = frame.filter(distance == distance.min())
    return Curve(expiry, (expiry - day).days, _points(outside), _points(nearest))


def _points(frame: pl.DataFrame) -> tuple[Point, ...]:
    return tuple(Point(*row) for row in frame.select("strike", "iv", "computed").iter_rows())
