"""Small frames made by hand: a market of one slot or a few, in which nothing is wrong until a test makes it so."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl

from v6.analysis.quality.given import Given
from v6.clock import NEW_YORK
from v6.config.load import load
from v6.config.settings import Quality
from v6.paths import Paths
from v6.store.tables import polars_schema

DAY = date(2026, 11, 20)
OPEN = datetime(2026, 11, 20, 9, 30, tzinfo=NEW_YORK)
CLOSE = datetime(2026, 11, 20, 16, 0, tzinfo=NEW_YORK)
EXPIRY = date(2026, 12, 18)
LATER = date(2027, 1, 15)
SPOT = 690.0


def limits(**changes: Any) -> Quality:
    """The default settings, some of them changed."""
    return _defaults().model_copy(update=changes)


@cache
def _defaults() -> Quality:
    return load(Paths.locate({}), {}).settings.quality


def slot(number: int = 0) -> datetime:
    """The n-th slot of the session, UTC."""
    return (OPEN + timedelta(minutes=5 * number)).astimezone(UTC)


def frame(table: str, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Rows with the table's columns and types; what is not given is null. Also what the lake would refuse."""
    schema = polars_schema(table)
    assert not {name for row in rows for name in row} - set(schema)
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def option(strike: float = 690.0, right: str = "C", **cells: Any) -> dict[str, Any]:
    """An option row in which nothing is wrong: a call and a put of each strike that fit each other and the spot."""
    worth = 10.0 + max(0.0, SPOT - strike if right == "C" else strike - SPOT)
    return {
        "trade_date": DAY,
        "slot": slot(),
        "task": "collect_option_snapshots",
        "con_id": int(strike * 10) + (right == "P"),
        "symbol": "SPY",
        "trading_class": "SPY",
        "expiry": EXPIRY,
        "strike": strike,
        "right": right,
        "bid": worth - 0.05,
        "ask": worth + 0.05,
        "last": worth,
        "volume": 100.0,
        "open_interest": strike,
        "iv": 0.2,
        "delta": 0.5 if right == "C" else -0.5,
        "gamma": 0.01,
        "vega": 0.8,
        "theta": -0.2,
        "underlying_price": SPOT,
        "status": "complete",
        "received_at": slot(),
    } | cells


def options(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame("option_snapshots", rows)


def underlying(**cells: Any) -> dict[str, Any]:
    return {
        "trade_date": DAY,
        "slot": slot(),
        "task": "collect_option_snapshots",
        "con_id": 756733,
        "symbol": "SPY",
        "bid": SPOT - 0.01,
        "ask": SPOT + 0.01,
        "last": SPOT,
        "volume": 1e6,
        "close": 688.0,
        "status": "complete",
        "received_at": slot(),
    } | cells


def bar(start: datetime, close: float = 690.0, **cells: Any) -> dict[str, Any]:
    """A 5-minute bar, or with bar_size a daily one."""
    daily = cells.get("bar_size") == "1 day"
    return {
        "month": start.astimezone(NEW_YORK).date().replace(day=1),
        "trade_date": start.astimezone(NEW_YORK).date(),
        "con_id": 756733,
        "symbol": "SPY",
        "sec_type": "STK",
        "bar_size": "5 mins",
        "what": "TRADES",
        "regular": True,
        "start": start.astimezone(UTC),
        "end": (start + (timedelta(hours=6, minutes=30) if daily else timedelta(minutes=5))).astimezone(UTC),
        "open": close,
        "high": close + 0.5,
        "low": close - 0.5,
        "close": close,
        "volume": 1000.0,
        "unit": "shares",
        "final": True,
        "source": "ibkr",
        "task": "load_enhanced_market_data",
        "received_at": start.astimezone(UTC),
    } | cells


def bars(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame("bars", rows)


def given(tables: Mapping[str, pl.DataFrame] | None = None, **known: Any) -> Given:
    """A day of default limits; `bars` of it are judged on the same day."""
    facts: dict[str, Any] = {"day": DAY, "limits": limits(), "rate": 0.0, "session": (OPEN, CLOSE)}
    facts |= {"bar_day": DAY, "bar_session": (OPEN, CLOSE)}
    return Given(tables=tables or {}, **(facts | known))


def of_options(*rows: Mapping[str, Any], **known: Any) -> Given:
    return given({"option_snapshots": options(*rows)}, **known)
