"""Our own lake as a recording: the Delta tables that v6.store writes, read without it.

Tables (a folder each under the root): option_snapshots, underlying_snapshots, futures_snapshots; columns and units are
those of v6.store.tables. A row is the quote of its slot and lasts five minutes: a slot that was not collected has no
ticks. An empty bid or ask was -1 on the wire and is -1 again; other empty values are not sent.
"""

from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from v6.simulator.instruments.contracts import underlying_listing
from v6.simulator.instruments.listings import Listing
from v6.simulator.instruments.underlyings import FUTURES
from v6.simulator.market.hours import CHICAGO, new_york
from v6.simulator.replay.recorded import SLOT_SECONDS, Contract, Day, ReplayError, Row, recorded_listing, underlying_of

OPTIONS, UNDERLYING, FUTURE = "option_snapshots", "underlying_snapshots", "futures_snapshots"
QUOTE = ("slot", "con_id", "symbol", "bid", "ask", "bid_size", "ask_size", "last", "volume", "data_type", "received_at")
COLUMNS = {
    OPTIONS: (*QUOTE, "expiry", "strike", "right", "trading_class", "open_interest", "iv", "delta", "gamma", "theta",
              "vega", "underlying_price"),
    UNDERLYING: (*QUOTE, "close"),
    FUTURE: (*QUOTE, "expiry", "local_symbol", "open_interest", "close"),
}  # fmt: skip
CONTRACT = ("symbol", "expiry", "strike", "right")
FROZEN_TYPES = ("frozen", "delayed_frozen")


def is_lake(folder: Path) -> bool:
    return any((folder / table / "_delta_log").is_dir() for table in COLUMNS)


class Lake:
    """Days are read when they are first asked for."""

    @property
    def exact(self) -> bool:
        return True

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset({"OPT", "STK", "IND", "FUT"})

    def __init__(self, root: Path) -> None:
        self._root = root
        names: set[str] = set()
        for table, columns in COLUMNS.items():
            self._check(table, columns)
            names.update(self._scan(table, ("symbol",), "").get_column("symbol").unique().to_list())
        self.symbols = frozenset(names)
        self.days = tuple(sorted(set(self._scan(OPTIONS, ("trade_date",), "").get_column("trade_date"))))
        self.day = lru_cache(maxsize=3)(self._read)

    def contracts(self, day: date) -> list[Contract]:
        rows = self._scan(OPTIONS, CONTRACT, _of(day)).unique().iter_rows()
        return [Contract(symbol, expiry, strike, right) for symbol, expiry, strike, right in rows]

    def span(self, day: date) -> tuple[float, float] | None:
        slots = self._scan(OPTIONS, ("slot",), _of(day)).get_column("slot")
        if slots.is_empty():
            return None
        first, last = (slot.timestamp() for slot in slots.sort().gather([0, -1]))
        return first, last + SLOT_SECONDS

    def _check(self, table: str, columns: tuple[str, ...]) -> None:
        """Raises ReplayError for a table that is not V6's."""
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError

        folder = self._root / table
        if not (folder / "_delta_log").is_dir():
            return
        try:
            there = {field.name for field in DeltaTable(str(folder)).schema().fields}
        except (DeltaError, OSError) as error:
            raise ReplayError(f"{folder}: not readable as a Delta table: {error}") from None
        if missing := [name for name in ("trade_date", *columns) if name not in there]:
            raise ReplayError(f"{folder}: no column {', '.join(missing)}; written by an older V6, or not by V6")

    def _scan(self, table: str, columns: tuple[str, ...], where: str) -> pl.DataFrame:
        from deltalake import DeltaTable

        folder = self._root / table
        if not (folder / "_delta_log").is_dir():
            return pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
        rows = pl.DataFrame(DeltaTable(str(folder)).scan(columns=list(columns), predicate=where or None))
        return rows if rows.width else pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))

    def _read(self, day: date) -> Day:
        """The rows of one trade date; of two for one slot the one that arrived last."""
        listings: dict[int, Listing] = {}
        rows: dict[int, list[Row]] = {}
        for table, columns in COLUMNS.items():
            frame = self._scan(table, columns, _of(day))
            for each in frame.sort("slot", "received_at").iter_rows(named=True):
                con_id = each["con_id"]
                if con_id not in listings:
                    listings[con_id] = LISTINGS[table](each, listings)
                row, known = _row(each), rows.setdefault(con_id, [])
                if known and known[-1].at == row.at:
                    known.pop()
                known.append(row)
        return Day(listings, rows)


def _of(day: date) -> str:
    return f"trade_date = '{day:%Y-%m-%d}'"


def _row(each: dict[str, Any]) -> Row:
    at = each["slot"].timestamp()
    bid, ask = (-1.0 if each[side] is None else each[side] for side in ("bid", "ask"))
    return Row(
        at=at, bid=bid, ask=ask, last=each["last"], volume=each["volume"], open_interest=each.get("open_interest"),
        iv=each.get("iv"), delta=each.get("delta"), gamma=each.get("gamma"), vega=each.get("vega"),
        theta=each.get("theta"), bid_size=each["bid_size"] or 0.0, ask_size=each["ask_size"] or 0.0,
        close=each.get("close"), underlying=each.get("underlying_price"), until=at + SLOT_SECONDS,
        frozen=each["data_type"] in FROZEN_TYPES,
    )  # fmt: skip


def _option(each: dict[str, Any], taken: dict[int, Listing]) -> Listing:
    expiry = f"{each['expiry']:%Y%m%d}"
    listing = recorded_listing(each["symbol"], expiry, each["strike"], each["right"], taken)
    return replace(listing, con_id=each["con_id"], trading_class=each["trading_class"] or each["symbol"])


def _underlying(each: dict[str, Any], _: dict[int, Listing]) -> Listing:
    return replace(underlying_listing(underlying_of(each["symbol"])), con_id=each["con_id"])


def _future(each: dict[str, Any], _: dict[int, Listing]) -> Listing:
    known, expiry = FUTURES.get(each["symbol"]), each["expiry"]
    return Listing(
        con_id=each["con_id"], symbol=each["symbol"], sec_type="FUT", exchange="CME", primary_exchange="",
        local_symbol=each["local_symbol"] or "", trading_class=each["symbol"],
        name=known.name if known else each["symbol"], min_tick=known.tick if known else 0.25,
        exchanges=("CME", "QBALGO"), multiplier=known.multiplier if known else "", expiry=expiry,
        expires_at=new_york(expiry + timedelta(days=1), 0), zone=CHICAGO, zone_name="US/Central",
        market_name=each["symbol"],
    )  # fmt: skip


LISTINGS = {OPTIONS: _option, UNDERLYING: _underlying, FUTURE: _future}
