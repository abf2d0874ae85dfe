"""The real option chain and the prices to centre it on, from TWS. Strikes are never invented (L11)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from v6.analysis.universe import Selection, select, worth_asking
from v6.config.settings import Universe
from v6.gateway.errors import GatewayError
from v6.model import Contract, DataType, OptionChain, Quote, RecoverableError
from v6.runner.context import Context

if TYPE_CHECKING:
    from v6.gateway.client import Gateway

DELAYED_FROZEN = 4
"""Market data type: live where subscribed, else delayed; the last known where the market is closed."""

PRICE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Price:
    """What a symbol was centred on and what kind of price that is, e.g. `last, live` or `opening bar`."""

    value: float
    source: str


def underlyings(gateway: "Gateway", symbols: Sequence[str]) -> dict[str, Contract]:
    """The stock or fund behind each symbol, with its con_id. A symbol that TWS does not know is an error."""
    wanted = [Contract("STK", symbol, "SMART") for symbol in symbols]
    found: dict[str, Contract] = {}
    for symbol, answer in zip(symbols, gateway.contract_details_many(wanted), strict=True):
        if isinstance(answer, GatewayError):
            raise answer
        if not answer:
            raise RecoverableError(f"TWS knows no stock {symbol}")
        found[symbol] = answer[0].contract
    return found


def current_prices(ctx: Context, gateway: "Gateway", stocks: Mapping[str, Contract]) -> dict[str, Price]:
    """A price per symbol: the last trade, else the middle of the market, else the previous close.

    Before the open the last trade may be of the evening before (frozen). Without any quote, the close of the last
    daily bar. Raises RecoverableError when a symbol has no price at all.
    """
    gateway.set_market_data_type(DELAYED_FROZEN)
    quotes = gateway.quotes(list(stocks.values()), need_greeks=False, deadline_seconds=PRICE_SECONDS)
    prices: dict[str, Price] = {}
    for symbol, quote in zip(stocks, quotes, strict=True):
        price = _of_quote(quote) or _of_daily_bar(gateway, stocks[symbol])
        if price is None:
            raise RecoverableError(f"{symbol}: no price: quote {quote.reason} {quote.detail}, no daily bar either")
        ctx.log.info("{}: {:.2f} ({})", symbol, price.value, price.source)
        prices[symbol] = price
    return prices


def opening_prices(
    ctx: Context, gateway: "Gateway", stocks: Mapping[str, Contract], opens: datetime
) -> dict[str, Price]:
    """The first price of the session that began at `opens`, from its first bar; a current price without that bar."""
    prices: dict[str, Price] = {}
    for symbol, stock in stocks.items():
        bars = gateway.historical_bars(stock, "1 D", "5 mins", "TRADES", use_rth=True)
        first = next((bar for bar in bars if bar.start.timestamp() == opens.timestamp()), None)
        if first is not None:
            prices[symbol] = Price(first.open, "opening bar")
            ctx.log.info("{}: {:.2f} (opening bar)", symbol, first.open)
    unknown = {symbol: stock for symbol, stock in stocks.items() if symbol not in prices}
    if unknown:
        ctx.log.warning("no opening bar yet for {}: a current price instead", ", ".join(unknown))
        prices |= current_prices(ctx, gateway, unknown)
    return prices


def open_option_positions(gateway: "Gateway") -> list[Contract]:
    """Every option held in any account, routed to SMART where TWS leaves the exchange out."""
    held = [position.contract for position in gateway.positions() if position.quantity]
    return [replace(contract, exchange="SMART") for contract in held if contract.sec_type == "OPT"]


def listed_contracts(ctx: Context, gateway: "Gateway", stocks: Mapping[str, Contract], on: date) -> list[Contract]:
    """Every real contract of the expiries the universe can use, one request per symbol and expiry, all in parallel.

    An expiry whose request fails is logged and left out; when all fail, or none exists, RecoverableError.
    """
    requests = [
        Contract("OPT", symbol, "SMART", trading_class=chain.trading_class, expiry=expiry)
        for symbol, stock in stocks.items()
        for chain in [_smart_chain(gateway.option_chains(symbol, stock.con_id), symbol)]
        for expiry in worth_asking(chain.expiries, on, ctx.settings.universe)
    ]
    contracts: list[Contract] = []
    failures: list[str] = []
    for request, answer in zip(requests, gateway.contract_details_many(requests), strict=True):
        if isinstance(answer, GatewayError):
            failures.append(f"{request}: {answer}")
            ctx.log.warning("left out, its contracts could not be had: {}", failures[-1])
            continue
        contracts += [
            replace(details.contract, exchange="SMART")
            for details in answer
            if details.contract.trading_class == request.trading_class and details.contract.expiry == request.expiry
        ]
    if not contracts:
        why = failures[0] if failures else f"no expiry within the rules among {len(requests)} requests"
        raise RecoverableError(f"no option contracts: {why}")
    return contracts


def choose(
    ctx: Context, gateway: "Gateway", stocks: Mapping[str, Contract], prices: Mapping[str, Price], on: date
) -> Selection:
    """The universe of `on` from the real chain and the open positions."""
    contracts = listed_contracts(ctx, gateway, stocks, on)
    return chosen(ctx, prices, contracts, open_option_positions(gateway), on)


def chosen(
    ctx: Context,
    prices: Mapping[str, Price],
    contracts: Sequence[Contract],
    positions: Sequence[Contract],
    on: date,
    rules: Universe | None = None,
) -> Selection:
    """Select, log what fell short, and refuse an empty universe."""
    values = {symbol: price.value for symbol, price in prices.items()}
    selection = select(values, contracts, positions, on, rules or ctx.settings.universe)
    for shortfall in selection.shortfalls:
        ctx.log.warning("{}", shortfall)
    if not selection.collected:
        raise RecoverableError(f"no contract of {len(contracts)} lies inside the strike band of {values}")
    return selection


def _smart_chain(chains: Sequence[OptionChain], symbol: str) -> OptionChain:
    """The standard chain: routed by SMART, trading class named like the symbol (others are adjusted or odd series)."""
    smart = [chain for chain in chains if chain.exchange == "SMART"]
    for chain in smart:
        if chain.trading_class == symbol:
            return chain
    classes = ", ".join(sorted({chain.trading_class for chain in smart})) or "none"
    raise RecoverableError(f"{symbol}: no option chain of trading class {symbol} at SMART (there: {classes})")


def _of_quote(quote: Quote) -> Price | None:
    kind = str(quote.data_type or DataType.LIVE)
    if quote.last is not None:
        return Price(quote.last, f"last, {kind}")
    if quote.bid is not None and quote.ask is not None:
        return Price((quote.bid + quote.ask) / 2, f"middle, {kind}")
    if quote.close is not None:
        return Price(quote.close, f"previous close, {kind}")
    return None


def _of_daily_bar(gateway: "Gateway", stock: Contract) -> Price | None:
    bars = gateway.historical_bars(stock, "5 D", "1 day", "TRADES", use_rth=True)
    return Price(bars[-1].close, f"close of {bars[-1].start:%Y-%m-%d}") if bars else None
