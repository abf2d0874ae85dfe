"""Whose bars are wanted: the contract behind each symbol, from TWS. A symbol that TWS does not know is reported, never
fatal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from v6.analysis.bar_gaps import DAILY
from v6.analysis.futures import ROLL_DAYS
from v6.collection import front_months
from v6.gateway.errors import GatewayError, RequestError
from v6.model import Contract, ContractDetails
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

US_EXCHANGES = ("NASDAQ", "NYSE", "ARCA", "AMEX", "BATS", "IEX", "PINK")
"""Where a stock in dollars is at home, when TWS lists several of one symbol."""
STORED_DAYS = 10
QUARTERS = (3, 6, 9, 12)


@dataclass(frozen=True, slots=True)
class Resolved:
    """`unknown`: symbol -> what TWS says. `months`: of each future, living and expired, by expiry."""

    contracts: dict[str, Contract] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    months: dict[str, tuple[Contract, ...]] = field(default_factory=dict)

    def words(self) -> str:
        return ", ".join(f"{symbol} ({why})" for symbol, why in sorted(self.unknown.items()))


def wanted(ctx: Context, only: Sequence[str] | None = None) -> list[str]:
    """`only`, else the universe's underlyings, the watchlist and the futures, each once."""
    settings = ctx.settings
    stored = ctx.lake.universe(ctx.now().date())["symbol"].unique().sort().to_list() if only is None else []
    every = only or (*settings.universe.symbols, *stored, *settings.bars.watchlist, *settings.futures.symbols)
    return list(dict.fromkeys(every))


def resolve(ctx: Context, gateway: "Gateway", symbols: Iterable[str]) -> Resolved:
    """Stocks routed by SMART, indices of settings.bars.indices, and of a future its front month of today: the stored
    one, else by the calendar's rule. Raises GatewayError when TWS could not be asked."""
    found = Resolved()
    wanted = list(symbols)
    futures = [symbol for symbol in wanted if symbol in ctx.settings.futures.symbols]
    others = [symbol for symbol in wanted if symbol not in ctx.settings.futures.symbols]
    _resolve_others(ctx, gateway, others, found)
    if futures:
        _resolve_futures(ctx, gateway, futures, found)
    return found


def stored(ctx: Context, symbols: Iterable[str]) -> Resolved:
    """The stocks and indices of which daily bars are stored, without TWS; `unknown` says why others are not."""
    import polars as pl

    columns = ["symbol", "sec_type", "con_id", "trade_date"]
    rows = ctx.lake.read("bars", columns=columns, bar_size=DAILY).filter(pl.col("sec_type") != "FUT").sort("trade_date")
    latest = {symbol: Contract(kind, symbol, "", con_id) for symbol, kind, con_id, _ in rows.iter_rows()}
    found = Resolved()
    for symbol in symbols:
        if symbol in latest:
            found.contracts[symbol] = latest[symbol]
        else:
            future = symbol in ctx.settings.futures.symbols
            found.unknown[symbol] = "a future, only TWS lists its months" if future else "no bars stored yet"
    return found


def month_of(months: Sequence[Contract], day: date) -> Contract | None:
    """The quarterly month that is the front month on `day` by CME's calendar: the nearest with more than ROLL_DAYS to
    its expiry. `months` are sorted by expiry."""
    quarterly = (month for month in months if month.expiry is not None and month.expiry.month in QUARTERS)
    return next((month for month in quarterly if month.expiry and (month.expiry - day).days > ROLL_DAYS), None)


def _resolve_others(ctx: Context, gateway: "Gateway", symbols: Sequence[str], found: Resolved) -> None:
    indices = ctx.settings.bars.indices
    asked = [
        Contract("IND", symbol, indices[symbol]) if symbol in indices else Contract("STK", symbol, "SMART")
        for symbol in symbols
    ]
    for symbol, answer in zip(symbols, gateway.contract_details_many(asked), strict=True):
        listed = _listed(answer)
        contract = listed if isinstance(listed, str) else at_home(listed)
        if isinstance(contract, str):
            found.unknown[symbol] = contract
        else:
            found.contracts[symbol] = contract


def _resolve_futures(ctx: Context, gateway: "Gateway", symbols: Sequence[str], found: Resolved) -> None:
    today = ctx.now().date()
    stored = front_months.stored(ctx, today - timedelta(days=STORED_DAYS), today)
    asked = [Contract("FUT", symbol, ctx.settings.futures.symbols[symbol]) for symbol in symbols]
    for symbol, answer in zip(symbols, gateway.contract_details_many(asked, expired=True), strict=True):
        listed = _listed(answer)
        if isinstance(listed, str):
            found.unknown[symbol] = listed
            continue
        months = tuple(sorted((month for month in listed if month.expiry), key=lambda month: month.expiry or today))
        front = _living(stored.get(symbol), today) or month_of(months, today)
        if front is None:
            found.unknown[symbol] = "TWS lists no living month"
        else:
            found.months[symbol], found.contracts[symbol] = months, front


def _listed(answer: list[ContractDetails] | GatewayError) -> list[Contract] | str:
    """The contracts, or why there is none; what is no answer of TWS is raised."""
    if isinstance(answer, RequestError) and not answer.recoverable:
        return f"{answer.code}: {answer.text}"
    if isinstance(answer, GatewayError):
        raise answer
    return [details.contract for details in answer] or "TWS lists nothing"


def at_home(listed: Sequence[Contract]) -> Contract | str:
    """The one that is meant: the only one, else the only one with a home in the US; else what a person has to know:
    prices of another company are worse than none."""
    every = {each.con_id: each for each in listed}
    american = [each for each in every.values() if each.primary_exchange in US_EXCHANGES]
    if len(every) == 1 or len(american) == 1:
        return (american or list(every.values()))[0]
    names = ", ".join(f"{each.con_id} at {each.primary_exchange or each.exchange}" for each in every.values())
    return f"TWS lists {len(every)} of this symbol: {names}"


def _living(contract: Contract | None, today: date) -> Contract | None:
    return contract if contract is not None and contract.expiry is not None and contract.expiry >= today else None
